//! A wrong `manazir.toml` is an error that names file and line.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

use expect_test::{Expect, expect};
use manazir_catalog::{Adding, FileSource, Limits, SourceReader, unwatched};

#[track_caller]
fn check(rules: &str, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manazir.toml"), rules).unwrap();
    let rows: String = (10..30).map(|day| format!("2024-01-{day},{day}\n")).collect();
    std::fs::write(folder.path().join("shop.csv"), format!("date,orders\n{rows}")).unwrap();
    let source = FileSource::new([folder.path().to_str().unwrap()], Limits::default());
    let answer = match source.discover(&mut unwatched) {
        Ok(catalog) => format!("{:?}", catalog.tables[0].zone.value),
        Err(error) => error.to_string().replace(folder.path().to_str().unwrap(), ""),
    };
    expected.assert_eq(&answer);
}

#[test]
fn wrong_rules_are_errors_with_file_and_line() {
    check("[table.shop]\nzone = \"Asia/Tokyo\"\n", expect![[r#""Asia/Tokyo""#]]);
    check("[table.other]\nzone = \"Asia/Tokyo\"\n", expect![[r#""UTC""#]]);
    check(
        "[table.shop]\n\nzones = \"Asia/Tokyo\"\n",
        expect![
            "/manazir.toml:3: unknown field `zones`, expected one of `time`, `zone`, `measures`, `dimensions`, `key`, `grain`, `unit`, `kind`, `adds_up`, `ratio`, `day_first`, `ignore`"
        ],
    );
    check(
        "[tables.shop]\nzone = \"Asia/Tokyo\"\n",
        expect!["/manazir.toml:1: unknown field `tables`, expected `table`"],
    );
    check(
        "[table.shop]\nzone = \"Asia/Atlantis\"\n",
        expect![[r#"/manazir.toml:1: "Asia/Atlantis" is no zone; write an IANA name such as Europe/Berlin"#]],
    );
    check(
        "# one\n# two\n[table.shop]\nmeasures = [\"order\"]\n",
        expect![[r#"/manazir.toml:4: table "shop" has no column "order""#]],
    );
    check(
        "[table.shop]\ntime = \"orders\"\n",
        expect![[r#"/manazir.toml:1: column "orders" holds no times"#]],
    );
    check(
        "[table.shop]\ngrain = \"soon\"\n",
        expect![[r#"/manazir.toml:1: "soon" is no grain; write for instance 5min, 1h or 1d"#]],
    );
    check(
        "[table.shop]\nkind = \"meter\"\n",
        expect![[
            r#"/manazir.toml:2: expected "gauge" or "counter", or kinds by column as in { hits = "counter" }"#
        ]],
    );
    check(
        "[table.\"[\"]\n",
        expect![[
            r#"/manazir.toml:1: the name "[" is no pattern: Pattern syntax error near position 0: invalid range pattern"#
        ]],
    );
    check("[table.shop\n", expect!["/manazir.toml:1: unclosed table, expected `]`"]);
}

/// The published example is accepted, key by key.
#[test]
fn the_example_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manazir.toml"), include_str!("../manazir.example.toml")).unwrap();
    let rows: String =
        (0..40).map(|row| format!("{:02}/07/2014,BR,web,{row},{row}.5,1.1,x\n", row % 28 + 1)).collect();
    let header = "ordered_at,country,channel,orders,revenue,basket,note";
    std::fs::write(folder.path().join("shop.csv"), format!("{header}\n{rows}")).unwrap();
    let source = FileSource::new([folder.path().to_str().unwrap()], Limits::default());
    let table = &source.discover(&mut unwatched).unwrap().tables[0];
    let roles: Vec<_> = table.columns.iter().map(|column| format!("{:?}", column.role.value)).collect();
    assert_eq!(roles, ["Time", "Dimension", "Dimension", "Measure", "Measure", "Measure", "Ignored"]);
    assert_eq!(table.grain.value.unwrap().to_string(), "5 min");
    assert_eq!(table.columns[4].unit.as_ref().unwrap().value, "EUR");
    let ratio = Adding::Ratio { over: "revenue".into(), under: "orders".into() };
    let adding: Vec<_> =
        [3, 5].map(|column: usize| table.columns[column].adding.clone().unwrap().value).into();
    assert_eq!(adding, [Adding::Adds, ratio]);
}
