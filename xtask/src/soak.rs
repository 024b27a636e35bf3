//! `cargo xtask soak`: the checks that are too long for every change.
//!
//! Each runs for the given time from one seed, which is printed and, with `--record`, written down with
//! the commit, so that whoever finds a fault later can say since when it may have been there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata};
use clap::{Args, ValueEnum};

use crate::{python, shell, tidy};

const RECORD: &str = "docs/reference/soak.md";

/// Twenty times the 256 of an everyday run, so that one round takes seconds, not hours.
const CASES: u32 = 5_000;

/// What one check did.
struct Outcome {
    check: &'static str,
    took: Duration,
    /// In the words of the check, for instance how many inputs it tried.
    says: String,
    failed: bool,
}

/// One of the long checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Check {
    /// Mutated inputs against the readers of the catalogue and of root causes.
    Fuzz,
    /// Property tests with many cases.
    Properties,
    /// The service and the parts of a rollup, killed at random moments.
    Kill,
    /// Requests made from the OpenAPI document.
    Requests,
}

/// How long, from where, and what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each of them runs; rounds of kills have a number instead.
    #[arg(long, default_value_t = 600, value_name = "N")]
    seconds: u64,
    /// Rounds of kills.
    #[arg(long, default_value_t = 200, value_name = "N")]
    rounds: u64,
    /// Where the random numbers begin; drawn from the clock if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Findings with their tables, in the layout of examples/karma, that the parts of a rollup are killed over.
    #[arg(long, value_name = "DIR")]
    findings: Option<PathBuf>,
    /// Run these only.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Check>,
    /// Write result, commit and seed into docs/reference/soak.md.
    #[arg(long)]
    record: bool,
}

