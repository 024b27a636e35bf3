//! Findings that did not count, once more.

use anyhow::{Context, Result};
use manazir_model::Timestamp;
use manazir_rollup::history::{Aside, AsideState, Resolution};
use manazir_rollup::hosted::Tried;
use manazir_rollup::{Compiled, Destination, History, Identity, Outcome, Plan, Raw, Row};

use super::counting::again;

/// What became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Those that count now.
    pub counted: u64,
    /// Those that counted already.
    pub known: u64,
    /// Those that cannot count as they are.
    pub rejected: u64,
    /// Those that wait as before.
    pub waiting: u64,
}

impl std::ops::Add for Released {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            counted: self.counted + other.counted,
            known: self.known + other.known,
            rejected: self.rejected + other.rejected,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// Works findings out with the tables there are now, counts those that count, and writes down what became of each.
pub async fn release(
    compiled: &Compiled,
    plan: &mut Plan,
    (destination, history): (&dyn Destination, &dyn History),
    asides: &[Aside],
    now: Timestamp,
) -> Result<Released> {
    let (mut rows, mut resolutions, mut released) = (Vec::new(), Vec::new(), Released::default());
    for aside in asides {
        let (state, reason) = match outcome(compiled, plan, aside, now) {
            Outcome::Counts(row) => {
                rows.push(row);
                (AsideState::Counted, "it counts".to_owned())
            }
            Outcome::Waits(reason) => {
                released.waiting += 1;
                (AsideState::Waiting, reason)
            }
            Outcome::Rejected(reason) => {
                released.rejected += 1;
                (AsideState::Rejected, reason)
            }
        };
        if (state, &reason) != (aside.state, &aside.reason) {
            resolutions.push(Resolution { number: aside.number, state, reason });
        }
    }
    // First what counts: whoever dies between the two finds it again, and it counts once.
    if !rows.is_empty() {
        released.counted = again(async || destination.count(&rows).await).await.context("count findings")?;
        released.known = rows.len() as u64 - released.counted;
    }
    if !resolutions.is_empty() {
        let resolve = async || history.resolve(&resolutions).await;
        again(resolve).await.context("write down what became of findings")?;
    }
    Ok(released)
}

/// What one would come to; nothing is written.
pub fn try_out(compiled: &Compiled, plan: &mut Plan, aside: &Aside, now: Timestamp) -> Tried {
    match outcome(compiled, plan, aside, now) {
        Outcome::Counts(_) => Tried::Counts,
        Outcome::Waits(reason) => Tried::Waits(reason),
        Outcome::Rejected(reason) => Tried::Rejected(reason),
    }
}

/// What one counts as, if it does.
pub fn mended(compiled: &Compiled, plan: &mut Plan, aside: &Aside, now: Timestamp) -> Option<Row> {
    match outcome(compiled, plan, aside, now) {
        Outcome::Counts(row) => Some(row),
        Outcome::Waits(_) | Outcome::Rejected(_) => None,
    }
}

/// It is taken in when it counts, and not when it came: until now no table showed it.
fn outcome(compiled: &Compiled, plan: &mut Plan, aside: &Aside, now: Timestamp) -> Outcome {
    let Aside { source, position, content, raw, .. } = aside;
    let values = match compiled.decode_kept(raw) {
        Ok(values) => values,
        Err(reason) => return Outcome::Rejected(reason),
    };
    let identity = match raw {
        // What was mended stands at the same place, and says something else.
        Raw::Line(line) => compiled.identity(source, *position, line, &values),
        _ => Identity { source: source.clone(), position: *position, content: *content },
    };
    match plan.resolve(identity, &values, now) {
        Outcome::Counts(row) => Outcome::Counts(Row { raw: raw.clone(), ..row }),
        other => other,
    }
}
