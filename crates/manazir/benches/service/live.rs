//! Live series through the service: one sample a minute of each, by a clock, and how far the verdicts lag behind.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use manazir_model::Random;

use crate::Options;
use crate::proc;
use crate::setup::Setup;
use crate::table::Table;

/// Series in one request.
const BATCH: u64 = 1_000;

/// A minute's samples are sent as soon as the minute begins; its lag ends when nothing of it waits any more.
pub(crate) fn run(setup: &Setup, options: &Options, table: &mut Table) {
    let began = Instant::now();
    // A clock that runs fast begins in the past, so that no sample is ahead of its time.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let started_at = (now - options.minutes * (60 - options.pace.min(60))) / 60 * 60;
    let cpu_before = setup.cpu();
    let mut lags = Vec::new();
    let mut bytes = 0;
    for minute in 0..options.minutes {
        std::thread::sleep(Duration::from_secs(options.pace * minute).saturating_sub(began.elapsed()));
        let sending = Instant::now();
        let mut client = setup.client();
        for first in (0..options.series).step_by(BATCH as usize) {
            let body = body(first..(first + BATCH).min(options.series), started_at, minute);
            bytes += body.len();
            while client.post("/api/v1/ingest/samples", body.as_bytes()).unwrap().status != 202 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        setup.wait_until_judged("samples", &[]);
        lags.push(sending.elapsed().as_secs_f64());
    }
    lags.sort_by(f64::total_cmp);
    let busy = setup.cpu()[0] - cpu_before[0];
    let samples = options.series * options.minutes;
    let (middle, longest) = (lags[lags.len() / 2], lags[lags.len() - 1]);
    let with = format!(
        "{}; {} series, one sample a minute each, {} minutes of {} s, {BATCH} a request of {} bytes",
        setup.stands,
        options.series,
        options.minutes,
        options.pace,
        bytes as u64 * BATCH / samples
    );
    let figure = format!(
        "all of a minute judged {middle:.1} s after it began (median), {longest:.1} s at the longest; {:.1} µs of \
         processor a sample",
        busy * 1e6 / samples as f64
    );
    table.row("live series", with, figure);
    proc::memory(setup, "after it", table);
}

/// Levels of their own, with noise; now and then one is far off for a few minutes.
fn body(series: std::ops::Range<u64>, started_at: u64, minute: u64) -> String {
    let mut body = String::new();
    let at = started_at + 60 * minute;
    for number in series {
        let mut random = Random::new(number << 20 | minute);
        let level = 100.0 + (number % 97) as f64;
        let off = if (number + minute / 5).is_multiple_of(5_003) { 80.0 } else { 0.0 };
        let value = level + 3.0 * random.normal() + off;
        // Writing to memory cannot fail.
        let _ = writeln!(
            body,
            r#"{{"series":"load","labels":{{"host":"{}","core":"{}"}},"at":{at},"value":{value:.3}}}"#,
            number / 8,
            number % 8
        );
    }
    body
}
