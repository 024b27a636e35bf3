//! API tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use manazir_auth::{Scope, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{self, Path};
use crate::{App, Problem};

/// Characters of a token's name.
const NAME_CHARS_MAX: usize = 100;

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenJson {
    /// Its identity.
    id: String,
    /// What it is for.
    name: String,
    /// `ingest`, `read`, `respond`, `people`, `admin`.
    scopes: Vec<&'static str>,
    /// RFC 3339.
    created_at: String,
    /// Present once it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl From<Token> for TokenJson {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes.into_iter().map(Scope::word).collect(),
            created_at: token.created_at.to_string(),
            revoked_at: token.revoked_at.map(|at| at.to_string()),
        }
    }
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What it is for, 1 to 100 characters that are not all spaces.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    name: String,
    /// What it may do, at least one.
    #[schema(min_items = 1, value_type = Vec<ScopeWord>)]
    scopes: Vec<String>,
}

/// A scope, as it is described; words that are none are told with all else that is wrong.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "a description")]
enum ScopeWord {
    Ingest,
    Read,
    Respond,
    People,
    Admin,
}

/// A token and, this once, its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeToken {
    /// The token.
    token: TokenJson,
    /// To be sent as `Authorization: Bearer …`; it is not told again.
    secret: String,
}

/// All tokens, the oldest first
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = Vec<TokenJson>)))]
pub(crate) async fn list(State(app): State<App>) -> Result<Json<Vec<TokenJson>>, Problem> {
    Ok(Json(app.tokens.list().await?.into_iter().map(TokenJson::from).collect()))
}

/// Make a token
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = MadeToken)))]
pub(crate) async fn make(
    State(app): State<App>,
    extract::Json(new): extract::Json<NewToken>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    let mut wrong = Vec::new();
    if new.name.trim().is_empty() || new.name.chars().count() > NAME_CHARS_MAX {
        wrong.push(format!("name has 1 to {NAME_CHARS_MAX} characters"));
    }
    if new.scopes.is_empty() {
        wrong.push("scopes names at least one of ingest, read, respond, people, admin".to_owned());
    }
    let mut scopes = Vec::new();
    for word in &new.scopes {
        match word.parse() {
            Ok(scope) => scopes.push(scope),
            Err(why) => wrong.push(why),
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid("the token cannot be made", wrong));
    }
    let mut entropy = [0; 40];
    getrandom::fill(&mut entropy).map_err(|error| Problem::internal(&error))?;
    let (token, secret) = Token::new(new.name, scopes, (app.now)(), entropy);
    app.tokens.add(secret.hash(), &token).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { token: token.into(), secret: secret.reveal().to_owned() })))
}

/// Refuse a token from now on
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204)))]
pub(crate) async fn revoke(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    if app.tokens.revoke(&id, (app.now)()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(format!("there is no token `{id}`")))
    }
}
