//! From findings to totals: what each comes to, counted batch by batch.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_ingest::backoff::Backoff;
use manazir_model::Timestamp;
use manazir_rollup::decode::content_of;
use manazir_rollup::{Compiled, Destination, Error, Identity, Outcome, Plan, Row, Value};
use serde::Serialize;

/// Findings that are counted in one step, if so many are there at once: for each key in it a destination writes one row.
pub const BATCH: usize = 20_000;

/// Those that do not count are told up to this; all are counted.
const ASIDES_MAX: usize = 1_000;

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

/// A finding that waits for a row of a reference table.
struct Waiting {
    identity: Identity,
    values: Vec<Value>,
}

/// Why a finding does not count now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// For a person.
    pub reason: String,
    /// True if it counts as soon as what it is about is known.
    pub waits: bool,
}

/// Counts findings in batches.
pub struct Counting {
    plan: Plan,
    destination: Box<dyn Destination>,
    tally: Tally,
    rows: Vec<Row>,
}

impl Counting {
    /// Every key has its row of zeros when this returns.
    pub async fn new(plan: Plan, destination: Box<dyn Destination>) -> Result<Self> {
        let counting = Self { plan, destination, tally: Tally::default(), rows: Vec::with_capacity(BATCH) };
        counting.prepare().await?;
        Ok(counting)
    }

    async fn prepare(&self) -> Result<()> {
        let keys = self.plan.keys();
        again(async || self.destination.prepare(&keys).await).await.context("make the table")
    }

    /// Goes on with tables that have changed: names follow, new keys have their rows.
    pub async fn reload(&mut self, plan: Plan) -> Result<()> {
        self.flush().await?;
        self.plan = plan;
        self.prepare().await
    }

    /// Takes a finding, or what is wrong with it; counts when there are enough of them. Says why, if it does not count.
    pub async fn take(
        &mut self,
        finding: Result<(Identity, &[Value]), String>,
        now: Timestamp,
    ) -> Result<Option<NotYet>> {
        self.tally.findings += 1;
        let outcome = match finding {
            Ok((identity, values)) => self.plan.resolve(identity, values, now),
            Err(reason) => Outcome::Rejected(reason),
        };
        match outcome {
            Outcome::Counts(row) => {
                self.rows.push(row);
                if self.rows.len() == BATCH {
                    self.flush().await?;
                }
                Ok(None)
            }
            Outcome::Waits(reason) => {
                self.tally.waiting += 1;
                Ok(Some(NotYet { reason, waits: true }))
            }
            Outcome::Rejected(reason) => {
                self.tally.rejected += 1;
                Ok(Some(NotYet { reason, waits: false }))
            }
        }
    }

    /// Counts what was taken.
    pub async fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let (destination, rows) = (&self.destination, &self.rows);
        let counted = again(async || destination.count(rows).await).await.context("count findings")?;
        self.tally.counted += counted;
        self.tally.known += self.rows.len() as u64 - counted;
        self.rows.clear();
        Ok(())
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

/// Counts the lines of one stream.
pub struct Lines {
    counting: Counting,
    compiled: Arc<Compiled>,
    source: Arc<str>,
    /// The first of those that do not count.
    asides: Vec<Aside>,
    waiting: Vec<Waiting>,
}

impl Lines {
    /// `source`: the name of the stream.
    pub fn new(counting: Counting, compiled: Arc<Compiled>, source: &str) -> Self {
        Self { counting, compiled, source: source.into(), asides: Vec::new(), waiting: Vec::new() }
    }

    /// Takes a line; the first one is at position 0.
    pub async fn take(&mut self, position: u64, line: Result<&[u8], String>, now: Timestamp) -> Result<()> {
        if position == 0 && self.compiled.spec.source.header {
            return Ok(());
        }
        let read = line.and_then(|line| Ok((content_of(line), self.compiled.spec.source.decode(line)?)));
        let read = read.map(|(content, values)| {
            (Identity { source: Arc::clone(&self.source), position, content }, values)
        });
        let finding = match &read {
            Ok((identity, values)) => Ok((identity.clone(), &**values)),
            Err(reason) => Err(reason.clone()),
        };
        let Some(NotYet { reason, waits }) = self.counting.take(finding, now).await? else { return Ok(()) };
        if self.asides.len() < ASIDES_MAX {
            self.asides.push(Aside { line: position + 1, reason, waits });
        }
        // More of them are counted at the next start, which reads the stream from its beginning.
        if let Ok((identity, values)) = read
            && waits
            && self.waiting.len() < WAITING_MAX
        {
            self.waiting.push(Waiting { identity, values });
        }
        Ok(())
    }

    /// Goes on with tables that have changed, and counts what waited for them.
    pub async fn reload(&mut self, plan: Plan, now: Timestamp) -> Result<()> {
        self.counting.reload(plan).await?;
        self.asides.retain(|aside| !aside.waits);
        for Waiting { identity, values } in std::mem::take(&mut self.waiting) {
            let Tally { findings, waiting, .. } = self.counting.tally;
            self.counting.tally =
                Tally { findings: findings - 1, waiting: waiting - 1, ..self.counting.tally };
            let line = identity.position + 1;
            let not_yet = self.counting.take(Ok((identity.clone(), &values)), now).await?;
            if let Some(NotYet { reason, waits }) = not_yet {
                self.asides.push(Aside { line, reason, waits });
                if waits {
                    self.waiting.push(Waiting { identity, values });
                }
            }
        }
        self.counting.flush().await
    }

    /// Counts what was taken.
    pub async fn flush(&mut self) -> Result<()> {
        self.counting.flush().await
    }

    /// What counted them, and the first of those that do not count.
    pub fn end(self) -> (Counting, Vec<Aside>) {
        (self.counting, self.asides)
    }
}

/// Tries again for as long as a destination is away, longer apart each time; until Ctrl-C.
async fn again<T>(mut attempt: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
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
