//! What a batch found, shown to people by the transaction that stores it.

use std::collections::BTreeMap;

use manazir_ingest::dead_letters::{Kept, NewDeadLetter};
use manazir_ingest::findings::NewFinding;
use manazir_ingest::{DeadLetter, Judged};
use manazir_model::SeriesFinding;
use sqlx::PgConnection;

use crate::dead_letters::insert_dead_letters;
use crate::findings::insert_findings;
use crate::statement::Connection;

/// Adds the anomalies, episodes and dead letters of a batch, but for those of an earlier commit of the same. To be
/// called while the partitions' rows are locked, and before they say that the batch is done.
pub(super) async fn show<'j>(
    transaction: &mut PgConnection,
    judged: impl Iterator<Item = &'j Judged>,
    episodes: impl Iterator<Item = &'j SeriesFinding>,
    dead: &[&DeadLetter],
) -> sqlx::Result<()> {
    let strange: Vec<&Judged> = judged.filter(|judged| judged.verdict.anomaly).collect();
    // Told again they are the same: no need to know whether they were.
    let episodes = episodes.map(NewFinding::from).collect::<Vec<_>>();
    if strange.is_empty() && episodes.is_empty() && dead.is_empty() {
        return Ok(());
    }
    let applied = applied(transaction).await?;
    let new = |partition: u16, seq: u64| applied.get(&partition).is_none_or(|&done| seq > done);
    let findings: Vec<NewFinding> = strange
        .into_iter()
        .filter(|judged| new(judged.partition, judged.seq))
        .map(NewFinding::from)
        .chain(episodes)
        .collect();
    let letters: Vec<NewDeadLetter> = dead
        .iter()
        .filter(|dead| new(dead.partition, dead.seq))
        .map(|&dead| NewDeadLetter::from(dead.clone()))
        .collect();
    let kept = Kept::default();
    let mut connection = Connection::Postgres(transaction);
    insert_findings(&mut connection, &findings, kept.findings_max).await?;
    insert_dead_letters(&mut connection, &letters, &kept).await
}

/// How far each partition has come.
async fn applied(transaction: &mut PgConnection) -> sqlx::Result<BTreeMap<u16, u64>> {
    let rows: Vec<(i16, i64)> =
        sqlx::query_as("SELECT id, applied_seq FROM partitions").fetch_all(transaction).await?;
    Ok(rows.into_iter().map(|(id, seq)| (id as u16, seq as u64)).collect())
}
