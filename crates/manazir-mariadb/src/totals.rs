//! Reading all totals.

use async_trait::async_trait;
use manazir_rollup::{KeyType, Total};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, MySqlConnection, Row as _};

use crate::failure::Failure;
use crate::server::Work;
use crate::tables::Tables;

/// Reads all totals, in the order of the keys, which is that of the table.
pub(crate) struct Reading<'a> {
    pub(crate) tables: &'a Tables,
}

#[async_trait]
impl Work for Reading<'_> {
    type Done = Vec<Total>;

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<Vec<Total>, Failure> {
        let rows = sqlx::query(AssertSqlSafe(self.tables.select())).fetch_all(connection).await?;
        rows.iter().map(|row| self.total(row).map_err(|why| damaged(&why))).collect()
    }
}

impl Reading<'_> {
    fn total(&self, row: &MySqlRow) -> Result<Total, sqlx::Error> {
        let shape = self.tables.shape();
        let key = match shape.key_type {
            KeyType::Integer => row.try_get::<i64, _>(0)?.to_string(),
            KeyType::Text => row.try_get(0)?,
        };
        let label: Option<String> = row.try_get(1)?;
        let [count, sum] = [row.try_get::<Option<i64>, _>(2)?, row.try_get(3)?];
        let by_category: Result<Vec<i64>, _> = (4..4 + shape.sums.len()).map(|at| row.try_get(at)).collect();
        let by_category = by_category?;
        let more = (0..shape.more().len()).map(|at| row.try_get(4 + shape.sums.len() + at));
        // No count is negative.
        let count = count.unwrap_or_default().cast_unsigned();
        let all = || by_category.iter().fold(0, |all: i64, sum| all.saturating_add(*sum));
        let sum = if shape.totals.is_some() { sum.unwrap_or_default() } else { all() };
        Ok(Total {
            key,
            label: label.unwrap_or_default(),
            count,
            sum,
            by_category,
            more: more.collect::<Result<_, _>>()?,
        })
    }
}

fn damaged(why: &sqlx::Error) -> Failure {
    Failure::Damaged { what: "a row of totals", why: why.to_string() }
}
