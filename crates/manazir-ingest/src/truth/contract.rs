//! What every implementation of the truth must do. An adapter calls the checks in its tests, each on a truth
//! that is empty.

#![allow(clippy::unwrap_used, reason = "a suite of tests, which ends at the first surprise")]

mod dead_letters;
mod findings;
mod jobs;
mod projection;

use manazir_model::{Reason, Timestamp};

use crate::Format;
use crate::dead_letters::{DeadLetters, NewDeadLetter};
use crate::findings::{FindingKind, Findings, NewFinding};
use crate::projection::Projection;

pub use dead_letters::{KEPT, check_bounds, check_dead_letters};
pub use findings::check_findings;
pub use jobs::check_jobs;
pub use projection::{check_projection, graph_event};

/// The name of the outbox that the checks show.
pub const OUTBOX: &str = "outbox of a test";

/// Names that a careless statement would read as something else.
pub const NAMES: [&str; 14] = [
    "asset1",
    "asset",
    "a,b",
    "\"quoted\"",
    "O'Brien",
    "{braces}",
    "[1]",
    "50%_done",
    "50x_done",
    "back\\slash",
    "漢字 ü",
    "nul\0byte",
    "sub\u{1a}0",
    "",
];

/// The ports of one truth.
pub trait Truth: Findings + DeadLetters + Projection {}

impl<T: Findings + DeadLetters + Projection> Truth for T {}

/// A finding of the given number.
pub fn finding(number: u64) -> NewFinding {
    let at = Timestamp::from_seconds(1_700_000_000 + number as i64);
    let reason = Reason {
        detector: "first_seen".to_owned(),
        surprise: 3.25,
        text: format!("Role-{number} never did 50% of \"it\""),
    };
    NewFinding {
        kind: FindingKind::Event,
        source: "plain".to_owned(),
        event_id: format!("e{number}"),
        request_id: format!("r{number}"),
        actor: format!("role{number}"),
        action: "iam:CreateUser".to_owned(),
        resources: vec![format!("asset{number}"), NAMES[number as usize % NAMES.len()].to_owned()],
        at,
        ended_at: None,
        first_seen_at: Timestamp(at.micros() + 1),
        received_at: Timestamp(at.micros() + 2),
        score: number as f64 + 0.1,
        sentence: crate::findings::sentence("iam:CreateUser", std::slice::from_ref(&reason)),
        reasons: vec![reason],
        series: None,
    }
}

/// A dead letter of the given number, whose body is of no encoding.
pub fn letter(number: u64) -> NewDeadLetter {
    NewDeadLetter {
        source: "plain".to_owned(),
        id: format!("e{number}"),
        format: Format::Plain,
        body: vec![0, 159, 146, 150, number as u8],
        reason: format!("item {number}: 50%_of it is \"missing\""),
        received_at: Timestamp::from_seconds(number as i64),
    }
}

/// Puts findings into a truth that may hold some already.
pub(crate) async fn add(truth: &dyn Truth, findings: &[NewFinding], letters: &[NewDeadLetter]) {
    let after = truth.projected(OUTBOX).await.unwrap();
    let through = after + (findings.len() + letters.len()) as u64;
    assert_eq!(truth.apply(OUTBOX, after, through, findings, letters, &[]).await.unwrap(), through);
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::truth::memory::InMemory;

    #[test]
    fn the_twin_in_memory_keeps_the_contract() {
        block_on(async {
            check_findings(&InMemory::default()).await;
            check_dead_letters(&InMemory::default()).await;
            check_bounds(&InMemory::keeping(KEPT)).await;
            let truth = InMemory::default();
            check_projection(&truth, async || truth.happened()).await;
            check_jobs(&InMemory::default()).await;
        });
    }
}
