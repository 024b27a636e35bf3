//! What keeps the lake in shape while the service runs: rows move into chunks, old days go, closed days are
//! exported.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_ingest::Error;
use manazir_ingest::lake::compact::CompactConfig;
use manazir_ingest::lake::days::Retention;
use manazir_ingest::lake::keep::{DayChunk, Keeping, KeptLake};
use manazir_model::{Grain, Timestamp};
use manazir_parquet::Folder;
use tokio::runtime::Handle;

/// Between two rounds. A round that has nothing to do reads the head once.
const EVERY: Duration = Duration::from_secs(300);

/// A day is exported so long after its end: by then the last of its rows have left the head.
const CLOSED_MICROS: i64 = 7 * Grain::HOUR.micros();

/// Chunks that are in memory at once while a day is exported.
const CHUNKS: usize = 256;

/// What is kept, and where days are exported to.
#[derive(Clone, Debug, Default)]
pub struct KeeperConfig {
    /// How much stays.
    pub retention: Retention,
    /// Where closed days become Parquet; nowhere if it is not set.
    pub export: Option<PathBuf>,
}

/// The thread that keeps a lake.
#[derive(Debug)]
pub struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Keeps a lake until it is stopped. To be called within a runtime, which the lake's connections use.
    pub fn start(lake: Arc<dyn KeptLake>, config: KeeperConfig, now: fn() -> Timestamp) -> Result<Self> {
        let (stop, stopped) = channel();
        let runtime = Handle::current();
        let work = move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                // What failed is tried again in the next round: nothing was lost by it.
                if let Err(error) = round(&runtime, &*lake, &config, now()) {
                    tracing::error!(error = format!("{error:#}"), "the lake could not be kept");
                }
            }
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(work)?;
        Ok(Self { stop, thread })
    }

    /// Returns when the round that runs, if any, is done. Blocks.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the keeper of the lake ended by a panic; what it had moved is whole");
        }
    }
}

/// Moves, exports and drops what is due at `now`; what must go is exported before. False if somebody else keeps the
/// lake just now. Blocks: not to be called from a thread of the runtime.
pub fn round(runtime: &Handle, lake: &dyn KeptLake, config: &KeeperConfig, now: Timestamp) -> Result<bool> {
    let keeping = runtime.block_on(lake.keep()).context("ask for the lake")?;
    let Some(mut keeping) = keeping else { return Ok(false) };
    let moved = runtime.block_on(keeping.compact(now, &CompactConfig::default()));
    let moved = moved.context("move rows into chunks")?;
    if moved.rows > 0 {
        tracing::debug!(rows = moved.rows, chunks = moved.chunks, "rows moved into chunks");
    }
    if let Some(export) = &config.export {
        let closed = Timestamp(now.micros().saturating_sub(CLOSED_MICROS));
        export_days(runtime, &mut *keeping, &Folder::new(export), closed)?;
    }
    let dropped = runtime.block_on(keeping.retain(now, &config.retention)).context("drop old days")?;
    if let Some(before) = dropped.before {
        let (days, samples, bytes) = (dropped.days, dropped.rows, dropped.bytes);
        tracing::info!(days, samples, bytes, %before, "old samples were dropped; nothing before is kept");
    }
    Ok(true)
}

fn export_days(runtime: &Handle, keeping: &mut dyn Keeping, folder: &Folder, now: Timestamp) -> Result<()> {
    for (day, version) in runtime.block_on(keeping.to_export(now))? {
        let chunks = Chunks { runtime, keeping, day, after: None, page: Vec::new().into_iter() };
        let chunks = chunks.map(|chunk| chunk.map(|DayChunk { id, key, rows, .. }| (id, key, rows)));
        let files = folder.samples(day, chunks).context("export a day")?;
        runtime.block_on(keeping.exported(day, version))?;
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let day = files.first().map_or("", |file| &file.day);
        tracing::info!(day, rows, files = files.len(), "a day was exported");
    }
    Ok(())
}

