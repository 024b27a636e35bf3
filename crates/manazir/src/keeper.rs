//! What keeps the lake in shape while the service runs: rows move into chunks, old days go, closed days are
//! exported.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_fjall::lake::{CompactConfig, EmbeddedLake, Retention};
use manazir_model::{Grain, Timestamp};
use manazir_parquet::Folder;

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
    pub export: Option<PathBuf>,
}

/// The thread that keeps a lake.
#[derive(Debug)]
pub struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Keeps a lake until it is stopped.
    pub fn start(lake: EmbeddedLake, config: KeeperConfig, now: fn() -> Timestamp) -> Result<Self> {
        let (stop, stopped) = channel();
        let work = move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                // What failed is tried again in the next round: nothing was lost by it.
                if let Err(error) = round(&lake, &config, now()) {
                    tracing::error!(error = format!("{error:#}"), "the lake could not be kept");
                }
            }
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(work)?;
        Ok(Self { stop, thread })
    }

    /// Returns when the round that runs, if any, is done.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the keeper of the lake ended by a panic; what it had moved is whole");
        }
    }
}

/// Moves, exports and drops what is due at `now`; what must go is exported before.
pub fn round(lake: &EmbeddedLake, config: &KeeperConfig, now: Timestamp) -> Result<()> {
    let moved = lake.compact(now, &CompactConfig::default()).context("move rows into chunks")?;
    if moved.rows > 0 {
        tracing::debug!(rows = moved.rows, chunks = moved.chunks, "rows moved into chunks");
    }
    if let Some(export) = &config.export {
        export_days(lake, &Folder::new(export), Timestamp(now.micros().saturating_sub(CLOSED_MICROS)))?;
    }
    let dropped = lake.retain(now, &config.retention).context("drop old days")?;
    if let Some(before) = dropped.before {
        let (days, samples, bytes) = (dropped.days, dropped.rows, dropped.bytes);
        tracing::info!(days, samples, bytes, %before, "old samples were dropped; nothing before is kept");
    }
    Ok(())
}

fn export_days(lake: &EmbeddedLake, folder: &Folder, now: Timestamp) -> Result<()> {
    for (day, version) in lake.to_export(now)? {
        let files = folder.samples(day, lake.day(day)).context("export a day")?;
        lake.exported(day, version)?;
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        let day = files.first().map_or("", |file| &file.day);
        tracing::info!(day, rows, files = files.len(), "a day was exported");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use manazir_fjall::{Config, Embedded};
    use manazir_ingest::lake::Lake;
    use manazir_model::{JudgedSample, SeriesKey, SeriesRows};

    use super::*;

    /// 2026-03-01T00:00:00Z.
    const START: i64 = 1_772_323_200_000_000;

    #[tokio::test]
    async fn closed_days_are_exported_and_old_ones_dropped() {
        let temporary = tempfile::tempdir().unwrap();
        let store = Embedded::open(&temporary.path().join("store"), &Config::default()).unwrap();
        let lake = store.lake();
        let at = |minute: i64| Timestamp(START + minute * Grain::MINUTE.micros());
        let samples =
            (0..3 * 1_440).map(|minute| JudgedSample::unjudged(at(minute), 1.0, at(minute))).collect();
        let key = SeriesKey::new("load", []);
        lake.append(&[SeriesRows { key: key.clone(), samples }], &[]).await.unwrap();
        let config = KeeperConfig {
            retention: Retention { days: 2, ..Retention::default() },
            export: Some(temporary.path().join("parquet")),
        };
        round(
            &lake,
            &KeeperConfig { export: config.export.clone(), ..KeeperConfig::default() },
            at(3 * 1_440 - 1),
        )
        .unwrap();
        let folder = Folder::new(temporary.path().join("parquet"));
        let days: Vec<String> = folder.manifest().unwrap().files.into_iter().map(|file| file.day).collect();
        assert_eq!(days, ["2026-03-01", "2026-03-02"]);
        round(&lake, &config, at(3 * 1_440 - 1)).unwrap();
        let left: u64 = lake.day(START / Grain::DAY.micros()).count() as u64;
        assert_eq!(left, 0, "the first day is too old for the lake");
        assert_eq!(
            folder.read_samples(START / Grain::DAY.micros()).unwrap().len(),
            1_440,
            "its export stays"
        );
        assert!(folder.manifest().unwrap().files.iter().all(|file| file.version == 1), "and is written once");
    }
}
