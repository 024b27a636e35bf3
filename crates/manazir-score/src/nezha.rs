//! Nezha: faults injected into two systems, metrics, traces and logs of one minute (Yu et al., FSE 2023).
//!
//! A folder holds `labels.json` and, for each system and day named there, `SYSTEM_DAY_metrics.parquet`, `_edges.parquet`,
//! `_operations.parquet`, `_logs.parquet` and `SYSTEM_DAY_graph.csv`. Traces and logs exist for the minutes around the
//! faults alone. What is normal is the rest of the same day, other faults included, without the minute before a fault
//! and the five after it.

mod layout;

use std::collections::BTreeMap;
use std::path::Path;

use layout::{Day, Label};
use manazir_rca::evidence::{Incident, Series, rank};
use manazir_rca::explanation::{Measured, Question};
use serde::Serialize;

use crate::accuracy::quantile;
use crate::recording::{Figures, Outcome, read_json, specificity};
use crate::table::entries;
use crate::{Result, peak_rss_mib};

/// Minutes of an incident.
const WINDOW_SAMPLES: usize = 4;
/// Minutes around the start of a fault that are neither normal nor quiet.
const BEFORE: usize = 1;
const AFTER: usize = 6;
/// The start is looked for so many minutes around the true one.
const LOOK_AROUND: usize = 3;

/// What `score nezha` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// By name.
    pub systems: BTreeMap<String, SystemReport>,
    /// Peak memory of the process.
    pub peak_rss_mib: Option<f64>,
}

/// One system, over its days.
#[derive(Clone, Debug, Serialize)]
pub struct SystemReport {
    /// With the minute of the injection given; kinds are types of fault.
    #[serde(flatten)]
    pub known: Figures,
    /// With a minute given that is 60 s late.
    pub late: Figures,
    /// With the minute found: of seven around the true one, that whose best candidate scores highest. Traces and logs
    /// exist for the minutes of faults alone, which makes them easier to find than in production.
    pub found: Figures,
    /// Share of windows far from any fault for which no cause is named; metrics only.
    pub specificity: Option<f64>,
    /// Median time of a ranking.
    pub ms_per_case_p50: f64,
    /// 95th percentile of it.
    pub ms_per_case_p95: f64,
}

#[derive(Default)]
struct Outcomes {
    known: Outcome,
    late: Outcome,
    found: Outcome,
    /// By day.
    specificities: Vec<f64>,
}

/// Ranks every case of a folder.
pub fn score(dir: &Path) -> Result<Report> {
    let labels: Vec<Label> = read_json(&dir.join("labels.json"))?;
    let mut days: BTreeMap<(&str, &str), Vec<&Label>> = BTreeMap::new();
    for label in &labels {
        days.entry((&label.system, &label.day)).or_default().push(label);
    }
    let mut outcomes: BTreeMap<&str, Outcomes> = BTreeMap::new();
    for ((system, day), labels) in days {
        let day = Day::read(dir, system, day)?;
        judge(day, &labels, outcomes.entry(system).or_default())?;
    }
    let systems =
        outcomes.into_iter().map(|(system, outcomes)| (system.to_owned(), outcomes.report())).collect();
    Ok(Report { systems, peak_rss_mib: peak_rss_mib() })
}

impl Outcomes {
    fn report(mut self) -> SystemReport {
        let days = self.specificities.len();
        SystemReport {
            known: self.known.figures(),
            late: self.late.figures(),
            found: self.found.figures(),
            specificity: (days > 0).then(|| self.specificities.iter().sum::<f64>() / days as f64),
            ms_per_case_p50: quantile(&mut self.known.ms, 0.5),
            ms_per_case_p95: quantile(&mut self.known.ms, 0.95),
        }
    }
}

