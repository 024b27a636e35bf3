//! Arrows between crates: only those that ARCHITECTURE.md draws.
//!
//! The drawing is the table: the block that begins with a line of three backticks and `arrows` there, one
//! crate a line, `name -> name name`. Whoever needs a new arrow draws it, and the drawing is reviewed.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

use super::Finding;

const DRAWING: &str = "ARCHITECTURE.md";

/// Only tests depend on it.
const TESTKIT: &str = "manazir-testkit";

/// They stand at the edge: what they depend on is their own business. HTTP is one of them; that it knows no
/// adapter is drawn.
const EDGE: [&str; 3] = ["manazir", "manazir-http", "xtask"];

/// Each brings one store or broker behind the ports of the domains; none of them speaks to browsers.
const ADAPTERS: [&str; 11] = [
    "manazir-bolt",
    "manazir-cassandra",
    "manazir-fjall",
    "manazir-mariadb",
    "manazir-mqtt",
    "manazir-oidc",
    "manazir-parquet",
    "manazir-rabbitmq",
    "manazir-redis",
    "manazir-smtp",
    "manazir-sql",
];

const WEB_FRAMEWORKS: [&str; 6] = ["actix-web", "axum", "hyper", "socketioxide", "tower-http", "warp"];

/// The project's own commands must build and speak even where the product does not.
const APART: &str = "xtask";

/// Runtimes, web frameworks and clients of servers and stores. A domain says what it needs in a trait; an
/// adapter crate brings one of these.
///
/// Only direct dependencies are looked at: cargo unites the features of a workspace, so that what a domain
/// reaches through others tells what its neighbours asked for.
const BANNED_IN_DOMAINS: &[&str] = &[
    "actix-web",
    "async-std",
    "axum",
    "bolt-client",
    "fjall",
    "fred",
    "hyper",
    "hyper-util",
    "lapin",
    "mio",
    "mysql",
    "mysql_async",
    "neo4rs",
    "object_store",
    "postgres",
    "rdkafka",
    "redis",
    "reqwest",
    "rumqttc",
    "rusqlite",
    "scylla",
    "smol",
    "socketioxide",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tokio-util",
    "tonic",
    "tower",
    "tower-http",
    "ureq",
    "warp",
];

/// A crate of the workspace and what it depends on, by the name it is published under.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    name: String,
    /// Needed to build it or to run it.
    normal: Vec<String>,
    /// Needed by its tests only.
    dev: Vec<String>,
}

/// Every crate of the workspace.
pub(super) fn members(metadata: &Metadata) -> Vec<Member> {
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let (dev, normal): (Vec<_>, Vec<_>) =
                package.dependencies.iter().partition(|needed| needed.kind == DependencyKind::Development);
            let names = |list: Vec<&cargo_metadata::Dependency>| {
                list.into_iter().map(|needed| needed.name.to_string()).collect()
            };
            Member { name: package.name.to_string(), normal: names(normal), dev: names(dev) }
        })
        .collect()
}

/// Compares the crates with the drawing in `architecture`.
pub(super) fn check(architecture: &str, members: &[Member]) -> Vec<Finding> {
    let Some(drawn) = drawing(architecture) else {
        return vec![Finding::error(DRAWING, 0, "draw the arrows between the crates in a block ```arrows")];
    };
    let names: BTreeSet<_> = members.iter().map(|member| member.name.as_str()).collect();
    let mut findings: Vec<_> =
        members.iter().flat_map(|member| check_member(member, &drawn, &names)).collect();
    for name in drawn.keys().filter(|name| !names.contains(**name)) {
        findings.push(Finding::error(DRAWING, 0, format!("`{name}` is drawn but is no crate")));
    }
    findings
}

fn check_member(
    member: &Member,
    drawn: &BTreeMap<&str, BTreeSet<&str>>,
    names: &BTreeSet<&str>,
) -> Vec<Finding> {
    let name = member.name.as_str();
    let manifest =
        if name == APART { "xtask/Cargo.toml".to_owned() } else { format!("crates/{name}/Cargo.toml") };
    let mut findings = Vec::new();
    let mut error = |says: String| findings.push(Finding::error(&manifest, 0, says));
    let Some(allowed) = drawn.get(name) else {
        error(format!("draw `{name}` among the arrows of {DRAWING}"));
        return findings;
    };
    let inside = |list: &[String]| -> Vec<String> {
        list.iter().filter(|needed| names.contains(needed.as_str())).cloned().collect()
    };
    for needed in inside(&member.normal) {
        if needed == TESTKIT {
            error(format!("only tests may depend on `{TESTKIT}`"));
        } else if name == APART {
            error(format!("`{APART}` stands apart and may not depend on `{needed}`"));
        } else if !allowed.contains(needed.as_str()) {
            error(format!("no arrow from `{name}` to `{needed}` is drawn in {DRAWING}"));
        }
    }
    for needed in inside(&member.dev) {
        if needed != TESTKIT && !allowed.contains(needed.as_str()) {
            error(format!("the tests of `{name}` use `{needed}`, and {DRAWING} draws no arrow to it"));
        }
    }
    for arrow in allowed.iter().filter(|arrow| !member.normal.iter().any(|needed| needed == *arrow)) {
        error(format!("{DRAWING} draws an arrow from `{name}` to `{arrow}` that is not there"));
    }
    let (kind, banned): (&str, &[&str]) = match name {
        edge if EDGE.contains(&edge) => ("at the edge", &[]),
        adapter if ADAPTERS.contains(&adapter) => ("an adapter", &WEB_FRAMEWORKS),
        _ => ("a domain", BANNED_IN_DOMAINS),
    };
    for banned in member.normal.iter().chain(&member.dev).filter(|needed| banned.contains(&needed.as_str())) {
        error(format!("`{name}` is {kind} and may not depend on `{banned}`: put it behind a port"));
    }
    findings
}

