//! Offset and unit of a channel, so that single precision holds it and channels weigh alike.

use serde::{Deserialize, Serialize};

/// Coordinates are cut off here: sums over all sides of a box stay finite in `f32`.
const COORDINATE_MAX: f64 = 1e12;
/// Weight of a new sample in level and spread: about the last 500 samples.
const RATE: f32 = 1.0 / 256.0;
/// A deviation counts at most as this many spreads, so that one outlier does not change the unit.
const CLIP: f32 = 8.0;
/// The scale is moved when the spread has changed by this factor: rarely, for it costs a pass over the
/// forest.
const SPREAD_CHANGE: f32 = 4.0;
/// Or when the level is this many spreads away: 24 bits of `f32` still leave 16 for the spread.
const LEVEL_CHANGE: f32 = 256.0;

/// z = (value − offset) / unit, with a watch on whether offset and unit still fit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scale {
    offset: f64,
    unit: f64,
    /// The unit never falls below this: a channel that goes still must not become a microscope.
    unit_min: f64,
    /// Clipped running mean of z and of its absolute deviation.
    level: f32,
    spread: f32,
}

/// A change of scale: z becomes (z − level) / spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    level: f32,
    spread: f32,
}

impl Move {
    /// The coordinate on the new scale.
    pub(crate) fn apply(&self, z: f32) -> f32 {
        ((z - self.level) / self.spread).clamp(-COORDINATE_MAX as f32, COORDINATE_MAX as f32)
    }
}

impl Move {
    /// The same in double precision, not cut off.
    pub(crate) fn apply_wide(&self, z: f64) -> f64 {
        (z - f64::from(self.level)) / f64::from(self.spread)
    }
}

impl Scale {
    /// From the first values, finite ones only; any order. Their median and median absolute deviation, or the
    /// mean one if more than half are equal; a channel that has not moved yet gets 1 % of its level.
    pub(crate) fn of(values: &mut [f64]) -> Self {
        let offset = median(values).unwrap_or(0.0);
        let mut deviations: Vec<f64> = values.iter().map(|value| (value - offset).abs()).collect();
        let mean = deviations.iter().sum::<f64>() / deviations.len().max(1) as f64;
        let candidates = [median(&mut deviations).unwrap_or(0.0), mean, offset.abs() * 0.01, 1.0];
        let unit = candidates.into_iter().find(|unit| unit.is_normal()).unwrap_or(1.0);
        Self { offset, unit, unit_min: unit * 1e-3, level: 0.0, spread: 1.0 }
    }

    /// The coordinate of a finite value.
    pub(crate) fn apply(&self, value: f64) -> f32 {
        ((value - self.offset) / self.unit).clamp(-COORDINATE_MAX, COORDINATE_MAX) as f32
    }

    /// The value at z = 0.
    pub(crate) fn offset(&self) -> f64 {
        self.offset
    }

    /// The distance between z = 0 and z = 1.
    pub(crate) fn unit(&self) -> f64 {
        self.unit
    }

    /// The value of a coordinate.
    #[cfg(test)]
    pub(crate) fn invert(&self, z: f32) -> f64 {
        f64::from(z) * self.unit + self.offset
    }

    /// Watches a coordinate, and says how to move if the scale has ceased to fit; it is then moved itself.
    pub(crate) fn learn(&mut self, z: f32) -> Option<Move> {
        let deviation = (z - self.level).clamp(-CLIP * self.spread, CLIP * self.spread);
        self.level += RATE * deviation;
        self.spread += RATE * (deviation.abs() - self.spread);
        let least = (self.unit_min / self.unit) as f32;
        self.spread = self.spread.max(least);
        let fits = self.level.abs() <= LEVEL_CHANGE * self.spread.max(1.0)
            && self.spread <= SPREAD_CHANGE
            && self.spread >= 1.0 / SPREAD_CHANGE;
        // At the least unit the spread stays where it is held.
        if fits || (self.spread == least && self.level.abs() <= LEVEL_CHANGE) {
            return None;
        }
        let moved = Move { level: self.level, spread: self.spread };
        let offset = self.offset + f64::from(moved.level) * self.unit;
        let unit = self.unit * f64::from(moved.spread);
        // At the ends of what `f64` holds there is nowhere to move to.
        if !offset.is_finite() || !unit.is_normal() {
            return None;
        }
        *self = Self { offset, unit, unit_min: self.unit_min, level: 0.0, spread: 1.0 };
        Some(moved)
    }
}

/// Lower median; `None` of nothing.
fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `values` and returns how often the scale moved, and its last coordinate.
    fn follow(values: impl Iterator<Item = f64>) -> (usize, f32) {
        let mut scale = Scale::of(&mut [9.0, 10.0, 11.0, 10.0, 8.0, 12.0]);
        let (mut moves, mut last) = (0, 0.0);
        for value in values {
            last = scale.apply(value);
            moves += usize::from(scale.learn(last).is_some());
            let back = scale.invert(scale.apply(value));
            assert!((back - value).abs() <= 1e-4 * value.abs().max(1.0), "{value} came back as {back}");
        }
        (moves, last)
    }

    #[test]
    fn a_scale_stays_while_the_channel_does() {
        assert_eq!(follow((0..5_000).map(|t| 10.0 + f64::from(t % 5) - 2.0)).0, 0);
    }

    #[test]
    fn a_scale_follows_what_lasts() {
        let (moves, last) = follow((0..5_000).map(|t| 1e6 + 1e3 * f64::from(t % 5 - 2)));
        assert!(moves > 0 && last.abs() < 4.0, "{moves} moves, last coordinate {last}");
    }

    #[test]
    fn a_still_channel_does_not_become_a_microscope() {
        let (moves, last) = follow((0..50_000).map(|t| if t == 49_999 { 11.0 } else { 10.0 }));
        assert!(moves < 12 && last <= 1e3, "{moves} moves, last coordinate {last}");
    }
}
