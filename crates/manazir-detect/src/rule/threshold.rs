//! Fixed bounds.

use manazir_model::Direction;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::{robust, stream::Reading};

/// Values below `min` or above `max` are strange.
///
/// score = 1 + (x − max) / u above, 1 + (min − x) / u below, at least 0; u is half the distance of the bounds,
/// or the size of the only one (1 if that is 0). So it is 1 at a bound and 0 in the middle.
///
/// Needs no history and gives its first reading with the first sample. O(1), about 100 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Least usual value, in the unit of the series.
    #[serde(default)]
    pub min: Option<f64>,
    /// Greatest usual value.
    #[serde(default)]
    pub max: Option<f64>,
}

impl Threshold {
    pub(super) fn checked(&self) -> Result<Self, Error> {
        for (field, bound) in [("min", self.min), ("max", self.max)] {
            if let Some(value) = bound
                && robust::usable(value) != Some(value)
            {
                return Err(Error::OutOfRange { field, value, expected: "a number within ±1e100" });
            }
        }
        match (self.min, self.max) {
            (None, None) => Err(Error::NoBound),
            (Some(min), Some(max)) if min >= max => Err(Error::BoundsCrossed { min, max }),
            _ => Ok(*self),
        }
    }

    fn unit(&self) -> f64 {
        let unit = match (self.min, self.max) {
            (Some(min), Some(max)) => (max - min) / 2.0,
            (Some(bound), None) | (None, Some(bound)) => bound.abs(),
            (None, None) => 1.0,
        };
        if unit > 0.0 { unit } else { 1.0 }
    }

    pub(super) fn judge(&self, value: f64) -> Option<Reading> {
        let value = robust::usable(value)?;
        let unit = self.unit();
        let above = self.max.map_or(0.0, |max| 1.0 + (value - max) / unit);
        let below = self.min.map_or(0.0, |min| 1.0 + (min - value) / unit);
        let score = above.max(below).clamp(0.0, robust::SCORE_MAX);
        let direction = if above >= below { Direction::Up } else { Direction::Down };
        let expected = value.clamp(self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
        Some(Reading { score, expected, scale: f64::NAN, direction: (score >= 1.0).then_some(direction) })
    }
}
