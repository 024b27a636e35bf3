//! Files with the same columns are one table, but rules that name one of them speak of that one alone.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

use expect_test::expect;
use manazir_catalog::{FileSource, Limits, SourceReader, unwatched};

#[test]
fn rules_for_one_file_leave_its_neighbours_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let rows: String = (10..30).map(|day| format!("2024-01-{day},{day}\n")).collect();
    for name in ["taxi.csv", "tram.csv", "bus_1.csv", "bus_2.csv"] {
        write(name, &format!("date,rides\n{rows}"));
    }
    write(
        "manazir.toml",
        "[table.taxi]\nzone = \"America/New_York\"\n[table.\"bus_*\"]\nzone = \"Asia/Tokyo\"\n",
    );
    let source = FileSource::new([folder.path().to_str().unwrap()], Limits::default());
    let catalog = source.discover(&mut unwatched).unwrap();
    let mut zones: Vec<String> = catalog
        .tables
        .iter()
        .map(|table| {
            let files: Vec<&str> = table.files.iter().map(|file| file.name.as_str()).collect();
            format!("{}: {}", files.join(" "), table.zone.value)
        })
        .collect();
    zones.sort();
    expect![[r#"
        bus_1.csv bus_2.csv: Asia/Tokyo
        taxi.csv: America/New_York
        tram.csv: UTC"#]]
    .assert_eq(&zones.join("\n"));
}
