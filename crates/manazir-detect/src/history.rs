//! Detection over a whole history: what was strange in it, seen from both sides.
//!
//! A batch method, never used live. The live detector reads the series forwards and once more backwards. What
//! is strange only against its past is often the first of something that stays: a new level, the first week of
//! data. What is strange from both sides stands out of the whole history, so the lower of the two scores ranks.

use manazir_model::{Anomaly, AnomalyKind, Direction, Grain, Sample, Series, Timestamp};

use crate::baseline::{Baseline, baseline};
use crate::live::{LiveConfig, LiveDetector};
use crate::stream::Setting;

/// How a history is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryConfig {
    /// Life cycle of alarms, effects and traffic, as for live detection.
    pub live: LiveConfig,
    /// Season in samples, for a series without a calendar.
    pub period_samples: Option<usize>,
}

/// The judgement of each sample of a history, all of shape `(n_samples,)`, and its episodes.
#[derive(Clone, Debug)]
pub struct History {
    /// The expectation, from the whole history.
    pub baseline: Baseline,
    /// Strangeness from both sides, ≥ 0; 0 where a slot holds no number.
    pub score: Vec<f64>,
    /// Strangeness against the past alone: what live detection would have said.
    pub causal_score: Vec<f64>,
    /// Episodes in order of time.
    pub anomalies: Vec<Anomaly>,
}

/// Both views answer within so many samples of an event; its two scores are compared across them.
const REACH: usize = 12;

/// Samples that a pass must have read before its silence counts: the tails open after eighty.
const HEARD_MIN: usize = 160;

/// What a score counts for that only one pass could give.
const ONE_SIDED: f64 = 0.7;

/// Judges a series by all of its samples.
///
/// `local_micros`: the local clock of each sample, shape `(n_samples,)`, or empty if rows are not instants.
pub fn judge(series: &Series, local_micros: &[i64], config: &HistoryConfig) -> History {
    let grain = series.grain.filter(|_| local_micros.len() == series.len());
    let setting = Setting { grain, period_samples: config.period_samples, ..Setting::default() };
    let forwards = pass(series, local_micros, &setting, config.live, false);
    let backwards = pass(series, local_micros, &setting, config.live, true);
    let baseline = baseline(&series.values, local_micros, grain, config.period_samples);
    let causal_score: Vec<f64> = forwards.iter().map(|told| told.score).collect();
    let score = both_sides(&forwards, &backwards);
    let anomalies = episodes(series, &score, &forwards, &backwards, &baseline, &config.live);
    History { baseline, score, causal_score, anomalies }
}

/// What one pass said of a sample.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    score: f64,
    view: &'static str,
}

fn pass(
    series: &Series,
    local_micros: &[i64],
    setting: &Setting,
    live: LiveConfig,
    backwards: bool,
) -> Vec<Told> {
    let mut detector = LiveDetector::new(setting, live);
    let mut told = vec![Told::default(); series.len()];
    let mut judge = |index: usize| {
        let at = Timestamp(local_micros.get(index).copied().unwrap_or(index as i64));
        if let Some(live) = detector.update(Sample { at, value: series.values[index] }, 0) {
            told[index] = Told { score: live.verdict.score, view: live.verdict.detector };
        }
    };
    if backwards {
        (0..series.len()).rev().for_each(&mut judge);
    } else {
        (0..series.len()).for_each(&mut judge);
    }
    told
}

/// The lower of the two scores, each taken as its highest within [`REACH`] samples; where one pass had not
/// heard enough, the other alone.
fn both_sides(forwards: &[Told], backwards: &[Told]) -> Vec<f64> {
    let n_samples = forwards.len();
    let near = |told: &[Told]| -> Vec<f64> {
        (0..n_samples)
            .map(|index| {
                let reach = index.saturating_sub(REACH)..(index + REACH + 1).min(n_samples);
                told[reach].iter().map(|told| told.score).fold(0.0, f64::max)
            })
            .collect()
    };
    let (ahead, behind) = (near(forwards), near(backwards));
    (0..n_samples)
        .map(|index| {
            let (own, other) = (forwards[index].score, backwards[index].score);
            let highest = own.max(other);
            let heard = (index >= HEARD_MIN, n_samples - index > HEARD_MIN);
            match heard {
                (true, true) => highest.min(ahead[index]).min(behind[index]),
                (true, false) => ONE_SIDED * own,
                (false, true) => ONE_SIDED * other,
                (false, false) => ONE_SIDED * highest,
            }
        })
        .collect()
}

