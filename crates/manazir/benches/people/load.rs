//! A load of all actions, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::afterwards::missing;
use crate::filling::Filled;
use crate::open_loop::{Answered, ask};
use crate::plan::{What, draw};
use crate::running::Running;

/// Seconds between two batches.
const BATCH_EVERY: usize = 2;

/// Asks `rate` requests a second of the service for so many seconds; prints times and statuses of each action. True if
/// every answer was right, and everything that was acknowledged is there.
pub(crate) fn load(running: &Running, filled: &Filled, rate: usize, seconds: usize, run: u64) -> bool {
    let plan = draw(filled, rate * seconds, rate * BATCH_EVERY, run);
    let answered = ask(running.service().address(), running.token(), plan.requests.clone(), rate);
    tell(&answered, rate, seconds);
    println!("  {:.0} MiB resident afterwards", running.resident_mib());
    let wrong = answered.iter().filter(|answered| !answered.is_right).count();
    for one in answered.iter().filter(|answered| !answered.is_right).take(5) {
        let request = &plan.requests[one.place];
        let said = String::from_utf8_lossy(&one.body);
        println!("  wrong: {} {} {}: {} {said}", request.method, request.path, request.body, one.status);
    }
    let missing = missing(&mut running.client(), &plan, &answered);
    missing.iter().take(5).for_each(|left| println!("  not as it was acknowledged: {left}"));
    println!(
        "  {wrong} wrong answers; {} of {} writes are not as they were acknowledged",
        missing.len(),
        plan.left.len()
    );
    wrong == 0 && missing.is_empty()
}

fn tell(answered: &[Answered], rate: usize, seconds: usize) {
    let all = times(answered.iter());
    println!("{rate} requests/s for {seconds} s, open loop, 64 connections: {all}");
    let mut by_action: BTreeMap<What, Vec<&Answered>> = BTreeMap::new();
    answered.iter().for_each(|one| by_action.entry(one.what).or_default().push(one));
    for (what, answered) in by_action {
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        answered.iter().for_each(|one| *statuses.entry(one.status).or_default() += 1);
        let statuses: Vec<String> =
            statuses.iter().map(|(status, count)| format!("{count} of {status}")).collect();
        println!("  {what:?}: {}; {}", times(answered.into_iter()), statuses.join(", "));
    }
}

/// Percentiles in words.
fn times<'a>(answered: impl Iterator<Item = &'a Answered>) -> String {
    let mut took: Vec<Duration> = answered.map(|answered| answered.took).collect();
    took.sort_unstable();
    let Some(last) = took.len().checked_sub(1) else { return "nothing was asked".to_owned() };
    let at = |share: f64| took[(last as f64 * share) as usize].as_secs_f64() * 1e3;
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(at);
    format!("p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms of {}", took.len())
}
