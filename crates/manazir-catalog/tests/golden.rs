//! Each folder of `tests/data` is a source; what it must come to stands in its `expected.md`.
//!
//! `UPDATE_EXPECT=1` rewrites the expectations; the difference is read in review.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

mod common;

use std::fmt::Write;
use std::path::Path;

use expect_test::expect_file;
use manazir_catalog::{Collection, Rejects};

/// Every decision, the ends of every series, every reject.
fn words(collection: &Collection, rejects: &Rejects) -> String {
    let mut out = String::new();
    for table in &collection.catalog.tables {
        let files: Vec<_> = table.files.iter().map(|file| file.name.as_str()).collect();
        writeln!(out, "table {}: {}", table.name, files.join(" ")).unwrap();
        let mut decide = |what: &str, value: String, confidence: f64, reason: &str| {
            writeln!(out, "  {what}: {value} ({confidence:.2}: {reason})").unwrap();
        };
        decide("layout", format!("{:?}", table.layout.value), table.layout.confidence, &table.layout.reason);
        decide("time", format!("{:?}", table.time.value), table.time.confidence, &table.time.reason);
        decide("zone", table.zone.value.clone(), table.zone.confidence, &table.zone.reason);
        let grain = table.grain.value.map_or("-".to_owned(), |grain| grain.to_string());
        decide("grain", grain, table.grain.confidence, &table.grain.reason);
        decide("files", format!("{:?}", table.spread.value), table.spread.confidence, &table.spread.reason);
        for column in &table.columns {
            let role = &column.role;
            decide(&format!("  {}", column.name), format!("{:?}", role.value), role.confidence, &role.reason);
        }
    }
    for skipped in &collection.catalog.skipped {
        writeln!(out, "skipped {}: {}", skipped.name, skipped.reason).unwrap();
    }
    for (series, quality) in collection.series.iter().zip(&collection.quality) {
        let last = series.len() - 1;
        writeln!(
            out,
            "{} {:?} {} {} x{}: {} {} .. {} {}",
            series.key,
            series.kind,
            series.unit.as_deref().unwrap_or("-"),
            series.grain.map_or("-".to_owned(), |grain| grain.to_string()),
            series.len(),
            series.at[0],
            series.values[0],
            series.at[last],
            series.values[last],
        )
        .unwrap();
        for (what, count) in [
            ("nulls", quality.nulls),
            ("duplicates", quality.duplicates),
            ("late", quality.late),
            ("gaps", quality.gaps),
            ("missing", quality.missing),
            ("resets", quality.resets),
        ] {
            if count > 0 {
                writeln!(out, "    {what} {count}").unwrap();
            }
        }
    }
    for group in collection.groups.iter().filter(|group| group.series.len() > 1) {
        writeln!(out, "group {:?} of {}: {:?}", group.labels, group.table, group.series).unwrap();
    }
    for reject in rejects.kept() {
        writeln!(out, "reject {reject}").unwrap();
    }
    for found in &collection.outcomes {
        let outcome = &found.outcome;
        if outcome.hours_repeated + outcome.hours_missing + outcome.unknown_members > 0 {
            writeln!(
                out,
                "repeated {} missing {} unknown {}",
                outcome.hours_repeated, outcome.hours_missing, outcome.unknown_members
            )
            .unwrap();
        }
    }
    out
}

#[track_caller]
fn check(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let (collection, rejects) = common::read(&[folder.to_string_lossy().into_owned()]);
    let expected = folder.join("expected.md");
    expect_file![expected].assert_eq(&words(&collection, &rejects));
}

macro_rules! golden {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_folder_is_checked() {
            let named = [$(stringify!($name)),*];
            let folders = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")).unwrap();
            for folder in folders {
                let name = folder.unwrap().file_name().into_string().unwrap();
                assert!(named.contains(&name.as_str()), "no test reads tests/data/{name}");
            }
        }
    };
}

golden! {
    file_each
    long
    wide
    row_numbers
    epochs
    day_or_month
    date_and_clock
    clock_turned
    zone_told
    all_told
    broken
    json
    parts
    hive
    no_series
    quality
    quoted
    parquet
    zst
}
