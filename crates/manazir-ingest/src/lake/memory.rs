//! A lake in memory: the twin that tests use, and the shortest description of what a lake must do.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::{EpisodeState, JudgedSample, SeriesFinding, SeriesKey, SeriesRows, Timestamp};

use super::{KnownSeries, Lake, SampleQuery, SeriesFilter, series_id, told};
use crate::Error;

type RowKey = (Timestamp, Timestamp, u16);

#[derive(Debug, Default)]
struct Inside {
    series: BTreeMap<u64, (SeriesKey, BTreeMap<RowKey, JudgedSample>)>,
    episodes: BTreeMap<(Timestamp, u64), SeriesFinding>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryLake {
    inside: Mutex<Inside>,
}

impl MemoryLake {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Lake for MemoryLake {
    async fn append(&self, rows: &[SeriesRows], findings: &[SeriesFinding]) -> Result<(), Error> {
        let mut inside = self.lock();
        for SeriesRows { key, samples } in rows {
            let (_, rows) =
                inside.series.entry(series_id(key)).or_insert_with(|| (key.clone(), BTreeMap::new()));
            for sample in samples {
                let at = (sample.at, Timestamp(i64::MIN), 0)..=(sample.at, Timestamp(i64::MAX), u16::MAX);
                let known = rows.range(at).next_back().map(|(_, row)| row.value.to_bits());
                // A late sample that its series had no memory of may be one that came before.
                if sample.late && sample.score.is_nan() && known == Some(sample.value.to_bits()) {
                    continue;
                }
                rows.insert((sample.at, sample.received_at, sample.revision), sample.clone());
            }
        }
        for finding in findings {
            let place = (finding.start_at, series_id(&finding.series));
            // A sample that came late and lies where an episode begins is no more than that.
            if finding.state != EpisodeState::Late || !inside.episodes.contains_key(&place) {
                inside.episodes.insert(place, finding.clone());
            }
        }
        Ok(())
    }

    async fn samples(&self, query: &SampleQuery) -> Result<Vec<JudgedSample>, Error> {
        let inside = self.lock();
        let rows = inside.series.get(&query.series).map(|(_, rows)| rows.values().cloned().collect());
        Ok(told(rows.unwrap_or_default(), query))
    }

    async fn series(
        &self,
        filter: &SeriesFilter,
        after: Option<u64>,
        max: usize,
    ) -> Result<Vec<KnownSeries>, Error> {
        let inside = self.lock();
        let known = inside.series.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
        let taken = known.filter(|(_, (key, _))| filter.takes(key)).take(max);
        Ok(taken.map(|(&id, (key, _))| KnownSeries { id, key: key.clone() }).collect())
    }

    async fn series_of(&self, id: u64) -> Result<Option<SeriesKey>, Error> {
        Ok(self.lock().series.get(&id).map(|(key, _)| key.clone()))
    }

    async fn episodes(
        &self,
        before: Option<(Timestamp, u64)>,
        max: usize,
    ) -> Result<Vec<SeriesFinding>, Error> {
        let inside = self.lock();
        let end = before.unwrap_or((Timestamp(i64::MAX), u64::MAX));
        Ok(inside.episodes.range(..end).rev().take(max).map(|(_, finding)| finding.clone()).collect())
    }
}
