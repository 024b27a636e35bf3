//! What a source comes to, as text that can be compared.

use std::fmt::Write;
use std::path::Path;

use manazir_catalog::{Collection, FileSource, Limits, Rejects, collect, unwatched};

/// Discovers and reads `sources`.
pub(crate) fn read(sources: &[String]) -> (Collection, Rejects) {
    let source = FileSource::new(sources.iter().cloned(), Limits::default());
    let mut rejects = Rejects::in_memory(100);
    let collection = collect(&source, &mut rejects, &mut unwatched).unwrap();
    (collection, rejects)
}

/// A folder as the one source.
pub(crate) fn read_folder(folder: &Path) -> (Collection, Rejects) {
    read(&[folder.to_string_lossy().into_owned()])
}

/// Every decision, the ends of every series, every reject.
pub(crate) fn words(collection: &Collection, rejects: &Rejects) -> String {
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
