//! Ways to a new password for who has forgotten the old one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use manazir_auth::Email;
use manazir_auth::link::{LinkSecret, RESET_LIFETIME};
use manazir_auth::mail::Letter;
use manazir_auth::service::PasswordRefused;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json::{account, ends};
use super::visit::Visit;
use super::{LinkJson, entropy};
use crate::access::Caller;
use crate::extract::{self, Path};
use crate::{App, Problem};

/// Somebody who has forgotten the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    /// The address of the account.
    #[schema(example = "ada@example.org")]
    email: String,
}

/// What happens next.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResetAsked {
    /// True if a letter goes to the address in case it has an account; false if this installation sends none, and an
    /// administrator is to be asked for a link.
    mails: bool,
}

/// A new password by a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redeemed {
    /// The secret of the link, `mzl_…`.
    link: String,
    /// The new password, 8 to 256 characters.
    #[schema(min_length = 8, max_length = 256)]
    password: String,
}

/// Ask for a way to a new password
///
/// The answer is the same, and comes as soon, whether or not there is such an account.
#[utoipa::path(post, path = "/api/v1/password-resets", tag = "accounts", request_body = Forgotten, responses(
    (status = 202, body = ResetAsked),
    (status = 429, body = Problem, description = "Too many were asked for from this address")))]
pub(crate) async fn ask(
    State(app): State<App>,
    Visit { on, .. }: Visit,
    extract::Json(Forgotten { email }): extract::Json<Forgotten>,
) -> Result<(StatusCode, Json<ResetAsked>), Problem> {
    app.accounts.may_ask_reset(&on)?;
    let post = &app.account_settings.post;
    if let Ok(email) = Email::parse(&email) {
        post.forgotten(email, on);
    }
    Ok((StatusCode::ACCEPTED, Json(ResetAsked { mails: post.sends() })))
}

/// Set a new password by a link
///
/// Every session of the account ends. Signing in is a request of its own.
#[utoipa::path(post, path = "/api/v1/password-resets/redeem", tag = "accounts", request_body = Redeemed, responses(
    (status = 204),
    (status = 403, body = Problem, description = "The link is not good any more"),
    (status = 429, body = Problem, description = "Too many tries from this address")))]
pub(crate) async fn redeem(
    State(app): State<App>,
    Visit { on, .. }: Visit,
    extract::Json(Redeemed { link, password }): extract::Json<Redeemed>,
) -> Result<StatusCode, Problem> {
    let link = LinkSecret::shown(&link).ok_or(PasswordRefused::Link)?;
    let account = app.accounts.reset_password(&link, &password, entropy()?, &on).await?;
    app.account_settings.post.send(account.email, Letter::PasswordChanged);
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link for a new password, to hand over
///
/// Good once and for an hour; one that was made before is good no more.
#[utoipa::path(post, path = "/api/v1/accounts/{account}/password-reset", tag = "accounts",
    params(("account" = String, Path)), responses((status = 201, body = LinkJson)))]
pub(crate) async fn hand_over(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<LinkJson>), Problem> {
    let link = app.accounts.hand_over_reset(caller.authority(), account(&id)?, entropy()?, &on).await?;
    let made = LinkJson {
        link: app.account_settings.page("password-reset", &link),
        secret: link.reveal(),
        expires_at: ends(on.at, RESET_LIFETIME),
        mailed: false,
    };
    Ok((StatusCode::CREATED, Json(made)))
}