/// Runs of samples above the closing score that reach the opening score.
fn episodes(
    series: &Series,
    score: &[f64],
    forwards: &[Told],
    backwards: &[Told],
    baseline: &Baseline,
    live: &LiveConfig,
) -> Vec<Anomaly> {
    let close = live.alarm.open_score * live.alarm.close_share;
    let mut anomalies = Vec::new();
    let mut index = 0;
    while index < score.len() {
        if score[index] < live.alarm.open_score {
            index += 1;
            continue;
        }
        let start = run_start(score, index, close);
        let end = run_end(score, index, close, live.alarm.close_samples as usize);
        let peak = (start..=end).fold(start, |peak, at| if score[at] > score[peak] { at } else { peak });
        let view = if forwards[peak].score >= backwards[peak].score {
            forwards[peak].view
        } else {
            backwards[peak].view
        };
        let anomaly = describe(series, baseline, view, start..end + 1, score);
        if matters(&anomaly, live) {
            anomalies.push(anomaly);
        }
        index = end + 1;
    }
    anomalies
}

fn run_start(score: &[f64], from: usize, close: f64) -> usize {
    (0..from).rev().take_while(|&index| score[index] >= close).last().unwrap_or(from)
}

/// Last sample above `close` before `quiet` samples below it.
fn run_end(score: &[f64], from: usize, close: f64, quiet: usize) -> usize {
    let mut end = from;
    for (index, &score) in score.iter().enumerate().skip(from) {
        if score >= close {
            end = index;
        } else if index - end >= quiet {
            break;
        }
    }
    end
}

fn matters(anomaly: &Anomaly, live: &LiveConfig) -> bool {
    let effect = (anomaly.peak_observed - anomaly.peak_expected).abs();
    anomaly.peak_expected.abs() >= live.traffic_min && effect >= live.effect_min * anomaly.peak_expected.abs()
}

/// Narrows an episode to the samples that left their usual band and puts it into the words of the model.
fn describe(
    series: &Series,
    baseline: &Baseline,
    view: &'static str,
    run: std::ops::Range<usize>,
    score: &[f64],
) -> Anomaly {
    let residual = |index: usize| series.values[index] - baseline.expected[index];
    let outside = |index: &usize| {
        let residual = residual(*index);
        residual < baseline.usual.0 || residual > baseline.usual.1
    };
    let first = run.clone().find(outside).unwrap_or(run.start);
    let last = run.clone().rev().find(outside).unwrap_or(run.end - 1);
    let (start, end) = extend(series, baseline, first, last);
    let peak = (start..=end)
        .filter(|&index| residual(index).is_finite())
        .max_by(|&a, &b| residual(a).abs().total_cmp(&residual(b).abs()))
        .unwrap_or(start);
    let mean = |value: &dyn Fn(usize) -> f64| {
        let finite: Vec<f64> = (start..=end).map(value).filter(|value| value.is_finite()).collect();
        finite.iter().sum::<f64>() / finite.len().max(1) as f64
    };
    let observed = mean(&|index| series.values[index]);
    let expected = mean(&|index| baseline.expected[index]);
    let kind = kind(series, baseline, view, start..end + 1, outside(&peak));
    let direction = match kind {
        AnomalyKind::FlatLine | AnomalyKind::Shape | AnomalyKind::VarianceChange | AnomalyKind::Missing => {
            None
        }
        _ if residual(peak) >= 0.0 => Some(Direction::Up),
        _ => Some(Direction::Down),
    };
    Anomaly {
        series: series.key.clone(),
        start_at: series.at[start],
        end_at: series.at[end],
        peak_at: series.at[peak],
        kind,
        direction,
        observed,
        expected,
        peak_observed: series.values[peak],
        peak_expected: baseline.expected[peak],
        score: run.map(|index| score[index]).fold(0.0, f64::max),
        detector: view.to_owned(),
        open: end + 1 == series.len(),
    }
}

/// An episode goes on, on both sides, while samples stay clearly on the side of its first and last one.
fn extend(series: &Series, baseline: &Baseline, first: usize, last: usize) -> (usize, usize) {
    let residual = |index: usize| series.values[index] - baseline.expected[index];
    let clear = |index: usize, side: f64| residual(index) * side.signum() > 2.0 * baseline.sigma;
    let start = (0..first).rev().take_while(|&index| clear(index, residual(first))).last().unwrap_or(first);
    let end =
        (last + 1..series.len()).take_while(|&index| clear(index, residual(last))).last().unwrap_or(last);
    (start, end)
}

