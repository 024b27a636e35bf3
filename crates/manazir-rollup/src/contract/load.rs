//! How much a destination counts: the same findings for each, so that figures can be laid side by side.

use std::time::{Duration, Instant};

use super::{key, row};
use crate::{Destination, Key, Row};

/// Those for whom findings count.
pub const PEOPLE: u64 = 10_000;

/// Findings.
pub const FINDINGS: u64 = 200_000;

/// Findings that are counted together: as many as a consumer of a queue is sent at a time.
pub const BATCH: usize = 10_000;

/// How long single findings are counted.
const LOOK: Duration = Duration::from_secs(5);

/// A finding in an order that no index likes: no key comes more often in a batch than by chance.
pub fn finding(position: u64) -> Row {
    let person = position.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    row(position, &(person % PEOPLE).to_string(), (person % 4) as u16, 50)
}

/// Findings a second that an empty destination counts in batches.
///
/// # Panics
/// If it fails, or counts another number.
pub async fn in_batches(destination: &impl Destination) -> f64 {
    let people: Vec<Key> = (0..PEOPLE).map(|id| key(&id.to_string(), "somebody")).collect();
    destination.prepare(&people).await.unwrap();
    let rows: Vec<Row> = (0..FINDINGS).map(finding).collect();
    let (mut counted, began) = (0, Instant::now());
    for batch in rows.chunks(BATCH) {
        counted += destination.count(batch).await.unwrap();
    }
    let took = began.elapsed();
    assert_eq!(counted, FINDINGS);
    FINDINGS as f64 / took.as_secs_f64()
}

/// Findings a second that `count` counts one at a time, as a plain consumer does.
pub async fn one_by_one(mut count: impl AsyncFnMut(Row)) -> f64 {
    let (mut counted, began) = (0, Instant::now());
    while began.elapsed() < LOOK {
        count(finding(counted)).await;
        counted += 1;
    }
    counted as f64 / began.elapsed().as_secs_f64()
}

/// A line of the table that the benchmarks print.
pub fn line(name: &str, batches: f64, single: f64) -> String {
    let ratio = batches / single;
    format!(
        "{name}: {batches:.0} findings/s in batches of {BATCH}, {single:.0} one at a time, {ratio:.0} times as many"
    )
}
