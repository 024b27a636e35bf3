//! What a series usually does, from all of its history: the expectation that sentences and charts speak of.
//!
//! A batch method: a level, the running median of a window that is long against anomalies, and a season, the
//! middle of every visit of a slot, later ones too. An anomaly does not move its own expectation.
//!
//! Two choices are made for each series. The season: the simplest one whose forecast for rounds that it has
//! not seen is not clearly beaten. The window of the level: the longest one that no shorter one clearly beats,
//! for a short window follows the anomalies that it should be compared with.

mod level;
mod scatter;
mod season;

use manazir_model::Grain;

use level::{Ends, level};
use scatter::{scatter, sigma_of};
use season::{Season, VISITS_MIN, middle};

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
    /// Samples of one round of it, 0 of none.
    pub round_samples: usize,
    /// The usual value, in the unit of the series.
    pub expected: Vec<f64>,
    /// Robust standard deviation of residuals at this height, same unit.
    pub scatter: Vec<f64>,
    /// The same of all residuals.
    pub sigma: f64,
    /// Residuals in units of their scatter below and above which one sample in a thousand lies, at least 3
    /// from 0.
    pub usual: (f64, f64),
}

impl Baseline {
    /// Distance from the expectation in units of the scatter; NaN where the slot holds no number.
    pub fn distance(&self, values: &[f64], index: usize) -> f64 {
        let residual = values[index] - self.expected[index];
        // What never strays at all is far off with any residual that rounding does not explain.
        let least = (1e-9 * self.expected[index].abs()).max(f64::MIN_POSITIVE);
        residual / self.scatter[index].max(least)
    }
}

/// A profile must shrink the errors to this share of those of the next simpler one, else noise would choose.
const GAIN_MIN: f64 = 0.9;

/// A shorter window must shrink the errors to this share: noise whose neighbours are alike (first-order
/// autoregressive with 0.9) is followed to 0.83 by a window of 61, a random walk to less than a half.
const WINDOW_GAIN_MIN: f64 = 0.7;

/// A season that multiplies the level must shrink the errors to this share of one that is added.
const FORM_GAIN_MIN: f64 = 0.95;

/// The shortest window: wide enough to outlast a burst.
const WINDOW_MIN: usize = 61;

/// The simplest expectation that none beats clearly.
///
/// `local_micros`: local clock of each sample, empty if rows are not instants. `grain`: their usual distance.
/// NaN values are skipped. O(n log n).
pub fn baseline(
    values: &[f64],
    local_micros: &[i64],
    grain: Option<Grain>,
    period_samples: Option<usize>,
) -> Baseline {
    let grain = grain.filter(|_| local_micros.len() == values.len());
    let season = season(values, local_micros, grain, period_samples);
    let windows = windows(values.len(), grain, season.as_ref());
    let mut expected = fit(values, season.as_ref(), &windows);
    if let Some((logarithms, season)) = logarithms(values).zip(season.as_ref()) {
        let mut product = fit(&logarithms, Some(season), &windows);
        product.iter_mut().for_each(|expected| *expected = expected.exp());
        if errors(values, &product) < FORM_GAIN_MIN * errors(values, &expected) {
            expected = product;
        }
    }
    // What was never negative is not expected to be.
    if values.iter().all(|value| !value.is_finite() || *value >= 0.0) {
        expected.iter_mut().for_each(|expected| *expected = expected.max(0.0));
    }
    finished(values, expected, season.as_ref())
}

/// The season whose forecast of rounds that it has not seen none beats clearly.
fn season(
    values: &[f64],
    local_micros: &[i64],
    grain: Option<Grain>,
    period_samples: Option<usize>,
) -> Option<Season> {
    let candidates = [Repeats::TimeOfDay, Repeats::HourOfWeek]
        .into_iter()
        .chain(period_samples.map(Repeats::Samples))
        .filter_map(|repeats| Season::new(repeats, values.len(), local_micros, grain));
    let mut best: Option<(Season, Vec<f64>, f64)> = None;
    for season in candidates {
        // The level beside this season: over whole rounds of it, else the wave would be in the level.
        let rest = without(values, &level(values, whole_rounds(&season, values.len(), grain), Ends::Whole));
        let before = best.as_ref().map_or_else(
            || errors(&rest, &[]),
            |(simpler, ..)| errors(&rest, &simpler.usual_elsewhere(&rest)),
        );
        let after = errors(&rest, &season.usual_elsewhere(&rest));
        if after < GAIN_MIN * before {
            best = Some((season, rest, after));
        }
    }
    best.map(|(season, ..)| season)
}

/// A window of whole rounds: of whole weeks where the series lasts for two of them.
fn whole_rounds(season: &Season, n_samples: usize, grain: Option<Grain>) -> usize {
    let week = grain.map_or(4 * season.round_samples, |grain| grain.samples_in(7 * Grain::DAY.micros()));
    let rounds = if n_samples >= 2 * week { week } else { season.round_samples };
    rounds.max(5)
}

