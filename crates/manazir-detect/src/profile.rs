//! What kind of series this is, in the few words that a choice of detector needs.

use manazir_model::Grain;

use crate::period::{Config, Period, periods};
use crate::robust::{median, median_and_sigma};

/// How the values of a series are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// One value throughout.
    Constant,
    /// Two values.
    Binary,
    /// Whole numbers ≥ 0 that are few or mostly zero.
    LowCount,
    /// Within 0..=1 or 0..=100, and touching neither end for long.
    Share,
    /// The form repeats and the form is the message: an electrocardiogram, a machine's cycle.
    Waveform,
    /// Anything else.
    Measure,
}

/// A series in short.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesProfile {
    /// How its values are made.
    pub kind: ValueKind,
    /// Its seasons, strongest first.
    pub periods: Vec<Period>,
    /// Distance of the 99.9th percentile from the median over that of a normal series with the same quartiles,
    /// the larger side: about 1 for normal noise, above 2 heavy.
    pub tail_weight: f64,
    /// Change of level from the first to the last tenth, in robust standard deviations.
    pub trend: f64,
    /// Share of samples without a number.
    pub missing_share: f64,
}

/// Counts below this mean are modelled as counts and not as measures.
const LOW_COUNT_MEAN: f64 = 10.0;
const LOW_COUNT_ZEROS: f64 = 0.3;

/// A season this strong with so many samples in it is a waveform: days of hours have 24, days of minutes 1,440.
const WAVEFORM_STRENGTH: f64 = 0.5;
const WAVEFORM_SAMPLES: std::ops::RangeInclusive<usize> = 40..=400;

impl SeriesProfile {
    /// Reads the profile off all samples. `grain`: their distance, if they are instants. O(n log n).
    pub fn of(values: &[f64], grain: Option<Grain>) -> Self {
        let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let missing_share = 1.0 - finite.len() as f64 / values.len().max(1) as f64;
        let periods = periods(values, &Config { grain, ..Config::default() });
        let trend = trend(&finite);
        finite.sort_unstable_by(f64::total_cmp);
        let kind = kind(&finite, grain, periods.first());
        Self { kind, periods, tail_weight: tail_weight(&finite), trend, missing_share }
    }

    /// The profile in words, for people: "weekly season, heavy tail".
    pub fn words(&self, grain: Option<Grain>) -> String {
        let mut words: Vec<String> = Vec::new();
        match self.kind {
            ValueKind::Constant => return "one value throughout".to_owned(),
            ValueKind::Binary => words.push("two values".to_owned()),
            ValueKind::LowCount => words.push("low counts".to_owned()),
            ValueKind::Share => words.push("a share".to_owned()),
            ValueKind::Waveform => words.push("a repeating form".to_owned()),
            ValueKind::Measure => {}
        }
        words.push(match self.periods.first() {
            Some(period) => season_words(period.samples, grain),
            None => "no season".to_owned(),
        });
        if self.tail_weight > 2.0 {
            words.push("heavy tail".to_owned());
        }
        if self.trend.abs() > 2.0 {
            words.push(if self.trend > 0.0 { "rising" } else { "falling" }.to_owned());
        }
        words.join(", ")
    }
}

fn season_words(samples: usize, grain: Option<Grain>) -> String {
    let near = |span: Grain| {
        grain.is_some_and(|grain| {
            let length = samples as f64 * grain.micros() as f64;
            (length / span.micros() as f64 - 1.0).abs() < 0.03
        })
    };
    let week = Grain::from_micros(7 * Grain::DAY.micros());
    if near(Grain::DAY) {
        "daily season".to_owned()
    } else if week.is_some_and(near) {
        "weekly season".to_owned()
    } else if near(Grain::HOUR) {
        "hourly season".to_owned()
    } else {
        format!("season of {samples} samples")
    }
}

