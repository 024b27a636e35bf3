//! What a series usually does, from all of its history: the expectation that sentences and charts speak of.
//!
//! A batch method: the profile of a slot is the median over every visit of it, later ones too, so that an
//! anomaly does not move its own expectation.

use manazir_model::Grain;

use crate::robust::{MAD_TO_SIGMA, median};

/// What the expectation repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Each hour of the week has its own value.
    HourOfWeek,
    /// Each time of day has its own value.
    TimeOfDay,
    /// A period of so many samples.
    Samples(usize),
    /// Nothing: the expectation is the recent level.
    Level,
}

/// The expectation of each sample and the band around it, each of shape `(n_samples,)`.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// What it repeats.
    pub repeats: Repeats,
    /// The usual value, in the unit of the series.
    pub expected: Vec<f64>,
    /// Robust standard deviation of the residuals.
    pub sigma: f64,
    /// Residuals below and above which one sample in a thousand lies, at least 3 `sigma` from 0.
    pub usual: (f64, f64),
}

/// Visits of a slot that a profile needs: the median of three ignores one anomaly.
const VISITS_MIN: usize = 3;

/// A profile must shrink the residuals to this share of those of the next simpler one, else noise would choose.
const GAIN_MIN: f64 = 0.9;

/// The simplest profile that none beats clearly.
///
/// `local_micros`: local clock of each sample, empty if rows are not instants. `grain`: their usual distance.
/// NaN values are skipped. O(n log n).
pub fn baseline(
    values: &[f64],
    local_micros: &[i64],
    grain: Option<Grain>,
    period_samples: Option<usize>,
) -> Baseline {
    let mut best = fit(values, Repeats::Level, &[], level_window(values.len(), Repeats::Level, grain));
    for repeats in candidates(values.len(), local_micros, grain, period_samples) {
        let slots = slots(repeats, values.len(), local_micros, grain);
        let window = level_window(values.len(), repeats, grain);
        let fitted = fit(values, repeats, &slots, window);
        if fitted.sigma < GAIN_MIN * best.sigma {
            best = fitted;
        }
    }
    best
}

/// From simple to rich.
fn candidates(
    n_samples: usize,
    local_micros: &[i64],
    grain: Option<Grain>,
    period_samples: Option<usize>,
) -> Vec<Repeats> {
    let mut candidates = Vec::new();
    if let Some(grain) = grain.filter(|_| local_micros.len() == n_samples) {
        let days = n_samples as i64 * grain.micros() / Grain::DAY.micros();
        if days >= VISITS_MIN as i64 && grain.micros() * 4 <= Grain::DAY.micros() {
            candidates.push(Repeats::TimeOfDay);
        }
        if days >= 7 * VISITS_MIN as i64 && grain.micros() <= Grain::DAY.micros() {
            candidates.push(Repeats::HourOfWeek);
        }
    }
    if let Some(period) = period_samples.filter(|&period| period >= 4 && n_samples >= VISITS_MIN * period) {
        candidates.push(Repeats::Samples(period));
    }
    candidates
}

fn slots(repeats: Repeats, n_samples: usize, local_micros: &[i64], grain: Option<Grain>) -> Vec<usize> {
    let calendar = |span: i64, width_min: i64| {
        let width = grain.map_or(width_min, |grain| grain.micros().max(width_min));
        local_micros.iter().map(|local| (local.rem_euclid(span) / width) as usize).collect()
    };
    match repeats {
        Repeats::Level => Vec::new(),
        Repeats::TimeOfDay => calendar(Grain::DAY.micros(), 5 * Grain::MINUTE.micros()),
        Repeats::HourOfWeek => calendar(7 * Grain::DAY.micros(), 15 * Grain::MINUTE.micros()),
        Repeats::Samples(period) => (0..n_samples).map(|index| index % period).collect(),
    }
}

/// Samples whose median is the level: long enough that an anomaly of a day cannot move it.
fn level_window(n_samples: usize, repeats: Repeats, grain: Option<Grain>) -> usize {
    let seasonal = match (repeats, grain) {
        (Repeats::HourOfWeek | Repeats::TimeOfDay, Some(grain)) => grain.samples_in(7 * Grain::DAY.micros()),
        (Repeats::Samples(period), _) => 4 * period,
        // Without a season the level is what lies around: wide enough to outlast a burst.
        _ => 61,
    };
    seasonal.clamp(5, n_samples.max(5))
}

