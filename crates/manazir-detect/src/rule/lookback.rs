//! How far a rule looks back, and the samples it needs for that.

use manazir_model::{Grain, Sample};
use serde::{Deserialize, Serialize};

use super::Error;
use crate::{ring::Ring, robust, stream::Setting};

/// Five-minute samples of a year; 820 KiB of a series at most.
const SAMPLES_MAX: usize = 105_000;

/// A distance into the past: samples, or a span such as `"24h"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Offset {
    /// So many samples.
    Samples(u64),
    /// Number and unit: `s`, `min`, `h`, `d`, `w`. A day has 24 hours here.
    Span(String),
}

impl Offset {
    /// In samples, at least 1.
    pub(super) fn samples(&self, field: &'static str, setting: &Setting) -> Result<usize, Error> {
        match self {
            Self::Samples(samples @ 1..) => Ok(usize::try_from(*samples).unwrap_or(usize::MAX)),
            Self::Samples(0) => Err(Error::OutOfRange { field, value: 0.0, expected: "at least one sample" }),
            Self::Span(text) => {
                let micros = span_micros(text).ok_or_else(|| Error::Offset { field, text: text.clone() })?;
                let grain = setting.grain.ok_or_else(|| Error::NoGrain { field, text: text.clone() })?;
                Ok(grain.samples_in(micros))
            }
        }
    }
}

/// `"30min"`, `"1.5 h"`: positive, no longer than a century.
fn span_micros(text: &str) -> Option<i64> {
    const CENTURY_MICROS: f64 = 36_525.0 * Grain::DAY.micros() as f64;
    let text = text.trim();
    let unit_at = text.find(|letter: char| letter.is_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let unit = match unit {
        "s" => Grain::SECOND.micros(),
        "min" => Grain::MINUTE.micros(),
        "h" => Grain::HOUR.micros(),
        "d" => Grain::DAY.micros(),
        "w" => 7 * Grain::DAY.micros(),
        _ => return None,
    };
    let micros = number.trim().parse::<f64>().ok()? * unit as f64;
    (1.0..=CENTURY_MICROS).contains(&micros).then_some(micros as i64)
}

/// The samples of the past by their age. Where the grain is known a missing row keeps its slot, so that a week
/// ago is a week ago.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Past {
    /// NaN where a slot holds no number.
    ring: Ring,
    grain: Option<Grain>,
    last_at: Option<i64>,
}

impl Past {
    pub(super) fn new(samples: usize, setting: &Setting) -> Result<Self, Error> {
        if samples > SAMPLES_MAX {
            return Err(Error::TooFarBack { samples, max: SAMPLES_MAX });
        }
        Ok(Self { ring: Ring::new(samples), grain: setting.grain, last_at: None })
    }

    /// Makes room for the sample at hand: pushes the slots that were left out before it.
    pub(super) fn skip_to(&mut self, sample: Sample) {
        let at = sample.at.micros();
        let distance = self.last_at.map_or(0, |last| at.saturating_sub(last));
        self.last_at = Some(at);
        let Some(grain) = self.grain else { return };
        // One grain and a bit is the usual case; ages beyond the ring are all the same.
        if distance > grain.micros() + grain.micros() / 2 {
            for _ in 0..(grain.samples_in(distance) - 1).min(self.ring.capacity()) {
                self.ring.push(f64::NAN);
            }
        }
    }

    pub(super) fn push(&mut self, value: f64) {
        self.ring.push(robust::usable(value).unwrap_or(f64::NAN));
    }

    /// The value `samples` before the one at hand, which is not pushed yet; at least 1.
    pub(super) fn before(&self, samples: usize) -> Option<f64> {
        self.ring.back(samples - 1).filter(|value| !value.is_nan())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.ring.heap_bytes()
    }
}
