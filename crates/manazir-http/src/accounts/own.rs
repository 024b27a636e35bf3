//! An account, for its owner.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use manazir_auth::mail::Letter;
use serde::Deserialize;
use utoipa::ToSchema;

use super::json::{account, no_account};
use super::visit::Visit;
use super::{AccountJson, entropy};
use crate::access::Caller;
use crate::extract::{self, Path};
use crate::{App, Problem};

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedPassword {
    /// The present one.
    present: String,
    /// The new one, 8 to 256 characters.
    #[schema(min_length = 8, max_length = 256)]
    new: String,
}

/// An account
///
/// `me` is whoever has signed in. Accounts of others are for administrators.
#[utoipa::path(get, path = "/api/v1/accounts/{account}", tag = "accounts",
    params(("account" = String, Path, description = "`me` or the identity of an account")),
    responses((status = 200, body = AccountJson)))]
pub(crate) async fn one(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Json<AccountJson>, Problem> {
    let id = if text == "me" { caller.person()?.account } else { account(&text)? };
    let is_own = caller.person.as_ref().is_some_and(|claims| claims.account == id);
    if !is_own && !caller.acts_for_all {
        return Err(Problem::forbidden("accounts of others are for administrators"));
    }
    let found = app.accounts.account(id).await?.ok_or_else(no_account)?;
    Ok(Json(found.into()))
}

/// Change one's own password
///
/// All other sessions end; this one refreshes its access token once.
#[utoipa::path(put, path = "/api/v1/accounts/me/password", tag = "accounts", request_body = ChangedPassword, responses(
    (status = 204),
    (status = 403, body = Problem, description = "The present password is wrong"),
    (status = 429, body = Problem, description = "Too many tries; wait as `Retry-After` says")))]
pub(crate) async fn change_password(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Visit { on, .. }: Visit,
    extract::Json(ChangedPassword { present, new }): extract::Json<ChangedPassword>,
) -> Result<StatusCode, Problem> {
    let claims = caller.person()?;
    app.accounts.change_password(claims, &present, &new, entropy()?, &on).await?;
    if let Some(account) = app.accounts.account(claims.account).await? {
        app.account_settings.post.send(account.email, Letter::PasswordChanged);
    }
    Ok(StatusCode::NO_CONTENT)
}
