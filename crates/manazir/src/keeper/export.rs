//! Days that are over, on their way out of lake and store.

use anyhow::{Context, Result};
use manazir_ingest::lake::days::{day_of, span};
use manazir_ingest::lake::keep::{DayChunk, Keeping};
use manazir_ingest::{Archive, Error, Judged, PARTITIONS, Places};
use manazir_model::Timestamp;
use manazir_parquet::Folder;
use tokio::runtime::Handle;

use super::Stopping;

/// Chunks of samples that are in memory at once.
const CHUNKS: usize = 256;

/// Events that are in memory at once.
const EVENTS: usize = 4_096;

/// Events after which the manifest is written: an interruption costs no more work than this.
const EVENTS_AT_ONCE: usize = 4 << 20;

/// Exports what is closed at `closed`, until it is told to stop.
pub(super) struct Export<'e> {
    pub(super) runtime: &'e Handle,
    pub(super) folder: &'e Folder,
    pub(super) closed: Timestamp,
    pub(super) stopping: &'e Stopping,
}

impl Export<'_> {
    /// Days whose samples have changed since they were exported.
    pub(super) fn samples(&self, keeping: &mut dyn Keeping) -> Result<()> {
        for (day, version) in self.runtime.block_on(keeping.to_export(self.closed))? {
            let chunks = Chunks { export: self, keeping, day, after: None, page: Vec::new().into_iter() };
            let chunks = chunks.map(|chunk| chunk.map(|DayChunk { id, key, rows, .. }| (id, key, rows)));
            let files = self.folder.samples(day, chunks).context("export the samples of a day")?;
            self.runtime.block_on(keeping.exported(day, version))?;
            let rows: u64 = files.iter().map(|file| file.rows).sum();
            let day = files.first().map_or("", |file| &file.day);
            tracing::info!(day, rows, files = files.len(), "samples of a day were exported");
        }
        Ok(())
    }

    /// Events that arrived before today, those of the first day first.
    pub(super) fn events(&self, archive: &dyn Archive) -> Result<()> {
        let store = self.runtime.block_on(archive.store_name())?;
        while !self.stopping.is_asked() {
            let until = self.folder.events_until(&store).context("ask how far events are exported")?;
            let Some(day) = self.first_day(archive, &until)?.filter(|day| *day < day_of(self.closed)) else {
                break;
            };
            let pages = Pages { export: self, archive, until, end: span(day).1, partition: 0, rows: 0 };
            for file in self.folder.events(&store, pages).context("export the events of a day")? {
                tracing::info!(day = file.day, rows = file.rows, "events were exported");
            }
        }
        Ok(())
    }

    /// The day on which the first event arrived that is not exported.
    fn first_day(&self, archive: &dyn Archive, until: &Places) -> Result<Option<i64>, Error> {
        let mut first: Option<i64> = None;
        for partition in 0..PARTITIONS {
            let after = until.get(&partition).copied().unwrap_or(0);
            for event in self.runtime.block_on(archive.events(partition, after, 1))? {
                let day = day_of(event.received_at);
                first = Some(first.map_or(day, |first| first.min(day)));
            }
        }
        Ok(first)
    }
}

/// The chunks of a day, read page by page.
struct Chunks<'k> {
    export: &'k Export<'k>,
    keeping: &'k mut dyn Keeping,
    day: i64,
    after: Option<(u64, Timestamp)>,
    page: std::vec::IntoIter<DayChunk>,
}

impl Iterator for Chunks<'_> {
    type Item = Result<DayChunk, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 {
            if self.export.stopping.is_asked() {
                // A part of a day takes no day's place: the next start exports the whole.
                return Some(Err(Error::Closed));
            }
            match self.export.runtime.block_on(self.keeping.chunks(self.day, self.after, CHUNKS)) {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
        let chunk = self.page.next()?;
        self.after = Some((chunk.id, chunk.first));
        Some(Ok(chunk))
    }
}

/// Events that arrived up to `end`, partition by partition: of each up to the first that arrived later.
struct Pages<'k> {
    export: &'k Export<'k>,
    archive: &'k dyn Archive,
    until: Places,
    end: Timestamp,
    partition: u16,
    rows: usize,
}

impl Iterator for Pages<'_> {
    type Item = Result<Vec<Judged>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.partition < PARTITIONS && self.rows < EVENTS_AT_ONCE && !self.export.stopping.is_asked() {
            let last = self.until.entry(self.partition).or_default();
            let mut page =
                match self.export.runtime.block_on(self.archive.events(self.partition, *last, EVENTS)) {
                    Ok(page) => page,
                    Err(error) => return Some(Err(error)),
                };
            let whole = page.len() == EVENTS;
            let due = page.iter().position(|event| event.received_at > self.end).unwrap_or(page.len());
            if due < page.len() || !whole {
                self.partition += 1;
            }
            page.truncate(due);
            if let Some(event) = page.last() {
                *last = event.seq;
                self.rows += page.len();
                return Some(Ok(page));
            }
        }
        None
    }
}
