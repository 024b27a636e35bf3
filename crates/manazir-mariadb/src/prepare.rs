//! Making the tables, and a row of zeros for each key.

use async_trait::async_trait;
use manazir_rollup::{KeyType, Shape};
use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection};

use crate::failure::{Failure, Refusal};
use crate::gate;
use crate::server::Work;
use crate::tables::{BINARY, Id, Tables};
use crate::tables_lock;

/// Makes the tables that are missing, and looks at those that were there before.
pub(crate) struct Making<'a> {
    pub(crate) tables: &'a Tables,
}

#[async_trait]
impl Work for Making<'_> {
    type Done = ();

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        tables_lock::take(connection, self.tables).await?;
        for statement in self.tables.create() {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        let shape = self.tables.shape();
        fits(connection, &shape.table, shape).await?;
        if let Some(totals) = &shape.totals {
            fits(connection, &totals.table, shape).await?;
        }
        gate::make(connection, self.tables).await?;
        tables_lock::release(connection, self.tables).await
    }
}

/// Refuses a table in which a key could stand twice, two keys could be one, or a transaction would be none.
async fn fits(connection: &mut MySqlConnection, table: &str, shape: &Shape) -> Result<(), Failure> {
    let (engine, collation): (Option<String>, Option<String>) = sqlx::query_as(
        "SELECT engine, (SELECT collation_name FROM information_schema.columns c WHERE c.table_schema = \
         t.table_schema AND c.table_name = t.table_name AND c.column_name = ?) FROM information_schema.tables t \
         WHERE t.table_schema = DATABASE() AND t.table_name = ?",
    )
    .bind(&shape.key)
    .bind(table)
    .fetch_one(&mut *connection)
    .await?;
    let unique: Vec<(String, Option<i64>)> = sqlx::query_as(
        "SELECT column_name, sub_part FROM information_schema.statistics \
         WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await?;
    let is_key =
        |(column, part): &(String, Option<i64>)| column.eq_ignore_ascii_case(&shape.key) && part.is_none();
    let why = if engine.as_deref() != Some("InnoDB") {
        "its engine is not InnoDB"
    } else if !matches!(&unique[..], [only] if is_key(only)) {
        "its only unique index must be that of the key"
    } else if collation.as_deref() != (shape.key_type == KeyType::Text).then_some(BINARY) {
        "its key is no whole number, or no text of the collation utf8mb4_nopad_bin"
    } else {
        return Ok(());
    };
    Err(Refusal::Table { table: table.to_owned(), why }.into())
}

/// Gives each of some keys a row of zeros if it has none, and its label.
pub(crate) struct Preparing<'a> {
    pub(crate) tables: &'a Tables,
    /// In the order of the table.
    pub(crate) keys: &'a [(Id, &'a str)],
}

#[async_trait]
impl Work for Preparing<'_> {
    type Done = ();

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        gate::share(connection, self.tables).await?;
        let labelled = self.tables.shape().label.is_some();
        let insert = self.tables.label();
        insert
            .run(connection, self.keys, |row, (id, label)| {
                id.bind(row);
                if labelled {
                    row.push_bind(*label);
                }
            })
            .await?;
        if let Some(insert) = self.tables.key_of_totals() {
            insert.run(connection, self.keys, |row, (id, _)| id.bind(row)).await?;
        }
        Ok(())
    }
}
