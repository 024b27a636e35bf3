//! The example, from its lines to its table, with the traps that findings bring.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::expect;
use futures_executor::block_on;
use manazir_model::Timestamp;
use manazir_rollup::decode::content_of;
use manazir_rollup::memory::InMemory;
use manazir_rollup::reference::Reference;
use manazir_rollup::{Compiled, Destination, Identity, Outcome, Plan, Row};

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/karma")
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(example().join(file)).unwrap()
}

fn spec() -> String {
    String::from_utf8(read("rollup.toml")).unwrap()
}

/// The plan of a specification, with tables of the example unless `change` has other bytes for them.
fn plan(text: &str, change: &[(&str, &str)]) -> (Arc<Compiled>, Plan) {
    let compiled = Arc::new(Compiled::read(text).unwrap());
    let table = |spec: &manazir_rollup::spec::Reference| {
        let changed = change.iter().find(|(file, _)| *file == spec.file);
        let bytes = changed.map_or_else(|| read(&spec.file), |(_, bytes)| bytes.as_bytes().to_vec());
        let (table, broken) = Reference::read(spec, &bytes);
        assert_eq!(broken, []);
        table
    };
    let references = compiled.spec.references.iter().map(table).collect();
    (Arc::clone(&compiled), Plan::new(compiled, references))
}

fn identity(position: u64, line: &[u8]) -> Identity {
    Identity { source: "finding.csv".into(), position, content: content_of(line) }
}

/// What a line comes to, after it went through a message.
fn outcome(compiled: &Compiled, plan: &mut Plan, position: u64, line: &[u8]) -> Outcome {
    let values = match compiled.spec.source.decode(line) {
        Ok(values) => values,
        Err(reason) => return Outcome::Rejected(reason),
    };
    let message = compiled.encode(&identity(position, line), &values);
    let (identity, values) = compiled.decode_message(&message).unwrap();
    plan.resolve(identity, &values, Timestamp::from_seconds(1_800_000_000))
}

fn rows(compiled: &Compiled, plan: &mut Plan) -> Vec<Row> {
    let findings = read("finding.csv");
    let lines = findings.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let row = |(line, position): (&[u8], u64)| match outcome(compiled, plan, position, line) {
        Outcome::Counts(row) => row,
        other => panic!("line {position}: {other:?}"),
    };
    lines.zip(0..).map(row).collect()
}

/// The table as the example's `expected.csv` has it, which was not computed here.
fn table(destination: &InMemory) -> String {
    let mut text = "cs_id,cs_name,minor_sum,medium_sum,high_sum,critical_sum\n".to_owned();
    for total in block_on(destination.totals()).unwrap() {
        let quoted = total.label.replace('"', "\"\"");
        let label = if quoted.contains([',', '"']) { format!("\"{quoted}\"") } else { quoted };
        let sums: Vec<String> = total.by_category.iter().map(i64::to_string).collect();
        text += &format!("{},{label},{}\n", total.key, sums.join(","));
    }
    text
}

#[test]
fn the_example_gives_its_table_in_whatever_order_and_however_often() {
    let (compiled, mut plan) = plan(&spec(), &[]);
    let mut rows = rows(&compiled, &mut plan);
    assert_eq!(rows.len(), 64, "an id that occurs three times is three findings, two equal lines are two");
    let expected = String::from_utf8(read("expected.csv")).unwrap();
    for _ in 0..2 {
        let destination = InMemory::new(compiled.shape("sqlite"));
        block_on(destination.prepare(&plan.keys())).unwrap();
        for batch in rows.chunks(7).chain(rows.chunks(10)) {
            block_on(destination.count(batch)).unwrap();
        }
        assert_eq!(table(&destination), expected);
        rows.reverse();
    }
}

