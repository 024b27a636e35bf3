//! PetShop: issues injected into a shop of cloud services, metrics of five minutes (Hardt et al., CLeaR 2024).
//!
//! A folder holds `graph.csv` (`from` = caller, `to` = callee), `normal.parquet` (a run without issues),
//! `issues.parquet` (a few rows for each `case`) and `labels.json`. Columns are `node|metric|statistic`. The incident
//! of a case is its rows from the trigger on; what is normal comes from the normal run alone.

use std::collections::BTreeMap;
use std::path::Path;

use manazir_model::Timestamp;
use manazir_rca::evidence::{Alert, Incident, Kind, Series, Statistic};
use manazir_rca::explanation::{Measured, Question};
use manazir_rca::topology::{EntityId, Topology};
use serde::{Deserialize, Serialize};

use crate::accuracy::quantile;
use crate::recording::{Figures, Outcome, Owned, Recording, read_json, specificity};
use crate::table::{Column, Table};
use crate::{Error, Result, peak_rss_mib};

/// Windows of the normal run are as long as the issues.
const WINDOW_SAMPLES: usize = 3;

/// What `score petshop` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// With the trigger time given.
    #[serde(flatten)]
    pub figures: Figures,
    /// Share of windows of the normal run for which no cause is named, by the metric that was asked about.
    pub specificity: BTreeMap<String, f64>,
    /// Median time of a ranking.
    pub ms_per_case_p50: f64,
    /// 95th percentile of it.
    pub ms_per_case_p95: f64,
    /// Peak memory of the process.
    pub peak_rss_mib: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Label {
    case: String,
    target_node: String,
    target_metric: String,
    trigger_time: i64,
    root_cause_node: String,
}

/// A folder, read.
#[derive(Debug)]
pub(crate) struct Shop {
    recording: Recording,
    /// Of each row: those of the normal run, then those of the issues.
    times: Vec<Timestamp>,
    n_normal: usize,
    pub(crate) cases: Vec<ShopCase>,
}

#[derive(Debug)]
pub(crate) struct ShopCase {
    pub(crate) name: String,
    pub(crate) cause: EntityId,
    target: EntityId,
    metric: String,
    window: (usize, usize),
}

impl Shop {
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let labels: Vec<Label> = read_json(&dir.join("labels.json"))?;
        let normal = Table::read(&dir.join("normal.parquet"), usize::MAX)?;
        let issues_path = dir.join("issues.parquet");
        let issues = Table::read(&issues_path, usize::MAX)?;
        let mut recording = record(&normal, &issues);
        read_calls(&dir.join("graph.csv"), &mut recording.topology)?;
        let mut cases = Vec::new();
        for label in labels {
            let (from, until) = window(&issues, &issues_path, &label)?;
            cases.push(ShopCase {
                target: recording.topology.entity(&label.target_node),
                cause: recording.topology.entity(&label.root_cause_node),
                window: (normal.n_rows + from, normal.n_rows + until),
                metric: label.target_metric,
                name: label.case,
            });
        }
        let mut times = times(&normal);
        times.extend(self::times(&issues));
        Ok(Self { recording, times, n_normal: normal.n_rows, cases })
    }

    pub(crate) fn name(&self, entity: EntityId) -> &str {
        self.recording.topology.name(entity)
    }

    /// What a case asks.
    pub(crate) fn ask<T>(&self, case: &ShopCase, answer: impl FnOnce(&Question<'_>) -> T) -> T {
        let series = self.recording.borrowed();
        let history = [(0, self.n_normal)];
        let incident = self.incident(&series, &history, case);
        answer(&Question {
            entity: Some(self.name(case.target)),
            what: &case.metric,
            at: self.times[case.window.0],
            events: None,
            measured: Some(Measured { incident: &incident, times: &self.times }),
        })
    }

    fn incident<'a>(
        &'a self,
        series: &'a [Series<'a>],
        history: &'a [(usize, usize)],
        case: &'a ShopCase,
    ) -> Incident<'a> {
        let kind = kind(&case.metric).unwrap_or(Kind::Latency);
        Incident {
            series,
            topology: &self.recording.topology,
            window: case.window,
            history,
            alert: Some(Alert { entity: case.target, kind, metric: &case.metric }),
        }
    }
}

/// Ranks every case of a folder.
pub fn score(dir: &Path) -> Result<Report> {
    let shop = Shop::read(dir)?;
    let series = shop.recording.borrowed();
    let history = [(0, shop.n_normal)];
    let mut outcome = Outcome::default();
    for case in &shop.cases {
        outcome.judge(&case.metric, &shop.incident(&series, &history, case), case.cause);
    }
    let specificity = quiet(&shop, &series);
    Ok(Report {
        figures: outcome.figures(),
        specificity,
        ms_per_case_p50: quantile(&mut outcome.ms, 0.5),
        ms_per_case_p95: quantile(&mut outcome.ms, 0.95),
        peak_rss_mib: peak_rss_mib(),
    })
}

