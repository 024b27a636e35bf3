//! Episodes: from what each way of looking found to anomalies with bounds, a form and one score.

use std::ops::RangeInclusive;

use manazir_model::{Anomaly, AnomalyKind, Direction, Series, Timestamp};

use super::excursion::Excursion;
use super::form::{self, Setting};
use super::sides::{REACH, Told};
use super::standstill::Standstill;
use crate::live::LiveConfig;

/// Two looks at one history, each with a score on the same scale: their mean ranks. What only one of them
/// saw counts half.
const SHARE: f64 = 0.5;

/// Everything that was found in one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    pub(super) series: &'a Series,
    pub(super) setting: Setting<'a>,
    pub(super) sides: &'a [Told],
    pub(super) excursions: &'a [Excursion],
    pub(super) flat_lines: &'a [Standstill],
    pub(super) gaps: &'a [Standstill],
    pub(super) live: &'a LiveConfig,
}

/// An episode on its way: sample indices, both included.
#[derive(Clone, Copy, Debug)]
struct Episode {
    first: usize,
    last: usize,
    peak: usize,
    kind: AnomalyKind,
    direction: Option<Direction>,
    score: f64,
    detector: &'static str,
}

impl Episode {
    fn touches(&self, range: &RangeInclusive<usize>) -> bool {
        self.first <= *range.end() && *range.start() <= self.last
    }
}

/// The anomalies of a series in order of time, and the score of each sample: that of its episode, elsewhere
/// the mean of both looks.
pub(super) fn episodes(evidence: &Evidence<'_>) -> (Vec<Anomaly>, Vec<f64>) {
    let open = evidence.live.alarm.open_score;
    let close = open * evidence.live.alarm.close_share;
    let mut score = sample_scores(evidence);
    let mut found: Vec<Episode> = evidence.flat_lines.iter().map(|&flat| flat_line(evidence, flat)).collect();
    found.retain(|episode| episode.score >= open);
    excursions(evidence, open, &mut found);
    courses(evidence, open, close, &mut found);
    found.sort_by_key(|episode| episode.first);
    for run in runs(evidence.sides, close, close, evidence.live.alarm.close_samples as usize) {
        // The views answer late and long: what lies beside an episode is not strange itself.
        if found.iter().any(|episode| episode.touches(&run)) {
            score[run].iter_mut().for_each(|score| *score = score.min(close));
        }
    }
    for episode in &found {
        let samples = &mut score[episode.first..=episode.last];
        samples.iter_mut().for_each(|score| *score = episode.score);
    }
    let mut anomalies: Vec<Anomaly> = found
        .iter()
        .map(|episode| described(evidence, episode))
        .filter(|anomaly| matters(anomaly, evidence.live))
        .collect();
    anomalies.extend(evidence.gaps.iter().filter(|gap| gap.score >= open).map(|gap| missing(evidence, gap)));
    anomalies.sort_by_key(|anomaly| (anomaly.start_at, anomaly.end_at));
    (anomalies, score)
}

fn sample_scores(evidence: &Evidence<'_>) -> Vec<f64> {
    let mut score: Vec<f64> = evidence.sides.iter().map(|told| SHARE * told.score).collect();
    for excursion in evidence.excursions {
        let samples = &mut score[excursion.first..=excursion.last];
        samples.iter_mut().for_each(|score| *score += SHARE * excursion.score);
    }
    score
}

/// A value that stands still where the series moves; mostly out of the band, it is a shift first of all.
fn flat_line(evidence: &Evidence<'_>, flat: Standstill) -> Episode {
    let Standstill { first, last, score } = flat;
    let peak = furthest(evidence, first, last);
    let n_out =
        evidence.setting.distances[first..=last].iter().filter(|distance| distance.abs() > 3.0).count();
    let (kind, direction) = match 2 * n_out <= last - first {
        true => (AnomalyKind::FlatLine, None),
        false => form::of_excursion(&evidence.setting, first, last, peak),
    };
    Episode { first, last, peak, kind, direction, score, detector: "flat line" }
}

fn furthest(evidence: &Evidence<'_>, first: usize, last: usize) -> usize {
    let distance = |index: usize| evidence.setting.distances[index].abs();
    (first..=last).fold(first, |peak, index| if distance(index) > distance(peak) { index } else { peak })
}

/// Stretches out of the band, judged by how rare they are and by what the views said of them.
fn excursions(evidence: &Evidence<'_>, open: f64, found: &mut Vec<Episode>) {
    let mut told: Vec<Episode> = Vec::new();
    for (place, excursion) in evidence.excursions.iter().enumerate() {
        let reach = excursion.first..=(excursion.last + REACH).min(evidence.sides.len() - 1);
        let loudest = loudest(evidence.sides, reach);
        // Beside a stronger one the views speak of that one.
        let of_views = match overshadowed(evidence.excursions, place) {
            true => loudest.score.min(excursion.score),
            false => loudest.score,
        };
        let score = SHARE * (excursion.score + of_views);
        if score < open || excursion.distance < 3.0 {
            continue;
        }
        let Excursion { first, last, peak, .. } = *excursion;
        let detector = if loudest.score > 0.0 { loudest.view } else { "excursion" };
        let episode =
            Episode { first, last, peak, kind: AnomalyKind::Spike, direction: None, score, detector };
        match told.last_mut().filter(|before| belong_together(before, &episode)) {
            Some(before) => join(evidence, before, &episode),
            None => told.push(episode),
        }
    }
    for mut episode in told {
        let range = episode.first..=episode.last;
        if let Some(flat) = found.iter_mut().find(|flat| flat.touches(&range)) {
            flat.score = flat.score.max(episode.score);
            continue;
        }
        if let Some(spike) =
            form::spike_within(evidence.setting.distances, episode.first, episode.last, episode.peak)
        {
            (episode.first, episode.last) = spike;
        }
        let form = form::of_excursion(&evidence.setting, episode.first, episode.last, episode.peak);
        (episode.kind, episode.direction) = form;
        found.push(episode);
    }
}

