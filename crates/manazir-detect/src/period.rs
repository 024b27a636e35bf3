//! Seasons of a series: how often it repeats itself, and how well.
//!
//! The spectrum proposes, the autocorrelation decides (Vlachos, Yu and Castelli 2005, *On periodicity detection
//! and structural periodic similarity*): a spectral peak may be leakage or a harmonic, a hill of the
//! autocorrelation alone may be a multiple of the true period. A calendar helps where the grain is known:
//! human affairs repeat by day and week, so those two are always looked at.

use std::ops::RangeInclusive;

use manazir_model::Grain;

use crate::fourier::{autocorrelation, power_spectrum};
use crate::robust::{MAD_TO_SIGMA, median};

/// A season that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Its length.
    pub samples: usize,
    /// Autocorrelation at that lag after detrending and clipping, in (0, 1].
    pub strength: f64,
}

/// How seasons are looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Shortest season, in samples; at least 2.
    pub period_min: usize,
    /// How often a season must fit into the series to be believed, at least 2.
    pub cycles_min: f64,
    /// Least autocorrelation of a season.
    pub strength_min: f64,
    /// Usual distance of samples: day and week are then candidates too.
    pub grain: Option<Grain>,
}

impl Default for Config {
    fn default() -> Self {
        Self { period_min: 4, cycles_min: 3.0, strength_min: 0.2, grain: None }
    }
}

/// Spectral peaks that are checked: more than a handful are harmonics of the first ones.
const CANDIDATES_MAX: usize = 12;

/// A longer season must be this much stronger than a shorter one that divides it: every multiple of a season
/// repeats as well as the season itself.
const MULTIPLE_GAIN: f64 = 0.1;

/// Series longer than this are judged by their last part: seasons change, and time is short.
const SAMPLES_MAX: usize = 1 << 17;

/// By how much of its own height a hill of the autocorrelation must stand above the valley before it.
const RISE_MIN: f64 = 0.3;

/// By how much a lag within an eighth may correlate better before it is the season instead.
const FLANK_MAX: f64 = 0.02;

/// Seasons of `values`, the strongest first; empty if there is none.
///
/// `values`: shape `(n_samples,)`, NaN is interpolated. O(n log n), on at most 131,072 samples.
///
/// ```
/// use manazir_detect::period::{Config, periods};
/// let wave: Vec<f64> = (0..480).map(|hour| (hour as f64 * std::f64::consts::TAU / 24.0).sin()).collect();
/// assert_eq!(periods(&wave, &Config::default())[0].samples, 24);
/// ```
pub fn periods(values: &[f64], config: &Config) -> Vec<Period> {
    let values = &values[values.len().saturating_sub(SAMPLES_MAX)..];
    let period_max = (values.len() as f64 / config.cycles_min.max(2.0)) as usize;
    let period_min = config.period_min.max(2);
    if period_max <= period_min {
        return Vec::new();
    }
    let steady = clipped(detrended(&filled(values), period_max));
    let correlation = autocorrelation(&steady, period_max + period_max / 8 + 1);
    let mut found: Vec<Period> = candidates(&steady, period_min, period_max, config.grain)
        .into_iter()
        .filter_map(|(lag, slack)| hilltop(&correlation, lag, slack, period_min..=period_max))
        .filter(|period| period.strength >= config.strength_min)
        .collect();
    found.sort_by(strongest_first);
    let mut apart: Vec<Period> = Vec::new();
    for period in found {
        // Two peaks of the spectrum often lead to the same hill.
        if apart.iter().all(|known| known.samples.abs_diff(period.samples) * 25 > period.samples + 25) {
            apart.push(period);
        }
    }
    apart.sort_by_key(|period| period.samples);
    without_multiples(apart)
}