/// The time of each row; the epoch where there is none.
fn times(table: &Table) -> Vec<Timestamp> {
    let time = table.column("time");
    let of_row = |row| time.and_then(|time| time.instant(row)).unwrap_or_default();
    (0..table.n_rows).map(of_row).collect()
}

/// Asks about each target and metric in every stretch of the normal run.
fn quiet(shop: &Shop, series: &[Series<'_>]) -> BTreeMap<String, f64> {
    let n_normal = shop.n_normal;
    let mut asked: BTreeMap<&str, Vec<EntityId>> = BTreeMap::new();
    for case in &shop.cases {
        let targets = asked.entry(&case.metric).or_default();
        if !targets.contains(&case.target) {
            targets.push(case.target);
        }
    }
    let starts = (0..n_normal.saturating_sub(WINDOW_SAMPLES)).step_by(WINDOW_SAMPLES + 2);
    let around = |start: usize| [(0, start.saturating_sub(2)), (start + WINDOW_SAMPLES + 2, n_normal)];
    let histories: Vec<(usize, [(usize, usize); 2])> = starts.map(|start| (start, around(start))).collect();
    let mut specificities = BTreeMap::new();
    for (metric, targets) in asked {
        let kind = kind(metric).unwrap_or(Kind::Latency);
        let windows =
            targets.iter().flat_map(|target| histories.iter().map(move |history| (*target, history)));
        let incidents = windows.map(|(entity, (start, history))| Incident {
            series,
            topology: &shop.recording.topology,
            window: (*start, start + WINDOW_SAMPLES),
            history,
            alert: Some(Alert { entity, kind, metric }),
        });
        specificities.extend(specificity(incidents).map(|share| (metric.to_owned(), share)));
    }
    specificities
}

/// Rows of a case among all rows of the issues, from the first at or after the trigger on.
fn window(issues: &Table, path: &Path, label: &Label) -> Result<(usize, usize)> {
    let missing = |what: &str| Error::layout(path, format!("case {} has no {what}", label.case));
    let case = issues.column("case").ok_or_else(|| missing("column `case`"))?;
    let time = issues.column("time").ok_or_else(|| missing("column `time`"))?;
    let rows: Vec<usize> = (0..issues.n_rows).filter(|row| case.text(*row) == label.case).collect();
    let trigger = Timestamp::from_seconds(label.trigger_time);
    let begins = rows.iter().find(|row| time.instant(**row).is_some_and(|at| at >= trigger));
    let (Some(begins), Some(last)) = (begins, rows.last()) else {
        return Err(missing("row after its trigger"));
    };
    Ok((*begins, last + 1))
}

/// All rows one after the other: those of the normal run, then those of the issues.
fn record(normal: &Table, issues: &Table) -> Recording {
    let mut recording = Recording::default();
    for (name, column) in &issues.columns {
        let mut parts = name.rsplitn(3, '|');
        let (Some(statistic), Some(metric), Some(node)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (Some(kind), Some(now)) = (kind(metric), column.numbers()) else { continue };
        let before = normal.column(name).and_then(Column::numbers);
        let mut values = before.unwrap_or_else(|| vec![f64::NAN; normal.n_rows]);
        values.extend(now);
        if kind == Kind::Availability {
            // Given in percent.
            values.iter_mut().for_each(|value| *value /= 100.0);
        }
        let statistic = match statistic {
            "Average" => Statistic::Mean,
            "Sum" => Statistic::Sum,
            _ => Statistic::Quantile,
        };
        let entity = recording.topology.entity(node);
        recording.series.push(Owned {
            entity,
            caller: None,
            metric: metric.to_owned(),
            statistic,
            kind,
            values,
        });
    }
    recording
}

fn kind(metric: &str) -> Option<Kind> {
    match metric {
        "latency" => Some(Kind::Latency),
        "availability" => Some(Kind::Availability),
        "requests" => Some(Kind::Traffic),
        _ => None,
    }
}

/// Adds the calls of a table with two columns, caller and callee.
pub(crate) fn read_calls(path: &Path, topology: &mut Topology) -> Result<()> {
    let calls = Table::read(path, usize::MAX)?;
    let [(_, callers), (_, callees), ..] = calls.columns.as_slice() else {
        return Err(Error::layout(path, "needs two columns, caller and callee"));
    };
    for row in 0..calls.n_rows {
        let (caller, callee) = (topology.entity(&callers.text(row)), topology.entity(&callees.text(row)));
        topology.depends(caller, callee);
    }
    Ok(())
}
