//! What a source holds, for people and machines: discovery and one full pass, without keeping a sample.

use std::ops::ControlFlow;

use manazir_model::{SeriesKind, Timestamp};
use serde::Serialize;

use crate::error::Result;
use crate::progress::Watch;
use crate::rejects::{RejectCount, Rejects};
use crate::scan::quality::SeriesQuality;
use crate::source::{Batch, Keys, Outcome, SeriesFacts, SourceReader};
use crate::table::{Catalog, Decision, Skipped, Table};

/// A whole source. Serialises to what `discover --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its tables.
    pub tables: Vec<TableReport>,
    /// Files that were looked at and left out.
    pub skipped: Vec<Skipped>,
    /// Rows that could not be read, by reason, with the first as examples.
    pub rejects: Vec<RejectCount>,
    /// True if the work was stopped early.
    pub interrupted: bool,
}

/// A table with the counts of a full pass.
#[derive(Clone, Debug, Serialize)]
pub struct TableReport {
    /// What was decided.
    #[serde(flatten)]
    pub table: Table,
    /// Rows, rejects included.
    pub rows: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// Rows of series beyond the limit.
    pub rows_beyond_series_limit: u64,
    /// Members of JSON objects that are no column, because discovery did not meet them.
    pub unknown_members: u64,
    /// Rows in an hour that the clock showed twice.
    pub hours_repeated: u64,
    /// Rows in an hour that the clock never showed.
    pub hours_missing: u64,
    /// Sums over its series.
    pub quality: TableQuality,
    /// Series by key.
    pub series: Vec<SeriesReport>,
}

/// Sums over the series of a table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TableQuality {
    /// Number of series.
    pub series: usize,
    /// Of them, those whose numbers are all equal.
    pub constant: usize,
    /// First event time.
    pub first_at: Option<Timestamp>,
    /// Last event time.
    pub last_at: Option<Timestamp>,
    /// Slots without a number.
    pub nulls: u64,
    /// Rows at a time that their series already had.
    pub duplicates: u64,
    /// Rows that came after a row of a later time.
    pub late: u64,
    /// Distances longer than one and a half grains.
    pub gaps: u64,
    /// Share of the slots that are missing in them, in [0, 1].
    pub missing_share: f64,
    /// The longest of them, in microseconds.
    pub longest_gap_micros: i64,
}

/// A series and its quality.
#[derive(Clone, Debug, Serialize)]
pub struct SeriesReport {
    /// As `metric{label=value}`.
    pub name: String,
    /// Gauge or counter.
    pub kind: Decision<SeriesKind>,
    /// Its unit.
    pub unit: Option<String>,
    /// Its quality.
    #[serde(flatten)]
    pub quality: SeriesQuality,
}

/// Discovers a source and reads it once, keeping statistics only: memory grows with the number of series,
/// about 300 bytes each, not with their length.
pub fn survey(source: &dyn SourceReader, rejects: &mut Rejects, watch: Watch<'_>) -> Result<Report> {
    let catalog = source.discover(watch)?;
    let mut report = Report {
        tables: Vec::with_capacity(catalog.tables.len()),
        skipped: Vec::new(),
        rejects: Vec::new(),
        interrupted: catalog.interrupted,
    };
    let Catalog { tables, skipped, .. } = catalog;
    report.skipped = skipped;
    for table in tables {
        let outcome = if report.interrupted {
            Outcome::default()
        } else {
            let mut nowhere = |_: &Batch, _: &Keys| ControlFlow::Continue(());
            source.read(&table, &mut nowhere, rejects, watch)?
        };
        report.interrupted |= outcome.interrupted;
        report.tables.push(TableReport::new(table, outcome));
    }
    report.rejects = rejects.by_reason().cloned().collect();
    Ok(report)
}

impl TableReport {
    fn new(table: Table, outcome: Outcome) -> Self {
        let mut facts = outcome.series;
        facts.retain(|facts| facts.quality.samples > facts.quality.nulls);
        facts.sort_by(|one, other| (&one.key, one.entity).cmp(&(&other.key, other.entity)));
        Self {
            rows: outcome.rows,
            rejected: outcome.rejects,
            rows_beyond_series_limit: outcome.rows_beyond_series_limit,
            unknown_members: outcome.unknown_members,
            hours_repeated: outcome.hours_repeated,
            hours_missing: outcome.hours_missing,
            quality: TableQuality::of(&facts),
            series: facts.into_iter().map(|facts| SeriesReport::new(&table, facts)).collect(),
            table,
        }
    }
}

impl SeriesReport {
    fn new(table: &Table, facts: SeriesFacts) -> Self {
        Self {
            name: facts.key.to_string(),
            kind: facts.kind,
            unit: table.columns[facts.measure].unit.as_ref().map(|unit| unit.value.clone()),
            quality: facts.quality,
        }
    }
}

impl TableQuality {
    fn of(facts: &[SeriesFacts]) -> Self {
        let mut sum = Self { series: facts.len(), ..Self::default() };
        let (mut samples, mut missing) = (0, 0);
        for SeriesFacts { quality, .. } in facts {
            sum.constant += usize::from(quality.constant);
            sum.first_at = [sum.first_at, quality.first_at].into_iter().flatten().min();
            sum.last_at = sum.last_at.max(quality.last_at);
            sum.nulls += quality.nulls;
            sum.duplicates += quality.duplicates;
            sum.late += quality.late;
            sum.gaps += quality.gaps;
            sum.longest_gap_micros = sum.longest_gap_micros.max(quality.longest_gap_micros);
            samples += quality.samples;
            missing += quality.missing;
        }
        let slots = samples + missing;
        sum.missing_share = if slots == 0 { 0.0 } else { missing as f64 / slots as f64 };
        sum
    }
}
