//! What is refused, and what wins.

use clap::Parser;
use expect_test::{Expect, expect};

use super::*;
use crate::cli::{Cli, Command};

fn settings(arguments: &[&str]) -> Result<Settings> {
    let Command::Serve(serve) = Cli::parse_from([&["manazir", "serve"], arguments].concat()).command else {
        unreachable!("the arguments begin with serve");
    };
    Settings::new(&serve)
}

#[track_caller]
fn refused(arguments: &[&str], expect: Expect) {
    expect.assert_eq(&format!("{:#}", settings(arguments).unwrap_err()));
}

#[test]
fn what_cannot_work_is_refused_with_what_to_type() {
    refused(
        &["--role", "worker"],
        expect![
            "the embedded queue is held by one process, which does everything: for several, give --queue amqp://… and --truth postgres://…, or leave --role away"
        ],
    );
    refused(
        &["--queue", "amqp://localhost"],
        expect![
            "with a queue on a broker the verdicts must be where every worker sees them: give --truth postgres://…"
        ],
    );
    refused(
        &["--queue", "kafka://localhost"],
        expect![
            "`kafka://…` is no address of a queue: it begins with amqp://, or is left away for the embedded one"
        ],
    );
    refused(
        &["--queue", "u:s3cret@h"],
        expect![
            "what is given is no address of a queue: it begins with amqp://, or is left away for the embedded one"
        ],
    );
}

#[test]
fn sensors_that_cannot_be_followed_are_refused_without_their_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let sensors = |source: &str, expect: Expect| {
        std::fs::write(&path, format!("[[sources.mqtt]]\n{source}\n")).unwrap();
        refused(&["--config", path.to_str().unwrap()], expect);
    };
    sensors(
        "address = 'mqtts://a:secret@b'\ntopics = ['#']",
        expect![
            "`sources.mqtt.address`: no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: TLS is not spoken; put a tunnel between"
        ],
    );
    sensors(
        "address = 'mqtt://b'\ntopics = ['a#']",
        expect![
            "`sources.mqtt.topics`: `a#` is no filter of topics: `+` stands for a whole level, `#` for a whole level at the end"
        ],
    );
    sensors(
        "address = 'mqtt://b'\ntopics = []",
        expect!["`sources.mqtt.topics`: a source of sensors names at least one topic"],
    );
    sensors(
        "address = 'mqtt://b'\ntopics = ['a']\nclient_id = ''",
        expect!["`sources.mqtt.client_id` has 0 bytes; it has 1 to 65535"],
    );
}

#[test]
fn the_command_line_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "listen = '127.0.0.1:1'\ntruth = 'postgres://a'\n[limits]\nwait_seconds = 3\n")
        .unwrap();
    let path = path.to_str().unwrap();
    let both = settings(&["--config", path, "--listen", "127.0.0.1:2"]).unwrap();
    assert_eq!((both.listen.port(), both.truth.as_str()), (2, "postgres://a"));
    assert_eq!((both.limits.wait_seconds, both.limits.request_seconds), (3, 30));
    std::fs::write(path, "liste = 1").unwrap();
    let error = format!("{:#}", settings(&["--config", path]).unwrap_err());
    assert!(error.contains("unknown field `liste`, expected one of"), "{error}");
}

#[track_caller]
fn file_refused(text: &str, expect: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, text).unwrap();
    let error = format!("{:#}", settings(&["--config", path.to_str().unwrap()]).unwrap_err());
    expect.assert_eq(&error.replace(path.to_str().unwrap(), "a.toml"));
}

#[test]
fn what_cannot_work_is_refused_by_its_key() {
    file_refused("[worker]\nbatch_max = 0", expect!["`worker.batch_max` is 0; it is at least 1"]);
    file_refused("[worker]\nsnapshot_every = 0", expect!["`worker.snapshot_every` is 0; it is at least 1"]);
    file_refused(
        "[worker]\nlease_seconds = 0",
        expect!["`worker.lease_seconds` is 0; it lies between 1 and 86400"],
    );
    file_refused(
        "[limits]\npublications_max = 0",
        expect!["`limits.publications_max` is 0; it is at least 1"],
    );
    file_refused(
        "[limits]\nrequest_seconds = 0",
        expect!["`limits.request_seconds` is 0; it lies between 1 and 86400"],
    );
    file_refused(
        "[limits]\nwait_seconds = 30",
        expect![
            "`limits.wait_seconds` is 30, and a request is ended after `limits.request_seconds`, which is 30: let it wait for less, so that it can be answered"
        ],
    );
    file_refused(
        "[events]\nretention_days = 999999999",
        expect!["`events.retention_days` is 999999999; it lies between 1 and 36500"],
    );
    file_refused(
        "[lake]\nretention_days = 0",
        expect!["`lake.retention_days` is 0; it lies between 1 and 36500"],
    );
}

