//! Size and speed of the connection graph, at the size that the originals promise and at the largest that the limit
//! allows:
//!
//! ```text
//! cargo bench -p manazir-people --features contract --bench connections
//! MANAZIR_FULL_SIZE=1 cargo bench -p manazir-people --features contract --bench connections
//! ```
//!
//! The first lines say how long loading took, and how much memory a process has that loaded nothing else; Linux only.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement ends at the first surprise")]

use std::fs;
use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

use divan::{Bencher, black_box};
use futures_executor::block_on;
use manazir_model::{Random, Timestamp};
use manazir_people::connections::Scratch;
use manazir_people::contract::population::{Population, ring};
use manazir_people::memory::InMemoryPeople;
use manazir_people::{
    Act, Action, Change, ConnectionGraph, Following, GraphStore, List, Page, PersonState, Start,
    SuggestionQuery, UserId,
};

/// People who are asked about: enough for a 99th percentile that is not that of a few.
const ASKED: usize = 10_000;

/// A graph and who is asked about.
struct Measured {
    graph: ConnectionGraph,
    /// Drawn from everyone.
    anyone: Vec<UserId>,
    /// Those with the most contacts.
    hubs: Vec<UserId>,
}

static USUAL: LazyLock<Measured> = LazyLock::new(|| {
    let population = Population::default();
    measured(population.people, population.connections().into_iter())
});

/// Everyone has as many contacts as the limit allows; beside it, what that is compared with: everyone out of 1,000 knows
/// a quarter of the others.
fn full_size() {
    let (before, started) = (resident_mib(), Instant::now());
    let full = measured(100_000, ring(100_000, 5_000));
    say("full", &full.graph, started, before);
    for (name, of) in [("small", measured(1_000, ring(1_000, 250))), ("full", full)] {
        let (mut scratch, mut graph) = (Scratch::default(), of.graph);
        let query = SuggestionQuery { max: 10, ..SuggestionQuery::default() };
        let page = Page::new(Start::After(UserId(500)), 50).unwrap();
        let mut say = |action: &str, ask: &mut dyn FnMut(&mut ConnectionGraph, UserId, UserId)| {
            let mut nanos: Vec<u128> = pairs(&of.anyone)
                .map(|(one, other)| {
                    let started = Instant::now();
                    ask(&mut graph, one, other);
                    started.elapsed().as_nanos()
                })
                .collect();
            nanos.sort_unstable();
            let [p50, p99] = [50, 99].map(|percent| nanos[nanos.len() * percent / 100] as f64 / 1_000.0);
            println!("{name}: {action}: p50 {p50:.2} µs, p99 {p99:.2} µs");
        };
        say("is connected", &mut |graph, one, other| {
            black_box(graph.connected(one, other));
        });
        say("page of contacts", &mut |graph, one, _| {
            black_box(graph.list(one, List::Contacts, &page).unwrap());
        });
        say("mutual contacts", &mut |graph, one, other| {
            black_box(graph.mutual(one, other, &page).unwrap());
        });
        say("connect or disconnect", &mut |graph, one, other| toggle(graph, one, other));
        say("suggestions", &mut |graph, one, _| {
            black_box(graph.suggestions(one, &query, &mut scratch).unwrap());
        });
    }
}

/// Each with another.
fn pairs(users: &[UserId]) -> impl Iterator<Item = (UserId, UserId)> {
    (0..users.len())
        .map(|at| (users[at], users[(at * 7 + 1) % users.len()]))
        .filter(|(one, other)| one != other)
}

/// A contact goes or comes.
fn toggle(graph: &mut ConnectionGraph, one: UserId, other: UserId) {
    let change = if graph.connected(one, other) { Change::disconnected } else { Change::connected };
    graph.apply(&change(one, other)).unwrap();
}

/// Set in the process that only loads.
const LOADS: &str = "MANAZIR_LOADS";

/// Of this process.
fn resident_mib() -> f64 {
    let pages: f64 =
        fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096.0 / f64::from(1 << 20)
}

/// So many people, and nobody connected.
fn strangers(people: usize) -> ConnectionGraph {
    let mut graph = ConnectionGraph::default();
    for number in 1..=people as u32 {
        graph.apply(&Change::Person { user: UserId(number), state: PersonState::Active }).unwrap();
    }
    graph
}

/// Loads a graph in a process of its own, which has never held anything else, and says how long it took and what that
/// process holds. Connections come through a pipe, sorted.
fn said_by_another(name: &str, people: usize, connections: impl Iterator<Item = (UserId, UserId)>) {
    let program = std::env::current_exe().unwrap();
    let mut child = Command::new(program)
        .env(LOADS, people.to_string())
        .env("MANAZIR_NAME", name)
        .stdin(Stdio::piped())
        .spawn();
    let child = child.as_mut().unwrap();
    let mut pipe = BufWriter::with_capacity(1 << 16, child.stdin.take().unwrap());
    for (one, other) in connections {
        pipe.write_all(&(u64::from(one.0) << 32 | u64::from(other.0)).to_le_bytes()).unwrap();
    }
    drop(pipe);
    assert!(child.wait().unwrap().success());
}

fn load_and_say(people: usize) {
    let (before, mut pipe) = (resident_mib(), BufReader::with_capacity(1 << 16, std::io::stdin()));
    let mut bytes = [0; 8];
    pipe.read_exact(&mut bytes).unwrap();
    let started = Instant::now();
    let mut graph = strangers(people);
    loop {
        let pair = u64::from_le_bytes(bytes);
        let (one, other) = (UserId((pair >> 32) as u32), UserId(pair as u32));
        graph.apply(&Change::Connected { one, other }).unwrap();
        if pipe.read_exact(&mut bytes).is_err() {
            break;
        }
    }
    say(&std::env::var("MANAZIR_NAME").unwrap(), &graph, started, before);
}

