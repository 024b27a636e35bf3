//! What keeps lake and store in shape while the service runs: rows move into chunks, old days go, closed days are
//! exported.

mod export;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_ingest::Archive;
use manazir_ingest::lake::compact::CompactConfig;
use manazir_ingest::lake::days::Retention;
use manazir_ingest::lake::keep::KeptLake;
use manazir_model::{Grain, Timestamp};
use manazir_parquet::Folder;
use tokio::runtime::Handle;

use export::Export;

/// Between two rounds. A round that has nothing to do reads the head once.
const EVERY: Duration = Duration::from_secs(300);

/// A day is exported so long after its end: by then the last of its rows have left the head.
const CLOSED_MICROS: i64 = 7 * Grain::HOUR.micros();

/// What is kept, and where days are exported to.
#[derive(Clone, Debug, Default)]
pub struct KeeperConfig {
    /// How much stays.
    pub retention: Retention,
    /// Where closed days become Parquet; nowhere if it is not set.
    pub export: Option<Folder>,
}

/// Set once the service ends: long work is given up where it can go on later.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is kept in shape.
#[derive(Clone)]
pub struct Kept {
    /// Samples.
    pub lake: Arc<dyn KeptLake>,
    /// Events.
    pub events: Arc<dyn Archive>,
}

/// The thread that keeps both.
#[derive(Debug)]
pub struct Keeper {
    stop: Sender<()>,
    stopping: Stopping,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Keeps both until it is stopped. To be called within a runtime, which their connections use.
    pub fn start(kept: Kept, config: KeeperConfig, now: fn() -> Timestamp) -> Result<Self> {
        let (stop, stopped) = channel();
        let stopping = Stopping::default();
        let (runtime, asked) = (Handle::current(), stopping.clone());
        let work = move || {
            // Said now, not when the first day is over.
            if let Some(Err(error)) = config.export.as_ref().map(Folder::manifest) {
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(
                    error,
                    "the place for the export cannot be used; it is tried again every few minutes"
                );
            }
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                match round(&runtime, &kept, &config, now(), &asked) {
                    Err(error) if !asked.is_asked() => {
                        // It is tried again in the next round: nothing was lost by it.
                        tracing::error!(error = format!("{error:#}"), "the lake could not be kept");
                    }
                    _ => {}
                }
            }
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(work)?;
        Ok(Self { stop, stopping, thread })
    }

    /// Returns when the step that runs, if any, is done. Blocks.
    pub fn stop(self) {
        self.stopping.ask();
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the keeper of the lake ended by a panic; what it had moved is whole");
        }
    }
}