/// Windows for the level, the longest first.
fn windows(n_samples: usize, grain: Option<Grain>, season: Option<&Season>) -> Vec<usize> {
    let days = |days: i64| grain.map(|grain| grain.samples_in(days * Grain::DAY.micros()));
    let mut windows: Vec<usize> = match (season.map(|season| (season.repeats, season.round_samples)), grain) {
        (Some((Repeats::Samples(_), round)), _) => vec![16 * round, 4 * round],
        (Some(_), _) => [28, 7].into_iter().filter_map(days).collect(),
        // What has no season may still drift by the day. By the hour only where no day could be learnt.
        (None, Some(_)) => {
            let hours = days(VISITS_MIN as i64).is_some_and(|enough| n_samples < enough);
            [28, 7, 1].into_iter().filter_map(days).chain(hours.then_some(WINDOW_MIN)).collect()
        }
        (None, None) => vec![16 * WINDOW_MIN, 4 * WINDOW_MIN, WINDOW_MIN],
    };
    windows.iter_mut().for_each(|window| *window = (*window).clamp(WINDOW_MIN, n_samples.max(WINDOW_MIN)));
    windows.sort_unstable_by(|one, other| other.cmp(one));
    windows.dedup();
    windows
}

/// The expectation of each sample.
fn fit(values: &[f64], season: Option<&Season>, windows: &[usize]) -> Vec<f64> {
    let slow = windows.first().copied().unwrap_or(WINDOW_MIN);
    let mut usual = Vec::new();
    if let Some(season) = season {
        // Twice: the level beside the first profile is the better one to measure the second against.
        let first = season.usual(&without(values, &level(values, slow, Ends::Whole)));
        usual = season.usual(&without(values, &level(&without(values, &first), slow, Ends::Whole)));
    }
    let rest = without(values, &usual);
    let mut best: Option<(Vec<f64>, f64)> = None;
    for &window in windows {
        let level = level(&rest, window, Ends::Shrink);
        let errors = errors(&rest, &level);
        if best.as_ref().is_none_or(|(_, slower)| errors < WINDOW_GAIN_MIN * slower) {
            best = Some((level, errors));
        }
    }
    let level = best.map_or_else(Vec::new, |(level, _)| level);
    let mut off = without(&rest, &level);
    off.retain(|residual| residual.is_finite());
    // The median of counts is a whole number; what is left of their rate is the same everywhere.
    let left = middle(&mut off);
    let seasonal = |index: usize| usual.get(index).copied().unwrap_or(0.0);
    level.iter().enumerate().map(|(index, level)| level + seasonal(index) + left).collect()
}

/// Logarithms of a series that is positive nearly always; what is not counts as very little.
fn logarithms(values: &[f64]) -> Option<Vec<f64>> {
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if finite.is_empty() {
        return None;
    }
    let place = finite.len() / 20;
    let low = *finite.select_nth_unstable_by(place, f64::total_cmp).1;
    let logarithm = |&value: &f64| if value.is_finite() { value.max(0.1 * low).ln() } else { f64::NAN };
    (low > 0.0).then(|| values.iter().map(logarithm).collect())
}

fn without(values: &[f64], usual: &[f64]) -> Vec<f64> {
    if usual.is_empty() {
        return values.to_vec();
    }
    values.iter().zip(usual).map(|(value, usual)| value - usual).collect()
}

/// Robust size of `values` − `usual`, or of the values alone.
fn errors(values: &[f64], usual: &[f64]) -> f64 {
    let mut residuals = without(values, usual);
    residuals.retain(|residual| residual.is_finite());
    sigma_of(&mut residuals)
}

fn finished(values: &[f64], expected: Vec<f64>, season: Option<&Season>) -> Baseline {
    let (mut scatter, mut sigma) = scatter(values, &expected);
    // A slot that was visited v times has swallowed a share 1/v of its own noise.
    let swallowed = season.map_or(1.0, |season| 1.0 + 1.0 / season.visits().max(VISITS_MIN as f64));
    scatter.iter_mut().for_each(|scatter| *scatter *= swallowed);
    sigma *= swallowed;
    let repeats = season.map_or(Repeats::Level, |season| season.repeats);
    let round_samples = season.map_or(0, |season| season.round_samples);
    let mut baseline = Baseline { repeats, round_samples, expected, scatter, sigma, usual: (-3.0, 3.0) };
    let distances = (0..values.len()).map(|index| baseline.distance(values, index));
    baseline.usual = usual_distances(distances.filter(|distance| distance.is_finite()).collect());
    baseline
}

/// Distances below and above which about one in a thousand lies, at least 3 from 0.
///
/// A long incident may be more than one in a thousand. So the tail between the 75th and the 95th percentile,
/// gone on with as an exponential one, ends the usual where it is nearer.
fn usual_distances(mut distances: Vec<f64>) -> (f64, f64) {
    let least = 3.0;
    let high = usual_end(&mut distances).max(least);
    distances.iter_mut().for_each(|distance| *distance = -*distance);
    (-usual_end(&mut distances).max(least), high)
}

fn usual_end(distances: &mut [f64]) -> f64 {
    // ln(0.05 / 0.001) / ln(0.25 / 0.05): as many times as far again lies one in a thousand.
    const FURTHER: f64 = 2.43;
    let Some(last) = distances.len().checked_sub(1) else { return 0.0 };
    let mut at = |share: f64| {
        let rank = (share * last as f64).round() as usize;
        *distances.select_nth_unstable_by(rank.min(last), f64::total_cmp).1
    };
    let (middle, high, end) = (at(0.75), at(0.95), at(0.999));
    end.min(high + FURTHER * (high - middle))
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