/// The crates of the drawing and where each one's arrows point; `None` without a drawing.
fn drawing(architecture: &str) -> Option<BTreeMap<&str, BTreeSet<&str>>> {
    let (_, rest) = architecture.split_once("\n```arrows\n")?;
    let (block, _) = rest.split_once("\n```")?;
    let lines = block.lines().filter_map(|line| line.split_once("->"));
    Some(lines.map(|(name, targets)| (name.trim(), targets.split_whitespace().collect())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small workspace: `name: normal dependencies; dependencies of tests`.
    fn workspace(text: &str) -> Vec<Member> {
        let words = |list: &str| list.split_whitespace().map(str::to_owned).collect();
        let member = |line: &str| {
            let (name, needs) = line.split_once(':').unwrap();
            let (normal, dev) = needs.split_once(';').unwrap_or((needs, ""));
            Member { name: name.trim().to_owned(), normal: words(normal), dev: words(dev) }
        };
        text.lines().filter(|line| !line.trim().is_empty()).map(member).collect()
    }

    const DRAWN: &str = "# A\n```arrows\n\
        manazir         -> manazir-detect manazir-model\n\
        manazir-detect  -> manazir-model\n\
        manazir-model   ->\n\
        manazir-testkit -> manazir-model\n\
        xtask           ->\n\
        ```\n";

    const SOUND: &str = "
        manazir: manazir-detect manazir-model clap tokio
        manazir-detect: manazir-model serde; manazir-testkit proptest
        manazir-model: serde
        manazir-testkit: manazir-model
        xtask: clap
    ";

    /// `change` is one line of `SOUND`, as it is and as it becomes.
    #[track_caller]
    fn expect(change: (&str, &str), expected: &[&str]) {
        assert!(SOUND.contains(change.0));
        let found: Vec<_> = check(DRAWN, &workspace(&SOUND.replace(change.0, change.1)))
            .into_iter()
            .map(|finding| finding.to_string())
            .collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found} does not say: {expected}");
        }
    }

    #[test]
    fn the_drawn_arrows_are_allowed() {
        expect(("clap", "clap"), &[]);
    }

    #[test]
    fn an_arrow_that_is_not_drawn_is_refused() {
        expect(("manazir-model: serde", "manazir-model: serde manazir-detect"), &["to `manazir-detect`"]);
    }

    #[test]
    fn an_arrow_of_tests_is_refused_too_unless_it_points_at_the_testkit() {
        let more = ("manazir-model: serde", "manazir-model: serde; manazir-detect");
        expect(more, &["the tests of `manazir-model` use `manazir-detect`"]);
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let moved = ("serde; manazir-testkit proptest", "serde manazir-testkit");
        expect(moved, &["only tests may depend on `manazir-testkit`"]);
    }

    #[test]
    fn xtask_stands_apart() {
        expect(("xtask: clap", "xtask: clap manazir-model"), &["xtask/Cargo.toml: `xtask` stands apart"]);
    }

    #[test]
    fn a_domain_has_no_runtime_not_even_in_tests() {
        expect(("proptest", "tokio"), &["crates/manazir-detect/Cargo.toml: `manazir-detect` is a domain"]);
        expect(("manazir-model: serde", "manazir-model: sqlx"), &["`manazir-model` is a domain"]);
    }

    #[test]
    fn an_adapter_has_its_store_and_no_web_framework() {
        let drawn = DRAWN.replace("xtask ", "manazir-fjall -> manazir-model\nxtask ");
        let found = |needs: &str| {
            let members = workspace(&format!("{SOUND}\nmanazir-fjall: manazir-model {needs}"));
            check(&drawn, &members).into_iter().map(|finding| finding.says).collect::<Vec<_>>()
        };
        assert!(found("fjall tokio").is_empty());
        assert!(found("axum")[0].contains("`manazir-fjall` is an adapter"));
    }

    #[test]
    fn the_drawing_is_neither_too_small_nor_too_large() {
        expect(
            ("manazir-model: serde", "manazir-model: serde\nmanazir-room: serde"),
            &["draw `manazir-room`"],
        );
        expect(("xtask: clap", ""), &["`xtask` is drawn but is no crate"]);
        expect(("manazir-testkit: manazir-model", "manazir-testkit: rand"), &["that is not there"]);
        let none = check("# A\n", &workspace(SOUND));
        assert!(none[0].says.starts_with("draw the arrows"));
    }
}
