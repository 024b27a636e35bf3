//! Durations, summed up.

/// Quantile that a summary tells.
const QUANTILE: f64 = 0.95;

/// What many spans have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many there are, at least one.
    pub count: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Mean duration in microseconds.
    pub mean_us: f64,
    /// The duration that 95 of a hundred do not exceed, in microseconds: the nearest rank.
    pub p95_us: i64,
}

/// Durations as they come.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    all_us: Vec<i64>,
    errors: u64,
}

impl Durations {
    pub(super) fn add(&mut self, us: i64, failed: bool) {
        self.all_us.push(us);
        self.errors += u64::from(failed);
    }

    pub(super) fn count(&self) -> usize {
        self.all_us.len()
    }

    /// O(count). Sums are of whole numbers, so that no order changes the mean.
    pub(super) fn summary(mut self) -> Summary {
        let count = self.all_us.len();
        let sum: i128 = self.all_us.iter().map(|us| i128::from(*us)).sum();
        let rank = (QUANTILE * count as f64).ceil() as usize;
        let place = rank.clamp(1, count.max(1)) - 1;
        let p95_us = if count == 0 { 0 } else { *self.all_us.select_nth_unstable(place).1 };
        Summary {
            count: count as u64,
            errors: self.errors,
            mean_us: sum as f64 / count.max(1) as f64,
            p95_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_one_of_the_durations() {
        let of = |count: i64| {
            let mut durations = Durations::default();
            (1..=count).rev().for_each(|us| durations.add(us, us == 1));
            durations.summary()
        };
        assert_eq!(of(100), Summary { count: 100, errors: 1, mean_us: 50.5, p95_us: 95 });
        assert_eq!((of(1).p95_us, of(19).p95_us, of(20).p95_us), (1, 19, 19));
    }
}