/// Moves, exports and drops what is due at `now`; what must go is exported before. False if somebody else keeps the
/// lake just now. Blocks: not to be called from a thread of the runtime.
pub fn round(
    runtime: &Handle,
    kept: &Kept,
    config: &KeeperConfig,
    now: Timestamp,
    stopping: &Stopping,
) -> Result<bool> {
    let keeping = runtime.block_on(kept.lake.keep()).context("ask for the lake")?;
    let Some(mut keeping) = keeping else { return Ok(false) };
    let moved = runtime.block_on(keeping.compact(now, &CompactConfig::default()));
    let moved = moved.context("move rows into chunks")?;
    if moved.rows > 0 {
        tracing::debug!(rows = moved.rows, chunks = moved.chunks, "rows moved into chunks");
    }
    if let Some(folder) = &config.export {
        let closed = Timestamp(now.micros().saturating_sub(CLOSED_MICROS));
        let export = Export { runtime, folder, closed, stopping };
        export.samples(&mut *keeping)?;
        export.events(&*kept.events)?;
    }
    let dropped = runtime.block_on(keeping.retain(now, &config.retention)).context("drop old days")?;
    if let Some(before) = dropped.before {
        let (days, samples, bytes) = (dropped.days, dropped.rows, dropped.bytes);
        tracing::info!(days, samples, bytes, %before, "old samples were dropped; nothing before is kept");
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use manazir_fjall::{Config, Embedded};
    use manazir_ingest::{Commit, EventId, EventStore, Format, Judged, Message, Stored};
    use manazir_model::{EventVerdict, JudgedSample, SeriesKey, SeriesRows};
    use manazir_parquet::Kind;
    use manazir_sql::{PostgresEvents, Truth};
    use manazir_testkit::postgres::Postgres;

    use super::*;

    /// 2026-03-01T00:00:00Z.
    const START: i64 = 1_772_323_200_000_000;

    const START_DAY: i64 = START / Grain::DAY.micros();

    /// An event an hour for three days, each in a batch of its own, and a message of samples with each.
    fn judge_events<S: EventStore>(runtime: &Handle, store: &S) {
        let leases = runtime.block_on(store.hold()).unwrap().leases.clone();
        for hour in 0..72_u64 {
            let received_at = at(60 * hour as i64);
            let partition = (hour % 3) as u16;
            let stored = |seq: u64, id: String, event: Stored| {
                let id = EventId::new("test", id);
                let body = b"{}".to_vec();
                let message =
                    Message { id, partition, received_at, format: Format::Generic, reply_to: None, body };
                (Judged::new(&message, seq, event, EventVerdict::default()), message)
            };
            let event = Stored { at: at(0), action: "deploy".to_owned(), ..Stored::default() };
            let (event, of_event) = stored(2 * hour + 1, format!("event-{hour}"), event);
            let samples = Stored { at: received_at, ..Stored::default() };
            let (samples, of_samples) = stored(2 * hour + 2, format!("samples-{hour}"), samples);
            let commit = Commit {
                leases: leases.iter().filter(|lease| lease.partition == partition).cloned().collect(),
                judged: vec![event, samples],
                messages: vec![&of_event, &of_samples],
                ..Commit::default()
            };
            assert!(runtime.block_on(store.commit(&commit)).unwrap().is_empty());
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp(START + minute * Grain::MINUTE.micros())
    }

    /// Three days of one series go in, and an event an hour; two days are exported, and one is dropped.
    fn closed_days_are_exported_and_old_ones_dropped<S: EventStore + Archive + 'static>(
        runtime: &Handle,
        lake: impl KeptLake + 'static,
        store: S,
    ) {
        let temporary = tempfile::tempdir().unwrap();
        judge_events(runtime, &store);
        let kept = Kept { lake: Arc::new(lake), events: Arc::new(store) };
        let lake = &*kept.lake;
        let samples =
            (0..3 * 1_440).map(|minute| JudgedSample::unjudged(at(minute), 1.0, at(minute))).collect();
        let key = SeriesKey::new("load", []);
        runtime.block_on(lake.append(&[SeriesRows { key: key.clone(), samples }], &[])).unwrap();
        let config = KeeperConfig {
            retention: Retention { days: 2, exported_first: true, ..Retention::default() },
            export: Some(Folder::new(temporary.path().join("parquet"))),
        };
        let all = KeeperConfig { export: config.export.clone(), ..KeeperConfig::default() };
        // A server sees the end of an earlier keeper's connection a moment later.
        let keep = |config: &KeeperConfig| {
            while !round(runtime, &kept, config, at(3 * 1_440 - 1), &Stopping::default()).unwrap() {}
        };
        keep(&all);
        let folder = Folder::new(temporary.path().join("parquet"));
        let days = |kind| -> Vec<String> {
            let files = folder.manifest().unwrap().files.into_iter();
            files.filter(|file| file.kind == kind).map(|file| file.day).collect()
        };
        assert_eq!(days(Kind::Samples), ["2026-03-01", "2026-03-02"]);
        assert_eq!(days(Kind::Events), ["2026-03-01", "2026-03-02"]);
        let events =
            |day| -> usize { folder.read_events(day).unwrap().iter().map(RecordBatch::num_rows).sum() };
        assert_eq!((events(START_DAY), events(START_DAY + 1), events(START_DAY + 2)), (24, 24, 0));
        keep(&config);
        // What comes for a day that is gone does not take the place of its export.
        let late = JudgedSample::unjudged(at(7), 2.0, at(3 * 1_440 - 500));
        runtime.block_on(lake.append(&[SeriesRows { key, samples: vec![late] }], &[])).unwrap();
        keep(&config);
        let day = START_DAY;
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
        closed_days_are_exported_and_old_ones_dropped(runtime.handle(), store.lake(), store);
    }

    #[test]
    fn a_lake_of_several_workers_is_kept_by_one_at_a_time_needs_postgres() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = Postgres::start();
        let truth = runtime.block_on(Truth::open(&server.url())).unwrap();
        let store = || PostgresEvents::new(&truth, "one").unwrap();
        let lake = store().lake();
        let other = runtime.block_on(lake.keep()).unwrap().unwrap();
        let kept = Kept { lake: Arc::new(lake.clone()), events: Arc::new(store()) };
        assert!(
            !round(runtime.handle(), &kept, &KeeperConfig::default(), at(0), &Stopping::default()).unwrap(),
            "another keeps it"
        );
        drop(other);
        closed_days_are_exported_and_old_ones_dropped(runtime.handle(), lake, store());
    }
}
