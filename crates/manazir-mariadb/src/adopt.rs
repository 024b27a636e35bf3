//! Totals that were counted anew take the place of those there are.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Executor as _, MySqlConnection};

use crate::failure::Failure;
use crate::gate;
use crate::seen::block;
use crate::server::Work;
use crate::tables::{CELLS, SEEN, Tables};
use crate::tables_lock;

/// Blocks that are compared at a time, of both rollups: one MiB and a little more.
const BLOCKS_MAX: usize = 64;

/// Whether each finding of one rollup is one of another.
pub(crate) struct Comparing<'a> {
    pub(crate) live: &'a Tables,
    pub(crate) staged: &'a Tables,
}

#[async_trait]
impl Work for Comparing<'_> {
    type Done = bool;

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<bool, Failure> {
        // Most blocks are the same, byte by byte: those stay where they are.
        let differing = format!(
            "SELECT l.`source`, l.`block`, l.`seen`, n.`seen` FROM `{SEEN}` l LEFT JOIN `{SEEN}` n \
             ON n.`rollup` = ? AND n.`source` = l.`source` AND n.`block` = l.`block` \
             WHERE l.`rollup` = ? AND (l.`source` > ? OR l.`source` = ? AND l.`block` > ?) \
             AND (n.`seen` IS NULL OR n.`seen` <> l.`seen`) \
             ORDER BY l.`source`, l.`block` LIMIT {BLOCKS_MAX}"
        );
        let (mut source, mut number) = (String::new(), -1);
        loop {
            let select = sqlx::query_as(AssertSqlSafe(&*differing))
                .bind(self.staged.rollup())
                .bind(self.live.rollup())
                .bind(&source)
                .bind(&source)
                .bind(number);
            let blocks: Vec<(String, i64, Vec<u8>, Option<Vec<u8>>)> =
                select.fetch_all(&mut *connection).await?;
            let Some(last) = blocks.last() else { return Ok(true) };
            (source, number) = (last.0.clone(), last.1);
            for (_, _, live, staged) in blocks {
                if !block(staged.unwrap_or_default())?.has_all_of(&block(live)?) {
                    return Ok(false);
                }
            }
        }
    }
}

/// Lets the staged totals take the place of the live ones, if no finding is missing.
///
/// Only by statements that a transaction takes back: if it dies here, nothing was done, and if it dies later, there are
/// empty tables that the next who prepares finds.
pub(crate) struct Adopting<'a> {
    pub(crate) live: &'a Tables,
    pub(crate) staged: &'a Tables,
}

#[async_trait]
impl Work for Adopting<'_> {
    type Done = bool;

    /// All that was ever counted moves: many millions of findings take longer than a statement may elsewhere.
    const ATTEMPT_MAX: Duration = Duration::from_secs(3_600);

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<bool, Failure> {
        let &Self { live, staged } = self;
        // Where there is none, another let it take the place a moment ago.
        if !gate::close(connection, live, staged).await?
            || !(Comparing { live, staged }).attempt(connection).await?
        {
            return Ok(false);
        }
        rename(connection, SEEN, live, staged).await?;
        if !live.shape().more().is_empty() {
            rename(connection, CELLS, live, staged).await?;
        }
        for statement in live.take_over(staged) {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        gate::remove(connection, staged).await?;
        Ok(true)
    }
}

/// What is kept under the name of one rollup goes, and that of another gets its name.
async fn rename(
    connection: &mut MySqlConnection,
    table: &str,
    live: &Tables,
    staged: &Tables,
) -> Result<(), Failure> {
    let delete = format!("DELETE FROM `{table}` WHERE `rollup` = ?");
    sqlx::query(AssertSqlSafe(delete)).bind(live.rollup()).execute(&mut *connection).await?;
    let update = format!("UPDATE `{table}` SET `rollup` = ? WHERE `rollup` = ?");
    let update = sqlx::query(AssertSqlSafe(update)).bind(live.rollup()).bind(staged.rollup());
    update.execute(&mut *connection).await?;
    Ok(())
}

/// Drops the tables that were taken over, unless somebody has prepared them again.
pub(crate) struct Dropping<'a> {
    pub(crate) staged: &'a Tables,
}

#[async_trait]
impl Work for Dropping<'_> {
    type Done = ();

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        tables_lock::take(connection, self.staged).await?;
        if !gate::is_there(connection, self.staged).await? {
            connection.execute(AssertSqlSafe(self.staged.drop())).await?;
        }
        tables_lock::release(connection, self.staged).await
    }
}
