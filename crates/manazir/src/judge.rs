//! From sources to a judgement: read what is new, judge it, and add what was kept of the rest.

use std::collections::HashSet;

use anyhow::{Result, bail};
use manazir_catalog::Catalog;
use manazir_model::Series;

use crate::engine::{self, Sensitivity};
use crate::finding::SeriesReport;
use crate::found::{Found, FoundSeries, RejectLine};
use crate::load::{self, LoadedTable};
use crate::progress::{Unit, Work, interrupted};
use crate::state::{State, Stored};

/// What one run came to.
#[derive(Debug)]
pub struct Judged {
    /// What is in the sources.
    pub found: Found,
    /// The series: all of them, or with a state directory those with anomalies.
    pub reports: Vec<SeriesReport>,
    /// Tables that were as they were at the last run.
    pub reused: usize,
    /// True if the work was stopped early; what was finished is here.
    pub interrupted: bool,
}

/// Judges every series of the sources. With a state directory, tables that have not changed are taken from
/// there, what is new is kept there, and only series with anomalies are given back.
pub fn judge(
    sources: &[String],
    state: Option<&State>,
    sensitivity: Sensitivity,
    quiet: bool,
) -> Result<Judged> {
    let source = load::source(sources);
    let catalog = load::discover(&source, quiet)?;
    if !load::has_series(&catalog) && !catalog.interrupted {
        bail!(load::nothing_to_read(sources, &catalog));
    }
    let load_stored = |table| state.and_then(|state| state.load(table)).unwrap_or_default();
    let mut kept: Vec<Stored> = catalog.tables.iter().map(load_stored).collect();
    let fresh: Vec<usize> = (0..kept.len()).filter(|&index| !kept[index].complete).collect();
    let mut judged = Judged {
        found: load::found(sources, &catalog),
        reports: Vec::new(),
        reused: kept.len() - fresh.len(),
        interrupted: catalog.interrupted,
    };
    let loaded = load::read(&source, &catalog, &fresh, state.map(State::folder), quiet)?;
    judged.interrupted |= loaded.len() < fresh.len();
    judge_loaded(&catalog, loaded, &mut kept, (state, sensitivity), quiet)?;
    judged.interrupted |= fresh.iter().any(|&index| !kept[index].complete) || interrupted();
    for (table, stored) in judged.found.tables.iter_mut().zip(kept) {
        table.series = stored.found.len();
        judged.found.series.extend(stored.found);
        judged.reports.extend(stored.reports);
        add_rejects(&mut judged.found.rejects, stored.rejects);
    }
    Ok(judged)
}

/// Judges what was read, all tables together so that every core has work, and puts each table's result where
/// an interrupted run left its own.
fn judge_loaded(
    catalog: &Catalog,
    loaded: Vec<LoadedTable>,
    kept: &mut [Stored],
    (state, sensitivity): (Option<&State>, Sensitivity),
    quiet: bool,
) -> Result<()> {
    let mut series: Vec<Series> = Vec::new();
    let mut waiting: Vec<(LoadedTable, Vec<FoundSeries>)> = Vec::new();
    for mut table in loaded {
        let known: HashSet<&str> =
            kept[table.index].found.iter().map(|series| series.name.as_str()).collect();
        let new = std::mem::take(&mut table.series)
            .into_iter()
            .filter(|(_, found)| !known.contains(found.name.as_str()));
        let (of_table, found): (Vec<_>, Vec<_>) = new.unzip();
        series.extend(of_table);
        waiting.push((table, found));
    }
    let samples = series.iter().map(|series| series.len() as u64).sum();
    let work = Work::start("judging", samples, Unit::Samples, quiet);
    let mut reports = engine::analyse(series, sensitivity, &work).into_iter().peekable();
    for (table, found) in waiting {
        let expected = found.len();
        let mut stored = Stored::new(table.rejects);
        for mut found in found {
            // Reports come in the order of the series; a stopped run lacks some.
            let Some(report) = reports.next_if(|report| report.series.key.to_string() == found.name) else {
                continue;
            };
            found.score_max = report.score_max();
            found.open_score = sensitivity.open_score(&report.series);
            found.anomalies = report.anomalies.len();
            stored.found.push(found);
            if state.is_none() || !report.anomalies.is_empty() {
                stored.reports.push(report);
            }
        }
        stored.complete = table.whole && stored.found.len() == expected;
        stored.add(std::mem::take(&mut kept[table.index]));
        // Series that were read in part are shown, but the next run must read them again.
        if let Some(state) = state.filter(|_| table.whole) {
            state.store(&catalog.tables[table.index], &stored)?;
        }
        kept[table.index] = stored;
    }
    Ok(())
}

/// Adds the rejects of a table to those of all.
pub fn add_rejects(all: &mut Vec<RejectLine>, of_table: Vec<RejectLine>) {
    for line in of_table {
        match all.iter_mut().find(|known| known.reason == line.reason) {
            Some(known) => {
                known.count += line.count;
                known.examples.extend(line.examples);
            }
            None => all.push(line),
        }
    }
}