#[test]
fn series_of_events_that_cannot_be_are_refused_by_their_name() {
    let series = |rest: &str, expect: Expect| {
        file_refused(&format!("[[events.series]]\nmetric = 'errors'\n{rest}"), expect);
    };
    let of = "by = ['account', 'actor']\nevery_seconds = 300\naggregate =";
    series(
        "by = ['actor']\nevery_seconds = 300\naggregate = 'count'",
        expect![[
            r#"`events.series`: "errors": `by` has no "account", and events of several are not counted together"#
        ]],
    );
    series(
        "by = ['account']\nevery_seconds = 7\naggregate = 'count'",
        expect![[
            r#"`events.series`: "errors": `every_seconds` is 7; it lies between 60 and 86400, and a day is a whole number of them"#
        ]],
    );
    series(
        "by = ['account', 'account']\nevery_seconds = 60\naggregate = 'count'",
        expect![[r#"`events.series`: "errors": `by` names a field twice"#]],
    );
    series(
        &format!("{of} 'distinct'"),
        expect![[r#"`events.series`: "errors": "distinct" needs the field that it is `of`"#]],
    );
    series(
        &format!("{of} 'distinct'\nof = 'actor'"),
        expect![[
            r#"`events.series`: "errors": `of` is "actor", of which there is never more than one, for it is in `by`"#
        ]],
    );
    series(
        &format!("{of} 'count'\nof = 'action'"),
        expect![[r#"`events.series`: "errors": `of` is for "distinct": a count is one of events"#]],
    );
    series(
        &format!("{of} 'p99'"),
        expect![[
            r#"`events.series`: "errors": `aggregate` is "p99", and an event has no amount: "count" it, or count what is "distinct""#
        ]],
    );
    series(
        &format!("{of} 'count'\nonly = {{ field = 'error' }}"),
        expect![[r#"`events.series`: "errors": `only` says of its field what it `is`, or what it `is_not`"#]],
    );
    series(
        &format!("{of} 'count'\n[[events.series]]\nmetric = 'errors'\n{of} 'count'"),
        expect![[r#"`events.series`: "errors": its name is that of another series"#]],
    );
    series(
        &format!("{of} 'median'"),
        expect![[r#"
        a.toml cannot be understood: TOML parse error at line 5, column 13
          |
        5 | aggregate = 'median'
          |             ^^^^^^^^
        "median" is no aggregate: those are count, sum, mean, min, max, distinct, and percentiles as p50 or p99.9, with at most 3 decimals
    "#]],
    );
    series(
        "by = ['resource']",
        expect![[r#"
        a.toml cannot be understood: TOML parse error at line 3, column 7
          |
        3 | by = ['resource']
          |       ^^^^^^^^^^
        unknown variant `resource`, expected one of `account`, `actor`, `action`, `error`, `kind`, `place`, `peers`, `session`, `source`, `address`, `agent`
    "#]],
    );
    file_refused(
        "[[events.series]]\nmetric = 'events_per_minute'\nby = ['account']\nevery_seconds = 60\naggregate = 'count'",
        expect![[r#"`events.series`: "events_per_minute": its name is that of another series"#]],
    );
}

#[test]
fn what_cannot_be_understood_is_shown_without_its_secrets() {
    // `HOME` is as good a secret as any, and is there.
    let error = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "truth = { a = \"p://u:${HOME}@h\" }").unwrap();
        format!("{:#}", settings(&["--config", path.to_str().unwrap()]).unwrap_err())
    };
    assert!(error.contains("p://u:${HOME}@h"), "{error}");
}

#[test]
fn secrets_come_from_the_environment() {
    let variable = |name: &str| (name == "PASSWORD").then(|| "a\"b".to_owned());
    let mut config: Config = toml::from_str(
        "truth = \"p://u:${PASSWORD}@h\"\ndata = \"/${PASSWORD}\"\n[[sources.amqp]]\naddress = \"${PASSWORD}\"\nqueue = \"q\"",
    )
    .unwrap();
    fill_all(&mut config, variable).unwrap();
    assert_eq!(config.truth.as_deref(), Some("p://u:a\"b@h"));
    assert_eq!(config.data.as_deref(), Some(Path::new("/a\"b")));
    assert_eq!(config.sources.amqp[0].address, "a\"b");
    assert!(fill("${OTHER}", variable).unwrap_err().to_string().contains("no variable `OTHER`"));
}
