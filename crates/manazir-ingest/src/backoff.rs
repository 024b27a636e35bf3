//! How long to wait before the next attempt: twice as long each time, and a random part of that, so that a
//! hundred clients of a server that comes back do not come all at once.
//!
//! "Full jitter" of M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015; but no pause is shorter
//! than half of the first, so that no attempt follows its failure at once.

use std::time::Duration;

/// Counts failures; neither clock nor random numbers are its own.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Pauses from half of `first` to all of it after one failure, and up to `longest` after many.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0 }
    }

    /// The pause after an attempt that failed; `random` is evenly distributed from 0 to 1.
    pub fn failed(&mut self, random: f64) -> Duration {
        let shortest = self.first / 2;
        let longest = self.first.saturating_mul(1 << self.failures.min(10)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        shortest + longest.saturating_sub(shortest).mul_f64(random.clamp(0.0, 1.0))
    }

    /// The next failure is a first one again.
    pub fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        let longest: Vec<u128> = (0..9).map(|_| backoff.failed(1.0).as_millis()).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(backoff.failed(0.0).as_millis(), 50);
        backoff.worked();
        assert_eq!([0.0, 0.5].map(|random| backoff.clone().failed(random).as_millis()), [50, 75]);
        // What is no number between 0 and 1 makes no pause that is none, or endless.
        let odd = [-1.0, 7.0].map(|random| backoff.clone().failed(random).as_millis());
        assert_eq!(odd, [50, 100]);
        (0..2_000).for_each(|_| assert!(backoff.failed(0.3) <= Duration::from_secs(10)));
    }
}
