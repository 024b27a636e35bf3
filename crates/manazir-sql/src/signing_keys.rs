//! Keys that sign access tokens.

use async_trait::async_trait;
use manazir_auth::AccountError;
use manazir_auth::keys::{KeyId, KeyRecord, SIGNING_KEYS_MAX, SigningKeyStore};
use manazir_model::Timestamp;

use crate::Truth;
use crate::accounts::unreadable;
use crate::failure::failed_account as failed;
use crate::statement::{Connection, Statement, Value, Writing, lock, signed};
use crate::text::{came, kept};

const COUNTER: &str = "signing_keys";

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    public: Vec<u8>,
    sealed: Vec<u8>,
    made_at: i64,
}

fn record(row: Row) -> Result<KeyRecord, sqlx::Error> {
    let bytes = |bytes: Vec<u8>| bytes.try_into().map_err(|_| unreadable("signing_keys", "public or sealed"));
    Ok(KeyRecord {
        id: KeyId(came(row.id)),
        public: bytes(row.public)?,
        sealed: bytes(row.sealed)?,
        made_at: Timestamp(row.made_at),
    })
}

/// Adds a key if the newest is still `after`.
async fn add(
    connection: &mut Connection<'_>,
    after: Option<&KeyId>,
    key: &KeyRecord,
) -> Result<bool, sqlx::Error> {
    lock(connection, COUNTER).await?;
    let newest = Statement::new("SELECT id FROM signing_keys ORDER BY made_at DESC, id DESC LIMIT 1")
        .fetch_in::<(String,)>(connection)
        .await?;
    if newest.into_iter().next().map(|(id,)| came(id)).as_ref() != after.map(|id| &id.0) {
        return Ok(false);
    }
    Statement::new(
        "DELETE FROM signing_keys WHERE id IN (SELECT id FROM signing_keys ORDER BY made_at DESC, id DESC LIMIT ",
    )
    .number(i64::MAX)
    .then(" OFFSET ")
    .number(signed(SIGNING_KEYS_MAX as u64 - 1))
    .then(")")
    .execute(connection)
    .await?;
    let values = vec![
        Value::Text(Some(kept(&key.id.0).into_owned())),
        Value::Bytes(key.public.to_vec()),
        Value::Bytes(key.sealed.to_vec()),
        Value::Number(Some(key.made_at.micros())),
    ];
    Statement::new("INSERT INTO signing_keys (id, public, sealed, made_at) VALUES ")
        .rows([values])
        .execute(connection)
        .await?;
    Ok(true)
}

#[async_trait]
impl SigningKeyStore for Truth {
    async fn signing_keys(&self) -> Result<Vec<KeyRecord>, AccountError> {
        let all = Statement::new("SELECT id, public, sealed, made_at FROM signing_keys");
        let rows = all.fetch::<Row>(self).await.map_err(failed)?;
        rows.into_iter().map(record).collect::<Result<_, _>>().map_err(failed)
    }

    async fn add_signing_key(&self, after: Option<&KeyId>, key: &KeyRecord) -> Result<bool, AccountError> {
        let mut writing = Writing::begin(self).await.map_err(failed)?;
        let added = add(&mut writing.connection(), after, key).await.map_err(failed)?;
        writing.commit().await.map_err(failed)?;
        Ok(added)
    }

    async fn remove_signing_key(&self, id: &KeyId) -> Result<bool, AccountError> {
        let gone = Statement::new("DELETE FROM signing_keys WHERE id = ").text(&id.0).write(self).await;
        gone.map(|gone| gone > 0).map_err(failed)
    }
}
