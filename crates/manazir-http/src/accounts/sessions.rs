//! Signing in, staying signed in, signing out.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use manazir_auth::access::ACCESS_LIFETIME;
use manazir_auth::mail::Letter;
use manazir_auth::service::{RefreshRefused, SignedIn};
use manazir_auth::session::RefreshToken;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::visit::Visit;
use super::{AccountJson, entropy};
use crate::access::{
    ACCESS_COOKIE, REFRESH_COOKIE, bearer, cookie, is_from_elsewhere, is_from_here, set_cookie,
};
use crate::extract;
use crate::{App, Problem};

/// Headers that set both cookies, or let a browser forget them.
pub(super) type Cookies = AppendHeaders<[(HeaderName, HeaderValue); 2]>;

/// Somebody who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The address of the account.
    #[schema(example = "ada@example.org")]
    email: String,
    /// Its password.
    #[schema(example = "a quiet harbor")]
    password: String,
    /// True for browsers, which get the tokens in cookies that no script reads; false for programs, which get them in
    /// the answer.
    #[serde(default = "yes")]
    #[schema(default = true)]
    cookies: bool,
}

fn yes() -> bool {
    true
}

/// The refresh token of a program; a browser sends the cookie and no body.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// `mzr_…`, as the answer before gave it. It is good once.
    refresh_token: String,
}

/// Somebody who has signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedInJson {
    /// Who.
    account: AccountJson,
    /// The session, which is one device.
    session: String,
    /// When the access token ends, RFC 3339; refresh shortly before.
    access_expires_at: String,
    /// For programs: to be sent as `Authorization: Bearer …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// For programs: to be shown for the next two tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Sign in
///
/// Whether there is no such account or the password is wrong is not told.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "sessions", request_body = SignIn, responses(
    (status = 201, body = SignedInJson, headers(("Set-Cookie", description = "Both tokens, for a browser"))),
    (status = 401, body = Problem, description = "The address or the password is wrong"),
    (status = 403, body = Problem, description = "The account is banned, or the request comes from another site"),
    (status = 429, body = Problem, description = "Too many tries; wait as `Retry-After` says")))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Visit { on, device }: Visit,
    headers: HeaderMap,
    extract::Json(who): extract::Json<SignIn>,
) -> Result<Response, Problem> {
    // A page of somebody else must not sign anybody in as that somebody.
    if is_from_elsewhere(&headers) {
        return Err(Problem::forbidden("people sign in on a page of this service"));
    }
    let signed_in = app.accounts.sign_in(&who.email, &who.password, device, entropy()?, &on).await?;
    Ok((StatusCode::CREATED, given(&app, signed_in, who.cookies)).into_response())
}

/// Stay signed in
///
/// Shows the refresh token, in its cookie or in the body, and gets the next pair. Who shows one within 30 seconds after
/// it was replaced gets the pair that is current; after that the session ends, for two have the token.
#[utoipa::path(post, path = "/api/v1/sessions/refresh", tag = "sessions",
    request_body(content = Option<Refresh>, content_type = "application/json"), responses(
    (status = 200, body = SignedInJson, headers(("Set-Cookie", description = "Both tokens, for a browser"))),
    (status = 401, body = Problem, description = "The session is over: sign in again. The cookies are taken away"),
    (status = 403, body = Problem, description = "The request with the cookie comes from another site"),
    (status = 429, body = Problem, description = "Too often; the token that was shown stays good")))]
pub(crate) async fn refresh(
    State(app): State<App>,
    Visit { on, device }: Visit,
    headers: HeaderMap,
    extract::JsonIfAny(body): extract::JsonIfAny<Refresh>,
) -> Result<Response, Problem> {
    let by_cookie = body.is_none();
    let shown = match &body {
        Some(Refresh { refresh_token }) => refresh_token,
        None => shown_by_browser(&headers)?.ok_or_else(nothing_shown)?,
    };
    match app.accounts.refresh(shown, &device, entropy()?, &on).await {
        Ok(signed_in) => Ok(given(&app, signed_in, by_cookie)),
        Err(refused) => {
            if let RefreshRefused::Reused(owner) = &refused {
                app.account_settings.post.send(owner.email.clone(), Letter::TokenReused);
            }
            // Not where it was merely too fast: the token is still good.
            let over = matches!(refused, RefreshRefused::Over(_) | RefreshRefused::Reused(_));
            let problem = Problem::from(refused);
            if over && by_cookie { Ok((forgotten(), problem).into_response()) } else { Err(problem) }
        }
    }
}