/// The strongest season over all channels: that which wins the largest sum of strengths, where lengths within
/// a tenth of each other count as one.
pub fn common_period<'a>(channels: impl IntoIterator<Item = &'a [f64]>, config: &Config) -> Option<Period> {
    let found: Vec<Vec<Period>> = channels.into_iter().map(|channel| periods(channel, config)).collect();
    let votes = |samples: usize| -> f64 {
        let near = |period: &&Period| period.samples.abs_diff(samples) * 10 <= samples;
        let strongest = |of: &Vec<Period>| of.iter().find(near).map_or(0.0, |period| period.strength);
        found.iter().map(strongest).sum()
    };
    let best = found
        .iter()
        .filter_map(|of| of.first())
        .map(|period| (votes(period.samples), period))
        .max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.samples.cmp(&left.1.samples)))?;
    Some(Period { samples: best.1.samples, strength: best.0 / found.len() as f64 })
}

/// Gaps and infinities interpolated, ends held; all 0 if there is no number. Shape as `values`.
pub(crate) fn filled(values: &[f64]) -> Vec<f64> {
    let mut filled = values.to_vec();
    let mut before: Option<(usize, f64)> = None;
    for at in 0..values.len() {
        let Some(value) = crate::robust::usable(values[at]) else { continue };
        filled[at] = value;
        match before {
            None => filled[..at].fill(value),
            Some((from, left)) => {
                let width = (at - from) as f64;
                for (step, gap) in filled[from + 1..at].iter_mut().enumerate() {
                    *gap = left + (step + 1) as f64 / width * (value - left);
                }
            }
        }
        before = Some((at, value));
    }
    let (from, last) = before.map_or((0, 0.0), |(at, value)| (at + 1, value));
    filled[from..].fill(last);
    filled
}

/// Without a moving average over `width` samples, which is a trend for every season shorter than that.
fn detrended(values: &[f64], width: usize) -> Vec<f64> {
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0.0);
    // Around the first value: sums of large levels lose digits.
    let origin = values.first().copied().unwrap_or(0.0);
    values.iter().for_each(|value| sums.push(sums[sums.len() - 1] + (value - origin)));
    let half = width / 2;
    let trend = |at: usize| {
        let (from, to) = (at.saturating_sub(half), (at + half + 1).min(values.len()));
        origin + (sums[to] - sums[from]) / (to - from) as f64
    };
    values.iter().enumerate().map(|(at, value)| value - trend(at)).collect()
}

/// Held within three robust standard deviations of the median, so that a few spikes do not hide a season.
fn clipped(values: Vec<f64>) -> Vec<f64> {
    const SIGMAS: f64 = 3.0;
    let center = median(&mut values.clone());
    let sigma =
        MAD_TO_SIGMA * median(&mut values.iter().map(|value| (value - center).abs()).collect::<Vec<_>>());
    if sigma <= 0.0 {
        return values;
    }
    values.iter().map(|value| value.clamp(center - SIGMAS * sigma, center + SIGMAS * sigma)).collect()
}

/// Lags worth a look, each with how far around it to look.
fn candidates(
    steady: &[f64],
    period_min: usize,
    period_max: usize,
    grain: Option<Grain>,
) -> Vec<(usize, usize)> {
    let n_padded = (2 * steady.len()).next_power_of_two();
    let power = power_spectrum(steady, n_padded);
    let mut peaks: Vec<usize> = (1..power.len().saturating_sub(1))
        .filter(|&k| power[k] > power[k - 1] && power[k] >= power[k + 1])
        .filter(|&k| (period_min..=period_max + period_max / 8).contains(&(n_padded / k)))
        .collect();
    peaks.sort_by(|&left, &right| power[right].total_cmp(&power[left]));
    peaks.truncate(CANDIDATES_MAX);
    let lag = |k: usize| {
        let period = n_padded as f64 / k as f64;
        // Half a bin of the unpadded spectrum on either side.
        let slack = period * period / (2.0 * steady.len() as f64);
        (period.round() as usize, (slack.ceil() as usize).max(1 + period as usize / 50))
    };
    let mut lags: Vec<(usize, usize)> = peaks.into_iter().map(lag).collect();
    if let Some(grain) = grain {
        let day = Grain::DAY.micros();
        lags.extend([day, 7 * day].map(|span| (grain.samples_in(span), 0)));
    }
    lags
}

