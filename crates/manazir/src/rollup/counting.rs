//! From findings to totals: what each comes to, counted batch by batch.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_ingest::backoff::Backoff;
use manazir_model::Timestamp;
use manazir_rollup::decode::content_of;
use manazir_rollup::history::{Aside as Kept, AsideState};
use manazir_rollup::hosted::Tried;
use manazir_rollup::{Compiled, Destination, Error, Identity, Outcome, Plan, Raw, Row, Value};
use serde::Serialize;

use super::releasing::{Released, release, try_out};

/// Findings that are counted in one step, if so many are there at once: for each key in it a destination writes one row.
pub const BATCH: usize = 50_000;

/// Those that do not count are told up to this; all are counted.
const ASIDES_MAX: usize = 1_000;

/// Findings that are looked at together whether they still wait.
const RELEASED: usize = 1_000;

/// Findings that wait in memory for a table to change.
const WAITING_MAX: usize = 100_000;

/// What became of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All of them.
    pub findings: u64,
    /// Those that counted now.
    pub counted: u64,
    /// Those that had counted before.
    pub known: u64,
    /// Those that wait for a row of a reference table.
    pub waiting: u64,
    /// Those that cannot count.
    pub rejected: u64,
}

impl Tally {
    /// Takes in what became of those that waited.
    ///
    /// One that had counted already was counted when its line was read again, as one of those.
    fn add(&mut self, Released { counted, known, rejected, waiting: _ }: Released) {
        self.waiting = self.waiting.saturating_sub(counted + known + rejected);
        self.counted += counted;
        self.rejected += rejected;
    }
}

/// A finding that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aside {
    /// Its line, from 1 on.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// True if it counts as soon as what it is about is known.
    pub waits: bool,
}

/// Why a finding does not count now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// For a person.
    pub reason: String,
    /// True if it counts as soon as what it is about is known.
    pub waits: bool,
}

/// A finding as it came.
#[derive(Clone, Copy, Debug)]
pub enum CameAs<'f> {
    /// As nothing that can be kept.
    Nothing,
    /// As a line.
    Line(&'f [u8]),
    /// As a message.
    Message(&'f [u8]),
}

/// Counts findings in batches.
pub struct Counting {
    plan: Plan,
    compiled: Arc<Compiled>,
    destination: Arc<dyn Destination>,
    tally: Tally,
    rows: Vec<Row>,
    /// Those that do not count, if the destination keeps them.
    asides: Vec<Kept>,
}

impl Counting {
    /// Every key has its row of zeros when this returns.
    pub async fn new(plan: Plan, compiled: Arc<Compiled>, destination: Arc<dyn Destination>) -> Result<Self> {
        let rows = Vec::with_capacity(BATCH);
        let counting =
            Self { plan, compiled, destination, tally: Tally::default(), rows, asides: Vec::new() };
        counting.prepare().await?;
        Ok(counting)
    }

    async fn prepare(&self) -> Result<()> {
        let keys = self.plan.keys();
        again(async || self.destination.prepare(&keys).await).await.context("make the table")?;
        let Some(history) = self.destination.history() else { return Ok(()) };
        again(async || history.name(&keys, now()).await).await.context("write down the names")
    }

    /// Goes on with tables that have changed: names follow, new keys have their rows.
    pub async fn reload(&mut self, plan: Plan) -> Result<()> {
        self.flush().await?;
        self.plan = plan;
        self.prepare().await
    }

    /// True if the destination keeps what does not count.
    pub fn keeps_asides(&self) -> bool {
        self.destination.history().is_some()
    }

    /// Takes a finding, or what is wrong with it; counts when there are enough of them. Says why, if it does not count.
    pub async fn take(
        &mut self,
        identity: Identity,
        values: Result<&[Value], String>,
        came: CameAs<'_>,
        now: Timestamp,
    ) -> Result<Option<NotYet>> {
        self.tally.findings += 1;
        let keeps = self.keeps_asides();
        let outcome = match values {
            Ok(values) => self.plan.resolve(identity.clone(), values, now),
            Err(reason) => Outcome::Rejected(reason),
        };
        let not_yet = match outcome {
            Outcome::Counts(row) => {
                self.rows.push(if keeps { Row { raw: came.kept(), ..row } } else { row });
                if self.rows.len() == BATCH {
                    self.flush().await?;
                }
                return Ok(None);
            }
            Outcome::Waits(reason) => {
                self.tally.waiting += 1;
                NotYet { reason, waits: true }
            }
            Outcome::Rejected(reason) => {
                self.tally.rejected += 1;
                NotYet { reason, waits: false }
            }
        };
        if keeps {
            self.asides.push(kept(identity, came.kept(), &not_yet, now));
            if self.asides.len() == BATCH {
                self.flush().await?;
            }
        }
        Ok(Some(not_yet))
    }

    /// Takes a line of a stream, the first of which is at position 0.
    pub async fn take_line(
        &mut self,
        source: &Arc<str>,
        position: u64,
        line: Result<&[u8], String>,
        now: Timestamp,
    ) -> Result<Option<NotYet>> {
        let compiled = Arc::clone(&self.compiled);
        if position == 0 && compiled.spec.source.header {
            return Ok(None);
        }
        let bytes = line.as_ref().map_or(&[][..], |line| line);
        let came = line.as_ref().map_or(CameAs::Nothing, |line| CameAs::Line(line));
        let values = line.clone().and_then(|line| compiled.spec.source.decode(line));
        let identity = match &values {
            Ok(values) => compiled.identity(source, position, bytes, values),
            Err(_) => Identity { source: Arc::clone(source), position, content: content_of(bytes) },
        };
        self.take(identity, values.as_deref().map_err(Clone::clone), came, now).await
    }

    /// Tries one that was kept again. If it is mended and does not count all the same, nothing is written down.
    pub async fn retry(&mut self, aside: Kept, now: Timestamp) -> Result<Tried> {
        self.flush().await?;
        let history = self.destination.history().context("what does not count is kept nowhere")?;
        let tried = try_out(&self.compiled, &mut self.plan, &aside, now);
        if tried == Tried::Counts {
            let ports = (&*self.destination, history);
            self.tally.add(release(&self.compiled, &mut self.plan, ports, &[aside], now).await?);
        }
        Ok(tried)
    }

    /// Counts what was taken.
    pub async fn flush(&mut self) -> Result<()> {
        let destination = &self.destination;
        if !self.rows.is_empty() {
            let rows = &self.rows;
            let counted = again(async || destination.count(rows).await).await.context("count findings")?;
            self.tally.counted += counted;
            self.tally.known += self.rows.len() as u64 - counted;
            self.rows.clear();
        }
        if let Some(history) = destination.history()
            && !self.asides.is_empty()
        {
            let asides = &self.asides;
            again(async || history.set_aside(asides).await).await.context("keep what does not count")?;
            self.asides.clear();
        }
        Ok(())
    }

    /// Counts what the destination kept because it waited, if it need not wait any longer.
    pub async fn release(&mut self, now: Timestamp) -> Result<()> {
        self.flush().await?;
        let Some(history) = self.destination.history() else { return Ok(()) };
        let mut after = 0;
        loop {
            let next = async || history.asides(Some(AsideState::Waiting), after, RELEASED).await;
            let waiting = again(next).await.context("read what waits")?;
            let Some(last) = waiting.last() else { return Ok(()) };
            after = last.number;
            let ports = (&*self.destination, history);
            self.tally.add(release(&self.compiled, &mut self.plan, ports, &waiting, now).await?);
        }
    }

    /// What became of them so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Where they count.
    pub fn destination(&self) -> &dyn Destination {
        &*self.destination
    }
}

impl CameAs<'_> {
    fn kept(self) -> Raw {
        match self {
            Self::Nothing => Raw::Nothing,
            Self::Line(line) => Raw::Line(line.into()),
            Self::Message(message) => Raw::Message(message.into()),
        }
    }
}

