//! Rows and episodes into the lake, within the transaction of whoever has them.

use std::collections::BTreeMap;

use manazir_ingest::Sampled;
use manazir_ingest::lake::row;
use manazir_model::{EpisodeState, JudgedSample, SeriesFinding, SeriesRows};
use sqlx::{AssertSqlSafe, PgConnection};

use super::known::Latest;
use super::series::Numbers;
use super::within;

/// Rows of one statement.
const ROWS_MAX: usize = 20_000;

/// The key of a row in `lake_head`.
type Key = (i64, i64, i64, i32);

/// Stores rows and episodes; the same again changes nothing.
pub(crate) async fn append(
    transaction: &mut PgConnection,
    sampled: &[&Sampled],
    numbers: &Numbers,
) -> sqlx::Result<()> {
    let series: Vec<(i64, &SeriesRows)> =
        sampled.iter().flat_map(|sampled| &sampled.rows).map(|rows| (numbers.of(&rows.key), rows)).collect();
    let rows = new_rows(transaction, &series).await?;
    for some in rows.chunks(ROWS_MAX) {
        insert_rows(transaction, some).await?;
    }
    // Of an episode that was told twice the last word counts. A sample that came late and lies where an episode begins
    // is no more than that: it takes nobody's place.
    for (late, conflict) in [(false, "DO UPDATE SET episode = EXCLUDED.episode"), (true, "DO NOTHING")] {
        let episodes: BTreeMap<(i64, i64), &SeriesFinding> = sampled
            .iter()
            .flat_map(|sampled| &sampled.findings)
            .filter(|finding| (finding.state == EpisodeState::Late) == late)
            .map(|finding| ((finding.start_at.micros(), numbers.of(&finding.series)), finding))
            .collect();
        if !episodes.is_empty() {
            put_episodes(transaction, &episodes, conflict).await?;
        }
    }
    Ok(())
}

/// What is to be stored, each key once and in their order: two workers never wait for each other in a circle.
async fn new_rows<'s>(
    transaction: &mut PgConnection,
    series: &[(i64, &'s SeriesRows)],
) -> sqlx::Result<Vec<(Key, &'s JudgedSample)>> {
    let samples: Vec<(i64, &JudgedSample)> =
        series.iter().flat_map(|(id, rows)| rows.samples.iter().map(|sample| (*id, sample))).collect();
    let mut latest = Latest::of_doubtful(transaction, &samples).await?;
    let mut rows = BTreeMap::new();
    for (id, sample) in samples {
        if latest.is_news(id, sample) {
            let (at, received_at) = (sample.at.micros(), sample.received_at.micros());
            rows.insert((id, at, received_at, i32::from(sample.revision)), sample);
        }
    }
    Ok(rows.into_iter().collect())
}

async fn insert_rows(transaction: &mut PgConnection, rows: &[(Key, &JudgedSample)]) -> sqlx::Result<()> {
    const INSERT: &str = "INSERT INTO lake_head (series, at, received_at, revision, sample) \
        SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::INTEGER[], $5::BYTEA[]) \
        ON CONFLICT (series, at, received_at, revision) DO UPDATE SET sample = EXCLUDED.sample \
            WHERE lake_head.sample <> EXCLUDED.sample";
    let written = rows.iter().map(|(_, sample)| row::write(sample).map_err(within));
    sqlx::query(INSERT)
        .bind(rows.iter().map(|(key, _)| key.0).collect::<Vec<_>>())
        .bind(rows.iter().map(|(key, _)| key.1).collect::<Vec<_>>())
        .bind(rows.iter().map(|(key, _)| key.2).collect::<Vec<_>>())
        .bind(rows.iter().map(|(key, _)| key.3).collect::<Vec<_>>())
        .bind(written.collect::<sqlx::Result<Vec<_>>>()?)
        .execute(transaction)
        .await
        .map(drop)
}

async fn put_episodes(
    transaction: &mut PgConnection,
    episodes: &BTreeMap<(i64, i64), &SeriesFinding>,
    conflict: &'static str,
) -> sqlx::Result<()> {
    let put = format!(
        "INSERT INTO lake_episodes (start_at, series, episode) \
        SELECT * FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BYTEA[]) ON CONFLICT (start_at, series) {conflict}"
    );
    let written = episodes
        .values()
        .map(|finding| postcard::to_stdvec(finding).map_err(|error| sqlx::Error::Encode(error.into())));
    // Both ends of it stand in this file.
    sqlx::query(AssertSqlSafe(put))
        .bind(episodes.keys().map(|(start, _)| *start).collect::<Vec<_>>())
        .bind(episodes.keys().map(|(_, series)| *series).collect::<Vec<_>>())
        .bind(written.collect::<sqlx::Result<Vec<_>>>()?)
        .execute(transaction)
        .await
        .map(drop)
}