/// `sorted`: the finite values.
fn kind(sorted: &[f64], grain: Option<Grain>, period: Option<&Period>) -> ValueKind {
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return ValueKind::Constant };
    if low == high {
        return ValueKind::Constant;
    }
    if sorted.iter().all(|&value| value == low || value == high) {
        return ValueKind::Binary;
    }
    let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
    let zeros = sorted.iter().filter(|&&value| value == 0.0).count() as f64 / sorted.len() as f64;
    let whole = low >= 0.0 && sorted.iter().all(|value| value.fract() == 0.0);
    if whole && (mean < LOW_COUNT_MEAN || zeros > LOW_COUNT_ZEROS) {
        return ValueKind::LowCount;
    }
    let calendar = grain.is_some_and(|grain| grain >= Grain::MINUTE);
    let repeats = period.is_some_and(|period| {
        period.strength > WAVEFORM_STRENGTH && WAVEFORM_SAMPLES.contains(&period.samples)
    });
    if repeats && !calendar {
        return ValueKind::Waveform;
    }
    let bounded = low >= 0.0 && (high <= 1.0 || (high <= 100.0 && high > 10.0));
    if bounded { ValueKind::Share } else { ValueKind::Measure }
}

/// `sorted`: the finite values.
fn tail_weight(sorted: &[f64]) -> f64 {
    /// Φ⁻¹(0.999) over Φ⁻¹(0.75).
    const NORMAL_RATIO: f64 = 3.090_232 / 0.674_490;
    let at =
        |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize).copied();
    let quantiles = (at(0.001), at(0.25), at(0.5), at(0.75), at(0.999));
    let (Some(low), Some(lower), Some(middle), Some(upper), Some(high)) = quantiles else { return 1.0 };
    let quartile = 0.5 * (upper - lower);
    if quartile <= 0.0 {
        return if high > low { f64::from(u8::MAX) } else { 1.0 };
    }
    (high - middle).max(middle - low) / quartile / NORMAL_RATIO
}

fn trend(finite: &[f64]) -> f64 {
    let tenth = finite.len() / 10;
    if tenth == 0 {
        return 0.0;
    }
    let first = median(&mut finite[..tenth].to_vec());
    let last = median(&mut finite[finite.len() - tenth..].to_vec());
    let (_, sigma) = median_and_sigma(&mut finite.to_vec());
    if sigma > 0.0 { (last - first) / sigma } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    fn series(n_samples: usize, value: impl Fn(usize, &mut Random) -> f64) -> Vec<f64> {
        let mut random = Random::new(8);
        (0..n_samples).map(|index| value(index, &mut random)).collect()
    }

    #[track_caller]
    fn check(value: impl Fn(usize, &mut Random) -> f64, grain: Option<Grain>, kind: ValueKind, words: &str) {
        let profile = SeriesProfile::of(&series(2_016, value), grain);
        assert_eq!((profile.kind, profile.words(grain).as_str()), (kind, words));
    }

    fn wave(index: usize, period: f64) -> f64 {
        (index as f64 / period * std::f64::consts::TAU).sin()
    }

    #[test]
    fn series_of_every_kind() {
        let hour = Some(Grain::HOUR);
        check(|_, _| 5.0, hour, ValueKind::Constant, "one value throughout");
        check(|_, random| random.below(2) as f64, hour, ValueKind::Binary, "two values, no season");
        check(|_, random| (random.below(5)) as f64, hour, ValueKind::LowCount, "low counts, no season");
        check(|_, random| random.normal(), hour, ValueKind::Measure, "no season");
        check(
            |_, random| (2.0 * random.normal()).exp() + 500.0,
            hour,
            ValueKind::Measure,
            "no season, heavy tail",
        );
        let daily = |index: usize, random: &mut Random| 500.0 + 9.0 * wave(index, 24.0) + random.normal();
        check(daily, hour, ValueKind::Measure, "daily season");
        let heart = |index: usize, random: &mut Random| 200.0 * wave(index, 90.0) + random.normal();
        check(heart, None, ValueKind::Waveform, "a repeating form, season of 90 samples");
        let rising = |index: usize, random: &mut Random| 500.0 + 0.02 * index as f64 + random.normal();
        check(rising, hour, ValueKind::Measure, "no season, rising");
    }

    #[test]
    fn nothing_is_no_failure() {
        assert_eq!(SeriesProfile::of(&[], None).kind, ValueKind::Constant);
        assert_eq!(SeriesProfile::of(&[f64::NAN; 9], None).missing_share, 1.0);
    }
}
