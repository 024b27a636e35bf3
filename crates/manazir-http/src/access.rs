//! The gate before every route.

mod cookies;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use manazir_auth::service::Authority;
use manazir_auth::{Access, AccessClaims, Scope, Secret, Token, permission};

pub(crate) use cookies::{
    ACCESS_COOKIE, REFRESH_COOKIE, SIGN_IN_COOKIE, cookie, is_from_elsewhere, is_from_here, set_cookie,
    set_passing_cookie,
};

use crate::{App, Problem};

/// Who a request comes from; handlers of routes that need somebody find it here.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The identity of the token or account.
    pub(crate) id: String,
    /// The name of the token or the user name.
    pub(crate) name: String,
    /// What the access token says, if it is a person.
    pub(crate) person: Option<AccessClaims>,
    /// True if it may do whatever a person may, for anyone.
    pub(crate) acts_for_all: bool,
}

impl Caller {
    /// What the access token of a person says; the rules of some routes let nobody else in.
    pub(crate) fn person(&self) -> Result<&AccessClaims, Problem> {
        self.person
            .as_ref()
            .ok_or_else(|| Problem::forbidden("it needs a person who has signed in, not an API token"))
    }

    /// On whose authority it sees to accounts of others: only tokens with the scope `admin` come so far.
    pub(crate) fn authority(&self) -> Authority {
        self.person.as_ref().map_or(Authority::Installation, Authority::from)
    }
}

/// Lets a request through if the table of permissions does.
pub(crate) async fn gate(
    State(app): State<App>,
    path: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    match permission::access(method(&request), path) {
        Some(Access::Open) => {}
        Some(access) => {
            let caller = caller(&app, access, request.method(), request.headers()).await?;
            request.extensions_mut().insert(caller);
        }
        None => return Err(no_rule(path)),
    }
    Ok(next.run(request).await)
}

/// Whoever may get something may ask for its head.
fn method(request: &Request) -> &str {
    match request.method().as_str() {
        "HEAD" => "GET",
        other => other,
    }
}

fn no_rule(path: &str) -> Problem {
    let mut methods = permission::methods(path);
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    match methods.as_slice() {
        [] => Problem::forbidden("no rule opens this route"),
        methods => Problem::method_not_allowed(Some(methods.join(", "))),
    }
}

/// Whoever sends it, if the rule lets them in.
async fn caller(app: &App, access: Access, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    match shown(method, headers)? {
        Shown::Program(secret) => program(access, token(app, &secret).await?),
        Shown::Person(token) => person(app, access, &token).await,
    }
}

/// What a request shows to be let in.
enum Shown {
    /// The secret of an API token.
    Program(Secret),
    /// An access token.
    Person(String),
}

/// A header goes before a cookie: whoever sets it is no page of somebody else.
fn shown(method: &Method, headers: &HeaderMap) -> Result<Shown, Problem> {
    if headers.contains_key(header::AUTHORIZATION) {
        let Some(shown) = bearer(headers) else { return Err(Problem::unauthenticated()) };
        let is_access = shown.starts_with("eyJ");
        return Ok(if is_access {
            Shown::Person(shown.to_owned())
        } else {
            Shown::Program(Secret::shown(shown))
        });
    }
    let Some(token) = cookie(headers, ACCESS_COOKIE) else {
        return Err(Problem::unauthenticated());
    };
    // A browser sends cookies whatever page makes it ask: what changes something must come from a page of ours.
    if !method.is_safe() && !is_from_here(headers) {
        return Err(Problem::forbidden("a request with cookies comes from a page of this service alone"));
    }
    Ok(Shown::Person(token.to_owned()))
}

/// What stands in the header `Authorization` behind `Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let shown = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ');
    shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, shown)| shown.trim())
}

fn program(access: Access, token: Token) -> Result<Caller, Problem> {
    let covers = |scope| token.scopes.iter().any(|has| has.covers(scope));
    match access {
        Access::Open => {}
        Access::Needs(scope) | Access::PersonOr(scope) if covers(scope) => {}
        Access::Needs(scope) | Access::PersonOr(scope) => {
            return Err(Problem::forbidden(format!("it needs the scope `{scope}`")));
        }
        Access::Person => {
            return Err(Problem::forbidden("it needs a person who has signed in, not an API token"));
        }
    }
    let acts_for_all = covers(Scope::People);
    Ok(Caller { id: token.id, name: token.name, person: None, acts_for_all })
}

async fn person(app: &App, access: Access, shown: &str) -> Result<Caller, Problem> {
    let claims = app.accounts.who(shown, (app.now)()).map_err(|_| Problem::signed_out())?;
    match access {
        Access::Needs(scope) if !claims.role.covers(scope) => {
            return Err(Problem::forbidden(format!("it needs a role with the scope `{scope}`")));
        }
        Access::Open | Access::Needs(_) | Access::Person | Access::PersonOr(_) => {}
    }
    let username = app.accounts.username(claims.account).await?.ok_or_else(Problem::signed_out)?;
    let acts_for_all = claims.role.covers(Scope::People);
    Ok(Caller {
        id: claims.account.to_string(),
        name: username.as_str().to_owned(),
        person: Some(claims),
        acts_for_all,
    })
}

async fn token(app: &App, secret: &Secret) -> Result<Token, Problem> {
    let found = app.tokens.find(secret.hash()).await?;
    found.filter(|token| token.revoked_at.is_none()).ok_or_else(Problem::unauthenticated)
}