#[test]
fn a_message_has_only_what_is_needed() {
    let compiled = Compiled::read(&spec()).unwrap();
    let line = b"998,2019-02-25 21:03:58,29";
    let message = compiled.encode(&identity(999, line), &compiled.spec.source.decode(line).unwrap());
    expect![[r#"{"specversion":"1.0","type":"dev.manazir.finding","source":"finding.csv","id":"999-fa417df63a6872ca","data":{"at":"2019-02-25T21:03:58Z","vulnerability_id":29}}"#]]
        .assert_eq(&String::from_utf8(message).unwrap());
}

/// KP-W4, KP-W5, KP-W6 and the rest that a stream can bring: each a reason, and no stop.
#[test]
fn what_is_wrong_is_rejected_with_its_reason() {
    let (compiled, mut plan) = plan(&spec(), &[]);
    let lines: [&[u8]; 10] = [
        b"",
        b"1,2026-03-02 10:00:00",
        b"1,2026-03-02 10:00:00,3,4",
        b"1,2026-03-02 10:00:00,29abc",
        b"1,2026-02-30 10:00:00,3",
        b"1,2106-03-02 10:00:00,3",
        b"1,2026-03-02 10:00:00,\xff",
        b"\"1,2026-03-02 10:00:00,3",
        b"1,2026-03-02 10:00:00,99999999999999999999",
        b"1,2026-03-02 10:00:00,404",
    ];
    let said: Vec<String> =
        lines.map(|line| format!("{:?}\n", outcome(&compiled, &mut plan, 0, line))).into();
    expect![[r#"
        Rejected("it is empty")
        Rejected("it has 2 values, and 3 are expected: \"1,2026-03-02 10:00:00\"")
        Rejected("it has 4 values, and 3 are expected: \"1,2026-03-02 10:00:00,3,4\"")
        Rejected("`vulnerability_id` is \"29abc\", which is no whole number")
        Rejected("`at` is \"2026-02-30 10:00:00\", which is no time as it is to be written")
        Rejected("`at` is 2106-03-02T10:00:00Z, in the future")
        Rejected("it is no UTF-8 from byte 22 on")
        Rejected("it has 1 values, and 3 are expected: \"\\\"1,2026-03-02 10:00:00,3\"")
        Rejected("`vulnerability_id` is \"99999999999999999999\", which is no whole number")
        Waits("`vulnerability` has no row whose `id` is \"404\"")
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn messages_that_are_none_of_ours_are_told_apart() {
    let compiled = Compiled::read(&spec()).unwrap();
    let ours = r#"{"specversion":"1.0","type":"dev.manazir.finding","source":"s","id":"7-1f","data":{"at":"2019-02-25T21:03:58Z","vulnerability_id":29}}"#;
    assert_eq!(compiled.decode_message(ours.as_bytes()).unwrap().0.position, 7);
    let changed = [
        ("", "x"),
        ("1.0", "2.0"),
        ("finding", "other"),
        ("7-1f", "7"),
        ("7-1f", "7-0"),
        ("\"at\"", "\"ta\""),
        ("29", "true"),
    ];
    let said: Vec<String> = changed
        .map(|(from, to)| {
            let message = if from.is_empty() { to.to_owned() } else { ours.replacen(from, to, 1) };
            compiled.decode_message(message.as_bytes()).unwrap_err() + "\n"
        })
        .into();
    expect![[r#"
        it is no event of CloudEvents: expected value at line 1 column 1
        it is a "dev.manazir.finding" of CloudEvents "2.0", and no "dev.manazir.finding" of 1.0
        it is a "dev.manazir.other" of CloudEvents "1.0", and no "dev.manazir.finding" of 1.0
        its id "7" is no position with the hash of a line
        its id "7-0" is no position with the hash of a line
        `at` is missing
        `vulnerability_id` is "true", which is no whole number
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn a_finding_waits_for_what_it_is_about_and_unknown_people_can_be_made() {
    let line = b"1,2026-03-02 10:00:00,3";
    let (compiled, mut without) = plan(&spec(), &[("vulnerability.csv", "3,77,4\n")]);
    let waits = outcome(&compiled, &mut without, 0, line);
    expect![[r#"Waits("`crowdsourcer` has no row whose `id` is \"77\"")"#]].assert_eq(&format!("{waits:?}"));
    let creating = spec().replace(
        "on = \"vulnerability.crowdsourcer_id\"",
        "on = \"vulnerability.crowdsourcer_id\"\nunknown = \"create\"",
    );
    let (compiled, mut creating) = plan(&creating, &[("vulnerability.csv", "3,77,4\n")]);
    match outcome(&compiled, &mut creating, 0, line) {
        Outcome::Counts(row) => assert_eq!((&*row.key, row.category, row.amount), ("77", 3, 1_000)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_may_depend_on_the_finding_and_has_the_decimals_that_were_said() {
    let spend = r#"
        name = "spend"
        [source]
        format = "json"
        fields = [{ name = "at", type = "time" }, { name = "who" }, { name = "hours", type = "number" }, { name = "grade" }]
        [rollup]
        key = "who"
        at = "at"
        category = "grade"
        categories = ["a", "b"]
        value = "hours * (grade == 'a' ? 12.5 : 7.0)"
        decimals = 2
        [table]
        name = "spend"
        key = "who"
        sum = "{category}"
    "#;
    let (compiled, mut plan) = plan(spend, &[]);
    assert_eq!(compiled.shape("any").key_type, manazir_rollup::KeyType::Text);
    let mut amount = |hours: &str, grade: &str| {
        let line =
            format!(r#"{{"at":"2026-03-02T10:00:00+01:00","who":"ann","hours":{hours},"grade":"{grade}"}}"#);
        match outcome(&compiled, &mut plan, 0, line.as_bytes()) {
            Outcome::Counts(row) => Ok(row.amount),
            other => Err(format!("{other:?}")),
        }
    };
    assert_eq!((amount("1.1", "a"), amount("2", "b"), amount("-0.1", "a")), (Ok(1_375), Ok(1_400), Ok(-125)));
    let said = [amount("0.001", "a"), amount("1e300", "a"), amount("1", "c"), amount("\"x\"", "a")];
    let said: Vec<String> = said.into_iter().map(|amount| amount.unwrap_err() + "\n").collect();
    expect![[r#"
        Rejected("`hours * (grade == 'a' ? 12.5 : 7.0)` is 0.0125, which has more than `decimals = 2`")
        Rejected("`hours * (grade == 'a' ? 12.5 : 7.0)` is 1.25e301, which is too large")
        Rejected("\"c\" is none of `rollup.categories`")
        Rejected("`hours` is \"x\", which is no number")
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn a_specification_that_leads_nowhere_says_where() {
    let changes = [
        ("severity.points", "severity.point +"),
        ("value = \"severity.points\"", "value = \"severities.points\""),
        ("key = \"crowdsourcer.id\"", "key = \"crowdsourcer.idd\""),
        ("on = \"vulnerability.severity_id\"", "on = \"crowdsourcer.id\""),
        ("at = \"at\"", "at = \"finding_id\""),
        ("name = \"karma\"", "name = \"ka rma\""),
        ("label = \"cs_name\"\n", "# no label\n"),
        ("\"minor\", \"medium\"", "\"minor\", \"minor\""),
        ("sum = \"{category}_sum\"", "sum = \"total\""),
        ("{ name = \"finding_id\" }", "{ name = \"at\" }"),
        ("type = \"time\"", "type = \"date\""),
        ("[rollup]", "[rollup]\nvalues = 3"),
    ];
    let said: Vec<String> = changes
        .iter()
        .map(|(from, to)| {
            let text = spec().replacen(from, to, 1);
            assert_ne!(text, spec(), "{from}");
            format!("--- {}\n{}\n", to.trim_end(), Compiled::read(&text).unwrap_err().trim_end())
        })
        .collect();
    expect![[r#"
        --- severity.point +
        `rollup.value` is no expression of CEL: ERROR: <input>:1:17: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}
        | severity.point +
        | ................^
        --- value = "severities.points"
        `rollup.value` speaks of `severities`, which is neither a field nor a table
        --- key = "crowdsourcer.idd"
        `rollup.key`: "crowdsourcer.idd": `crowdsourcer` has no such column
        --- on = "crowdsourcer.id"
        `reference.severity`: `on`: "crowdsourcer.id": there is no table `crowdsourcer` above it
        --- at = "finding_id"
        `rollup.at` is "finding_id", which is no field of the type "time"
        --- name = "ka rma"
        `name` is "ka rma"; it has letters, digits, `-` and `_`
        --- # no label
        `rollup.label` says what people call a key, `table.label` the column for it: one needs the other
        --- "minor", "minor"
        `rollup.categories` names each category once, and at least one
        --- sum = "total"
        `table.sum` has `{category}` in it where there are several
        --- { name = "at" }
        there are two of the name `at` among fields and tables
        --- type = "date"
        TOML parse error at line 9, column 27
          |
        9 |     { name = "at", type = "date", format = "%Y-%m-%d %H:%M:%S" },
          |                           ^^^^^^
        unknown variant `date`, expected one of `text`, `integer`, `number`, `time`
        --- [rollup]
        values = 3
        TOML parse error at line 39, column 1
           |
        39 | values = 3
           | ^^^^^^
        unknown field `values`, expected one of `key`, `label`, `at`, `category`, `categories`, `value`, `distinct`, `decimals`, `ahead_seconds`
    "#]].assert_eq(&said.concat());
}

#[test]
fn a_destination_has_names_of_its_own() {
    let compiled = Compiled::read(&spec()).unwrap();
    assert_eq!(compiled.shape("redis").table, "output");
    let shape = compiled.shape("mariadb");
    assert_eq!(shape.sums, ["minor_sum", "medium_sum", "high_sum", "critical_sum"]);
    assert_eq!((&*shape.table, &*shape.key), ("crowdsourcer_karma_distribution", "cs_id"));
}
