//! The rules of this house that no other tool checks.
//!
//! Each rule is a pure function from what it looks at to its findings, so that its tests can show it a
//! sample that breaks it.

mod arrows;
mod links;
mod policy;
mod text;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::shell;

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path from the root of the workspace.
    path: String,
    /// Counted from 1; 0 where the file as a whole is meant.
    line: usize,
    /// What is wrong, and what to do.
    says: String,
    /// False if it is said but fails nothing.
    fails: bool,
}

impl Finding {
    fn error(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, says: says.into(), fails: true }
    }

    fn warning(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { fails: false, ..Self::error(path, line, says) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.fails { "error" } else { "warning" };
        match self.line {
            0 => write!(f, "{severity}: {}: {}", self.path, self.says),
            line => write!(f, "{severity}: {}:{line}: {}", self.path, self.says),
        }
    }
}

/// Prints all findings; fails if one of them must.
pub(crate) fn run() -> Result<()> {
    let metadata = metadata()?;
    let paths = tracked_files()?;
    let mut findings = Vec::new();
    for path in &paths {
        // A file that was deleted but not yet committed is still listed; binary data is not text.
        if let Ok(bytes) = fs::read(shell::root().join(path))
            && let Ok(text) = String::from_utf8(bytes)
        {
            findings.extend(text::check(path, &text));
            findings.extend(links::check(path, &text, |target| shell::root().join(target).exists()));
        }
    }
    let architecture = read("ARCHITECTURE.md")?;
    findings.extend(arrows::check(&architecture, &arrows::members(&metadata)));
    let policy = read("deny.toml")?.parse().context("read deny.toml")?;
    findings.extend(policy::check(&policy, &policy::packages(&metadata)));

    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.fails).count();
    if errors > 0 {
        bail!("tidy found {errors} errors in {} files", paths.len());
    }
    Ok(())
}

/// The workspace as cargo sees it.
pub(crate) fn metadata() -> Result<Metadata> {
    MetadataCommand::new().current_dir(shell::root()).exec().context("ask cargo for its metadata")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(shell::root().join(path)).with_context(|| format!("read {path}"))
}

/// Files that git holds or would hold; without git, as in an unpacked archive, all that lie there.
fn tracked_files() -> Result<Vec<String>> {
    let mut git = shell::program("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    if shell::find("git").is_some()
        && let Ok(list) = shell::output(&mut git)
    {
        return Ok(list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect());
    }
    let mut paths = Vec::new();
    walk(shell::root(), &mut paths)?;
    Ok(paths)
}

fn walk(folder: &Path, paths: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                walk(&path, paths)?;
            }
        } else if let Ok(relative) = path.strip_prefix(shell::root()) {
            paths.push(relative.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_prints_where_it_is_and_how_grave() {
        let error = Finding::error("src/a.rs", 3, "no module doc");
        assert_eq!(error.to_string(), "error: src/a.rs:3: no module doc");
        let warning = Finding::warning("src/a.rs", 0, "long");
        assert_eq!(warning.to_string(), "warning: src/a.rs: long");
    }

    #[test]
    fn without_git_the_files_are_found_by_walking() {
        let mut paths = Vec::new();
        walk(&shell::root().join("xtask"), &mut paths).unwrap();
        assert!(paths.contains(&"xtask/src/tidy.rs".to_owned()), "{paths:?}");
    }
}