/// The chunks of a day, read page by page.
struct Chunks<'k> {
    runtime: &'k Handle,
    keeping: &'k mut dyn Keeping,
    day: i64,
    after: Option<(u64, Timestamp)>,
    page: std::vec::IntoIter<DayChunk>,
}

impl Iterator for Chunks<'_> {
    type Item = Result<DayChunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 {
            match self.runtime.block_on(self.keeping.chunks(self.day, self.after, CHUNKS)) {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
        let chunk = self.page.next()?;
        self.after = Some((chunk.id, chunk.first));
        Some(Ok(chunk))
    }
}

#[cfg(test)]
mod tests {
    use manazir_fjall::{Config, Embedded};
    use manazir_model::{JudgedSample, SeriesKey, SeriesRows};
    use manazir_sql::{PostgresLake, Truth};
    use manazir_testkit::postgres::Postgres;

    use super::*;

    /// 2026-03-01T00:00:00Z.
    const START: i64 = 1_772_323_200_000_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp(START + minute * Grain::MINUTE.micros())
    }

    /// Three days of one series go in; two days are exported, and one is dropped.
    fn closed_days_are_exported_and_old_ones_dropped(runtime: &Handle, lake: &dyn KeptLake) {
        let temporary = tempfile::tempdir().unwrap();
        let samples =
            (0..3 * 1_440).map(|minute| JudgedSample::unjudged(at(minute), 1.0, at(minute))).collect();
        let key = SeriesKey::new("load", []);
        runtime.block_on(lake.append(&[SeriesRows { key: key.clone(), samples }], &[])).unwrap();
        let config = KeeperConfig {
            retention: Retention { days: 2, exported_first: true, ..Retention::default() },
            export: Some(temporary.path().join("parquet")),
        };
        let all = KeeperConfig { export: config.export.clone(), ..KeeperConfig::default() };
        // A server sees the end of an earlier keeper's connection a moment later.
        let keep = |config: &KeeperConfig| while !round(runtime, lake, config, at(3 * 1_440 - 1)).unwrap() {};
        keep(&all);
        let folder = Folder::new(temporary.path().join("parquet"));
        let days: Vec<String> = folder.manifest().unwrap().files.into_iter().map(|file| file.day).collect();
        assert_eq!(days, ["2026-03-01", "2026-03-02"]);
        keep(&config);
        // What comes for a day that is gone does not take the place of its export.
        let late = JudgedSample::unjudged(at(7), 2.0, at(3 * 1_440 - 500));
        runtime.block_on(lake.append(&[SeriesRows { key, samples: vec![late] }], &[])).unwrap();
        keep(&config);
        let day = START / Grain::DAY.micros();
        let mut keeping = std::iter::repeat_with(|| runtime.block_on(lake.keep()).unwrap()).flatten();
        let mut keeping = keeping.next().unwrap();
        let left = runtime.block_on(keeping.chunks(day, None, 10)).unwrap();
        assert!(left.is_empty(), "the first day is too old for the lake");
        assert_eq!(folder.read_samples(day).unwrap().len(), 1_440, "its export stays");
        assert!(folder.manifest().unwrap().files.iter().all(|file| file.version == 1), "and is written once");
    }

    #[test]
    fn the_embedded_lake_is_kept() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(&folder.path().join("store"), &Config::default()).unwrap();
        closed_days_are_exported_and_old_ones_dropped(runtime.handle(), &store.lake());
    }

    #[test]
    fn a_lake_of_several_workers_is_kept_by_one_at_a_time_needs_postgres() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = Postgres::start();
        let truth = runtime.block_on(Truth::open(&server.url())).unwrap();
        let lake = PostgresLake::new(&truth).unwrap();
        let other = runtime.block_on(lake.keep()).unwrap().unwrap();
        assert!(
            !round(runtime.handle(), &lake, &KeeperConfig::default(), at(0)).unwrap(),
            "another keeps it"
        );
        drop(other);
        closed_days_are_exported_and_old_ones_dropped(runtime.handle(), &lake);
    }
}
