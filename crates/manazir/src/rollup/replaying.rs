//! Findings of a history, counted anew.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use manazir_rollup::history::{Aside, AsideState};
use manazir_rollup::{Compiled, Destination, History, Identity, Outcome, Plan, Raw, Row, Shape};
use serde::Serialize;

use super::counting::{again, now};
use super::releasing::mended;
use crate::progress::{Work, interrupted};

/// Findings that are set aside together.
const ASIDES: usize = 1_000;

/// How often what is counted anew may lack what was counted meanwhile, and the pause between: a minute in all.
const ATTEMPTS: usize = 120;
const PAUSE: Duration = Duration::from_millis(500);

/// What became of findings that were counted anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// All of them.
    pub findings: u64,
    /// Those that count now.
    pub counted: u64,
    /// Those that counted there before.
    pub known: u64,
    /// Those that wait for a row of a reference table.
    pub waiting: u64,
    /// Those that cannot count by these tables.
    pub rejected: u64,
    /// Those of which nobody kept what they said: they count as they did.
    pub as_before: u64,
}

/// Counts the findings of one history into a destination.
pub struct Replaying<'r> {
    compiled: &'r Compiled,
    plan: Plan,
    history: &'r dyn History,
    destination: &'r dyn Destination,
    /// Findings of the history that were seen.
    seen: u64,
    replayed: Replayed,
}

impl<'r> Replaying<'r> {
    /// Every key has its row of zeros when this returns.
    pub async fn new(
        compiled: &'r Compiled,
        plan: Plan,
        history: &'r dyn History,
        destination: &'r dyn Destination,
    ) -> Result<Self> {
        let keys = plan.keys();
        again(async || destination.prepare(&keys).await).await.context("make the table")?;
        Ok(Self { compiled, plan, history, destination, seen: 0, replayed: Replayed::default() })
    }

    /// Counts what is there, and what has come since the last call.
    pub async fn catch_up(&mut self, work: &Work) -> Result<()> {
        while !interrupted() {
            let rows = again(async || self.history.findings(self.seen).await).await;
            let rows = rows.context("read the history")?;
            if rows.is_empty() {
                break;
            }
            self.seen += rows.len() as u64;
            work.advance(rows.len() as u64);
            let (mut counting, mut asides) = (Vec::with_capacity(rows.len()), Vec::new());
            for row in rows {
                self.replayed.findings += 1;
                match self.anew(row) {
                    Ok(row) => counting.push(row),
                    Err(aside) => asides.push(aside),
                }
            }
            self.count(&counting, &asides).await?;
        }
        Ok(())
    }

    /// Counts what did not count and does now.
    pub async fn mend(&mut self) -> Result<()> {
        for state in [AsideState::Waiting, AsideState::Rejected] {
            let mut after = 0;
            loop {
                let next = async || self.history.asides(Some(state), after, ASIDES).await;
                let asides = again(next).await.context("read what did not count")?;
                let Some(last) = asides.last() else { break };
                after = last.number;
                let (compiled, plan) = (self.compiled, &mut self.plan);
                let mended = asides.iter().filter_map(|aside| mended(compiled, plan, aside, now()));
                let rows: Vec<Row> = mended.collect();
                self.replayed.findings += rows.len() as u64;
                self.count(&rows, &[]).await?;
            }
        }
        Ok(())
    }

    /// Lets `live` have what was counted anew, once that is complete.
    pub async fn replace(&mut self, live: &dyn Destination, staged: &Shape, work: &Work) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if interrupted() {
                bail!("interrupted: the totals are as they were");
            }
            if again(async || live.adopt(staged).await).await.context("take the place of the totals")? {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
            self.catch_up(work).await?;
        }
        bail!(
            "findings were counted that the history does not have: is the consumer of its destination running? the \
             totals are as they were"
        )
    }

    /// What became of them so far.
    pub fn replayed(&self) -> Replayed {
        self.replayed
    }

    /// When it was taken in does not change by its being counted anew.
    fn anew(&mut self, row: Row) -> Result<Row, Aside> {
        if row.raw == Raw::Nothing {
            self.replayed.as_before += 1;
            return Ok(row);
        }
        let identity = Identity { source: row.source.clone(), position: row.position, content: row.content };
        let outcome = match self.compiled.decode_kept(&row.raw) {
            Ok(values) => self.plan.resolve(identity, &values, now()),
            Err(reason) => Outcome::Rejected(reason),
        };
        let (state, reason) = match outcome {
            Outcome::Counts(new) => return Ok(Row { known_at: row.known_at, raw: row.raw, ..new }),
            Outcome::Waits(reason) => (AsideState::Waiting, reason),
            Outcome::Rejected(reason) => (AsideState::Rejected, reason),
        };
        let Row { source, position, content, known_at, raw, .. } = row;
        Err(Aside { number: 0, source, position, content, known_at, raw, reason, state })
    }

    async fn count(&mut self, rows: &[Row], asides: &[Aside]) -> Result<()> {
        let destination = self.destination;
        if !rows.is_empty() {
            let counted = again(async || destination.count(rows).await).await.context("count findings")?;
            self.replayed.counted += counted;
            self.replayed.known += rows.len() as u64 - counted;
        }
        let waiting = asides.iter().filter(|aside| aside.state == AsideState::Waiting).count() as u64;
        self.replayed.waiting += waiting;
        self.replayed.rejected += asides.len() as u64 - waiting;
        if let Some(history) = destination.history()
            && !asides.is_empty()
        {
            again(async || history.set_aside(asides).await).await.context("keep what does not count")?;
        }
        Ok(())
    }
}
