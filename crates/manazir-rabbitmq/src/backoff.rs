//! When the broker may be tried again: the pauses of [`manazir_ingest::backoff`] by the clock of this process.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Backoff {
    pauses: manazir_ingest::backoff::Backoff,
    not_before: Instant,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { pauses: manazir_ingest::backoff::Backoff::new(FIRST, LONGEST), not_before: Instant::now() }
    }

    /// How long an attempt has to wait from now on.
    pub(crate) fn pause(&self) -> Duration {
        self.not_before.saturating_duration_since(Instant::now())
    }

    pub(crate) fn failed(&mut self) {
        self.not_before = Instant::now() + self.pauses.failed(rand::random());
    }

    pub(crate) fn worked(&mut self) {
        self.pauses.worked();
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
