//! API tokens.

use async_trait::async_trait;
use manazir_auth::{Error, Scope, Token, TokenHash, TokenStore};
use manazir_model::Timestamp;

use crate::failure::failed_token as failed;
use crate::{Truth, on};

/// A row of `tokens`, without its hash.
type Row = (String, String, String, i64, Option<i64>);

const COLUMNS_BY_HASH: &str = "SELECT id, name, scopes, created_at, revoked_at FROM tokens WHERE hash = $1";
const COLUMNS_OF_ALL: &str =
    "SELECT id, name, scopes, created_at, revoked_at FROM tokens ORDER BY created_at, id";

#[async_trait]
impl TokenStore for Truth {
    async fn add(&self, hash: TokenHash, token: &Token) -> Result<(), Error> {
        const INSERT: &str = "INSERT INTO tokens (id, hash, name, scopes, created_at, revoked_at) \
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
        on!(self, write, pool => sqlx::query(INSERT)
            .bind(&token.id)
            .bind(hash.to_string())
            .bind(&token.name)
            .bind(scopes.join(" "))
            .bind(token.created_at.micros())
            .bind(token.revoked_at.map(Timestamp::micros))
            .execute(pool)
            .await
            .map(drop))
        .map_err(failed)
    }

    async fn find(&self, hash: TokenHash) -> Result<Option<Token>, Error> {
        let row: Option<Row> = on!(self, read, pool => sqlx::query_as(COLUMNS_BY_HASH)
            .bind(hash.to_string())
            .fetch_optional(pool)
            .await)
        .map_err(failed)?;
        row.map(token).transpose()
    }

    async fn list(&self) -> Result<Vec<Token>, Error> {
        let rows: Vec<Row> =
            on!(self, read, pool => sqlx::query_as(COLUMNS_OF_ALL).fetch_all(pool).await).map_err(failed)?;
        rows.into_iter().map(token).collect()
    }

    async fn revoke(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        const UPDATE: &str = "UPDATE tokens SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2";
        on!(self, write, pool => sqlx::query(UPDATE)
            .bind(at.micros())
            .bind(id)
            .execute(pool)
            .await
            .map(|done| done.rows_affected() > 0))
        .map_err(failed)
    }
}

fn token((id, name, scopes, created_at, revoked_at): Row) -> Result<Token, Error> {
    let scopes = scopes.split_whitespace().map(str::parse::<Scope>).collect::<Result<_, _>>();
    Ok(Token {
        id,
        name,
        scopes: scopes.map_err(|why| Error::Store(why.into()))?,
        created_at: Timestamp(created_at),
        revoked_at: revoked_at.map(Timestamp),
    })
}