/// The best lag within `slack` of `lag`, if the autocorrelation has a hill there: above its near past.
fn hilltop(correlation: &[f64], lag: usize, slack: usize, allowed: RangeInclusive<usize>) -> Option<Period> {
    let from = lag.saturating_sub(slack).max(*allowed.start());
    let to = (lag + slack).min(*allowed.end());
    if from > to {
        return None;
    }
    let mut near = (from..=to).max_by(|&left, &right| correlation[left].total_cmp(&correlation[right]))?;
    // The spectrum may point at the flank of a hill.
    while near < *allowed.end() && correlation[near + 1] > correlation[near] {
        near += 1;
    }
    while near > *allowed.start() && correlation[near - 1] > correlation[near] {
        near -= 1;
    }
    let blur = if slack == 0 { 0 } else { 1 + near / 50 };
    let top = sharpened(
        correlation,
        near.saturating_sub(blur).max(*allowed.start()),
        (near + blur).min(*allowed.end()),
    );
    let strength = correlation[top].min(1.0);
    // A neighbour of a hill is high too: the flank of a day of 24 hours at 20 is no season.
    let beside = &correlation[top - top / 8..=(top + top / 8).min(correlation.len() - 1)];
    if beside.iter().any(|value| *value > strength + FLANK_MAX) {
        return None;
    }
    // Slow series correlate with all their near past; only what rises again is a season.
    let valley = correlation[top / 4..top].iter().copied().fold(f64::INFINITY, f64::min);
    (strength > 0.0 && strength - valley > RISE_MIN * strength.max(0.1))
        .then_some(Period { samples: top, strength })
}

/// The lag in `from..=to` whose multiples fit best: one hilltop alone is blurred by noise, and an error in the
/// length shows sixfold at the sixth repetition.
fn sharpened(correlation: &[f64], from: usize, to: usize) -> usize {
    const MULTIPLES_MAX: usize = 6;
    let multiples = ((correlation.len() - 1) / to).clamp(1, MULTIPLES_MAX);
    let half = (from / 32).max(1) as f64;
    let lerp = |position: f64| {
        let (lag, share) = (position as usize, position.fract());
        let last = correlation.len() - 1;
        correlation[lag.min(last)] + share * (correlation[(lag + 1).min(last)] - correlation[lag.min(last)])
    };
    // The mean over a piece of the hill: symmetric, so that it has its top where the hill has it, and less noisy.
    let at = |quarters: usize| {
        let middle = quarters as f64 / 4.0;
        (-4..=4).map(|step| lerp((middle + f64::from(step) * half / 4.0).max(0.0))).sum::<f64>()
    };
    let fit = |quarters: usize| -> f64 { (1..=multiples).map(|times| at(times * quarters)).sum() };
    let best =
        (4 * from..=4 * to).max_by(|&left, &right| fit(left).total_cmp(&fit(right))).unwrap_or(4 * from);
    (best + 2) / 4
}

/// Drops what is a multiple of a shorter season without being clearly stronger; the strongest first.
fn without_multiples(sorted_by_length: Vec<Period>) -> Vec<Period> {
    let mut kept: Vec<Period> = Vec::new();
    for period in sorted_by_length {
        let explained = kept.iter().any(|shorter| {
            let times = (period.samples as f64 / shorter.samples as f64).round();
            let off = (period.samples as f64 - times * shorter.samples as f64).abs();
            // The multiple's length carries the rounding of the shorter one, times over.
            off <= times.max(0.02 * period.samples as f64)
                && period.strength < shorter.strength + MULTIPLE_GAIN * (1.0 - shorter.strength).max(0.2)
        });
        if !explained {
            kept.push(period);
        }
    }
    kept.sort_by(strongest_first);
    kept
}

