//! Anomalies for machines.

use manazir_model::{AnomalyKind, Direction, SeriesKey, Timestamp};
use serde::Serialize;

use manazir_rca::contributors::Contributors;

use crate::contributors::{Baseline, Compared};
use crate::finding::{Finding, SeriesReport, Severity, ranked};
use crate::report::because::because;
use crate::report::sentence::sentence;
use crate::report::when::common_year;

/// One anomaly; numbers that do not exist are `null`.
#[derive(Debug, Serialize)]
pub(super) struct AnomalyJson<'a> {
    rank: usize,
    sentence: String,
    severity: Severity,
    series: &'a SeriesKey,
    name: String,
    unit: Option<&'a str>,
    zone: &'a str,
    kind: AnomalyKind,
    direction: Option<Direction>,
    start_at: String,
    end_at: String,
    peak_at: String,
    observed: f64,
    expected: f64,
    peak_observed: f64,
    peak_expected: f64,
    score: f64,
    p_value: f64,
    detector: &'a str,
    choice: &'a str,
    open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_of: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contributors: Option<ContributorsJson<'a>>,
}

/// What made the change of a total.
#[derive(Debug, Serialize)]
struct ContributorsJson<'a> {
    sentence: String,
    change: f64,
    baseline: Baseline,
    baseline_words: &'a str,
    samples: usize,
    #[serde(flatten)]
    told: &'a Contributors,
}

/// All anomalies, the strangest first; totals are taken apart by their change against `baseline`.
pub(super) fn anomalies(reports: &[SeriesReport], baseline: Baseline) -> Vec<AnomalyJson<'_>> {
    let year = common_year(reports.iter().map(|report| &report.series));
    ranked(reports)
        .into_iter()
        .enumerate()
        .map(|(position, finding)| one(finding, baseline, position + 1, year))
        .collect()
}

fn one(finding: Finding<'_>, baseline: Baseline, rank: usize, year: i16) -> AnomalyJson<'_> {
    let Finding { report, anomaly } = finding;
    let time = |at: Timestamp| at.to_string();
    AnomalyJson {
        rank,
        sentence: sentence(report, anomaly, year),
        severity: Severity::of_score(anomaly.score),
        series: &anomaly.series,
        name: anomaly.series.to_string(),
        unit: report.series.unit.as_deref(),
        zone: &report.series.zone,
        kind: anomaly.kind,
        direction: anomaly.direction,
        start_at: time(anomaly.start_at),
        end_at: time(anomaly.end_at),
        peak_at: time(anomaly.peak_at),
        observed: anomaly.observed,
        expected: anomaly.expected,
        peak_observed: anomaly.peak_observed,
        peak_expected: anomaly.peak_expected,
        score: anomaly.score,
        p_value: manazir_detect::live::p_value(anomaly.score),
        detector: &anomaly.detector,
        choice: &report.choice,
        open: anomaly.open,
        total_of: report.total.as_ref().map(|total| total.leaves),
        contributors: contributors(finding, baseline),
    }
}

fn contributors(finding: Finding<'_>, baseline: Baseline) -> Option<ContributorsJson<'_>> {
    let compared = finding.report.total.as_ref()?.drilled_at(finding.anomaly.start_at)?.by(baseline)?;
    let Compared { baseline, baseline_words, samples, told } = compared;
    let sentence = because(compared, finding.report.series.unit.as_deref());
    let (baseline, samples) = (*baseline, *samples);
    Some(ContributorsJson { sentence, change: told.change(), baseline, baseline_words, samples, told })
}
