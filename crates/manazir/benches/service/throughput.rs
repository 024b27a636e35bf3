//! Events accepted, and judged, a second.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use manazir_score::cloudtrail;
use manazir_testkit::events;

use crate::Options;
use crate::proc;
use crate::setup::Setup;
use crate::table::Table;

/// Plain events of many roles in batches.
pub(crate) fn events(setup: &Setup, options: &Options, table: &mut Table) {
    let batches = options.events / options.batch;
    let body = |batch: u64| events::lines(batch * options.batch..(batch + 1) * options.batch);
    let ids: Vec<String> = (0..batches).map(|batch| events::id((batch + 1) * options.batch - 1)).collect();
    let route = Route { path: "/api/v1/ingest/events", source: "plain", kind: "plain events" };
    run(setup, options, table, &route, batches, &body, &ids);
}

/// CloudTrail records of several accounts in batches, each batch of one account as a delivery is.
pub(crate) fn cloudtrail(setup: &Setup, options: &Options, table: &mut Table) {
    let (bodies, ids) = deliveries(options);
    let route = Route { path: "/api/v1/ingest/cloudtrail", source: "cloudtrail", kind: "CloudTrail records" };
    let body = |batch: u64| bodies[batch as usize].clone();
    run(setup, options, table, &route, bodies.len() as u64, &body, &ids);
}

struct Route {
    path: &'static str,
    source: &'static str,
    kind: &'static str,
}

fn run(
    setup: &Setup,
    options: &Options,
    table: &mut Table,
    route: &Route,
    batches: u64,
    body: &(impl Fn(u64) -> Vec<u8> + Sync),
    last_ids: &[String],
) {
    let (next, refused, bytes) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let cpu_before = setup.cpu();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..options.connections {
            scope.spawn(|| {
                let mut client = setup.client();
                loop {
                    let batch = next.fetch_add(1, Ordering::Relaxed);
                    if batch >= batches {
                        return;
                    }
                    let body = body(batch);
                    bytes.fetch_add(body.len(), Ordering::Relaxed);
                    loop {
                        let answer = client.post(route.path, &body).unwrap();
                        match answer.status {
                            202 => break,
                            429 => {
                                refused.fetch_add(1, Ordering::Relaxed);
                                std::thread::sleep(Duration::from_millis(20));
                            }
                            _ => panic!("{} {}", answer.status, answer.text()),
                        }
                    }
                }
            });
        }
    });
    let accepted = began.elapsed().as_secs_f64();
    // A few of them, the last among them: what is judged last was sent last.
    let some: Vec<String> = last_ids.iter().rev().take(options.connections).cloned().collect();
    setup.wait_until_judged(route.source, &some);
    let judged = began.elapsed().as_secs_f64();
    let cpu: Vec<f64> = setup.cpu().iter().zip(cpu_before).map(|(after, before)| after - before).collect();
    let events = (batches * options.batch) as f64;
    let with = format!(
        "{}; {events} {}, {} bytes each, {} a request, {} connections",
        setup.stands,
        route.kind,
        bytes.into_inner() / events as usize,
        options.batch,
        options.connections
    );
    let refused = refused.into_inner();
    let figure = format!(
        "{:.0} accepted/s, **{:.0} judged/s**; processor: ours {:.1} µs an event, brokers {:.1}, callers {:.1}; {refused} requests told to wait",
        events / accepted,
        events / judged,
        cpu[0] * 1e6 / events,
        cpu[1] * 1e6 / events,
        cpu[2] * 1e6 / events,
    );
    table.row(format!("{}, end to end", route.kind), with, figure);
    proc::memory(setup, "after it", table);
}

/// Bodies of a batch each, the accounts in turn, and the identity of the last record in each.
fn deliveries(options: &Options) -> (Vec<Vec<u8>>, Vec<String>) {
    let accounts = options.accounts.max(1);
    let batches_each = (options.events / options.batch).div_ceil(accounts);
    let mut bodies: Vec<Vec<Vec<u8>>> = Vec::new();
    for account in 0..accounts {
        bodies.push(account_deliveries(account, batches_each as usize, options.batch as usize));
    }
    let mut ordered = Vec::new();
    for batch in 0..batches_each as usize {
        ordered.extend(bodies.iter_mut().map(|of_account| std::mem::take(&mut of_account[batch])));
    }
    let ids = ordered.iter().map(|body| last_id(body)).collect();
    (ordered, ids)
}

/// Records of one account: those of the benign background, under a number and with identities of its own.
fn account_deliveries(account: u64, batches: usize, batch: usize) -> Vec<Vec<u8>> {
    let number = format!("{:012}", 400_000_000_000 + account * 7_919);
    let mut bodies = Vec::new();
    let mut body = Vec::new();
    let mut records = 0;
    // A seed holds two weeks; when they are over the next seed's follow.
    for seed in (account * 1_000).. {
        for day in cloudtrail::ordinary(seed).days() {
            let text = String::from_utf8(day.lines).unwrap();
            // Every identity of the background ends so; the fifth group tells accounts and seeds apart.
            let own = format!("-a6a0-{seed:012x}\"");
            let text = text.replace("111122223333", &number).replace("-a6a0-d07a6e2105cb\"", &own);
            for line in text.lines() {
                body.extend_from_slice(line.as_bytes());
                body.push(b'\n');
                records += 1;
                if records % batch == 0 {
                    bodies.push(std::mem::take(&mut body));
                    if bodies.len() == batches {
                        return bodies;
                    }
                }
            }
        }
    }
    unreachable!("there is always another seed")
}

fn last_id(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    let (_, after) = text.rsplit_once("\"eventID\":\"").unwrap();
    after.split('"').next().unwrap().to_owned()
}
