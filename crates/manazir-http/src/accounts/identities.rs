//! One's own identities at a provider.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use manazir_auth::identity::{IdentityId, Linked};
use manazir_auth::provider::Wish;
use manazir_auth::store::Unlinked;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::elsewhere::{begun, local};
use super::visit::Visit;
use crate::access::Caller;
use crate::extract::{self, Path};
use crate::{App, Problem};

/// An identity that belongs to an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityJson {
    /// By which it is unlinked.
    id: String,
    /// The address of the provider.
    issuer: String,
    /// What the provider calls its owner, for good.
    subject: String,
    /// The address or name that its owner had there when it was linked; it decides nothing.
    label: String,
    /// Since when, RFC 3339.
    linked_at: String,
}

impl From<Linked> for IdentityJson {
    fn from(linked: Linked) -> Self {
        Self {
            id: linked.identity.id().to_string(),
            issuer: linked.identity.issuer().to_owned(),
            subject: linked.identity.subject().to_owned(),
            label: linked.label,
            linked_at: linked.at.to_string(),
        }
    }
}

/// Somebody who wants to link an identity.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkWish {
    /// The page of this service where it goes on: a path that begins with one `/`. `/` if nothing is said.
    #[serde(rename = "return")]
    #[schema(max_length = 512, example = "/", pattern = r"^/([!-.0-\[\]-~][!-\[\]-~]*)?$")]
    back: Option<String>,
}

/// Where to link it.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkBegun {
    /// The address of the provider to which the page goes now.
    address: String,
}

/// One's own identities, the oldest first
#[utoipa::path(get, path = "/api/v1/accounts/me/identities", tag = "accounts", operation_id = "list_identities",
    responses((status = 200, body = Vec<IdentityJson>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<IdentityJson>>, Problem> {
    let linked = app.accounts.identities(caller.person()?.account).await?;
    Ok(Json(linked.into_iter().map(IdentityJson::from).collect()))
}

/// Begin to link an identity
///
/// The browser keeps a cookie and goes to the address; when it comes back, the identity with which its owner has signed
/// in there is linked, if this session is still there.
#[utoipa::path(post, path = "/api/v1/accounts/me/identities", tag = "accounts", operation_id = "link_identity",
    request_body = LinkWish, responses(
    (status = 200, body = LinkBegun, headers(("Set-Cookie", description = "What the browser keeps meanwhile"))),
    (status = 404, body = Problem, description = "There is no provider here"),
    (status = 502, body = Problem, description = "The provider answers what cannot be used"),
    (status = 503, body = Problem, description = "The provider does not answer")))]
pub(crate) async fn link(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    extract::Json(wish): extract::Json<LinkWish>,
) -> Result<Response, Problem> {
    let claims = caller.person()?;
    let back = local(wish.back.as_deref())?;
    let wish = Wish::Link { account: claims.account, session: claims.session };
    let (address, cookies) = begun(&app, wish, back, on.at).await?;
    Ok((cookies, Json(LinkBegun { address })).into_response())
}

/// Unlink an identity
///
/// The last way to sign in stays: set a password first, or link another identity.
#[utoipa::path(delete, path = "/api/v1/accounts/me/identities/{identity}", tag = "accounts",
    operation_id = "unlink_identity", params(("identity" = String, Path)), responses(
    (status = 204),
    (status = 409, body = Problem, description = "It is the last way to sign in")))]
pub(crate) async fn unlink(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let claims = caller.person()?;
    let unknown = || Problem::not_found("no such identity is linked to your account");
    let id = IdentityId::parse(&id).ok_or_else(unknown)?;
    match app.accounts.unlink_identity(claims, id, &on).await? {
        Unlinked::Done => Ok(StatusCode::NO_CONTENT),
        Unlinked::Unknown => Err(unknown()),
        Unlinked::Last => {
            let detail = "you could not sign in any more: set a password first, or link another identity";
            Err(Problem::conflict("last-way-in", "The last way to sign in stays", detail))
        }
    }
}
