//! From sources to series: discovery and reading, with what was found in words.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result};
use manazir_catalog::{
    Catalog, Collection, Decision, FileSource, Limits, Outcome, Progress, Rejects, Role, SampleSink,
    SeriesQuality, SourceReader, Table, Watch, collect,
};
use manazir_model::Series;

use crate::found::{Found, FoundSeries, FoundTable, RejectLine};
use crate::progress::{Unit, Work, interrupted};
use crate::report::number::counted;

/// What was read of some tables.
pub struct Loaded {
    /// The series, each with its quality.
    pub series: Vec<(Series, FoundSeries)>,
    /// Table of each series, as index into the catalog that was read.
    pub table: Vec<usize>,
    /// Rows that could not be read.
    pub rejects: Vec<RejectLine>,
    /// True if the read was stopped early.
    pub interrupted: bool,
}

/// The files that the user named.
pub fn source(sources: &[String]) -> FileSource {
    FileSource::new(sources.iter().cloned(), Limits::default())
}

/// What is in the sources, with a bar.
pub fn discover(source: &FileSource, quiet: bool) -> Result<Catalog> {
    let work = Work::start("looking", 0, Unit::Bytes, quiet);
    source.discover(&mut |progress| shown(&work, progress)).context("cannot look at the sources")
}

/// Reads the tables of `catalog` into memory, with a bar. Rejected rows go to `rejects.ndjson` in `folder`.
pub fn read(source: &FileSource, catalog: &Catalog, folder: Option<&Path>, quiet: bool) -> Result<Loaded> {
    let limits = source.limits();
    let mut rejects = match folder {
        Some(folder) => Rejects::written_to(folder, limits.rejects_kept, limits.rejects_file_bytes_max)?,
        None => Rejects::in_memory(limits.rejects_kept),
    };
    let work = Work::start("reading", catalog.tables.iter().map(Table::bytes).sum(), Unit::Bytes, quiet);
    let known = Known { source, catalog };
    let collection = collect(&known, &mut rejects, &mut |progress| shown(&work, progress))
        .context("cannot read the sources")?;
    rejects.finish()?;
    Ok(loaded(collection, &rejects))
}

fn shown(work: &Work, progress: &Progress) -> ControlFlow<()> {
    work.set(progress.bytes_done, progress.bytes_total);
    if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A source that was discovered already, perhaps in part.
struct Known<'a> {
    source: &'a FileSource,
    catalog: &'a Catalog,
}

impl SourceReader for Known<'_> {
    fn discover(&self, _: Watch<'_>) -> Result<Catalog, manazir_catalog::Error> {
        Ok(self.catalog.clone())
    }

    fn read(
        &self,
        table: &Table,
        sink: &mut dyn SampleSink,
        rejects: &mut Rejects,
        watch: Watch<'_>,
    ) -> Result<Outcome, manazir_catalog::Error> {
        self.source.read(table, sink, rejects, watch)
    }
}

fn loaded(collection: Collection, rejects: &Rejects) -> Loaded {
    let mut table = vec![0; collection.series.len()];
    for group in &collection.groups {
        let index = collection.catalog.tables.iter().position(|table| table.name == group.table);
        for &series in &group.series {
            table[series] = index.unwrap_or(0);
        }
    }
    let describe = |(series, quality): (Series, SeriesQuality)| {
        let found = FoundSeries { faults: faults(&quality), ..FoundSeries::of(&series) };
        (series, found)
    };
    Loaded {
        series: collection.series.into_iter().zip(collection.quality).map(describe).collect(),
        table,
        rejects: rejects.by_reason().map(reject_line).collect(),
        interrupted: collection.interrupted,
    }
}

fn reject_line(count: &manazir_catalog::RejectCount) -> RejectLine {
    RejectLine {
        reason: count.reason.replace('_', " "),
        count: count.count,
        examples: count.examples.clone(),
    }
}

fn faults(quality: &SeriesQuality) -> Vec<String> {
    let mut words = Vec::new();
    let mut say = |count: u64, one: &str, many: &str| {
        if count > 0 {
            words.push(counted(count as usize, one, many));
        }
    };
    say(quality.duplicates, "duplicate", "duplicates");
    say(quality.late, "late row", "late rows");
    say(quality.resets, "reset", "resets");
    if quality.constant {
        words.push("never changes".to_owned());
    }
    words
}

impl Loaded {
    /// Series that were read of each of `n_tables` tables.
    pub fn counts(&self, n_tables: usize) -> Vec<usize> {
        let mut counts = vec![0; n_tables];
        for &table in &self.table {
            counts[table] += 1;
        }
        counts
    }
}