/// Runs the long checks; with `record` writes what came out into the reference.
pub(crate) fn run(options: &Options) -> Result<()> {
    let Options { seconds, rounds, record, .. } = *options;
    let seed = options.seed.unwrap_or_else(seed_from_clock);
    let findings = options.findings.as_deref().map(std::path::absolute).transpose()?;
    let checks = if options.only.is_empty() { Check::value_variants() } else { &options.only };
    let of =
        findings.as_deref().map(|folder| format!(" --findings {}", folder.display())).unwrap_or_default();
    eprintln!(
        "seed {seed}; to repeat: cargo xtask soak --seconds {seconds} --rounds {rounds} --seed {seed}{of}"
    );
    let mut outcomes = Vec::new();
    for check in checks {
        match check {
            Check::Fuzz => outcomes.push(fuzz_readers(seconds, seed)?),
            Check::Properties => outcomes.push(properties(seconds, seed)?),
            Check::Kill => outcomes.extend(kills(rounds, seed, findings.as_deref())?),
            Check::Requests => outcomes.push(requests(seed)?),
        }
    }
    let rows = rows(&outcomes, &date()?, &commit()?, seed);
    print!("{rows}");
    if record {
        let path = shell::root().join(RECORD);
        let page = fs::read_to_string(&path).with_context(|| format!("read {RECORD}"))?;
        fs::write(&path, recorded(&page, &rows)?).with_context(|| format!("write {RECORD}"))?;
    }
    let failed: Vec<_> =
        outcomes.iter().filter(|outcome| outcome.failed).map(|outcome| outcome.check).collect();
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

/// Mutated inputs against the readers of the catalogue and of root causes: none may panic, hang or eat the memory.
fn fuzz_readers(seconds: u64, seed: u64) -> Result<Outcome> {
    let readers = ["--package", "manazir-catalog", "--package", "manazir-rca", "--test", "fuzz"];
    let mut command = release_tests(&[&readers[..], &["--", "--nocapture"]].concat());
    command.env("MANAZIR_FUZZ_SECONDS", seconds.to_string()).env("MANAZIR_FUZZ_SEED", seed.to_string());
    build(&readers)?;
    let began = Instant::now();
    let (lines, result) = shell::run_keeping(&mut command, |line| line.contains("inputs"));
    let says = tried(&lines);
    Ok(Outcome { check: "fuzzing of the readers", took: began.elapsed(), says, failed: result.is_err() })
}

/// The sum of the lines `csv: 123 inputs in 60 s …`, one for each reader.
fn tried(lines: &[String]) -> String {
    let inputs = |line: &String| {
        let (before, _) = line.split_once(" inputs")?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let counts: Vec<_> = lines.iter().filter_map(inputs).collect();
    format!("{} inputs for {} readers", counts.iter().sum::<u64>(), counts.len())
}

/// Every test of the crates that have property tests, round after round, each round from a seed of its own.
fn properties(seconds: u64, seed: u64) -> Result<Outcome> {
    let packages = crates_with_properties(&tidy::metadata()?);
    let packages: Vec<_> = packages.iter().flat_map(|name| ["--package", name]).collect();
    build(&packages)?;
    let began = Instant::now();
    let mut rounds = 0;
    let mut failed = false;
    while !failed && (rounds == 0 || began.elapsed() < Duration::from_secs(seconds)) {
        let round_seed = seed.wrapping_add(rounds);
        let mut command = release_tests(&packages);
        command.env("PROPTEST_CASES", CASES.to_string()).env("PROPTEST_RNG_SEED", round_seed.to_string());
        failed = shell::run(&mut command).is_err();
        rounds += 1;
    }
    let says = format!("{rounds} rounds of {CASES} cases");
    Ok(Outcome { check: "property tests", took: began.elapsed(), says, failed })
}

/// What is killed: the test, a word in the name of its case, the check it is, and what share of the rounds it gets, for
/// some take much longer.
const KILLED: [(&str, &str, &str, u64); 3] = [
    ("kill", "embedded", "kill -9 of `serve`", 1),
    ("kill", "machines", "kill -9 of `serve`, RabbitMQ and PostgreSQL", 4),
    ("pipeline", "killed", "kill -9 of each part of a rollup, of its broker and its destinations", 2),
];

/// Processes that are killed at moments drawn from the seed: nothing may be lost or counted twice.
fn kills(rounds: u64, seed: u64, findings: Option<&Path>) -> Result<Vec<Outcome>> {
    build(&["--package", "manazir", "--test", "kill", "--test", "pipeline"])?;
    let killed = |(test, word, check, share): (&str, &str, &'static str, u64)| {
        let mut command = release_tests(&["--package", "manazir", "--test", test]);
        command.args(["--", "--nocapture", word]);
        command.env("MANAZIR_KILL_ROUNDS", (rounds / share).to_string());
        command.env("MANAZIR_KILL_SEED", seed.to_string());
        if let Some(folder) = findings {
            // The test runs in the folder of its crate.
            command.env("MANAZIR_KILL_DATA", folder);
        }
        let began = Instant::now();
        let (lines, result) = shell::run_keeping(&mut command, |line| line.contains(" rounds, "));
        let says = lines.join("; ");
        Outcome { check, took: began.elapsed(), says, failed: result.is_err() }
    };
    Ok(KILLED.map(killed).into())
}

/// Requests made from the OpenAPI document, ten times as many as every day; their number is given, not their time.
fn requests(seed: u64) -> Result<Outcome> {
    const CASES: &str = "250";
    let program = python::environment(&python::SCHEMATHESIS)?;
    let mut command = release_tests(&["--package", "manazir-http", "--test", "requests"]);
    command.env("MANAZIR_SCHEMATHESIS", program).env("MANAZIR_SCHEMATHESIS_CASES", CASES);
    command.env("MANAZIR_SCHEMATHESIS_SEED", seed.to_string());
    build(&["--package", "manazir-http", "--test", "requests"])?;
    let began = Instant::now();
    let failed = shell::run(&mut command).is_err();
    let says = format!("{CASES} cases for each operation");
    Ok(Outcome { check: "requests from the OpenAPI document", took: began.elapsed(), says, failed })
}

/// Building is no part of the time that a check is given.
fn build(arguments: &[&str]) -> Result<()> {
    shell::run(shell::cargo().args(["test", "--quiet", "--release", "--no-run"]).args(arguments))
}

fn release_tests(arguments: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(["test", "--quiet", "--release"]).args(arguments);
    command
}

fn crates_with_properties(metadata: &Metadata) -> Vec<String> {
    let has_properties = |package: &&cargo_metadata::Package| {
        let mut needs = package.dependencies.iter();
        needs.any(|needed| needed.name == "proptest" && needed.kind == DependencyKind::Development)
    };
    let packages = metadata.workspace_packages().into_iter().filter(has_properties);
    packages.map(|package| package.name.to_string()).collect()
}

fn seed_from_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_secs().wrapping_mul(1_000_003) ^ u64::from(now.subsec_nanos())
}

fn date() -> Result<String> {
    Ok(shell::output(shell::program("date").args(["-u", "+%Y-%m-%d"]))?.trim().to_owned())
}

/// The commit that is tested, with a `+` if the files differ from it.
fn commit() -> Result<String> {
    let id = shell::output(shell::program("git").args(["rev-parse", "--short=10", "HEAD"]))?;
    let changed = !shell::output(shell::program("git").args(["status", "--porcelain"]))?.is_empty();
    Ok(format!("{}{}", id.trim(), if changed { "+" } else { "" }))
}

/// Lines of the table in the reference.
fn rows(outcomes: &[Outcome], date: &str, commit: &str, seed: u64) -> String {
    let row = |outcome: &Outcome| {
        let verdict = if outcome.failed { "**failed**" } else { "passed" };
        let (check, seconds) = (outcome.check, outcome.took.as_secs());
        // A bar would end the cell.
        let says = outcome.says.replace('|', "/");
        format!("| {date} | {commit} | {check} | {seconds} | {seed} | {verdict}: {says} |\n")
    };
    outcomes.iter().map(row).collect()
}

/// `page` with the newest rows first in its table.
fn recorded(page: &str, rows: &str) -> Result<String> {
    let rule = "\n|---|---|---|---|---|---|\n";
    let (before, after) = page.split_once(rule).with_context(|| format!("{RECORD} has lost its table"))?;
    Ok(format!("{before}{rule}{rows}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_written_down_newest_first() {
        let outcome = |check, failed| Outcome {
            check,
            took: Duration::from_millis(600_900),
            says: "12 inputs | none slow".to_owned(),
            failed,
        };
        let rows = rows(&[outcome("a", false), outcome("b", true)], "2026-01-02", "abc+", 7);
        assert_eq!(
            rows,
            "| 2026-01-02 | abc+ | a | 600 | 7 | passed: 12 inputs / none slow |\n\
             | 2026-01-02 | abc+ | b | 600 | 7 | **failed**: 12 inputs / none slow |\n"
        );
        let page = "# Soak\n\n| date |\n|---|---|---|---|---|---|\n| old |\n";
        let new = recorded(page, &rows).unwrap();
        assert!(new.starts_with("# Soak\n\n| date |\n|---|---|---|---|---|---|\n| 2026-01-02 | abc+ | a"));
        assert!(new.ends_with("| old |\n"));
        assert!(recorded("# Soak\n", &rows).is_err());
    }

    #[test]
    fn the_inputs_of_all_readers_are_counted() {
        let lines =
            ["csv: 1200 inputs in 2 s without a panic", "a line about inputs", "json: 34 inputs in 2 s"];
        assert_eq!(tried(&lines.map(str::to_owned)), "1234 inputs for 2 readers");
    }

    #[test]
    fn the_crates_with_property_tests_are_found() {
        let found = crates_with_properties(&tidy::metadata().unwrap());
        assert!(found.contains(&"manazir-detect".to_owned()), "{found:?}");
        assert!(!found.contains(&"xtask".to_owned()), "{found:?}");
    }
}