fn kept(
    Identity { source, position, content }: Identity,
    raw: Raw,
    not_yet: &NotYet,
    known_at: Timestamp,
) -> Kept {
    let state = if not_yet.waits { AsideState::Waiting } else { AsideState::Rejected };
    Kept { number: 0, source, position, content, known_at, raw, reason: not_yet.reason.clone(), state }
}

/// The time.
pub fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// Counts the lines of one stream.
pub struct Lines {
    counting: Counting,
    source: Arc<str>,
    /// The first of those that do not count.
    asides: Vec<Aside>,
    /// Those that wait, with their positions, if the destination does not keep them.
    waiting: Vec<(u64, Vec<u8>)>,
}

impl Lines {
    /// `source`: the name of the stream.
    pub fn new(counting: Counting, source: &str) -> Self {
        Self { counting, source: source.into(), asides: Vec::new(), waiting: Vec::new() }
    }

    /// Takes a line; the first one is at position 0.
    pub async fn take(&mut self, position: u64, line: Result<&[u8], String>, now: Timestamp) -> Result<()> {
        let bytes = line.as_ref().map_or(&[][..], |line| line).to_owned();
        let taken = self.counting.take_line(&self.source, position, line, now).await?;
        let Some(NotYet { reason, waits }) = taken else { return Ok(()) };
        if self.asides.len() < ASIDES_MAX {
            self.asides.push(Aside { line: position + 1, reason, waits });
        }
        // More of them are counted at the next start, which reads the stream from its beginning.
        if waits && !self.counting.keeps_asides() && self.waiting.len() < WAITING_MAX {
            self.waiting.push((position, bytes));
        }
        Ok(())
    }

    /// Goes on with tables that have changed, and counts what waited for them.
    pub async fn reload(&mut self, plan: Plan, now: Timestamp) -> Result<()> {
        self.counting.reload(plan).await?;
        self.asides.retain(|aside| !aside.waits);
        self.counting.release(now).await?;
        for (position, line) in std::mem::take(&mut self.waiting) {
            let Tally { findings, waiting, .. } = self.counting.tally;
            self.counting.tally =
                Tally { findings: findings - 1, waiting: waiting - 1, ..self.counting.tally };
            self.take(position, Ok(&line), now).await?;
        }
        self.counting.flush().await
    }

    /// Counts what was taken.
    pub async fn flush(&mut self) -> Result<()> {
        self.counting.flush().await
    }

    /// What counted them, and the first of those that do not count. What waited since an earlier run and is known by now
    /// counts too.
    pub async fn end(mut self, now: Timestamp) -> Result<(Counting, Vec<Aside>)> {
        self.counting.release(now).await?;
        Ok((self.counting, self.asides))
    }
}

/// Tries again for as long as a destination is away, longer apart each time; until Ctrl-C.
pub async fn again<T>(mut attempt: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        match attempt().await {
            Err(error @ Error::Away(..)) if !crate::progress::interrupted() => {
                tracing::warn!(error = format!("{:#}", anyhow::Error::from(error)), "it is tried again");
                tokio::time::sleep(backoff.failed(rand::random())).await;
            }
            other => return other,
        }
    }
}