fn kind(
    series: &Series,
    baseline: &Baseline,
    view: &str,
    run: std::ops::Range<usize>,
    left_band: bool,
) -> AnomalyKind {
    let values = &series.values[run.clone()];
    if values.len() >= 6 && values.iter().all(|value| *value == values[0]) && baseline.sigma > 0.0 {
        return AnomalyKind::FlatLine;
    }
    if !left_band {
        return if view == "bursts" { AnomalyKind::VarianceChange } else { AnomalyKind::Shape };
    }
    let side: f64 =
        run.clone().map(|index| (values[index - run.start] - baseline.expected[index]).signum()).sum();
    let one_sided = side.abs() > 0.7 * run.len() as f64;
    let in_range = {
        let (low, high) = usual_range(&series.values);
        values.iter().all(|value| (low..=high).contains(value))
    };
    match (run.len(), one_sided) {
        (0..6, _) if in_range => AnomalyKind::Season,
        (0..6, _) => AnomalyKind::Spike,
        (_, false) => AnomalyKind::VarianceChange,
        (_, true) if in_range => AnomalyKind::Season,
        (_, true) => AnomalyKind::LevelShift,
    }
}

/// Values between which 98 of 100 samples lie.
fn usual_range(values: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        sorted.get((share * sorted.len().saturating_sub(1) as f64) as usize).copied().unwrap_or(0.0)
    };
    (at(0.01), at(0.99))
}

/// Slots in which no sample came although the grain promised one: runs of at least `slots_min` of them.
///
/// Returns the last instant before each gap and the first after it.
pub fn gaps(at: &[Timestamp], grain: Grain, slots_min: u32) -> Vec<(Timestamp, Timestamp)> {
    at.windows(2)
        .filter(|pair| {
            pair[1].micros_since(pair[0]) > grain.micros().saturating_mul(i64::from(slots_min) + 1)
        })
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_testkit::series as notation;

    use super::*;
    use crate::Random;

    /// Six weeks of hours with a daily season, changed by `change` from hour 500 on.
    #[track_caller]
    fn check(change: &str, expected: Expect) {
        let changes = notation(change);
        let mut random = Random::new(9);
        let mut frozen = None;
        let values: Vec<f64> = (0..1_008usize)
            .map(|hour| {
                let season = 100.0 + 30.0 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
                let value = season + 2.0 * random.normal();
                match hour.checked_sub(500).and_then(|since| changes.get(since)) {
                    Some(change) if change.is_nan() => *frozen.get_or_insert(value),
                    Some(change) => value + change,
                    None => value,
                }
            })
            .collect();
        let at: Vec<Timestamp> = (0..1_008).map(|hour| Timestamp::from_seconds(hour * 3_600)).collect();
        let local: Vec<i64> = at.iter().map(|at| at.micros()).collect();
        let series = Series { values, at, grain: Some(Grain::HOUR), ..Series::default() };
        let history = judge(&series, &local, &HistoryConfig::default());
        let hour = |at: Timestamp| at.micros() / Grain::HOUR.micros();
        let found: Vec<String> = history
            .anomalies
            .iter()
            .map(|anomaly| {
                format!("{:?} {}..={}", anomaly.kind, hour(anomaly.start_at), hour(anomaly.end_at))
            })
            .collect();
        expected.assert_eq(&found.join(", "));
    }

    #[test]
    fn each_form_is_found_and_named() {
        check("0", expect![[""]]);
        check("90", expect!["Spike 500..=500"]);
        check("-60x8", expect!["LevelShift 500..=507"]);
        check("80x30", expect!["LevelShift 500..=529"]);
        check("_x30", expect!["FlatLine 501..=519"]);
        check("40 -40 40 -40 40 -40 40 -40 40 -40 40 -40", expect!["Spike 505..=506"]);
    }

    #[test]
    fn nothing_is_no_failure() {
        let history = judge(&Series::default(), &[], &HistoryConfig::default());
        assert!(history.score.is_empty() && history.anomalies.is_empty());
        let values = vec![f64::NAN; 300];
        let at = (0..300).map(Timestamp::from_seconds).collect();
        let history = judge(&Series { values, at, ..Series::default() }, &[], &HistoryConfig::default());
        assert!(history.anomalies.is_empty());
    }

    #[test]
    fn a_gap_is_told_by_the_grain() {
        let at: Vec<Timestamp> = [0, 60, 120, 600, 660].map(Timestamp::from_seconds).to_vec();
        let told = gaps(&at, Grain::MINUTE, 3);
        assert_eq!(told, vec![(Timestamp::from_seconds(120), Timestamp::from_seconds(600))]);
        assert!(gaps(&at, Grain::MINUTE, 7).is_empty());
    }
}
