//! `manazir rollup` as users run it: findings in, the table out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use expect_test::expect;
use serde_json::Value;
use tempfile::TempDir;

/// The example in a directory of the test's own.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/karma");
        for entry in fs::read_dir(example).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn add(&self, name: &str, text: &[u8]) {
        fs::File::options().append(true).open(self.path(name)).unwrap().write_all(text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manazir"));
        command.args(["rollup", "run", "--spec", "rollup.toml"]).args(arguments).current_dir(self.0.path());
        command.env_remove("MANAZIR_DATA");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Findings, counted now, known before, waiting, rejected.
fn tally(ran: &Value) -> [u64; 5] {
    ["findings", "counted", "known", "waiting", "rejected"].map(|name| ran[name].as_u64().unwrap())
}

#[test]
fn the_table_is_exact_the_same_file_changes_nothing_and_a_new_line_counts() {
    let place = Place::new();
    let ran = place.ok(&["finding.csv", "--out", "table.csv"]);
    assert_eq!(tally(&ran), [64, 64, 0, 0, 0]);
    assert_eq!(place.text("table.csv"), place.text("expected.csv"));
    assert_eq!(tally(&place.ok(&["finding.csv", "--out", "again.csv"])), [64, 0, 64, 0, 0]);
    assert_eq!(place.text("again.csv"), place.text("expected.csv"));
    place.add("finding.csv", b"999,2026-03-12 10:00:00,1");
    assert_eq!(
        tally(&place.ok(&["finding.csv"])),
        [65, 1, 64, 0, 0],
        "a last line without an ending is a line"
    );
}

/// KP-W4, KP-W5.
#[test]
fn what_does_not_count_is_told_with_its_line_and_stops_nothing() {
    let place = Place::new();
    place.add(
        "finding.csv",
        b"1,2026-03-12 10:00:00,77\n\n1,2026-03-12 10:00:00,\xff\n1,2026-03-12 10:00:00,1\r\n",
    );
    let ran = place.ok(&["finding.csv"]);
    assert_eq!(tally(&ran), [68, 65, 0, 1, 2]);
    expect![[r#"[{"line":65,"reason":"`vulnerability` has no row whose `id` is \"77\"","waits":true},{"line":66,"reason":"it is empty","waits":false},{"line":67,"reason":"it is no UTF-8 from byte 22 on","waits":false}]"#]]
        .assert_eq(&ran["aside"].to_string());
    // What it waited for is there: it counts.
    place.add("vulnerability.csv", b"77,6,4\n");
    let ran = place.ok(&["finding.csv"]);
    assert_eq!(tally(&ran), [68, 66 - 65, 65, 0, 2]);
    let text = String::from_utf8(place.run(&["finding.csv", "--top", "2"]).stdout).unwrap();
    expect![[r#"
        68 findings: 0 counted, 66 known before, 2 rejected
        key  name   minor  medium  high  critical  findings   sum  average
        2    R1ver    150       0  1500      6000        12  7650    637.5
        1    Ana      150       0  2000      5000        12  7150    595.8
        and 4 more; --top N shows more, --out all
        line 66 rejected: it is empty
        line 67 rejected: it is no UTF-8 from byte 22 on
    "#]]
    .assert_eq(&text);
}

/// KP-W11, KP-W12: a new name is that of the totals there are, and a mean is of the exact sum and count.
#[test]
fn a_name_that_changes_changes_nothing_else() {
    let place = Place::new();
    let before = place.ok(&["finding.csv"]);
    let people = place.text("crowdsourcer.csv").replace("1,Ana\n", "1,\"Ana, now Maria\"\n");
    fs::write(place.path("crowdsourcer.csv"), people).unwrap();
    let after = place.ok(&["finding.csv"]);
    assert_eq!(tally(&after), [64, 0, 64, 0, 0]);
    let first = |ran: &Value| ran["totals"][0].clone();
    assert_eq!(
        (&first(&before)["label"], &first(&after)["label"]),
        (&"Ana".into(), &"Ana, now Maria".into())
    );
    let number = |name: &str| first(&after)[name].as_f64().unwrap();
    assert_eq!((number("sum"), number("count")), (7_150.0, 12.0));
    assert_eq!(number("mean"), 7_150.0 / 12.0);
    assert_eq!(first(&before)["by_category"], first(&after)["by_category"]);
}

#[test]
fn a_stream_on_standard_input_counts_as_it_comes() {
    let place = Place::new();
    let mut child = place
        .command(&["-", "--out", "table.csv", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let findings = fs::read(place.path("finding.csv")).unwrap();
    for piece in findings.chunks(100) {
        input.write_all(piece).unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(tally(&serde_json::from_slice(&output.stdout).unwrap()), [64, 64, 0, 0, 0]);
    assert_eq!(place.text("table.csv"), place.text("expected.csv"));
}

/// KP-W13: nothing has a password of its own; one that is missing is said, one that is there is not shown.
#[test]
fn what_cannot_be_run_says_why() {
    let place = Place::new();
    let says = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let mut said = says(&["nothing.csv"]);
    said += &says(&["finding.csv", "--to", "oracle"]);
    said += &says(&["finding.csv", "--to", "oracle://x:secret@y"]);
    said += &says(&["finding.csv", "--to", "redis"]);
    said += &says(&["finding.csv", "--references", "nowhere"]);
    place.add("severity.csv", b"4,again,1\nfive,none,1\n");
    said += &says(&["finding.csv"]);
    expect![[r#"
        manazir: read nothing.csv: No such file or directory (os error 2)
        manazir: the specification has no destination `oracle`; it has sqlite, postgres, mariadb, redis, cassandra
        manazir: `oracle://` is no destination that totals can go to; there are sqlite, postgres, mysql, redis and cassandra
        manazir: the address of the destination `redis`: the environment has no variable `KARMA_PASSWORD`
        manazir: read nowhere/vulnerability.csv, the table `vulnerability`: No such file or directory (os error 2)
        manazir: ./severity.csv cannot be used:
          line 5: `id` "4" is there already
          line 6: `id` is "five", which is no whole number
    "#]].assert_eq(&said);
}

/// What is lacking in counters must not be added by two. Nobody listens at the address: the first waits for it.
#[test]
fn only_one_process_at_a_time_counts_into_counters() {
    let place = Place::new();
    let to = "cassandra://karma:secret@127.0.0.1:1/karma";
    let mut first = place.command(&["finding.csv", "--to", to]).stderr(Stdio::null()).spawn().unwrap();
    let is_locked = || {
        let files = fs::read_dir(place.path(".manazir/rollup")).into_iter().flatten();
        let mut locks =
            files.map(|file| file.unwrap().path()).filter(|path| path.extension().unwrap() == "lock");
        locks.any(|path| fs::File::open(path).unwrap().try_lock().is_err())
    };
    while !is_locked() {
        assert!(first.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = place.run(&["finding.csv", "--to", to]);
    first.kill().unwrap();
    first.wait().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let why =
        "another process counts into the Cassandra at 127.0.0.1:1/karma/crowdsourcer_karma_distribution";
    assert!(output.status.code() == Some(1) && said.contains(why) && !said.contains("secret"), "{said}");
}

#[test]
fn the_schema_of_specifications_is_told() {
    let output = Command::new(env!("CARGO_BIN_EXE_manazir")).args(["rollup", "schema"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["title"], "Spec");
    assert!(schema["properties"]["rollup"].is_object());
}
