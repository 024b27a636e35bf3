//! Dependencies: their licences, and those that are banned, as `deny.toml` says.
//!
//! The file is the one that `cargo deny` reads, for those who have it; the two checks that need no network
//! are made here, so that they hold for everyone.

use cargo_metadata::Metadata;
use toml::{Table, Value};

use super::Finding;

const POLICY: &str = "deny.toml";

/// A dependency, from wherever it comes.
#[derive(Clone, Debug)]
pub(super) struct Package {
    name: String,
    /// An SPDX expression.
    licence: Option<String>,
}

/// Every package of the lock file that is not ours.
pub(super) fn packages(metadata: &Metadata) -> Vec<Package> {
    let ours = &metadata.workspace_members;
    let foreign = metadata.packages.iter().filter(|package| !ours.contains(&package.id));
    foreign
        .map(|package| Package { name: package.name.to_string(), licence: package.license.clone() })
        .collect()
}

/// Compares the packages with the policy.
pub(super) fn check(policy: &Table, packages: &[Package]) -> Vec<Finding> {
    let allowed = names(policy, "licenses", "allow");
    let banned = names(policy, "bans", "deny");
    let mut findings = Vec::new();
    let mut error = |says: String| findings.push(Finding::error(POLICY, 0, says));
    if allowed.is_empty() {
        error("name the allowed licences in `licenses.allow`".to_owned());
    }
    for Package { name, licence } in packages {
        if banned.contains(&name.as_str()) {
            error(format!("`{name}` is banned but is in the lock file"));
        }
        match licence {
            Some(expression) if is_allowed(expression, &allowed) => {}
            Some(expression) => error(format!("the licence of `{name}` is not allowed: {expression}")),
            None => error(format!("`{name}` names no licence")),
        }
    }
    findings
}

/// The names in the list `section.key`, whose items are texts or tables with a `name` or `crate`.
fn names<'p>(policy: &'p Table, section: &str, key: &str) -> Vec<&'p str> {
    let list = policy.get(section).and_then(|section| section.get(key)).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| item.as_str().or_else(|| item.get("crate").or(item.get("name"))?.as_str()))
        .collect()
}

/// True if a licence expression can be fulfilled with the allowed licences alone.
///
/// expression = term { OR term } ; term = factor { AND factor } ; factor = licence \[WITH exception\] | ( expression )
/// (SPDX 2.3, annex D); the old form `MIT/Apache-2.0` means OR.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut position = 0;
    let fulfilled = either(&words, &mut position, allowed);
    // Anything left over is an expression that was not understood.
    fulfilled && position == words.len()
}

fn either(words: &[&str], position: &mut usize, allowed: &[&str]) -> bool {
    let mut fulfilled = both(words, position, allowed);
    while words.get(*position) == Some(&"OR") {
        *position += 1;
        // Not `||`: the words must be read in any case.
        fulfilled |= both(words, position, allowed);
    }
    fulfilled
}

fn both(words: &[&str], position: &mut usize, allowed: &[&str]) -> bool {
    let mut fulfilled = factor(words, position, allowed);
    while words.get(*position) == Some(&"AND") {
        *position += 1;
        fulfilled &= factor(words, position, allowed);
    }
    fulfilled
}

fn factor(words: &[&str], position: &mut usize, allowed: &[&str]) -> bool {
    let Some(word) = words.get(*position) else { return false };
    *position += 1;
    if *word == "(" {
        let fulfilled = either(words, position, allowed);
        let closed = words.get(*position) == Some(&")");
        *position += 1;
        return fulfilled && closed;
    }
    let mut licence = (*word).to_owned();
    if words.get(*position) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*position + 1).unwrap_or(&""));
        *position += 2;
    }
    allowed.contains(&licence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Table {
        "[licenses]\nallow = ['MIT', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception', 'Unicode-3.0']\n\
         [bans]\ndeny = ['cmake', { crate = 'openssl-sys', reason = 'rustls' }]\n"
            .parse()
            .unwrap()
    }

    #[track_caller]
    fn expect(name: &str, licence: Option<&str>, expected: &[&str]) {
        let package = Package { name: name.to_owned(), licence: licence.map(str::to_owned) };
        let found: Vec<_> = check(&policy(), &[package]).into_iter().map(|finding| finding.says).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn one_of_several_licences_is_enough_and_all_of_a_sum_are_needed() {
        expect("a", Some("MIT"), &[]);
        expect("a", Some("GPL-3.0 OR MIT"), &[]);
        expect("a", Some("MIT/Apache-2.0"), &[]);
        expect("a", Some("(MIT OR Apache-2.0) AND Unicode-3.0"), &[]);
        expect("a", Some("Apache-2.0 WITH LLVM-exception OR GPL-2.0"), &[]);
        let refused = |expression: &str| format!("the licence of `a` is not allowed: {expression}");
        for expression in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT Apache-2.0", "", "MIT WITH whim"] {
            expect("a", Some(expression), &[&refused(expression)]);
        }
        expect("a", None, &["`a` names no licence"]);
    }

    #[test]
    fn banned_packages_are_refused_by_either_form_of_the_list() {
        expect("cmake", Some("MIT"), &["`cmake` is banned but is in the lock file"]);
        expect("openssl-sys", Some("MIT"), &["`openssl-sys` is banned but is in the lock file"]);
    }

    #[test]
    fn a_policy_without_licences_is_no_policy() {
        assert_eq!(check(&Table::new(), &[])[0].says, "name the allowed licences in `licenses.allow`");
    }
}
