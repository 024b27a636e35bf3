//! How long a caller of `POST /ingest` waits for its verdict at a fixed rate.
//!
//! The rate is kept whatever the service does: each request has its moment, and its time counts from that moment,
//! not from when its connection was free. A service that stalls cannot hide it by being asked less.

use std::time::{Duration, Instant};

use manazir_testkit::events;

use crate::Options;
use crate::setup::Setup;
use crate::table::Table;

/// Connections that share the rate: enough that a slow answer does not delay the next request.
const CONNECTIONS: u64 = 100;
/// Seconds at the same rate that are not counted: connections, caches, the first models.
const WARM_UP: u64 = 3;

pub(crate) fn open_loop(setup: &Setup, options: &Options, table: &mut Table) {
    let requests = options.rate * (options.seconds + WARM_UP);
    let pause = Duration::from_secs(1).div_f64(options.rate as f64);
    let begin = Instant::now() + Duration::from_millis(500);
    let cpu_before = setup.cpu();
    let mut micros: Vec<u64> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CONNECTIONS)
            .map(|caller| {
                scope.spawn(move || {
                    let mut client = setup.client();
                    let mut micros = Vec::new();
                    let mut body = Vec::new();
                    for request in (caller..requests).step_by(CONNECTIONS as usize) {
                        body.clear();
                        events::write(request, &mut body);
                        let due = begin + pause * request as u32;
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        let answer = client.post("/ingest", &body).unwrap();
                        assert!(matches!(answer.status, 200 | 201), "{} {}", answer.status, answer.text());
                        if request >= options.rate * WARM_UP {
                            micros.push(due.elapsed().as_micros() as u64);
                        }
                    }
                    micros
                })
            })
            .collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    micros.sort_unstable();
    let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    let cpu = setup.cpu()[0] - cpu_before[0];
    table.row(
        "POST /ingest until its verdict",
        format!("{}; {} requests/s for {} s, open loop, verdict waited for", setup.stands, options.rate, options.seconds),
        format!(
            "p50 {:.1} ms, **p99 {:.1} ms**, p99.9 {:.1} ms, max {:.1} ms of {} requests; processor: ours {:.0} µs a request",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0),
            micros.len(),
            cpu * 1e6 / requests as f64
        ),
    );
}
