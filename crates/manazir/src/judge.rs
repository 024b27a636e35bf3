//! From sources to a judgement: read what is new, judge it, and add what was kept of the rest.

use std::collections::{HashMap, HashSet};

use anyhow::{Result, bail};
use manazir_catalog::{Catalog, Table};
use manazir_model::{Series, SeriesKey};

use crate::contributors::{Plan, drill, plans};
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
/// there, what is new is kept there, and only series with anomalies are given back; totals of series that add up
/// are judged as well, and what is strange in them is taken apart.
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
        table.series = stored.found.iter().filter(|series| series.total_of == 0).count();
        judged.found.series.extend(stored.found);
        judged.reports.extend(stored.reports);
        add_rejects(&mut judged.found.rejects, stored.rejects);
    }
    Ok(judged)
}

/// A table that was read and waits for its verdicts.
struct Waiting {
    table: LoadedTable,
    /// Series that are judged: those of the table, then their totals.
    found: Vec<FoundSeries>,
    plans: Vec<Plan>,
    /// Series that an interrupted run has judged before, if totals are made of them.
    known: Vec<Series>,
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
    let mut waiting: Vec<Waiting> = Vec::new();
    for table in loaded {
        let before: HashSet<String> =
            kept[table.index].found.iter().map(|series| series.name.clone()).collect();
        let with_totals = state.is_some() && table.whole;
        let (new, of_table) = prepare(&catalog.tables[table.index], table, &before, with_totals);
        series.extend(new);
        waiting.push(of_table);
    }
    let samples = series.iter().map(|series| series.len() as u64).sum();
    let work = Work::start("judging", samples, Unit::Samples, quiet);
    let mut reports = engine::analyse(series, sensitivity, &work).into_iter().peekable();
    for Waiting { table, found, plans, known } in waiting {
        let expected = found.len();
        let mut stored = Stored::new(table.rejects);
        let mut of_table: Vec<SeriesReport> = Vec::new();
        for mut found in found {
            // Reports come in the order of the series; a stopped run lacks some.
            let Some(report) = reports.next_if(|report| report.series.key.to_string() == found.name) else {
                continue;
            };
            found.score_max = report.score_max();
            found.open_score = sensitivity.open_score(&report.series);
            found.anomalies = report.anomalies.len();
            stored.found.push(found);
            of_table.push(report);
        }
        let n_known = known.len();
        let known = engine::analyse(known, sensitivity, &work);
        stored.complete = table.whole && stored.found.len() == expected && known.len() == n_known;
        if stored.complete {
            take_apart(&plans, &mut of_table, &known);
        } else {
            // Totals without what they are made of are judged again by the run that goes on.
            stored.found.retain(|found| found.total_of == 0);
            of_table.retain(|report| plans.iter().all(|plan| plan.series.key != report.series.key));
        }
        of_table.retain(|report| state.is_none() || !report.anomalies.is_empty());
        stored.reports = of_table;
        stored.add(std::mem::take(&mut kept[table.index]));
        // Series that were read in part are shown, but the next run must read them again.
        if let Some(state) = state.filter(|_| table.whole) {
            state.store(&catalog.tables[table.index], &stored)?;
        }
        kept[table.index] = stored;
    }
    Ok(())
}

/// The series of a table that are to be judged, with their totals behind them, and what waits for their verdicts.
fn prepare(
    of: &Table,
    mut table: LoadedTable,
    before: &HashSet<String>,
    with_totals: bool,
) -> (Vec<Series>, Waiting) {
    let (all, found): (Vec<Series>, Vec<FoundSeries>) = std::mem::take(&mut table.series).into_iter().unzip();
    let plans = if with_totals { plans(of, &all) } else { Vec::new() };
    let is_known = |found: &FoundSeries| before.contains(&found.name);
    let (known, new): (Vec<_>, Vec<_>) = all.into_iter().zip(found).partition(|(_, found)| is_known(found));
    let (mut series, mut found): (Vec<Series>, Vec<FoundSeries>) = new.into_iter().unzip();
    for plan in &plans {
        series.push(plan.series.clone());
        found.push(FoundSeries { total_of: plan.leaves.len(), ..FoundSeries::of(&plan.series) });
    }
    let known =
        if plans.is_empty() { Vec::new() } else { known.into_iter().map(|(series, _)| series).collect() };
    (series, Waiting { table, found, plans, known })
}

/// Says of totals, the last of the reports, what they are made of. `known`: reports of leaves that an earlier run
/// has judged.
fn take_apart(plans: &[Plan], reports: &mut [SeriesReport], known: &[SeriesReport]) {
    let (leaves, totals) = reports.split_at_mut(reports.len().saturating_sub(plans.len()));
    let by_key: HashMap<&SeriesKey, &SeriesReport> =
        leaves.iter().chain(known).map(|report| (&report.series.key, report)).collect();
    for (plan, total) in plans.iter().zip(totals) {
        total.total = Some(drill(plan, total, &by_key));
    }
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
