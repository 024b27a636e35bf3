//! The audit log of accounts.

use axum::extract::State;
use axum::{Extension, Json};
use manazir_auth::audit::{Actor, Audited};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::json::written;
use crate::access::Caller;
use crate::extract::Query;
use crate::page::Page;
use crate::search::{Size, Wanted};
use crate::{App, Problem};

/// Entries of a page.
const ENTRIES: Size = Size::new(50, manazir_auth::audit::AUDIT_PAGE_MAX);

/// Which page of the log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// `next_cursor` of the page before.
    cursor: Option<u64>,
    /// Entries of the page, 50 if nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// What was done to an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditJson {
    /// Later entries have greater ones.
    number: u64,
    /// `registered`, `signed_in`, `sign_in_failed`, `sign_in_held`, `session_ended`, `token_reused`,
    /// `password_changed`, `password_reset`, `role_given`, `banned`, `let_in`, `invited`, `invitation_withdrawn`,
    /// `reset_linked`, `identity_linked`, `identity_unlinked`, `erased`.
    kind: &'static str,
    /// To whose account, as far as there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// `nobody` for who had not signed in, `account`, or `installation` for its command line and API tokens.
    by: &'static str,
    /// The account that did it, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_account: Option<String>,
    /// From where, as far as it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// RFC 3339.
    at: String,
    /// A word more: a role, why a session ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl From<Audited> for AuditJson {
    fn from(Audited { number, entry }: Audited) -> Self {
        let (by, by_account) = match entry.on.by {
            Actor::Nobody => ("nobody", None),
            Actor::Account(id) => ("account", Some(written(id))),
            Actor::System => ("installation", None),
        };
        Self {
            number,
            kind: entry.kind.word(),
            account: entry.account.map(written),
            by,
            by_account,
            address: entry.on.address.map(|address| address.to_string()),
            at: entry.on.at.to_string(),
            detail: entry.detail,
        }
    }
}

/// What was done to accounts, by whom, from where
#[utoipa::path(get, path = "/api/v1/audit", tag = "accounts", params(AuditQuery),
    responses((status = 200, body = Page<AuditJson>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditJson>>, Problem> {
    let mut wanted = Wanted::default();
    let limit = wanted.limit(query.limit, ENTRIES);
    let before = wanted.cursor(query.cursor);
    let (before, limit) = wanted.or_refuse((before, limit))?;
    let found = app.accounts.audit(caller.authority(), before, limit).await?;
    let items = found.into_iter().map(AuditJson::from).collect();
    Ok(Json(Page::new(items, limit, |entry: &AuditJson| entry.number)))
}
