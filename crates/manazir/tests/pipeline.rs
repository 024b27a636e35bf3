//! Findings from a file that grows through a broker into several destinations, each part a process of its own that may
//! be killed.

#![allow(clippy::print_stderr, reason = "the long form says what it did")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use manazir_model::Random;
use manazir_testkit::mariadb::MariaDb;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::redis::Redis;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The example's findings come so often in each round.
const TIMES: u64 = 5;

/// The example with destinations of the test's own.
struct Place {
    folder: TempDir,
    broker: String,
}

impl Place {
    fn new(broker: &Rabbit, destinations: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/karma"), folder.path());
        let spec = fs::read_to_string(folder.path().join("rollup.toml")).unwrap();
        let mut spec = spec.split("# `manazir rollup run` counts").next().unwrap().to_owned();
        for (name, url) in destinations {
            spec += &format!("[[destination]]\nname = \"{name}\"\nurl = \"{url}\"\n");
        }
        fs::write(folder.path().join("rollup.toml"), spec).unwrap();
        Self { folder, broker: broker.url() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manazir"));
        command.arg("rollup").args(arguments).arg("--json").current_dir(self.folder.path());
        command.env_remove("MANAZIR_DATA").stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    fn produce(&self, more: &[&str]) -> Command {
        let arguments = ["produce", "--spec", "rollup.toml", "--to", &self.broker, "finding.csv"];
        self.command(&[&arguments, more].concat())
    }

    fn consume(&self, to: &str, more: &[&str]) -> Command {
        let arguments = ["run", "--spec", "rollup.toml", "--from", &self.broker, "--to", to];
        self.command(&[&arguments, more].concat())
    }

    /// The lines of the example, so often as all rounds need them.
    fn many_findings(&self, rounds: u64) -> String {
        let findings = fs::read_to_string(self.path("finding.csv")).unwrap();
        findings.repeat((TIMES * rounds) as usize)
    }

    fn add(&self, name: &str, text: &str) {
        let mut file = fs::File::options().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Findings and tables of the same layout from elsewhere: the long form may name some.
    fn with_data(self, folder: Option<&str>) -> Self {
        if let Some(folder) = folder {
            fs::remove_file(self.path("expected.csv")).unwrap();
            copy_files(Path::new(folder), self.folder.path());
        }
        self
    }

    /// Lines of a file without a header.
    fn rows(&self, name: &str) -> Vec<Vec<String>> {
        let mut csv = csv::ReaderBuilder::new().has_headers(false).from_path(self.path(name)).unwrap();
        csv.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// What all findings come to so often: key and the sums of its categories, by key.
    fn expected(&self, findings: &str, rounds: u64) -> BTreeMap<String, Vec<i64>> {
        let mut totals: BTreeMap<String, Vec<i64>> =
            self.rows("crowdsourcer.csv").into_iter().map(|row| (row[0].clone(), vec![0; 4])).collect();
        let (vulnerabilities, severities) = (self.rows("vulnerability.csv"), self.rows("severity.csv"));
        for finding in findings.lines() {
            let vulnerability = finding.rsplit(',').next().unwrap();
            let vulnerability = vulnerabilities.iter().find(|row| row[0] == vulnerability).unwrap();
            let severity = severities.iter().position(|row| row[0] == vulnerability[2]).unwrap();
            totals.get_mut(&vulnerability[1]).unwrap()[severity] +=
                severities[severity][2].parse::<i64>().unwrap();
        }
        // The example's were worked out elsewhere.
        if let Ok(mut csv) = csv::Reader::from_path(self.path("expected.csv")) {
            for row in csv.records().map(Result::unwrap) {
                let times = (TIMES * rounds) as i64;
                let sums = row.iter().skip(2).map(|sum| sum.parse::<i64>().unwrap() * times);
                assert_eq!(totals[&row[0]], sums.collect::<Vec<_>>());
            }
        }
        totals
    }
}

fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        // What cannot be written there can be written here.
        fs::write(copy, fs::read(&path).unwrap()).unwrap();
    }
}

fn totals(ran: &Value) -> BTreeMap<String, Vec<i64>> {
    let total = |total: &Value| {
        let sums = total["by_category"].as_object().unwrap().values();
        (total["key"].as_str().unwrap().to_owned(), sums.map(|sum| sum.as_i64().unwrap()).collect())
    };
    ran["totals"].as_array().unwrap().iter().map(total).collect()
}

/// What a command says that ends by itself.
#[track_caller]
fn ends(mut command: Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A destination's server, which may be killed and comes back.
struct Server {
    name: &'static str,
    url: String,
    again: Box<dyn FnMut()>,
}

fn servers() -> Vec<Server> {
    let (mut postgres, mut mariadb, mut redis) = (Postgres::start(), MariaDb::start(), Redis::start());
    let (at_postgres, at_mariadb, at_redis) = (postgres.url(), mariadb.url(), redis.url());
    let again_postgres = move || {
        postgres.kill();
        postgres.restart();
    };
    let again_mariadb = move || {
        mariadb.kill();
        mariadb.restart();
    };
    let again_redis = move || {
        redis.kill();
        redis.restart();
    };
    vec![
        Server { name: "postgres", url: at_postgres, again: Box::new(again_postgres) },
        Server { name: "mariadb", url: at_mariadb, again: Box::new(again_mariadb) },
        Server { name: "redis", url: at_redis, again: Box::new(again_redis) },
        // A file is killed with those who write it.
        Server { name: "sqlite", url: "sqlite://totals.db".to_owned(), again: Box::new(|| {}) },
    ]
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// KP-W1, KP-W2, KP-W3: whatever is killed when, no finding is lost and none counts twice, in any destination; and what
/// was sent before a consumer was there waits for it.
///
/// In each round findings are added, and one of the consumers of each destination is killed at a moment drawn from the
/// seed; in some the producer, the broker or a destination's server.
#[test]
fn parts_that_are_killed_lose_nothing_and_count_nothing_twice_needs_rabbitmq_needs_postgres_needs_mariadb_needs_redis()
 {
    let (rounds, seed) = (setting("MANAZIR_KILL_ROUNDS", 8), setting("MANAZIR_KILL_SEED", 5));
    let mut random = Random::new(seed);
    let mut broker = Rabbit::start();
    let mut servers = servers();
    let urls: Vec<(&str, String)> = servers.iter().map(|server| (server.name, server.url.clone())).collect();
    let data = std::env::var("MANAZIR_KILL_DATA").ok();
    let place = Place::new(&broker, &urls).with_data(data.as_deref());
    let findings = place.many_findings(rounds);
    let expected = place.expected(&findings, rounds);
    fs::remove_file(place.path("finding.csv")).unwrap();
    let mut producer = place.produce(&[]).spawn().unwrap();
    let mut consumers: Vec<[Child; 2]> = Vec::new();
    for (piece, round) in findings.as_bytes().chunks(findings.len() / rounds as usize + 1).zip(0..) {
        place.add("finding.csv", std::str::from_utf8(piece).unwrap());
        if round == 1 {
            // What was sent before waited for them.
            let consume =
                |server: &Server| [(); 2].map(|()| place.consume(server.name, &[]).spawn().unwrap());
            consumers = servers.iter().map(consume).collect();
        }
        std::thread::sleep(Duration::from_millis(100 + random.below(700) as u64));
        for (server, pair) in servers.iter().zip(&mut consumers) {
            let next = place.consume(server.name, &[]).spawn().unwrap();
            kill(std::mem::replace(&mut pair[random.below(2)], next));
        }
        match random.below(10) {
            0..3 => kill(std::mem::replace(&mut producer, place.produce(&[]).spawn().unwrap())),
            3 => {
                broker.kill();
                broker.restart();
            }
            4 => (servers[0].again)(),
            5 => (servers[1].again)(),
            6 => (servers[2].again)(),
            _ => {}
        }
    }
    kill(producer);
    ends(place.produce(&["--once"]));
    consumers.into_iter().flatten().for_each(kill);
    for server in &servers {
        let ran = ends(place.consume(server.name, &["--until-idle", "5"]));
        assert_eq!(totals(&ran), expected, "{}, seed {seed}", server.name);
        if ["postgres", "sqlite"].contains(&server.name) {
            let past = ends(place.command(&["as-of", "--spec", "rollup.toml", "--to", server.name]));
            assert_eq!(totals(&past), expected, "history of {}, seed {seed}", server.name);
        }
    }
    let lines = findings.lines().count();
    // Read by `cargo xtask soak`.
    eprintln!(
        "{rounds} rounds, {lines} findings into each of {} destinations: 0 lost, 0 counted twice",
        servers.len()
    );
}

/// KP-W4, KP-W5: what cannot be read stops at the producer, what is about nothing known waits in the broker and counts
/// when the table knows it.
#[test]
fn what_waits_counts_when_its_reference_comes_needs_rabbitmq() {
    let broker = Rabbit::start();
    let place = Place::new(&broker, &[]);
    place.add("rollup.toml", "[[destination]]\nname = \"here\"\nurl = \"sqlite://totals.db\"\n");
    place.add("finding.csv", "1,2026-03-12 10:00:00,77\nbroken\n");
    let produced = ends(place.produce(&["--once"]));
    assert_eq!((produced["published"].as_u64(), produced["rejected"].as_u64()), (Some(65), Some(1)));
    // What the producer rejected is kept by it, and published when it is mended.
    let kept = ends(place.command(&["dead-letter", "list", "--spec", "rollup.toml"]));
    assert_eq!(
        (&kept["dead_letters"][0]["line"], &kept["dead_letters"][0]["body"]),
        (&json!(66), &json!("broken"))
    );
    let number = kept["dead_letters"][0]["number"].to_string();
    let mended = ["--line", "1,2026-03-12 10:00:00,1", "--publish", &place.broker];
    let repair = ["dead-letter", "repair", &number, "--spec", "rollup.toml"];
    assert_eq!(ends(place.command(&[&repair[..], &mended].concat()))["published"], true);
    assert_eq!(
        ends(place.produce(&["--once"]))["published"],
        0,
        "a second run goes on where the first was confirmed"
    );
    let ran = ends(place.consume("here", &["--until-idle", "2"]));
    assert_eq!((ran["counted"].as_u64(), ran["waiting"].as_u64()), (Some(65), Some(1)));
    let consumer = place.consume("here", &["--until-idle", "5"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    place.add("vulnerability.csv", "77,6,4\n");
    let output = consumer.wait_with_output().unwrap();
    let ran: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((ran["counted"].as_u64(), ran["rejected"].as_u64()), (Some(1), Some(0)));
    assert_eq!(totals(&ran)["6"], [0, 0, 0, 1_000]);
}

/// KP-W4, KP-W5: a destination without a history leaves what it cannot count beside its queue, where it is looked at,
/// mended and sent again.
#[test]
fn what_a_destination_cannot_count_is_seen_to_in_the_broker_needs_rabbitmq_needs_redis() {
    let (broker, redis) = (Rabbit::start(), Redis::start());
    let place = Place::new(&broker, &[("redis", redis.url())]);
    let spec = fs::read_to_string(place.path("rollup.toml")).unwrap();
    let on = "on = \"vulnerability_id\"\n";
    assert!(spec.contains(on));
    fs::write(place.path("rollup.toml"), spec.replace(on, &format!("{on}unknown = \"reject\"\n"))).unwrap();
    place
        .add("finding.csv", "1,2026-03-12 10:00:00,77\n1,2026-03-12 11:00:00,78\n1,2026-03-12 12:00:00,79\n");
    ends(place.produce(&["--once"]));
    let consume = || ends(place.consume("redis", &["--until-idle", "2"]));
    let before = consume();
    assert_eq!((before["counted"].as_u64(), before["rejected"].as_u64()), (Some(64), Some(3)));

    let of = ["--spec", "rollup.toml", "--to", "redis", "--from", &place.broker];
    let dead_letter = |words: &[&str]| ends(place.command(&[&["dead-letter"], words, &of].concat()));
    let listed = || {
        let letters = dead_letter(&["list"])["dead_letters"].as_array().unwrap().clone();
        let number = |letter: &Value| letter["number"].to_string();
        letters.iter().map(|letter| (letter["line"].as_u64().unwrap(), number(letter))).collect::<Vec<_>>()
    };
    let numbers = listed();
    assert_eq!(numbers.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [65, 66, 67]);
    let shown = dead_letter(&["show", &numbers[0].1]);
    assert_eq!((&shown["state"], &shown["line"]), (&json!("rejected"), &json!(65)));
    assert!(shown["reason"].as_str().unwrap().contains("77"), "{shown}");
    assert_eq!(ends(place.command(&[&["status"], &of[..]].concat()))["queues"][0]["dead"], 3);

    // One counts as it should have come, one never, and one when the table knows it.
    dead_letter(&["repair", &numbers[0].1, "--line", "1,2026-03-12 10:00:00,1"]);
    dead_letter(&["discard", &numbers[1].1]);
    assert_eq!(listed(), numbers[2..]);
    place.add("vulnerability.csv", "79,6,4\n");
    assert_eq!(dead_letter(&["replay"])["published"], 1);
    let after = consume();
    assert_eq!((after["counted"].as_u64(), after["rejected"].as_u64()), (Some(2), Some(0)));
    assert_eq!(listed(), []);
    let refused = place.command(&[&["dead-letter", "repair", "1", "--line", "broken"], &of[..]].concat());
    let refused = { refused }.output().unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("the line"));
}

/// KP-W10: a file that is emptied and played again counts once, from its first line.
#[test]
fn a_stream_that_is_played_twice_counts_once_needs_rabbitmq() {
    let broker = Rabbit::start();
    let place = Place::new(&broker, &[]);
    place.add("rollup.toml", "[[destination]]\nname = \"here\"\nurl = \"sqlite://totals.db\"\n");
    fs::remove_file(place.path("finding.csv")).unwrap();
    let producer = place.produce(&[]).spawn().unwrap();
    for _ in 0..2 {
        let played =
            ends(place.command(&["play", "finding_offsets.csv", "finding.csv", "--secs-per-day", "0.1"]));
        assert_eq!((played["written"].as_u64(), played["broken"].as_u64()), (Some(64), Some(0)));
        std::thread::sleep(Duration::from_millis(500));
    }
    let ran = ends(place.consume("here", &["--until-idle", "3"]));
    kill(producer);
    assert_eq!((ran["counted"].as_u64(), ran["known"].as_u64()), (Some(64), Some(64)));
}
