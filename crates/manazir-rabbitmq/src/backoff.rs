//! How long to wait before the next attempt: twice as long each time, and a random part of that, so that a
//! hundred clients of a broker that comes back do not come all at once.
//!
//! "Full jitter" of M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    not_before: Instant,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { failures: 0, not_before: Instant::now() }
    }

    /// How long an attempt has to wait from now on.
    pub(crate) fn pause(&self) -> Duration {
        self.not_before.saturating_duration_since(Instant::now())
    }

    pub(crate) fn failed(&mut self) {
        let longest = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures += 1;
        self.not_before = Instant::now() + rand::random_range(FIRST / 2..=longest);
    }

    pub(crate) fn worked(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_differ_and_end() {
        let mut backoff = Backoff::new();
        assert_eq!(backoff.pause(), Duration::ZERO);
        let mut pauses = Vec::new();
        for _ in 0..40 {
            backoff.failed();
            pauses.push(backoff.pause());
        }
        assert!(pauses[0] <= FIRST && pauses.iter().all(|&pause| pause <= LONGEST));
        assert!(pauses[10..].iter().any(|&pause| pause > 20 * FIRST));
        assert!(pauses[10..].windows(2).any(|pair| pair[0] > pair[1] + FIRST), "{pauses:?}");
        backoff.worked();
        backoff.failed();
        assert!(backoff.pause() <= FIRST);
    }
}