/// A catalog in the words of the report; series are filled in when they are read.
pub fn found(sources: &[String], catalog: &Catalog) -> Found {
    Found {
        sources: sources.to_vec(),
        tables: catalog.tables.iter().map(found_table).collect(),
        skipped: catalog
            .skipped
            .iter()
            .map(|skipped| (skipped.name.clone(), skipped.reason.clone()))
            .collect(),
        ..Found::default()
    }
}

/// The same after all of it was read; the series themselves are the caller's.
pub fn found_with(sources: &[String], catalog: &Catalog, loaded: &Loaded) -> Found {
    let mut found = found(sources, catalog);
    found.rejects.clone_from(&loaded.rejects);
    for (table, series) in found.tables.iter_mut().zip(loaded.counts(catalog.tables.len())) {
        table.series = series;
    }
    found
}

fn found_table(table: &Table) -> FoundTable {
    let series = table.layout.value.has_series();
    FoundTable {
        name: table.name.clone(),
        layout: word(&table.layout.value),
        files: table.files.len(),
        series: 0,
        grain: if series {
            table.grain.value.map_or("irregular".to_owned(), |grain| grain.to_string())
        } else {
            "–".to_owned()
        },
        zone: match (series, table.time.value.is_row_number()) {
            (false, _) => "–".to_owned(),
            (true, true) => "row numbers".to_owned(),
            (true, false) => table.zone.value.clone(),
        },
        columns: columns_words(table),
        reasons: reasons(table),
    }
}

/// The word that JSON uses.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `orders, latency_ms by country, app`.
fn columns_words(table: &Table) -> String {
    const NAMES_MAX: usize = 6;
    let names = |role: Role| {
        let names: Vec<&str> =
            table.with_role(role).map(|column| table.columns[column].name.as_str()).collect();
        let more = names.len().saturating_sub(NAMES_MAX);
        let shown = names[..names.len() - more].join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    match (names(Role::Measure), names(Role::Dimension)) {
        (measures, dimensions) if dimensions.is_empty() => measures,
        (measures, dimensions) => format!("{measures} by {dimensions}"),
    }
}

fn reasons(table: &Table) -> Vec<String> {
    fn reason<T>(what: &str, decision: &Decision<T>) -> String {
        format!("{what}: {} ({:.0} % sure)", decision.reason, 100.0 * decision.confidence)
    }
    let mut reasons = vec![
        reason("form", &table.layout),
        reason("time", &table.time),
        reason("zone", &table.zone),
        reason("grain", &table.grain),
        reason("files", &table.spread),
    ];
    for column in &table.columns {
        reasons.push(reason(&format!("{} is {}", column.name, word(&column.role.value)), &column.role));
        reasons.extend(
            column
                .kind
                .iter()
                .map(|kind| reason(&format!("{} is a {}", column.name, word(&kind.value)), kind)),
        );
        reasons.extend(
            column.unit.iter().map(|unit| reason(&format!("{} is in {}", column.name, unit.value), unit)),
        );
    }
    reasons
}

/// True if a table holds series.
pub fn has_series(catalog: &Catalog) -> bool {
    catalog.tables.iter().any(|table| table.layout.value.has_series())
}

/// Why there is nothing to judge, and what to do.
pub fn nothing_to_read(sources: &[String], catalog: &Catalog) -> String {
    const NAMES_MAX: usize = 5;
    let mut text = format!("no table with series in {}", sources.join(", "));
    for table in catalog.tables.iter().take(NAMES_MAX) {
        text.push_str(&format!(
            "\n  {}: {} ({})",
            table.name,
            word(&table.layout.value),
            table.layout.reason
        ));
    }
    for skipped in catalog.skipped.iter().take(NAMES_MAX) {
        text.push_str(&format!("\n  left out {}: {}", skipped.name, skipped.reason));
    }
    text.push_str("\nManazir reads CSV, TSV, JSON, NDJSON and Parquet, also as .gz and .zst, with a number in each row. ");
    text.push_str(
        "A manazir.toml beside the data says what cannot be guessed; `manazir up` alone shows a demo.",
    );
    crate::report::name::printable_lines(&text)
}

/// The catalog without the tables that need no reading.
pub fn without(catalog: &Catalog, done: &HashSet<usize>) -> Catalog {
    let kept = catalog.tables.iter().enumerate().filter(|(index, _)| !done.contains(index));
    Catalog { tables: kept.map(|(_, table)| table.clone()).collect(), ..catalog.clone() }
}
