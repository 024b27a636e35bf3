//! From findings to totals: what each comes to, counted batch by batch.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use manazir_ingest::backoff::Backoff;
use manazir_model::Timestamp;
use manazir_rollup::decode::content_of;
use manazir_rollup::{Destination, Error, Identity, Outcome, Plan, Row};
use serde::Serialize;

/// Findings that are counted in one step.
pub const BATCH: usize = 5_000;

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

/// Counts the lines of one stream.
pub struct Counting {
    plan: Plan,
    compiled: Arc<manazir_rollup::Compiled>,
    destination: Box<dyn Destination>,
    source: Arc<str>,
    tally: Tally,
    /// The first of those that do not count.
    asides: Vec<Aside>,
    rows: Vec<Row>,
}

/// Those that do not count are shown up to this; all are counted.
const ASIDES_MAX: usize = 1_000;

impl Counting {
    /// Every key has its row of zeros when this returns.
    pub async fn new(
        compiled: Arc<manazir_rollup::Compiled>,
        plan: Plan,
        destination: Box<dyn Destination>,
        source: &str,
    ) -> Result<Self> {
        let keys = plan.keys();
        again(async || destination.prepare(&keys).await).await.context("make the table")?;
        Ok(Self {
            plan,
            compiled,
            destination,
            source: source.into(),
            tally: Tally::default(),
            asides: Vec::new(),
            rows: Vec::with_capacity(BATCH),
        })
    }

    /// Takes a line of the stream; counts when there are enough of them.
    pub async fn line(&mut self, position: u64, line: Result<&[u8], String>, now: Timestamp) -> Result<()> {
        if position == 0 && self.compiled.spec.source.header {
            return Ok(());
        }
        self.tally.findings += 1;
        let outcome = match line.and_then(|line| Ok((line, self.compiled.spec.source.decode(line)?))) {
            Ok((line, values)) => {
                let content = content_of(line);
                let identity = Identity { source: Arc::clone(&self.source), position, content };
                self.plan.resolve(identity, &values, now)
            }
            Err(reason) => Outcome::Rejected(reason),
        };
        match outcome {
            Outcome::Counts(row) => self.rows.push(row),
            Outcome::Waits(reason) => {
                self.tally.waiting += 1;
                self.aside(Aside { line: position + 1, reason, waits: true });
            }
            Outcome::Rejected(reason) => {
                self.tally.rejected += 1;
                self.aside(Aside { line: position + 1, reason, waits: false });
            }
        }
        if self.rows.len() == BATCH { self.flush().await } else { Ok(()) }
    }

    fn aside(&mut self, aside: Aside) {
        if self.asides.len() < ASIDES_MAX {
            self.asides.push(aside);
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

    /// The first of those that do not count.
    pub fn asides(&self) -> &[Aside] {
        &self.asides
    }

    /// Where they count.
    pub fn destination(&self) -> &dyn Destination {
        &*self.destination
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