fn judge(mut day: Day, labels: &[&Label], outcomes: &mut Outcomes) -> Result<()> {
    let mut faults = Vec::new();
    for label in labels {
        let cause = day.recording.topology.entity(&label.root_cause_service);
        faults.push((day.position(label)?, cause, label.fault_type.as_str()));
    }
    let series = day.recording.borrowed();
    for &(start, cause, fault) in &faults {
        let asked = |start: usize, first: usize, last: usize| Asked {
            start,
            history: [(0, first.saturating_sub(BEFORE)), (last + AFTER, day.n_samples)],
        };
        outcomes.known.judge(fault, &asked(start, start, start).incident(&day, &series), cause);
        outcomes.late.judge(fault, &asked(start + 1, start, start + 1).incident(&day, &series), cause);
        let around = start.saturating_sub(LOOK_AROUND)..=start + LOOK_AROUND;
        let score = |minute: &usize| {
            let asked = asked(*minute, start.saturating_sub(LOOK_AROUND), start + LOOK_AROUND);
            rank(&asked.incident(&day, &series)).candidates.first().map_or(0.0, |candidate| candidate.score)
        };
        let minutes = around.map(|minute| (score(&minute), minute));
        let found = minutes.reduce(|best, other| if other.0 > best.0 { other } else { best });
        let found = found.map_or(start, |(_, minute)| minute);
        let asked = asked(found, start.min(found), start.max(found));
        outcomes.found.judge(fault, &asked.incident(&day, &series), cause);
    }
    outcomes.specificities.extend(quiet(
        &day,
        &series,
        &faults.iter().map(|fault| fault.0).collect::<Vec<_>>(),
    ));
    Ok(())
}

/// A case, to be asked about.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    label: Label,
}

/// True if a folder holds days of systems.
pub(crate) fn is_layout(dir: &Path) -> bool {
    let is_day = |path: &std::path::PathBuf| path.to_string_lossy().ends_with("_metrics.parquet");
    entries(dir).is_ok_and(|paths| paths.iter().any(is_day))
}

/// The cases of a folder.
pub(crate) fn named(dir: &Path) -> Result<Vec<Named>> {
    let labels: Vec<Label> = read_json(&dir.join("labels.json"))?;
    Ok(labels.into_iter().map(|label| Named { name: label.case.clone(), label }).collect())
}

/// What a case asks, with the minute of the injection given, and the service that broke.
pub(crate) fn ask<T>(
    dir: &Path,
    case: &Named,
    answer: impl FnOnce(&Question<'_>) -> T,
) -> Result<(T, Vec<String>)> {
    let day = Day::read(dir, &case.label.system, &case.label.day)?;
    let start = day.position(&case.label)?;
    let asked = Asked { start, history: [(0, start.saturating_sub(BEFORE)), (start + AFTER, day.n_samples)] };
    let series = day.recording.borrowed();
    let incident = asked.incident(&day, &series);
    let times = day.times();
    let question = Question {
        entity: None,
        what: &case.label.system,
        at: times[start],
        events: None,
        measured: Some(Measured { incident: &incident, times: &times }),
    };
    Ok((answer(&question), vec![case.label.root_cause_service.clone()]))
}

/// An incident and what is normal around it.
struct Asked {
    start: usize,
    history: [(usize, usize); 2],
}

impl Asked {
    fn incident<'a>(&'a self, day: &'a Day, series: &'a [Series<'a>]) -> Incident<'a> {
        Incident {
            series,
            topology: &day.recording.topology,
            window: (self.start, self.start + WINDOW_SAMPLES),
            history: &self.history,
            alert: None,
        }
    }
}

/// Asks in every third minute that is far from any fault.
fn quiet(day: &Day, series: &[Series<'_>], faults: &[usize]) -> Option<f64> {
    let is_far = |start: &usize| {
        faults.iter().all(|fault| start + WINDOW_SAMPLES < *fault || *start > fault + WINDOW_SAMPLES + AFTER)
    };
    let starts = (2 * WINDOW_SAMPLES..day.n_samples.saturating_sub(WINDOW_SAMPLES)).step_by(3).filter(is_far);
    let asked: Vec<Asked> = starts
        .map(|start| Asked { start, history: [(0, start - BEFORE), (start + AFTER, day.n_samples)] })
        .collect();
    specificity(asked.iter().map(|asked| asked.incident(day, series)))
}
