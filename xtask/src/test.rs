//! `cargo xtask check` and `cargo xtask test`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::install::{self, Need};
use crate::steps::Steps;
use crate::{docs, generate, python, shell, tidy};

/// What a person runs before each commit.
pub(crate) fn check() -> Result<()> {
    let mut steps = Steps::default();
    format_tidy_lint(&mut steps);
    // Unit tests and those at the edge of the library crates; the binary's own run it as a process.
    let fast = ["--workspace", "--exclude", "manazir"];
    run_tests(&mut steps, "fast tests", &fast, &install::TEST_NEEDS.iter().collect::<Vec<_>>(), &[]);
    steps.finish()
}

/// What the README and continuous integration run.
pub(crate) fn test(install: bool) -> Result<()> {
    let mut steps = Steps::default();
    if install {
        steps.run("install", install::rust_components);
    }
    let mut unmet = install::unmet(install::TEST_NEEDS, install);
    let mut peers = Vec::new();
    for peer in &python::PEERS {
        match python::environment(peer) {
            Ok(program) => peers.push((peer.variable, program)),
            Err(error) => {
                eprintln!("{error:#}");
                let left_out = |need: &&Need| need.test_word == peer.test_word && need.is_met();
                unmet.extend(install::TEST_NEEDS.iter().filter(left_out));
            }
        }
    }
    format_tidy_lint(&mut steps);
    run_tests(&mut steps, "tests", &["--workspace"], &unmet, &peers);
    steps.run("tests in documentation", || {
        shell::run(cargo_locked(&["test"]).args(["--workspace", "--doc", "--quiet"]))
    });
    steps.run("documentation", || {
        let mut command = cargo_locked(&["doc"]);
        shell::run(command.env("RUSTDOCFLAGS", "-D warnings").args(["--workspace", "--no-deps"]))
    });
    steps.run("generated files", || generate::run(true));
    steps.run("commands of the documents", docs::run);
    steps.finish()
}

fn format_tidy_lint(steps: &mut Steps) {
    steps.run("format", || shell::run(shell::cargo().args(["fmt", "--all", "--check"])));
    steps.run("tidy", tidy::run);
    // All targets: libraries, binaries, tests, examples and benches, which so are known to compile.
    steps.run("lints", || {
        let mut command = cargo_locked(&["clippy"]);
        shell::run(command.args(["--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
}

/// Runs the tests of the packages that `packages` names, without those whose needs are `unmet`; `peers` are
/// variables that say where programs in Python are.
fn run_tests(
    steps: &mut Steps,
    name: &'static str,
    packages: &[&str],
    unmet: &[&Need],
    peers: &[(&str, PathBuf)],
) {
    let mut closing = Vec::new();
    steps.run(name, || {
        let mut command = test_command(has_nextest(), packages, unmet);
        command.envs(peers.iter().map(|(variable, program)| (variable, program)));
        let (lines, result) = shell::run_keeping(&mut command, is_closing_line);
        closing = lines;
        if result.is_ok() && closing.is_empty() {
            bail!("the test runner said nothing of its tests");
        }
        result
    });
    for line in closing {
        steps.closing(line);
    }
    for need in unmet {
        steps.closing(format!("SKIPPED: {} ({} is missing or left out)", need.what_for, need.programs[0]));
    }
}

/// The runner and its arguments; nextest where it is installed, else what cargo brings.
fn test_command(nextest: bool, packages: &[&str], unmet: &[&Need]) -> Command {
    if nextest {
        let mut command = cargo_locked(&["nextest", "run"]);
        command.args(packages).args(["--color", "never"]);
        if !unmet.is_empty() {
            let words: Vec<_> = unmet.iter().map(|need| format!("test({})", need.test_word)).collect();
            command.args(["-E", &format!("not ({})", words.join(" or "))]);
        }
        command
    } else {
        let mut command = cargo_locked(&["test"]);
        command.args(packages).args(["--lib", "--bins", "--tests", "--no-fail-fast", "--"]);
        for need in unmet {
            command.args(["--skip", need.test_word]);
        }
        command
    }
}

/// A continuous integration must not change the lock file behind one's back; a person may.
fn cargo_locked(subcommand: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(subcommand);
    if std::env::var_os("CI").is_some() {
        command.arg("--locked");
    }
    command
}

fn has_nextest() -> bool {
    shell::succeeds(shell::cargo().args(["nextest", "--version"]))
}

/// True for the lines in which nextest and cargo's own runner say how many tests ran, and which failed.
fn is_closing_line(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("Summary [")
        || line.starts_with("FAIL [")
        || line.starts_with("TIMEOUT [")
        || line.starts_with("test result:") && !line.contains(" 0 passed; 0 failed")
}

/// The commands of the documents need the binary; building it is no part of their time.
///
/// Built together with the tests, as the tests are: cargo unites the features of what it builds at a time, and
/// the binary alone would be all of its dependencies once more.
pub(crate) fn build_binary() -> Result<()> {
    let together = ["--quiet", "--workspace", "--bins", "--tests"];
    shell::run(cargo_locked(&["build"]).args(together)).context("build the binary")
}

/// What the binary prints when it is called with `arguments`.
pub(crate) fn manazir(arguments: &[&str]) -> Result<String> {
    let path = tidy::metadata()?.target_directory.join("debug/manazir");
    let mut command = shell::program(path);
    // Without a terminal in sight, and without settings of whoever calls, a page looks the same everywhere.
    command.args(arguments).env_remove("MANAZIR_DATA").env("COLUMNS", "100").env("NO_COLOR", "1");
    let output = command.output().context("start the binary")?;
    if !output.status.success() {
        bail!("`manazir {}`: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("read what the binary prints")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need =
        Need { programs: &["chromium"], package: "chromium", what_for: "a", test_word: "needs_chromium" };

    fn words(command: &Command) -> Vec<&str> {
        command.get_args().filter_map(|word| word.to_str()).filter(|word| *word != "--locked").collect()
    }

    #[test]
    fn tests_whose_program_is_missing_are_left_out_by_name_in_both_runners() {
        let with = |nextest| test_command(nextest, &["--workspace"], &[&NEED]);
        assert!(words(&with(true)).ends_with(&["-E", "not (test(needs_chromium))"]));
        assert!(words(&with(false)).ends_with(&["--", "--skip", "needs_chromium"]));
        let all = test_command(true, &["--workspace"], &[]);
        assert_eq!(words(&all), ["nextest", "run", "--workspace", "--color", "never"]);
    }

    #[test]
    fn the_closing_lines_are_those_that_count_tests() {
        let kept = |line: &str| is_closing_line(line);
        assert!(kept("     Summary [   2.110s] 87 tests run: 87 passed, 0 skipped"));
        assert!(kept("        FAIL [   0.004s] manazir-detect tail::tests::of_a_normal"));
        assert!(kept("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"));
        assert!(!kept("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"));
        assert!(!kept("        PASS [   0.004s] manazir-detect tail::tests::of_a_normal"));
    }
}
