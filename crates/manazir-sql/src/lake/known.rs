//! Late samples that their series had no memory of: which of them are in the lake already.

use std::collections::{HashMap, HashSet};

use manazir_ingest::lake::{chunk, row};
use manazir_model::{JudgedSample, Timestamp};
use sqlx::PgConnection;

use super::{day, within};

/// Event times that are looked up at once: each may be in a chunk of its own.
const TIMES_MAX: usize = 1_000;

/// Series and event time.
type Place = (i64, Timestamp);

/// The last value of each event time in doubt, with its arrival and revision.
#[derive(Debug, Default)]
pub(super) struct Latest {
    values: HashMap<Place, Option<(Timestamp, u16, u64)>>,
}

/// A sample that came late and was given no verdict may be one that came before.
fn is_doubtful(sample: &JudgedSample) -> bool {
    sample.late && sample.score.is_nan()
}

impl Latest {
    /// Looks up what is stored of the event times of doubtful samples.
    pub(super) async fn of_doubtful(
        transaction: &mut PgConnection,
        samples: &[(i64, &JudgedSample)],
    ) -> sqlx::Result<Self> {
        let doubtful: HashSet<Place> = samples
            .iter()
            .filter(|(_, sample)| is_doubtful(sample))
            .map(|(id, sample)| (*id, sample.at))
            .collect();
        let mut latest = Self { values: doubtful.iter().map(|place| (*place, None)).collect() };
        let doubtful: Vec<Place> = doubtful.into_iter().collect();
        for places in doubtful.chunks(TIMES_MAX) {
            // The head first: a row that moves into a chunk in between is seen twice, and not never.
            latest.look_into_head(transaction, places).await?;
            latest.look_into_chunks(transaction, places).await?;
        }
        Ok(latest)
    }

    /// False of a doubtful sample whose value is the last one of its time; of all others it is noted.
    pub(super) fn is_news(&mut self, id: i64, sample: &JudgedSample) -> bool {
        let known = self.values.get(&(id, sample.at)).copied().flatten();
        if is_doubtful(sample) && known.is_some_and(|(.., bits)| bits == sample.value.to_bits()) {
            return false;
        }
        self.note(id, sample);
        true
    }

    fn note(&mut self, id: i64, sample: &JudgedSample) {
        let Some(last) = self.values.get_mut(&(id, sample.at)) else { return };
        let this = (sample.received_at, sample.revision, sample.value.to_bits());
        if last.is_none_or(|last| (last.0, last.1) <= (this.0, this.1)) {
            *last = Some(this);
        }
    }

    async fn look_into_head(&mut self, transaction: &mut PgConnection, places: &[Place]) -> sqlx::Result<()> {
        type Row = (i64, i64, i64, i32, Vec<u8>);
        const SELECT: &str = "SELECT series, at, received_at, revision, sample \
            FROM UNNEST($1::BIGINT[], $2::BIGINT[]) AS asked (series, at) JOIN lake_head USING (series, at)";
        let rows: Vec<Row> = sqlx::query_as(SELECT)
            .bind(places.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(places.iter().map(|(_, at)| at.micros()).collect::<Vec<_>>())
            .fetch_all(transaction)
            .await?;
        for (id, at, received_at, revision, bytes) in rows {
            let key = (Timestamp(at), Timestamp(received_at), revision as u16);
            self.note(id, &row::read(key, &bytes).map_err(within)?);
        }
        Ok(())
    }

    async fn look_into_chunks(
        &mut self,
        transaction: &mut PgConnection,
        places: &[Place],
    ) -> sqlx::Result<()> {
        // Chunks of a series and day do not overlap: only the last one that begins by then may hold a time.
        const SELECT: &str = "SELECT series, chunk FROM lake_chunks WHERE (day, series, first_at) IN ( \
            SELECT asked.day, asked.series, (SELECT MAX(first_at) FROM lake_chunks AS c \
                WHERE c.day = asked.day AND c.series = asked.series AND c.first_at <= asked.at) \
            FROM UNNEST($1::INTEGER[], $2::BIGINT[], $3::BIGINT[]) AS asked (day, series, at))";
        let chunks: Vec<(i64, Vec<u8>)> = sqlx::query_as(SELECT)
            .bind(places.iter().map(|(_, at)| day(*at)).collect::<Vec<_>>())
            .bind(places.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(places.iter().map(|(_, at)| at.micros()).collect::<Vec<_>>())
            .fetch_all(transaction)
            .await?;
        for (id, bytes) in chunks {
            for sample in chunk::read(&bytes).map_err(within)? {
                self.note(id, &sample);
            }
        }
        Ok(())
    }
}
