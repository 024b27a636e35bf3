//! Findings from a file through a RabbitMQ into each destination, by the commands a user types: 10,000 people, servers
//! that sync to disk, one consumer of each destination after the other.
//!
//! ```text
//! cargo bench -p manazir --bench rollup            # 500,000 findings
//! cargo bench -p manazir --bench rollup -- 100000
//! ```
//!
//! Beside it stands what one finding at a time comes to: `cargo bench -p manazir-sql -p manazir-mariadb -p manazir-redis
//! --bench findings`.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use manazir_model::Random;
use manazir_testkit::mariadb::MariaDb;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::redis::Redis;
use serde_json::Value;

const PEOPLE: usize = 10_000;

/// Each of them is somebody's.
const VULNERABILITIES: usize = 2 * PEOPLE;

/// How long a consumer waits for more before it ends: no part of its time.
const IDLE: Duration = Duration::from_secs(2);

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let findings: u64 = arguments.next().map_or(500_000, |text| text.parse().unwrap());
    let (broker, postgres) = (Rabbit::start(), Postgres::start_with(&["fsync=on", "shared_buffers=128MB"]));
    let (mariadb, redis) = (MariaDb::start(), Redis::start());
    let destinations = [
        ("postgres", postgres.url()),
        ("mariadb", mariadb.url()),
        ("redis", redis.url()),
        ("sqlite", "sqlite://totals.db".to_owned()),
    ];
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &destinations, findings);
    let url = broker.url();

    let begun = Instant::now();
    let produced = run(folder.path(), &["produce", "--to", &url, "--once", "finding.csv"]);
    assert_eq!(produced["published"].as_u64(), Some(findings));
    tell("published and confirmed", findings, begun.elapsed());
    for (name, _) in &destinations {
        let begun = Instant::now();
        let idle = IDLE.as_secs().to_string();
        let ran = run(folder.path(), &["run", "--from", &url, "--to", name, "--until-idle", &idle]);
        assert_eq!(ran["counted"].as_u64(), Some(findings));
        tell(&format!("from the broker into {name}"), findings, begun.elapsed() - IDLE);
    }
}

fn tell(what: &str, findings: u64, took: Duration) {
    println!("{what}: {:.0} findings/s", findings as f64 / took.as_secs_f64());
}

fn run(folder: &Path, words: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manazir"));
    command.arg("rollup").args(words).args(["--spec", "rollup.toml", "--json"]).current_dir(folder);
    let output = command.env_remove("MANAZIR_DATA").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The example's specification, over findings and tables of many people.
fn write_files(folder: &Path, destinations: &[(&str, String)], findings: u64) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/karma");
    fs::copy(example.join("severity.csv"), folder.join("severity.csv")).unwrap();
    let spec = fs::read_to_string(example.join("rollup.toml")).unwrap();
    let mut spec = spec.split("# `manazir rollup run` counts").next().unwrap().to_owned();
    for (name, url) in destinations {
        write!(spec, "[[destination]]\nname = \"{name}\"\nurl = \"{url}\"\n").unwrap();
    }
    fs::write(folder.join("rollup.toml"), spec).unwrap();
    let lines =
        |count: usize, line: &mut dyn FnMut(usize) -> String| -> String { (1..=count).map(line).collect() };
    let people = lines(PEOPLE, &mut |id| format!("{id},person {id}\n"));
    fs::write(folder.join("crowdsourcer.csv"), people).unwrap();
    let mut random = Random::new(2028);
    let vulnerabilities = lines(VULNERABILITIES, &mut |id| {
        format!("{id},{},{}\n", random.below(PEOPLE) + 1, random.below(4) + 1)
    });
    fs::write(folder.join("vulnerability.csv"), vulnerabilities).unwrap();
    let found = lines(findings as usize, &mut |id| {
        let second = id / 100;
        let (hour, minute, second) = (second / 3_600 % 24, second / 60 % 60, second % 60);
        format!("{id},2026-03-02 {hour:02}:{minute:02}:{second:02},{}\n", random.below(VULNERABILITIES) + 1)
    });
    fs::write(folder.join("finding.csv"), found).unwrap();
}
