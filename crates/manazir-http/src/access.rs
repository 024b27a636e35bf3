//! The gate before every route.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use manazir_auth::{Access, Secret, Token, permission};

use crate::{App, Problem};

/// The token that a request came with; handlers of routes that need one find it here.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) id: String,
    pub(crate) name: String,
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
        Some(Access::Needs(scope)) => {
            let token = token(&app, request.headers()).await?;
            if !token.scopes.iter().any(|has| has.covers(scope)) {
                return Err(Problem::forbidden(format!("it needs the scope `{scope}`")));
            }
            request.extensions_mut().insert(Caller { id: token.id, name: token.name });
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

async fn token(app: &App, headers: &HeaderMap) -> Result<Token, Problem> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = shown.and_then(|value| value.split_once(' '));
    let Some((_, secret)) = secret.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Err(Problem::unauthenticated());
    };
    let found = app.tokens.find(Secret::shown(secret.trim()).hash()).await?;
    found.filter(|token| token.revoked_at.is_none()).ok_or_else(Problem::unauthenticated)
}
