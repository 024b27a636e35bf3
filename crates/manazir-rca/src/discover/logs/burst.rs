//! The usual number of errors in a minute, and how strange another is.

use std::collections::VecDeque;

/// Minutes that are remembered: an hour.
const MINUTES: usize = 60;

/// Share of the minutes whose counts are believed; higher ones, as of earlier bursts, are cut to the largest of these.
const BELIEVED: f64 = 0.9;

/// Counts of the last minutes.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate {
    counts: VecDeque<u64>,
}

impl Rate {
    pub(super) fn learn(&mut self, count: u64) {
        if self.counts.len() == MINUTES {
            self.counts.pop_front();
        }
        self.counts.push_back(count);
    }

    /// Mean of the minutes, the highest cut; at least what half a line in all of them would be.
    pub(super) fn usual(&self) -> f64 {
        self.mean_and_dispersion().0
    }

    /// Surprise −ln p of a count at least as high, in nats: the Chernoff bound of a Poisson count,
    /// k ln(k / λ) − k + λ, divided by how much wider the minutes scatter than Poisson counts do. 0 up to λ, and before
    /// there are enough minutes.
    pub(super) fn surprise(&self, count: u64, minutes_min: usize) -> f64 {
        if self.counts.len() < minutes_min.min(MINUTES) {
            return 0.0;
        }
        let (usual, dispersion) = self.mean_and_dispersion();
        let count = count as f64;
        if count <= usual { 0.0 } else { (count * (count / usual).ln() - count + usual) / dispersion }
    }

    fn mean_and_dispersion(&self) -> (f64, f64) {
        let mut counts: Vec<u64> = self.counts.iter().copied().collect();
        let floor = 0.5 / (counts.len() as f64 + 1.0);
        if counts.is_empty() {
            return (floor, 1.0);
        }
        counts.sort_unstable();
        let highest = counts[((counts.len() - 1) as f64 * BELIEVED) as usize];
        let believed = || counts.iter().map(|count| (*count).min(highest) as f64);
        let number = counts.len() as f64;
        let mean = believed().sum::<f64>() / number;
        let variance = believed().map(|count| (count - mean).powi(2)).sum::<f64>() / number;
        let mean = mean.max(floor);
        (mean, (variance / mean).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(counts: impl IntoIterator<Item = u64>) -> Rate {
        let mut rate = Rate::default();
        counts.into_iter().for_each(|count| rate.learn(count));
        rate
    }

    #[test]
    fn a_burst_is_measured_by_what_is_usual() {
        let steady = rate((0..200).map(|minute| 3 + minute % 3));
        assert!((steady.usual() - 4.0).abs() < 0.2 && steady.surprise(4, 10) < 0.1);
        assert!(steady.surprise(40, 10) > 50.0);
        // The same count is nothing in a place where the minutes scatter.
        let wild = rate((0..200).map(|minute| if minute % 3 == 0 { 30 } else { 0 }));
        assert!(wild.surprise(40, 10) < 5.0, "{}", wild.surprise(40, 10));
        let silent = rate([0; 60]);
        assert!(silent.surprise(1, 10) < 5.0 && silent.surprise(10, 10) > 40.0);
    }

    #[test]
    fn an_earlier_burst_hides_no_later_one_and_a_short_history_says_nothing() {
        let calm = rate([1; 60]);
        let burst = rate([1; 55].into_iter().chain([500; 5]));
        assert_eq!(calm.surprise(100, 10), burst.surprise(100, 10));
        assert_eq!(rate([0; 9]).surprise(1_000, 10), 0.0);
        assert!(rate([]).surprise(u64::MAX, 0).is_finite());
    }
}
