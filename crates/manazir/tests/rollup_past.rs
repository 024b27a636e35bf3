//! The past of a rollup as users ask for it: the table as it was, findings counted anew, and those that did not count.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use expect_test::expect;
use serde_json::{Value, json};
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

    fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has {from:?}");
        fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manazir"));
        command.arg("rollup").args(arguments).args(["--spec", "rollup.toml"]).current_dir(self.0.path());
        command.env_remove("MANAZIR_DATA").output().unwrap()
    }

    #[track_caller]
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat())).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

/// What a table says of a key: its label, its count, its sum.
fn of(ran: &Value, key: &str) -> (String, u64, i64) {
    let totals = ran["totals"].as_array().unwrap();
    let total = totals.iter().find(|total| total["key"] == key).unwrap();
    let number = |name: &str| total[name].as_i64().unwrap();
    (total["label"].as_str().unwrap().to_owned(), number("count") as u64, number("sum"))
}

/// KP-W8, KP-W12: the totals as they were on a day, with the average of that day.
#[test]
fn the_table_is_as_it_was_on_wednesday() {
    let place = Place::new();
    assert!(place.refused(&["as-of"]).contains("nothing was counted into"));
    place.json(&["run", "finding.csv"]);
    expect![[r#"
        what had happened by 2026-03-04T23:59:59.999999Z
        key  name             minor  medium  high  critical  findings   sum  average
        2    R1ver              100       0   500      4000         7  4600    657.1
        1    Ana                  0       0   500      2000         3  2500    833.3
        4    F. O'Neil, "fo"      0       0   500      1000         2  1500    750.0
        and 3 more; --top N shows more, --out all
    "#]]
    .assert_eq(&place.text(&["as-of", "--at", "2026-03-04", "--top", "3"]));
    // Everything is what the table says now, and before the first finding all have nothing.
    let now = place.json(&["run", "finding.csv"]);
    assert_eq!(place.json(&["as-of"])["totals"], now["totals"]);
    let before = place.json(&["as-of", "--at", "2026-03-01"]);
    assert_eq!(of(&before, "2"), ("R1ver".to_owned(), 0, 0));
    assert!(place.text(&["as-of", "--known-at", "1 hour ago"]).ends_with("Nobody was known then.\n"));
    assert!(place.refused(&["as-of", "--at", "yesteryear"]).contains("is no time"));
    assert!(place.refused(&["as-of", "--key", "404"]).contains("nobody of the key"));
    assert!(place.refused(&["as-of", "--to", "mysql://u@127.0.0.1:1/d"]).contains("127.0.0.1:1"));
}

/// KP-14: names are those of the day; points are those with which a finding counted, until it is counted anew.
#[test]
fn a_correction_holds_from_now_on_or_from_the_start() {
    let place = Place::new();
    let first = place.json(&["run", "finding.csv"]);
    assert_eq!(of(&first, "1"), ("Ana".to_owned(), 12, 7_150));
    place.change("severity.csv", "4,critical,1000", "4,critical,2000");
    place.change("crowdsourcer.csv", "1,Ana\n", "1,Maria\n");
    fs::write(place.path("more.csv"), "9,2026-03-11 10:00:00,16\n").unwrap();
    let from_now = place.json(&["run", "more.csv"]);
    let (_, hits, sum) = of(&from_now, "2");
    assert_eq!((hits, sum), (13, 9_650), "2,000 for the new one, and 1,000 for those before");
    assert_eq!(of(&from_now, "1"), ("Maria".to_owned(), 12, 7_150));
    assert_eq!(of(&place.json(&["as-of", "--at", "2026-03-10"]), "1"), ("Ana".to_owned(), 12, 7_150));

    assert!(place.refused(&["replay"]).contains("--replace counts it anew"));
    let anew = place.json(&["replay", "--replace"]);
    assert_eq!(
        (&anew["findings"], &anew["counted"], &anew["replaced"]),
        (&json!(65), &json!(65), &json!(true))
    );
    assert_eq!(of(&anew, "2"), ("R1ver".to_owned(), 13, 15_650));
    // Of the past too; the same findings again are known.
    assert_eq!(of(&place.json(&["as-of", "--at", "2026-03-10"]), "1"), ("Ana".to_owned(), 12, 12_150));
    let again = place.json(&["run", "finding.csv"]);
    assert_eq!((&again["counted"], &again["known"]), (&json!(0), &json!(64)));

    // And into another destination, by another specification.
    place.change("rollup.toml", "value = \"severity.points\"", "value = \"1\"");
    let mut files = fs::read_dir(place.path(".manazir/rollup")).unwrap().map(|entry| entry.unwrap().path());
    let data = files.find(|path| path.extension().is_some_and(|ending| ending == "db")).unwrap();
    let history = format!("sqlite://{}", data.display());
    let other = place.json(&["replay", "--history", &history, "--to", "sqlite://other.db"]);
    assert_eq!(of(&other, "2"), ("R1ver".to_owned(), 13, 13));
    let repeated = place.json(&["replay", "--history", &history, "--to", "sqlite://other.db"]);
    assert_eq!((&repeated["counted"], &repeated["known"]), (&json!(0), &json!(65)));
}

/// KP-W4, KP-W5: what cannot count is kept, mended and tried again; other findings do not wait for it.
#[test]
fn what_does_not_count_can_be_mended() {
    let place = Place::new();
    place.json(&["run", "finding.csv"]);
    let wrong =
        b"1,2026-03-11 10:00:00,77\n2,2026-03-11 10:00:00,\xff\n3,2026-03-11,1\n4,2026-03-11 10:00:00,1\n";
    fs::write(place.path("wrong.csv"), wrong).unwrap();
    for _ in 0..2 {
        let ran = place.json(&["run", "wrong.csv"]);
        assert_eq!((&ran["waiting"], &ran["rejected"]), (&json!(1), &json!(2)));
    }
    let status = place.json(&["status"]);
    assert_eq!(
        (&status["findings"], &status["waiting"], &status["rejected"]),
        (&json!(65), &json!(1), &json!(2))
    );
    let listed = place.json(&["dead-letter", "list"]);
    let letters = listed["dead_letters"].as_array().unwrap();
    let lines: Vec<u64> = letters.iter().map(|letter| letter["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3], "each is there once, however often it came");
    assert_eq!(letters[2]["body"], "3,2026-03-11,1");

    let third = letters[2]["number"].to_string();
    let still = ["dead-letter", "repair", &third, "--line", "3,2026-03-11,1"];
    assert!(place.refused(&still).contains("no time as it is to be written"));
    let mended = ["dead-letter", "repair", &third, "--line", "3,2026-03-11 10:00:00,1"];
    assert_eq!(place.json(&mended)["counted"], 1);
    assert!(place.refused(&mended).contains("is counted already"));
    place.text(&["dead-letter", "discard", &letters[1]["number"].to_string(), "--reason", "noise"]);

    place.change("vulnerability.csv", "1,3,2\n", "1,3,2\n77,5,4\n");
    assert_eq!(place.json(&["dead-letter", "replay"])["counted"], 1);
    assert_eq!(
        place.text(&["dead-letter", "list"]),
        "No finding is like that: whatever came counts, or was seen to.\n"
    );
    assert_eq!(place.json(&["status"])["findings"], 67);
    let again = place.json(&["run", "wrong.csv"]);
    assert_eq!(
        (&again["counted"], &again["known"]),
        (&json!(0), &json!(2)),
        "a line that was mended is not counted as it was"
    );
    assert!(place.refused(&["dead-letter", "show", "999"]).contains("there is none of the number 999"));
}

#[test]
fn findings_are_series_of_any_span() {
    let place = Place::new();
    place.json(&["run", "finding.csv"]);
    let days = place.json(&["series", "--every", "1d", "--by", "all", "--aggregates", "count,sum,max"]);
    let spans = days["spans"].as_array().unwrap();
    assert_eq!(
        spans[0],
        json!({"start": "2026-03-02T00:00:00Z", "of": "", "count": 8.0, "sum": 4200.0, "max": 1000.0})
    );
    assert_eq!(spans.iter().map(|span| span["count"].as_f64().unwrap()).sum::<f64>(), 64.0);
    let one = place.json(&["series", "--every", "1d", "--by", "key", "--key", "2", "--since", "2026-03-05"]);
    assert!(one["spans"].as_array().unwrap().iter().all(|span| span["of"] == "2"));
    assert_eq!(place.text(&["series", "--since", "2030-01-01"]), "No findings lie there.\n");
}

/// A stream with ids of its own: a finding is known by its id, wherever it stands, and by what it says.
#[test]
fn a_finding_may_be_known_by_its_id() {
    let place = Place::new();
    place.change("rollup.toml", "format = \"csv\"\n", "format = \"csv\"\nid = \"finding_id\"\n");
    let lines = [
        "1,2026-03-02 10:00:00,1",
        "2,2026-03-02 10:00:00,1",
        "1,2026-03-02 10:00:00,1",
        "1,2026-03-02 11:00:00,1",
    ];
    fs::write(place.path("ids.csv"), lines.join("\n")).unwrap();
    let ran = place.json(&["run", "ids.csv"]);
    assert_eq!((&ran["counted"], &ran["known"]), (&json!(3), &json!(1)));
    fs::write(place.path("ids.csv"), lines[1..].join("\n")).unwrap();
    assert_eq!(place.json(&["run", "ids.csv"])["counted"], 0, "other places, the same findings");
}

/// Further columns: extremes, a median, how many different things.
#[test]
fn further_columns_follow() {
    let place = Place::new();
    place.change(
        "rollup.toml",
        "value = \"severity.points\"",
        "value = \"severity.points\"\ndistinct = \"vulnerability_id\"",
    );
    place.change(
        "rollup.toml",
        "mean = \"karma_average\" }",
        "mean = \"karma_average\", more = { most = \"max\", least = \"min\", median = \"p50\", kinds = \"distinct\" } }",
    );
    let ran = place.json(&["run", "finding.csv"]);
    let first = &ran["totals"][0];
    assert_eq!(
        (&first["most"], &first["least"], &first["kinds"]),
        (&json!(1000.0), &json!(50.0), &json!(3.0))
    );
    assert_eq!(place.json(&["as-of"])["totals"], ran["totals"]);
    let early = place.json(&["as-of", "--at", "2026-03-01"]);
    assert_eq!(early["totals"][0]["most"], Value::Null);
}
