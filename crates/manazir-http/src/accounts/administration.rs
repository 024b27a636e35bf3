//! What administrators see to: accounts of others and their sessions.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::json::{EndedJson, RoleWord, account, no_session, role, session};
use super::visit::Visit;
use super::{AccountJson, SessionJson};
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::search::{ITEMS, Wanted};
use crate::{App, Problem};

/// Which page of the accounts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Accounts of the page, 50 if nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountPage {
    /// In the order of their identities.
    items: Vec<AccountJson>,
    /// Ask with it for what comes after; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A change of an account: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountChange {
    /// What it may do from now on.
    #[schema(value_type = Option<RoleWord>)]
    role: Option<String>,
    /// True ends all its sessions and keeps it out; false lets it in again.
    banned: Option<bool>,
}

/// All accounts
#[utoipa::path(get, path = "/api/v1/accounts", tag = "accounts", params(AccountQuery),
    responses((status = 200, body = AccountPage)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<AccountQuery>,
) -> Result<Json<AccountPage>, Problem> {
    let mut wanted = Wanted::default();
    let limit = wanted.limit(query.limit, ITEMS);
    let after = wanted.written_cursor(query.cursor.as_deref(), |text| account(text).ok());
    let (after, limit) = wanted.or_refuse((after, limit))?;
    let found = app.accounts.list(caller.authority(), after, limit).await?;
    let items: Vec<AccountJson> = found.into_iter().map(AccountJson::from).collect();
    let full = items.len() == limit;
    let next_cursor = items.last().filter(|_| full).map(|last| last.id().to_owned());
    Ok(Json(AccountPage { items, next_cursor }))
}

/// Give an account another role, ban it, or let it in again
///
/// A ban is known everywhere within a second.
#[utoipa::path(patch, path = "/api/v1/accounts/{account}", tag = "accounts", params(("account" = String, Path)),
    request_body = AccountChange, responses((status = 200, body = AccountJson),
    (status = 409, body = Problem, description = "It is the last administrator")))]
pub(crate) async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path(id): Path<String>,
    extract::Json(change): extract::Json<AccountChange>,
) -> Result<Json<AccountJson>, Problem> {
    let (by, id) = (caller.authority(), account(&id)?);
    let changed = match (change.role.as_deref(), change.banned) {
        (Some(word), None) => app.accounts.give_role(by, id, role(word)?, &on).await?,
        (None, Some(banned)) => app.accounts.set_banned(by, id, banned, &on).await?,
        _ => {
            let wrong =
                vec!["either `role` or `banned` is given: each change stands in the audit log".to_owned()];
            return Err(Problem::invalid("the change cannot be made", wrong));
        }
    };
    Ok(Json(changed.into()))
}

/// The sessions of somebody, the one used last first
#[utoipa::path(get, path = "/api/v1/accounts/{account}/sessions", tag = "sessions", params(("account" = String, Path)),
    responses((status = 200, body = Vec<SessionJson>)))]
pub(crate) async fn sessions(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Vec<SessionJson>>, Problem> {
    let found = app.accounts.sessions_of(caller.authority(), account(&id)?, (app.now)()).await?;
    let current = caller.person.as_ref().map(|claims| claims.session);
    Ok(Json(found.into_iter().map(|session| SessionJson::seen(session, current)).collect()))
}

/// End all sessions of somebody
///
/// For a device that is lost; the account stays good.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/sessions", tag = "sessions",
    params(("account" = String, Path)), responses((status = 200, body = EndedJson)))]
pub(crate) async fn end_all(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path(id): Path<String>,
) -> Result<Json<EndedJson>, Problem> {
    let ended = app.accounts.end_sessions_of(caller.authority(), account(&id)?, &on).await?;
    Ok(Json(EndedJson { ended }))
}

/// End a session of somebody, as one that was stolen
///
/// Its tokens are refused everywhere within a second.
#[utoipa::path(delete, path = "/api/v1/accounts/{account}/sessions/{session}", tag = "sessions",
    params(("account" = String, Path), ("session" = String, Path)), responses((status = 204)))]
pub(crate) async fn end_one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path((of, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (of, id) = (account(&of)?, session(&id)?);
    if app.accounts.end_session_of(caller.authority(), of, id, &on).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_session())
    }
}
