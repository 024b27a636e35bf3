//! Rules on the text of a file: headers, loose ends, reasons, spaces, paths of one machine.

use super::Finding;

/// A file past this many lines, its tests included, usually holds two ideas.
const LINES_MAX: usize = 600;

/// Crates that must give the same answer whatever the machine, its clock and its disk.
const PURE_CRATES: [&str; 4] = [
    "crates/manazir-avatar/src/",
    "crates/manazir-model/src/",
    "crates/manazir-detect/src/",
    "crates/manazir-rca/src/",
];

/// What such a crate must not name.
const IMPURE: [&str; 6] =
    ["std::fs", "std::net", "std::env", "std::process", "SystemTime::now", "Instant::now"];

/// Everything that is wrong with one file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if is_rust(path) {
        findings.extend(module_doc(path, text));
        findings.extend(length(path, text));
        findings.extend(attributes(path, text));
        findings.extend(purity(path, text));
    }
    if is_rust(path) || is_script(path) {
        findings.extend(loose_ends(path, text));
    }
    if is_rust(path) || is_script(path) || path.ends_with(".md") {
        findings.extend(spaces(path, text));
        findings.extend(machine_paths(path, text));
    }
    findings
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_script(path: &str) -> bool {
    [".sh", ".toml", ".yml", ".yaml"].iter().any(|ending| path.ends_with(ending)) || path.starts_with(".ci/")
}

/// Lines with their numbers, counted from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n').enumerate().map(|(index, line)| (index + 1, line))
}

/// A stranger who opens a file is told in its first line what it holds.
fn module_doc(path: &str, text: &str) -> Option<Finding> {
    let documented = text.starts_with("//!") || text.starts_with("#![doc");
    (!documented).then(|| Finding::error(path, 1, "begin the file with `//!` and what it holds"))
}

fn length(path: &str, text: &str) -> Option<Finding> {
    let count = text.lines().count();
    (count > LINES_MAX).then(|| {
        Finding::warning(path, 0, format!("{count} lines; past {LINES_MAX} there are often two ideas"))
    })
}

/// No test that is never run, no silenced lint without the reason.
fn attributes(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let code: Vec<_> = lines(text).filter(|(_, line)| !line.trim_start().starts_with("//")).collect();
    for (position, (number, line)) in code.iter().enumerate() {
        let line = line.trim_start();
        if line.starts_with("#[ignore") {
            findings.push(Finding::error(
                path,
                *number,
                "assert what holds today instead of ignoring the test",
            ));
        }
        let silences = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
        if silences.iter().any(|silence| line.starts_with(silence)) {
            let has_reason = code[position..]
                .iter()
                .scan(false, |ended, (_, line)| {
                    let before = *ended;
                    *ended = line.trim_end().ends_with(")]");
                    (!before).then_some(line)
                })
                .any(|line| line.contains("reason = \""));
            if !has_reason {
                findings.push(Finding::error(
                    path,
                    *number,
                    "give the lint's exception its `reason = \"…\"`",
                ));
            }
        }
    }
    findings
}

/// Loose ends carry the issue that will tie them.
fn loose_ends(path: &str, text: &str) -> Vec<Finding> {
    // Written apart, or this file would find itself.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    lines(text)
        .filter(|(_, line)| words.iter().any(|word| is_loose_end(line, word)))
        .map(|(number, _)| Finding::error(path, number, "name the open issue: `(#123)` after the word"))
        .collect()
}

/// True if `word` stands in `line` as a word of its own and no issue follows it.
fn is_loose_end(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + word.len()..];
        let alone = !before.is_some_and(is_word) && !after.chars().next().is_some_and(is_word);
        let issue = after.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
        let has_issue = issue.is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        alone && !has_issue
    })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn spaces(path: &str, text: &str) -> Vec<Finding> {
    let mut findings: Vec<_> = lines(text)
        .filter_map(|(number, line)| {
            if line.contains('\r') {
                Some(Finding::error(path, number, "end the line with a line feed alone"))
            } else if line.ends_with([' ', '\t']) {
                Some(Finding::error(path, number, "remove the spaces at the end"))
            } else if line.contains('\t') {
                Some(Finding::error(path, number, "write spaces instead of a tab"))
            } else {
                None
            }
        })
        .collect();
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(Finding::error(path, text.lines().count(), "end the file with a line feed"));
    }
    findings
}

