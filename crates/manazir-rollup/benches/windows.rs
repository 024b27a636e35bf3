//! How many things a second are counted into minutes: two million of two hundred keys, some of them out of order.
//!
//! ```console
//! cargo bench -p manazir-rollup --bench windows
//! ```
#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::time::Instant;

use manazir_model::hash::mixed;
use manazir_model::{Grain, Timestamp};
use manazir_rollup::aggregate::{Aggregate, Distinct, Wanted};
use manazir_rollup::windows::{Setting, Windows};

const THINGS: u64 = 2_000_000;
const KEYS: u64 = 200;
const DIFFERENT: u64 = 40;
const ROUNDS: usize = 7;

/// Between two things, and how late one may be.
const STEP_MICROS: u64 = 50_000;
const LATE_MICROS: u64 = 7_000_000;

fn main() {
    let keys: Vec<String> =
        (0..KEYS).map(|key| format!("arn:aws:iam::123837392027:role/build-{key}")).collect();
    let different: Vec<String> = (0..DIFFERENT).map(|action| format!("iam:DoSomething{action}")).collect();
    for (name, wanted) in [
        ("count, sum, extremes", Wanted::default()),
        ("and what is different", Wanted { distinct: true, quantiles: false }),
        ("and quantiles", Wanted { distinct: true, quantiles: true }),
    ] {
        let mut seconds: Vec<f64> = (0..ROUNDS).map(|_| round(wanted, &keys, &different)).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        let each = 1e9 * seconds[ROUNDS / 2] / THINGS as f64;
        println!("{name}: {each:.0} ns each (median of {ROUNDS})");
    }
}

fn round(wanted: Wanted, keys: &[String], different: &[String]) -> f64 {
    let begun = Instant::now();
    let mut windows = Windows::new(Setting { wanted, ..Setting::of_width(Grain::MINUTE.micros()) });
    let mut counted = 0.0;
    for thing in 0..THINGS {
        let random = mixed(thing);
        let at = Timestamp((thing * STEP_MICROS + LATE_MICROS - random % LATE_MICROS) as i64);
        let key = &keys[(random >> 20) as usize % keys.len()];
        let hash =
            wanted.distinct.then(|| Distinct::hash(&different[(random >> 40) as usize % different.len()]));
        for told in windows.add("123837392027", key, at, (random % 1_000) as i64, hash) {
            let cells = told.buckets.iter().filter_map(|(_, cell)| cell.value(Aggregate::Count, 0));
            counted += cells.sum::<f64>();
        }
    }
    assert!(counted > 0.9 * THINGS as f64, "most of it is closed: {counted}");
    begun.elapsed().as_secs_f64()
}
