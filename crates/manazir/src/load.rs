//! From sources to series: discovery and reading, with what was found in words.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result};
use manazir_catalog::{
    Adding, Catalog, Collection, Decision, FileSource, Limits, Outcome, Progress, RejectCount, Rejects, Role,
    SampleSink, SeriesQuality, SourceReader, Table, Watch, collect,
};
use manazir_model::Series;

use crate::found::{Found, FoundSeries, FoundTable, RejectLine};
use crate::progress::{Unit, Work, interrupted};
use crate::report::number::counted;

/// What was read of a table.
#[derive(Debug)]
pub struct LoadedTable {
    /// Its index in the catalog.
    pub index: usize,
    /// Its series, each with its quality.
    pub series: Vec<(Series, FoundSeries)>,
    /// Its rows that could not be read.
    pub rejects: Vec<RejectLine>,
    /// False if the read was stopped before its end.
    pub whole: bool,
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

/// Reads tables of `catalog` into memory one by one, with a bar; stopped early, it gives what it has. Rejected
/// rows go to `rejects.ndjson` in `folder`.
pub fn read(
    source: &FileSource,
    catalog: &Catalog,
    tables: &[usize],
    folder: Option<&Path>,
    quiet: bool,
) -> Result<Vec<LoadedTable>> {
    let limits = source.limits();
    let mut rejects = match folder {
        Some(folder) => Rejects::written_to(folder, limits.rejects_kept, limits.rejects_file_bytes_max)?,
        None => Rejects::in_memory(limits.rejects_kept),
    };
    let total = tables.iter().map(|&index| catalog.tables[index].bytes()).sum();
    let work = Work::start("reading", total, Unit::Bytes, quiet);
    let mut loaded = Vec::new();
    let mut bytes_before = 0;
    for &index in tables.iter().take_while(|_| !interrupted()) {
        let table = &catalog.tables[index];
        let seen = reject_lines(&rejects);
        let mut watch = |progress: &Progress| {
            work.set(bytes_before + progress.bytes_done, total);
            if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let collection = collect(&Known { source, table }, &mut rejects, &mut watch)
            .with_context(|| format!("cannot read {}", table.name))?;
        bytes_before += table.bytes();
        loaded.push(loaded_table(index, collection, further(&seen, reject_lines(&rejects))));
    }
    rejects.finish()?;
    Ok(loaded)
}

fn shown(work: &Work, progress: &Progress) -> ControlFlow<()> {
    work.set(progress.bytes_done, progress.bytes_total);
    if interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// One table of a source that was discovered already.
struct Known<'a> {
    source: &'a FileSource,
    table: &'a Table,
}

impl SourceReader for Known<'_> {
    fn discover(&self, _: Watch<'_>) -> Result<Catalog, manazir_catalog::Error> {
        Ok(Catalog { tables: vec![self.table.clone()], ..Catalog::default() })
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

fn loaded_table(index: usize, collection: Collection, rejects: Vec<RejectLine>) -> LoadedTable {
    let describe = |(series, quality): (Series, SeriesQuality)| {
        let found = FoundSeries { faults: faults(&quality), ..FoundSeries::of(&series) };
        (series, found)
    };
    let series = collection.series.into_iter().zip(collection.quality).map(describe).collect();
    LoadedTable { index, series, rejects, whole: !collection.interrupted }
}

fn reject_lines(rejects: &Rejects) -> Vec<RejectLine> {
    let line = |count: &RejectCount| RejectLine {
        reason: count.reason.replace('_', " "),
        count: count.count,
        examples: count.examples.clone(),
    };
    rejects.by_reason().map(line).collect()
}

/// What `now` has beyond `before`: the rejects of one table out of those of all.
fn further(before: &[RejectLine], now: Vec<RejectLine>) -> Vec<RejectLine> {
    let beyond = |mut line: RejectLine| {
        if let Some(old) = before.iter().find(|old| old.reason == line.reason) {
            line.count -= old.count;
            line.examples.drain(..old.examples.len().min(line.examples.len()));
        }
        line
    };
    now.into_iter().map(beyond).filter(|line| line.count > 0).collect()
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
        let adds = |adding: &Decision<Adding>| {
            let what = match &adding.value {
                Adding::Adds => "adds up".to_owned(),
                Adding::Apart => "does not add up".to_owned(),
                Adding::Ratio { over, under } => format!("is {over} over {under}"),
            };
            reason(&format!("{} {what}", column.name), adding)
        };
        reasons.extend(column.adding.iter().map(adds));
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
