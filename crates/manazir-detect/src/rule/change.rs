//! Change against a baseline of the past.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::{Error, Offset, Pattern, lookback::Past};
use crate::{
    robust,
    stream::{Reading, Setting},
};

/// More offsets than this are no baseline but a model: use a seasonal detector.
const BASELINES_MAX: usize = 16;

/// Change relative to a baseline, in percent.
///
/// score = 100 · |x − b| / |b| / percent,   b the value one `offset` before, or the median of the values one,
/// two, … `baselines` offsets before, as far as there are any
///
/// A change from 0 has no percentage: with a baseline of 0 there is no reading. O(baselines) a sample; 8 bytes
/// a sample that it looks back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PercentageChange {
    /// The change that is strange, above 0.
    pub percent: f64,
    /// How far the baseline lies back.
    pub offset: Offset,
    /// How many offsets make the baseline, 1..=16; 1.
    #[serde(default = "one")]
    pub baselines: usize,
    /// Which side counts; both.
    #[serde(default)]
    pub pattern: Pattern,
}

/// Change against a baseline, in the unit of the series.
///
/// score = |x − b| / change,   b as for [`PercentageChange`]
///
/// For series that come near 0, where a percentage says nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbsoluteChange {
    /// The change that is strange, above 0.
    pub change: f64,
    /// How far the baseline lies back.
    pub offset: Offset,
    /// How many offsets make the baseline, 1..=16; 1.
    #[serde(default = "one")]
    pub baselines: usize,
    /// Which side counts; both.
    #[serde(default)]
    pub pattern: Pattern,
}

fn one() -> usize {
    1
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Bound {
    /// Share of the baseline.
    Share(f64),
    /// In the unit of the series.
    Change(f64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    bound: Bound,
    pattern: Pattern,
    offset_samples: usize,
    baselines: usize,
    past: Past,
}

impl PercentageChange {
    pub(super) fn state(&self, setting: &Setting) -> Result<State, Error> {
        let percent = positive("percent", self.percent)?;
        State::new(Bound::Share(percent / 100.0), self.pattern, &self.offset, self.baselines, setting)
    }
}

impl AbsoluteChange {
    pub(super) fn state(&self, setting: &Setting) -> Result<State, Error> {
        let change = positive("change", self.change)?;
        State::new(Bound::Change(change), self.pattern, &self.offset, self.baselines, setting)
    }
}

fn positive(field: &'static str, value: f64) -> Result<f64, Error> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(Error::OutOfRange { field, value, expected: "a number above 0" })
    }
}

impl State {
    fn new(
        bound: Bound,
        pattern: Pattern,
        offset: &Offset,
        baselines: usize,
        setting: &Setting,
    ) -> Result<Self, Error> {
        if !(1..=BASELINES_MAX).contains(&baselines) {
            let value = baselines as f64;
            return Err(Error::OutOfRange { field: "baselines", value, expected: "1 to 16" });
        }
        let offset_samples = offset.samples("offset", setting)?;
        let past = Past::new(offset_samples.saturating_mul(baselines), setting)?;
        Ok(Self { bound, pattern, offset_samples, baselines, past })
    }

    pub(super) fn update(&mut self, sample: Sample) -> Option<Reading> {
        self.past.skip_to(sample);
        let baseline = self.baseline();
        // The baseline is a fixed distance away, so it never moves towards the sample: nothing is to be frozen.
        self.past.push(sample.value);
        let (value, baseline) = (robust::usable(sample.value)?, baseline?);
        let bound = match self.bound {
            Bound::Share(share) => share * baseline.abs(),
            Bound::Change(change) => change,
        };
        if bound <= 0.0 {
            return None;
        }
        let residual = value - baseline;
        let score = self.pattern.score(residual, bound);
        Some(Reading { score, expected: baseline, scale: f64::NAN, direction: robust::side(residual) })
    }

    fn baseline(&self) -> Option<f64> {
        let mut values = [0.0; BASELINES_MAX];
        let mut n_values = 0;
        for value in (1..=self.baselines).filter_map(|times| self.past.before(times * self.offset_samples)) {
            values[n_values] = value;
            n_values += 1;
        }
        (n_values > 0).then(|| robust::median(&mut values[..n_values]))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.past.heap_bytes()
    }
}