/// Sign out
///
/// With the access token, or with the refresh token in its cookie if the other has expired. The cookies are taken away.
#[utoipa::path(delete, path = "/api/v1/sessions/current", tag = "sessions", responses(
    (status = 204, description = "The session is over, if it was not already"),
    (status = 401, body = Problem, description = "No token came with the request, or no good one in `Authorization`"),
    (status = 403, body = Problem, description = "The request with cookies comes from another site")))]
pub(crate) async fn sign_out(
    State(app): State<App>,
    Visit { on, .. }: Visit,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(access) = bearer(&headers) {
        let claims = app.accounts.who(access, on.at).map_err(|_| Problem::signed_out())?;
        app.accounts.end_session(&claims, claims.session, &on).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let refresh = shown_by_browser(&headers)?;
    let access = cookie(&headers, ACCESS_COOKIE);
    if refresh.is_none() && access.is_none() {
        return Err(nothing_shown());
    }
    // Both: they may be of two sessions, and whoever signs out wants to be in neither.
    if let Some(claims) = access.and_then(|access| app.accounts.who(access, on.at).ok()) {
        app.accounts.end_session(&claims, claims.session, &on).await?;
    }
    if let Some(refresh) = refresh {
        app.accounts.sign_out(refresh, entropy()?, &on).await?;
    }
    Ok((StatusCode::NO_CONTENT, forgotten()).into_response())
}

/// The refresh token in its cookie; refused if a page of somebody else makes the browser send cookies.
fn shown_by_browser(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let shown = cookie(headers, REFRESH_COOKIE);
    if (shown.is_some() || cookie(headers, ACCESS_COOKIE).is_some()) && !is_from_here(headers) {
        return Err(Problem::forbidden("a request with cookies comes from a page of this service alone"));
    }
    Ok(shown)
}

fn nothing_shown() -> Problem {
    let detail = "no token of a session came with the request: sign in";
    Problem::new(StatusCode::UNAUTHORIZED, "session-over", "Who are you?", detail)
}

/// The tokens, in cookies or in the answer, never in both: what a script of a page can read it can carry away.
fn given(app: &App, signed_in: SignedIn, by_cookie: bool) -> Response {
    let SignedIn { access, claims, refresh, account } = signed_in;
    let mut body = SignedInJson {
        account: account.into(),
        session: claims.session.to_string(),
        access_expires_at: claims.expires_at.to_string(),
        access_token: None,
        refresh_token: None,
    };
    if by_cookie {
        return (cookies(app, &access, &refresh), Json(body)).into_response();
    }
    (body.access_token, body.refresh_token) = (Some(access), Some(refresh.reveal()));
    Json(body).into_response()
}

/// Both tokens, for a browser.
pub(super) fn in_cookies(app: &App, signed_in: &SignedIn) -> Cookies {
    cookies(app, &signed_in.access, &signed_in.refresh)
}

fn cookies(app: &App, access: &str, refresh: &RefreshToken) -> Cookies {
    let kept = app.accounts.session_rules().idle;
    AppendHeaders([
        set_cookie(ACCESS_COOKIE, access, ACCESS_LIFETIME),
        set_cookie(REFRESH_COOKIE, &refresh.reveal(), kept),
    ])
}

/// Lets a browser forget both cookies.
pub(super) fn forgotten() -> Cookies {
    AppendHeaders([ACCESS_COOKIE, REFRESH_COOKIE].map(|name| set_cookie(name, "", Duration::ZERO)))
}
