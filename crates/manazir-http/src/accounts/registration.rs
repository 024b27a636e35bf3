//! Making an account.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use manazir_auth::Role;
use manazir_auth::link::LinkSecret;
use manazir_auth::service::Registration as Wanted;
use serde::Deserialize;
use utoipa::ToSchema;

use super::visit::Visit;
use super::{AccountJson, Registration, entropy};
use crate::access::is_from_elsewhere;
use crate::extract;
use crate::{App, Problem};

/// Somebody who registers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// 2 to 32 letters and digits of one script, with single `-`, `_` or `.` between them. It never changes.
    #[schema(example = "ada")]
    username: String,
    /// Where letters go.
    #[schema(example = "ada@example.org")]
    email: String,
    /// 8 to 256 characters.
    #[schema(min_length = 8, max_length = 256, example = "a quiet harbor")]
    password: String,
    /// What the picture is made from; the user name if nothing is said.
    #[schema(max_length = 64)]
    avatar_seed: Option<String>,
    /// The secret of an invitation, `mzl_…`; its role and address hold.
    invitation: Option<String>,
}

/// Make an account
///
/// All that is wrong is named in `errors`. Signing in is a request of its own.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "accounts", request_body = NewAccount, responses(
    (status = 201, body = AccountJson, headers(("Location", description = "The account"))),
    (status = 403, body = Problem, description = "Registration is by invitation alone, or the invitation is not good"),
    (status = 409, body = Problem, description = "The name or address is taken; `errors` says which"),
    (status = 429, body = Problem, description = "Too many accounts from this address; wait as `Retry-After` says")))]
pub(crate) async fn register(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    extract::Json(new): extract::Json<NewAccount>,
) -> Result<impl IntoResponse, Problem> {
    if is_from_elsewhere(&headers) {
        return Err(Problem::forbidden("an account is made on a page of this service, or by a program"));
    }
    let invitation = invitation(app.account_settings.registration, new.invitation.as_deref())?;
    let who = Wanted {
        username: &new.username,
        email: &new.email,
        password: &new.password,
        avatar_seed: new.avatar_seed.as_deref(),
    };
    let made = app.accounts.register(who, Role::Member, invitation.as_ref(), entropy()?, &visit.on).await?;
    let made = AccountJson::from(made);
    let location = format!("/api/v1/accounts/{}", made.id());
    Ok((StatusCode::CREATED, AppendHeaders([(header::LOCATION, location)]), Json(made)))
}

/// The invitation that was shown, which it takes unless anybody may come.
fn invitation(rule: Registration, shown: Option<&str>) -> Result<Option<LinkSecret>, Problem> {
    match (shown.map(LinkSecret::shown), rule) {
        (Some(Some(link)), _) => Ok(Some(link)),
        (Some(None), _) => {
            let detail = "`invitation` is not written as one: `mzl_` and 64 digits, the end of the link";
            Err(Problem::new(StatusCode::FORBIDDEN, "link-refused", "The link is not good", detail))
        }
        (None, Registration::Open) => Ok(None),
        (None, Registration::Invited) => {
            let detail = "accounts are made by invitation here: ask an administrator for one";
            let title = "Registration is closed";
            Err(Problem::new(StatusCode::FORBIDDEN, "registration-closed", title, detail))
        }
    }
}