fn say(name: &str, graph: &ConnectionGraph, started: Instant, before_mib: f64) {
    println!(
        "{name}: {} people, {} connections: loaded in {:.2} s, {:.1} MiB resident, {:.1} MiB of it contacts",
        graph.people(),
        graph.connections(),
        started.elapsed().as_secs_f64(),
        resident_mib() - before_mib,
        graph.contacts_bytes() as f64 / f64::from(1 << 20),
    );
}

fn measured(people: usize, connections: impl Iterator<Item = (UserId, UserId)>) -> Measured {
    let mut graph = strangers(people);
    connections.for_each(|(one, other)| graph.apply(&Change::Connected { one, other }).unwrap());
    let mut random = Random::new(3);
    let mut by_contacts: Vec<UserId> = (1..=people as u32).map(UserId).collect();
    let anyone = (0..ASKED).map(|_| by_contacts[random.below(people)]).collect();
    by_contacts.sort_by_key(|user| std::cmp::Reverse(graph.contacts(*user).len()));
    by_contacts.truncate(20);
    Measured { graph, anyone, hubs: by_contacts }
}

fn main() {
    if let Ok(people) = std::env::var(LOADS) {
        return load_and_say(people.parse().unwrap());
    }
    if std::env::var_os("MANAZIR_FULL_SIZE").is_some() {
        return full_size();
    }
    let population = Population::default();
    said_by_another("usual", population.people, population.connections().into_iter());
    following();
    let Measured { graph, hubs, .. } = &*USUAL;
    let paths =
        |user: &UserId| graph.contacts(*user).iter().map(|contact| graph.contacts(contact).len()).sum();
    println!(
        "usual: a hub has up to {} contacts of contacts",
        hubs.iter().map(paths).max().unwrap_or(0_usize)
    );
    divan::main();
}

/// What starting takes when the truth is in this process, too: snapshot, pages, log.
fn following() {
    let truth = InMemoryPeople::default();
    let population = Population { people: 20_000, ..Population::default() };
    block_on(async {
        manazir_people::contract::join(&truth, population.people as u32).await;
        let import = |(by, to)| Act { by, to, action: Action::Import, at: Timestamp(0) };
        let acts: Vec<Act> = population.connections().into_iter().map(import).collect();
        let started = Instant::now();
        truth.write(&acts).await.unwrap();
        let rate = acts.len() as f64 / started.elapsed().as_secs_f64();
        let started = Instant::now();
        let copy = Following::load(truth).await.unwrap();
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "batch: {rate:.0} connections a second into the truth in memory; a copy of {} loads in {seconds:.2} s",
            copy.graph().connections()
        );
    });
}

/// Asks about one after the other.
fn each(bencher: Bencher, users: &[UserId], mut ask: impl FnMut(UserId, UserId)) {
    let mut pairs = pairs(users).collect::<Vec<_>>().into_iter().cycle();
    bencher.bench_local(|| {
        if let Some((one, other)) = pairs.next() {
            ask(one, other);
        }
    });
}

fn suggestions(bencher: Bencher, users: &[UserId]) {
    let mut scratch = Scratch::default();
    let query = SuggestionQuery { max: 10, ..SuggestionQuery::default() };
    each(bencher, users, |user, _| {
        black_box(USUAL.graph.suggestions(user, &query, &mut scratch).unwrap());
    });
}

fn list(bencher: Bencher, users: &[UserId]) {
    let page = Page::new(Start::After(UserId(500)), 50).unwrap();
    each(bencher, users, |user, _| {
        black_box(USUAL.graph.list(user, List::Contacts, &page).unwrap());
    });
}

fn mutual(bencher: Bencher, users: &[UserId]) {
    each(bencher, users, |one, other| {
        black_box(USUAL.graph.mutual(one, other, &Page::default()).unwrap());
    });
}

#[divan::bench(sample_count = 1_000)]
fn suggestions_of_anyone(bencher: Bencher) {
    suggestions(bencher, &USUAL.anyone);
}

#[divan::bench(sample_count = 200)]
fn suggestions_of_a_hub(bencher: Bencher) {
    suggestions(bencher, &USUAL.hubs);
}

#[divan::bench(sample_count = 1_000)]
fn is_connected(bencher: Bencher) {
    each(bencher, &USUAL.anyone, |one, other| {
        black_box(USUAL.graph.connected(one, other));
    });
}

#[divan::bench(sample_count = 1_000)]
fn page_of_contacts(bencher: Bencher) {
    list(bencher, &USUAL.anyone);
}

#[divan::bench(sample_count = 1_000)]
fn page_of_a_hub(bencher: Bencher) {
    list(bencher, &USUAL.hubs);
}

#[divan::bench(sample_count = 1_000)]
fn mutual_contacts(bencher: Bencher) {
    mutual(bencher, &USUAL.anyone);
}

#[divan::bench(sample_count = 1_000)]
fn mutual_contacts_of_hubs(bencher: Bencher) {
    mutual(bencher, &USUAL.hubs);
}

#[divan::bench(sample_count = 1_000)]
fn connect_or_disconnect_hubs(bencher: Bencher) {
    let mut graph = USUAL.graph.clone();
    each(bencher, &USUAL.hubs, |one, other| toggle(&mut graph, one, other));
}