fn strongest_first(left: &Period, right: &Period) -> std::cmp::Ordering {
    right.strength.total_cmp(&left.strength).then(left.samples.cmp(&right.samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;
    use proptest::prelude::*;

    const TAU: f64 = std::f64::consts::TAU;

    /// Lengths found in `shape(t)` plus normal noise of standard deviation `noise`.
    #[track_caller]
    fn check(
        n_samples: usize,
        noise: f64,
        shape: impl Fn(usize) -> f64,
        grain: Option<Grain>,
        first: Option<usize>,
    ) {
        let mut random = Random::new(5);
        let values: Vec<f64> = (0..n_samples).map(|t| shape(t) + noise * random.normal()).collect();
        let found = periods(&values, &Config { grain, ..Config::default() });
        assert_eq!(found.first().map(|period| period.samples), first, "{found:?}");
    }

    fn wave(t: usize, period: f64) -> f64 {
        (t as f64 * TAU / period).sin()
    }

    #[test]
    fn what_repeats_is_found() {
        check(480, 0.3, |t| wave(t, 24.0), None, Some(24));
        // A trend and a spike a hundred times as high.
        check(480, 0.3, |t| wave(t, 24.0) + 0.05 * t as f64 + 100.0 * f64::from(t == 77), None, Some(24));
        // A sharp pulse, whose spectrum is all harmonics.
        check(4_000, 0.05, |t| f64::from(t % 90 < 5), None, Some(90));
        // Five-minute samples with a busy day.
        check(8_640, 0.3, |t| wave(t, 288.0).max(0.0), None, Some(288));
        check(2_000, 0.1, |t| wave(t, 7.0), None, Some(7));
        // A length between two whole numbers.
        check(3_000, 0.1, |t| wave(t, 86.5), None, Some(87));
    }

    #[test]
    fn a_week_that_differs_by_day_is_a_week() {
        let quiet_weekend = |t: usize| wave(t, 24.0) * if t / 24 % 7 >= 5 { 0.1 } else { 1.0 };
        let hour = Some(Grain::HOUR);
        let mut random = Random::new(5);
        let values: Vec<f64> = (0..24 * 7 * 6).map(|t| quiet_weekend(t) + 0.1 * random.normal()).collect();
        let found = periods(&values, &Config { grain: hour, ..Config::default() });
        let lengths: Vec<usize> = found.iter().map(|period| period.samples).collect();
        assert_eq!(lengths, [168, 24], "{found:?}");
    }

    #[test]
    fn what_does_not_repeat_has_no_season() {
        check(2_000, 1.0, |_| 0.0, None, None);
        check(2_000, 0.0, |_| 5.0, None, None);
        check(2_000, 0.1, |t| t as f64, None, None);
        check(2_000, 0.1, |t| f64::from(t > 1_000), Some(Grain::HOUR), None);
        check(5, 0.1, |t| wave(t, 2.0), None, None);
    }

    #[test]
    fn channels_vote() {
        let channel = |period: f64| -> Vec<f64> { (0..1_000).map(|t| wave(t, period)).collect() };
        let channels = [channel(24.0), channel(24.2), channel(50.0), vec![f64::NAN; 1_000]];
        let found = common_period(channels.iter().map(Vec::as_slice), &Config::default());
        assert_eq!(found.map(|period| period.samples), Some(24));
        assert_eq!(common_period(std::iter::empty(), &Config::default()), None);
    }

    #[test]
    fn gaps_are_bridged() {
        let nan = f64::NAN;
        assert_eq!(filled(&[nan, 1.0, nan, nan, 4.0, f64::INFINITY]), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(filled(&[nan, nan]), [0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn any_series_has_sane_seasons(values in prop::collection::vec(prop_oneof![9 => -1e6..1e6f64, 1 => Just(f64::NAN)], 0..300)) {
            for period in periods(&values, &Config { strength_min: 0.0, ..Config::default() }) {
                prop_assert!(period.samples >= 4 && period.samples * 3 <= values.len());
                prop_assert!(period.strength > 0.0 && period.strength <= 1.0);
            }
        }
    }
}
