//! Signing in at an identity provider: there by one answer, back by another.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use manazir_auth::link::LinkSecret;
use manazir_auth::provider::{ATTEMPT_LIFETIME, Answer, Begun, Elsewhere, LocalPath, ProviderRefused, Wish};
use manazir_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::entropy;
use super::sessions::in_cookies;
use super::visit::Visit;
use crate::access::{SIGN_IN_COOKIE, cookie, set_passing_cookie};
use crate::extract::Query;
use crate::{App, Problem};

/// The path to which a provider sends people back.
pub const CALLBACK: &str = "/api/v1/sign-in/oidc/callback";

/// How people may sign in here.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaysJson {
    /// Providers beside a password, which is always one.
    providers: Vec<ProviderJson>,
}

/// A provider at which people sign in.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderJson {
    /// What people call it.
    #[schema(example = "Example Login")]
    name: String,
    /// Where a browser goes to begin; `return` and `invitation` may stand behind it.
    #[schema(example = "/api/v1/sign-in/oidc")]
    begin: &'static str,
    /// True if it makes accounts of people who were not invited.
    open: bool,
}

/// Where somebody wants to go, and by what right.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginQuery {
    /// The page of this service where it goes on: a path that begins with one `/`. `/` if nothing is said.
    #[serde(rename = "return")]
    #[param(max_length = 512, pattern = r"^/([!-.0-\[\]-~][!-\[\]-~]*)?$")]
    back: Option<String>,
    /// The secret of an invitation, `mzl_…`, for who has no account yet.
    invitation: Option<String>,
}

/// What a provider sends back; what else it says is not looked at.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    /// As it was sent there.
    #[serde(default)]
    state: String,
    /// For which it says who came.
    code: Option<String>,
    /// Why there is no code, RFC 6749 §4.1.2.1.
    error: Option<String>,
    /// Who answers, RFC 9207.
    iss: Option<String>,
}

/// Ways to sign in
///
/// For the page where people choose.
#[utoipa::path(get, path = "/api/v1/sign-in", tag = "sessions", operation_id = "ways_to_sign_in",
    responses((status = 200, body = WaysJson)))]
pub(crate) async fn ways(State(app): State<App>) -> Json<WaysJson> {
    let provider = app.account_settings.elsewhere.iter().map(|elsewhere| ProviderJson {
        name: elsewhere.name().to_owned(),
        begin: "/api/v1/sign-in/oidc",
        open: elsewhere.rules().open,
    });
    Json(WaysJson { providers: provider.collect() })
}

/// Go to the provider to sign in
///
/// For a browser, which keeps a cookie for ten minutes: only where that is shown can the sign-in end.
#[utoipa::path(get, path = "/api/v1/sign-in/oidc", tag = "sessions", operation_id = "begin_sign_in", params(BeginQuery),
    responses(
    (status = 303, description = "To the provider", headers(("Location", description = "The provider"))),
    (status = 403, body = Problem, description = "The invitation is not written as one"),
    (status = 404, body = Problem, description = "There is no provider here"),
    (status = 502, body = Problem, description = "The provider answers what cannot be used"),
    (status = 503, body = Problem, description = "The provider does not answer")))]
pub(crate) async fn begin(
    State(app): State<App>,
    Visit { on, .. }: Visit,
    Query(query): Query<BeginQuery>,
) -> Result<Response, Problem> {
    let back = local(query.back.as_deref())?;
    let shown = query.invitation.as_deref().map(|text| LinkSecret::shown(text).ok_or(ProviderRefused::Link));
    let wish = Wish::SignIn { invitation: shown.transpose()? };
    let (address, cookies) = begun(&app, wish, back, on.at).await?;
    let location = HeaderValue::try_from(address).map_err(|error| Problem::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, cookies, [(header::LOCATION, location)]).into_response())
}

/// Come back from the provider
///
/// The provider sends browsers here. Both tokens come in cookies, as when somebody signs in with a password, and it
/// goes on at `return`.
#[utoipa::path(get, path = "/api/v1/sign-in/oidc/callback", tag = "sessions", operation_id = "end_sign_in",
    params(CallbackQuery), responses(
    (status = 303, description = "Signed in, or linked", headers(
        ("Set-Cookie", description = "Both tokens"), ("Location", description = "The page where it goes on"))),
    (status = 401, body = Problem, description = "The session in which an identity was to be linked is over"),
    (status = 403, body = Problem, description = "Not begun in this browser, or not let in; `type` says why"),
    (status = 404, body = Problem, description = "There is no provider here"),
    (status = 409, body = Problem, description = "An account with the address exists, or the identity is another's"),
    (status = 429, body = Problem, description = "Too many tries; wait as `Retry-After` says"),
    (status = 502, body = Problem, description = "What the provider says cannot be believed or used"),
    (status = 503, body = Problem, description = "The provider does not answer")))]
pub(crate) async fn callback(
    State(app): State<App>,
    Visit { on, device }: Visit,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, Problem> {
    let answer = Answer {
        state: &query.state,
        code: query.code.as_deref(),
        error: query.error.as_deref(),
        issuer: query.iss.as_deref(),
    };
    let kept = cookie(&headers, SIGN_IN_COOKIE);
    let finished = elsewhere(&app)?.finish(&app.accounts, kept, answer, device, entropy()?, &on).await;
    let forget = AppendHeaders([set_passing_cookie(SIGN_IN_COOKIE, "", Duration::ZERO)]);
    let finished = match finished {
        Ok(finished) => finished,
        // Another one may still go on in this browser: whoever sends people here must not end it.
        Err(over @ ProviderRefused::Over) => return Err(over.into()),
        Err(refused) => return Ok((forget, Problem::from(refused)).into_response()),
    };
    // A path is letters of ASCII.
    let to = HeaderValue::try_from(finished.back.as_str()).map_err(|error| Problem::internal(&error))?;
    let gone = (StatusCode::SEE_OTHER, forget, [(header::LOCATION, to)]);
    Ok(match finished.signed_in {
        Some(signed_in) => (gone.0, gone.1, in_cookies(&app, &signed_in), gone.2).into_response(),
        None => gone.into_response(),
    })
}

/// The provider of this installation.
pub(super) fn elsewhere(app: &App) -> Result<&Elsewhere, Problem> {
    let none = || Problem::not_found("people sign in with a password alone here: no provider is set up");
    app.account_settings.elsewhere.as_deref().ok_or_else(none)
}

/// The page that was asked for, if it is one of this service.
pub(super) fn local(text: Option<&str>) -> Result<LocalPath, Problem> {
    let Some(text) = text else { return Ok(LocalPath::default()) };
    LocalPath::parse(text).ok_or_else(|| {
        let wrong =
            "return: a path of this service begins with one `/`, has no space or `\\`, and 512 bytes at most";
        Problem::invalid("it cannot go on there", vec![wrong.to_owned()])
    })
}

/// Where to go, and the cookie that is kept until the browser comes back.
pub(super) async fn begun(
    app: &App,
    wish: Wish,
    back: LocalPath,
    at: Timestamp,
) -> Result<(String, AppendHeaders<[(HeaderName, HeaderValue); 1]>), Problem> {
    let begun = elsewhere(app)?.begin(wish, back, entropy()?, at).await;
    let Begun { address, kept } = begun.map_err(ProviderRefused::from)?;
    Ok((address, AppendHeaders([set_passing_cookie(SIGN_IN_COOKIE, &kept, ATTEMPT_LIFETIME)])))
}
