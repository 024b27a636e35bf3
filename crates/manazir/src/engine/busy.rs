//! Time that a thread has worked, not waited.

use std::time::{Duration, Instant};

/// A stretch of work of the calling thread.
///
/// On a machine that others use as well, the clock on the wall measures them too; Linux tells what the thread
/// itself has run. Elsewhere the clock on the wall has to do.
pub(super) struct Busy {
    ran: Option<Duration>,
    begun: Instant,
}

impl Busy {
    pub(super) fn start() -> Self {
        Self { ran: ran(), begun: Instant::now() }
    }

    pub(super) fn elapsed(&self) -> Duration {
        match (self.ran, ran()) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.begun.elapsed(),
        }
    }
}

/// The first field of `schedstat` is the time on a processor in nanoseconds.
fn ran() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_waiting_little() {
        let busy = Busy::start();
        let sum = (0..3_000_000u64).fold(0, |sum, n| sum ^ std::hint::black_box(n));
        assert!(sum < u64::MAX && busy.elapsed() > Duration::ZERO);
    }
}