/// A path that exists on one machine only helps nobody else.
fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    // Written apart, or this file would find itself.
    let places =
        [concat!("/wo", "rk/"), concat!("/tmp/", "target"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    lines(text)
        .filter(|(_, line)| {
            places.iter().any(|place| {
                // `https://example.com/home/page` and `frame/work/` are no paths of a machine.
                line.match_indices(place).any(|(at, _)| {
                    !line[..at]
                        .chars()
                        .next_back()
                        .is_some_and(|before| is_word(before) || ".-}".contains(before))
                })
            })
        })
        .map(|(number, _)| Finding::error(path, number, "write no path of one machine"))
        .collect()
}

/// The core depends on its arguments alone; its tests may do as they like.
fn purity(path: &str, text: &str) -> Vec<Finding> {
    if !PURE_CRATES.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    lines(text)
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(number, line)| {
            let word = IMPURE.iter().find(|word| line.contains(**word))?;
            Some(Finding::error(path, number, format!("take it as an argument: this crate has no `{word}`")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks `text` as the file `path`; `expected` are the lines that break `rule`.
    #[track_caller]
    fn expect(path: &str, text: &str, rule: &str, expected: &[usize]) {
        let found: Vec<_> = check(path, text)
            .into_iter()
            .filter(|finding| finding.says.contains(rule))
            .map(|finding| finding.line)
            .collect();
        assert_eq!(found, expected, "in {path}: {text}");
    }

    #[test]
    fn a_rust_file_begins_with_what_it_holds() {
        expect("src/a.rs", "//! Windows.\n", "begin the file", &[]);
        expect("src/a.rs", "#![doc = include_str!(\"../README.md\")]\n", "begin the file", &[]);
        expect("src/a.rs", "use std::fmt;\n", "begin the file", &[1]);
        expect("src/a.rs", "", "begin the file", &[1]);
        expect("README.md", "# Manazir\n", "begin the file", &[]);
    }

    #[test]
    fn a_long_file_is_only_mentioned() {
        let long = format!("//! Long.\n{}", "//\n".repeat(LINES_MAX));
        let findings = check("src/a.rs", &long);
        assert_eq!(findings.len(), 1);
        assert!(!findings[0].fails);
        assert!(check("src/a.rs", &long[..long.len() - 3]).is_empty());
    }

    #[test]
    fn loose_ends_name_their_issue() {
        let word = concat!("TO", "DO");
        let rule = "open issue";
        expect("a.rs", &format!("//! A.\n// {word}: later\n"), rule, &[2]);
        expect("a.rs", &format!("//! A.\n// {word}(#12): later\n"), rule, &[]);
        expect("a.rs", &format!("//! A.\n// {word}(#soon): later\n"), rule, &[2]);
        expect("a.rs", &format!("//! A.\n// {word}S_MAX\n"), rule, &[]);
        expect(".ci/run", &format!("# {}\n", concat!("FIX", "ME")), rule, &[1]);
        expect("a.md", &format!("No `{word}` without an issue.\n"), rule, &[]);
    }

    #[test]
    fn no_test_is_ignored() {
        expect("a.rs", "//! A.\n#[test]\n#[ignore]\nfn a() {}\n", "ignoring", &[3]);
        expect("a.rs", "//! A.\n    #[ignore = \"slow\"]\n", "ignoring", &[2]);
        expect("a.rs", "//! A.\n// `#[ignore]` is not used here.\n", "ignoring", &[]);
    }

    #[test]
    fn a_silenced_lint_has_its_reason() {
        let rule = "exception";
        expect("a.rs", "//! A.\n#[allow(dead_code)]\nconst REASON: &str = \"reason = \\\"\";\n", rule, &[2]);
        expect("a.rs", "//! A.\n#![expect(clippy::print_stdout)]\n", rule, &[2]);
        expect("a.rs", "//! A.\n#[allow(dead_code, reason = \"read by the next crate\")]\n", rule, &[]);
        expect("a.rs", "//! A.\n#[allow(\n    dead_code,\n    reason = \"why\"\n)]\n", rule, &[]);
        expect("a.rs", "//! A.\n#[allow(\n    dead_code,\n)]\n", rule, &[2]);
    }

    #[test]
    fn lines_end_where_they_end() {
        expect("a.md", "one \ntwo\n", "spaces at the end", &[1]);
        expect("a.toml", "[a]\n\tb = 1\n", "instead of a tab", &[2]);
        expect("a.rs", "//! A.\r\n", "line feed alone", &[1]);
        expect("a.rs", "//! A.", "end the file", &[1]);
        expect("data.tsv", "a\tb\n", "instead of a tab", &[]);
        assert!(check("a.rs", "//! A.\n").is_empty());
    }

    #[test]
    fn no_file_speaks_of_one_machine() {
        let rule = "one machine";
        expect("a.md", &format!("See {}main/README.\n", concat!("/wo", "rk/")), rule, &[1]);
        expect("a.rs", &format!("//! {}-x\n", concat!("/tmp/", "target")), rule, &[1]);
        expect("a.sh", &format!("cd {}me\n", concat!("/ho", "me/")), rule, &[1]);
        expect("a.md", &format!("https://example.com{}page\n", concat!("/ho", "me/")), rule, &[]);
    }

    #[test]
    fn the_core_has_no_clock_and_no_disk_but_its_tests_may() {
        let rule = "as an argument";
        let text = "//! A.\nuse std::fs;\n// std::fs is far away.\n#[cfg(test)]\nuse std::env;\n";
        expect("crates/manazir-detect/src/a.rs", text, rule, &[2]);
        expect("crates/manazir-detect/benches/a.rs", text, rule, &[]);
        expect("crates/manazir-catalog/src/a.rs", text, rule, &[]);
    }
}