/// True if a stronger excursion is so near that both share what the views said.
fn overshadowed(excursions: &[Excursion], place: usize) -> bool {
    let (before, after) = (&excursions[..place], &excursions[place + 1..]);
    let Excursion { first, last, score, .. } = excursions[place];
    let near_before = before.iter().rev().take_while(|other| other.last + REACH >= first);
    let near_after = after.iter().take_while(|other| other.first <= last + REACH);
    near_before.chain(near_after).any(|other| other.score > score)
}

fn loudest(sides: &[Told], range: RangeInclusive<usize>) -> Told {
    sides[range].iter().fold(Told::default(), |best, told| if told.score > best.score { *told } else { best })
}

/// Stretches with little between them are one episode.
fn belong_together(before: &Episode, after: &Episode) -> bool {
    let between = after.first - before.last - 1;
    let length = after.last - before.first + 1;
    between <= 2 || between * 4 <= length
}

fn join(evidence: &Evidence<'_>, before: &mut Episode, after: &Episode) {
    if after.score > before.score {
        (before.score, before.detector) = (after.score, after.detector);
    }
    before.last = after.last;
    before.peak = furthest(evidence, before.first, before.last);
}

/// What the views found strange although it stayed within the band: a form, a change of scatter.
fn courses(evidence: &Evidence<'_>, open: f64, close: f64, found: &mut Vec<Episode>) {
    for run in runs(evidence.sides, open / SHARE, close / SHARE, evidence.live.alarm.close_samples as usize) {
        let (first, last) = (*run.start(), *run.end());
        let near = first.saturating_sub(REACH)..=last + REACH;
        if found.iter().any(|episode| episode.touches(&near)) {
            continue;
        }
        let loudest = loudest(evidence.sides, run);
        found.push(Episode {
            first,
            last,
            peak: furthest(evidence, first, last),
            kind: form::of_course(&evidence.setting, first, last),
            direction: None,
            score: SHARE * loudest.score,
            detector: loudest.view,
        });
    }
}

/// Runs of samples above `close` that reach `open`; `quiet` samples below `close` end one.
fn runs(sides: &[Told], open: f64, close: f64, quiet: usize) -> Vec<RangeInclusive<usize>> {
    let mut runs = Vec::new();
    let mut index = 0;
    while index < sides.len() {
        if sides[index].score < close {
            index += 1;
            continue;
        }
        let (mut last, mut highest) = (index, 0.0f64);
        for (at, told) in sides.iter().enumerate().skip(index) {
            if told.score >= close {
                (last, highest) = (at, highest.max(told.score));
            } else if at - last >= quiet {
                break;
            }
        }
        if highest >= open {
            runs.push(index..=last);
        }
        index = last + 1;
    }
    runs
}

fn matters(anomaly: &Anomaly, live: &LiveConfig) -> bool {
    let effect = (anomaly.peak_observed - anomaly.peak_expected).abs();
    let expected = anomaly.peak_expected.abs();
    expected >= live.traffic_min && effect >= live.effect_min * expected
}

fn described(evidence: &Evidence<'_>, episode: &Episode) -> Anomaly {
    let (series, expected) = (evidence.series, &evidence.setting.baseline.expected);
    let known: Vec<usize> =
        (episode.first..=episode.last).filter(|&index| series.values[index].is_finite()).collect();
    let mean =
        |values: &[f64]| known.iter().map(|&index| values[index]).sum::<f64>() / known.len().max(1) as f64;
    Anomaly {
        series: series.key.clone(),
        start_at: series.at[episode.first],
        end_at: series.at[episode.last],
        peak_at: series.at[episode.peak],
        kind: episode.kind,
        direction: episode.direction,
        observed: mean(&series.values),
        expected: mean(expected),
        peak_observed: series.values[episode.peak],
        peak_expected: expected[episode.peak],
        score: episode.score,
        detector: episode.detector.to_owned(),
        open: episode.last + 1 == series.len(),
    }
}

/// A gap lasts from the first slot that stayed empty to the last one.
fn missing(evidence: &Evidence<'_>, gap: &Standstill) -> Anomaly {
    let at = &evidence.series.at;
    let grain = evidence.series.grain.map_or(0, manazir_model::Grain::micros);
    let start_at = Timestamp(at[gap.first].micros().saturating_add(grain));
    let end_at = Timestamp(at[gap.last].micros().saturating_sub(grain)).max(start_at);
    Anomaly {
        series: evidence.series.key.clone(),
        start_at,
        end_at,
        peak_at: start_at,
        kind: AnomalyKind::Missing,
        direction: None,
        observed: f64::NAN,
        expected: f64::NAN,
        peak_observed: f64::NAN,
        peak_expected: f64::NAN,
        score: gap.score,
        detector: "missing".to_owned(),
        open: false,
    }
}