fn fit(values: &[f64], repeats: Repeats, slots: &[usize], window: usize) -> Baseline {
    let profile = profile(values, slots);
    let seasonal = |index: usize| slots.get(index).map_or(0.0, |&slot| profile[slot]);
    let rest: Vec<f64> = values.iter().enumerate().map(|(index, value)| value - seasonal(index)).collect();
    let level = running_median(&rest, window);
    let expected: Vec<f64> = level.iter().enumerate().map(|(index, level)| level + seasonal(index)).collect();
    let mut residuals: Vec<f64> = values
        .iter()
        .zip(&expected)
        .map(|(value, expected)| value - expected)
        .filter(|residual| residual.is_finite())
        .collect();
    let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    let mad = MAD_TO_SIGMA * median(&mut sizes);
    let mean = sizes.iter().sum::<f64>() / sizes.len().max(1) as f64;
    // A series that mostly rests has a MAD of 0; the mean size of its residuals stands in. A slot that was
    // visited v times has swallowed a share 1/v of its own noise.
    let visits = values.len() as f64 / profile.len().max(1) as f64;
    let swallowed = if profile.is_empty() { 1.0 } else { 1.0 + 1.0 / visits };
    let sigma = if mad > 0.0 { mad } else { mean } * swallowed;
    residuals.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| {
        let rank = (share * residuals.len().saturating_sub(1) as f64).round() as usize;
        residuals.get(rank).copied().unwrap_or(0.0)
    };
    let usual = (quantile(0.001).min(-3.0 * sigma), quantile(0.999).max(3.0 * sigma));
    Baseline { repeats, expected, sigma, usual }
}

/// Median of each slot; slots that were seen less often than needed take the median of all.
fn profile(values: &[f64], slots: &[usize]) -> Vec<f64> {
    let n_slots = slots.iter().max().map_or(0, |last| last + 1);
    let mut visits: Vec<Vec<f64>> = vec![Vec::new(); n_slots];
    for (&slot, &value) in slots.iter().zip(values) {
        if value.is_finite() {
            visits[slot].push(value);
        }
    }
    let mut all: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let overall = median(&mut all);
    visits
        .iter_mut()
        .map(|visits| if visits.len() >= VISITS_MIN { median(visits) } else { overall })
        .collect()
}

/// Median of the finite values in a centred window, computed at every eighth of it and held between.
fn running_median(values: &[f64], window: usize) -> Vec<f64> {
    let stride = (window / 8).max(1);
    let mut buffer = Vec::with_capacity(window);
    let mut level = Vec::with_capacity(values.len());
    let mut last = 0.0;
    for start in (0..values.len()).step_by(stride) {
        let center = (start + stride / 2).min(values.len() - 1);
        let from = center.saturating_sub(window / 2);
        let until = (from + window).min(values.len());
        let from = until.saturating_sub(window);
        buffer.clear();
        buffer.extend(values[from..until].iter().copied().filter(|value| value.is_finite()));
        if !buffer.is_empty() {
            last = median(&mut buffer);
        }
        level.extend(std::iter::repeat_n(last, stride.min(values.len() - start)));
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn hours(n_hours: usize, value: impl Fn(usize, &mut Random) -> f64) -> (Vec<f64>, Vec<i64>) {
        let mut random = Random::new(4);
        let values = (0..n_hours).map(|hour| value(hour, &mut random)).collect();
        (values, (0..n_hours as i64).map(|hour| hour * Grain::HOUR.micros()).collect())
    }

    fn fitted(value: impl Fn(usize, &mut Random) -> f64) -> Baseline {
        let (values, local) = hours(24 * 7 * 6, value);
        baseline(&values, &local, Some(Grain::HOUR), None)
    }

    #[test]
    fn the_simplest_profile_that_fits_is_chosen() {
        let day = |hour: usize| 10.0 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        assert_eq!(fitted(|_, random| random.normal()).repeats, Repeats::Level);
        assert_eq!(fitted(|hour, random| day(hour) + random.normal()).repeats, Repeats::TimeOfDay);
        let week = |hour: usize| if hour / 24 % 7 >= 5 { 0.3 * day(hour) } else { day(hour) };
        assert_eq!(fitted(|hour, random| week(hour) + random.normal()).repeats, Repeats::HourOfWeek);
    }

    #[test]
    fn an_anomaly_does_not_move_its_own_expectation() {
        let day = |hour: usize| 10.0 * (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let disturbed = |hour: usize| if (500..512).contains(&hour) { 100.0 } else { 0.0 };
        let found = fitted(|hour, random| 50.0 + day(hour) + disturbed(hour) + random.normal());
        for hour in 500..512 {
            assert!(
                (found.expected[hour] - 50.0 - day(hour)).abs() < 3.0,
                "{hour}: {}",
                found.expected[hour]
            );
        }
        assert!((found.sigma - 1.0).abs() < 0.2, "{}", found.sigma);
    }

    #[test]
    fn no_sample_and_no_number_are_no_failure() {
        assert!(baseline(&[], &[], None, None).expected.is_empty());
        let nothing = baseline(&[f64::NAN; 40], &[], None, Some(5));
        assert!(nothing.expected.iter().all(|expected| expected.is_finite()));
    }
}
