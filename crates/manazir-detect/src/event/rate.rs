//! More of something in ten minutes than usual: calls of an actor, its errors, calls of one action by all.

use manazir_model::{Sample, Timestamp};
use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::store::{Store, Worth};
use crate::stream::count::{Config, Count};
use crate::stream::{Learn, StreamDetector};

/// Length of the windows in which events are counted.
const WINDOW_MICROS: i64 = 600_000_000;
/// Empty windows that are learnt after a pause; longer ones are no habit of working but of being away.
const PAUSE_WINDOWS: i64 = 6;
/// Below this many events a window is no burst, whatever is usual.
const BURST_MIN: u32 = 4;

/// What is counted under one key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Key {
    usual: Option<Count>,
    window: i64,
    count: u32,
    /// Highest of the open window, calibrated; and as the model gave it.
    surprise: f32,
    raw: f32,
    expected: f32,
}

impl Worth for Key {
    fn worth(&self) -> f32 {
        self.window as f32
    }
}

/// Counts per key and window, judged while the window is still open.
///
/// This is what Insights of AWS CloudTrail watches, rates of calls and of errors, with counts modelled as
/// in [`Count`]. A running count can only show too much, so it is judged as soon as it doubles; a window that
/// was a burst is not learnt, so that the second is as strange as the first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rate {
    keys: Store<Key>,
    calibration: Calibration,
}

/// A count that goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Running {
    /// −log₁₀ of the probability of so many, calibrated.
    pub(super) surprise: f64,
    pub(super) count: u32,
    pub(super) expected: f64,
}

impl Rate {
    /// Above this a window is a burst: a thousandth of the windows of a well-behaved key.
    const BURST_SURPRISE: f32 = 3.0;

    pub(super) fn new(entries: usize) -> Self {
        Self { keys: Store::new(entries), calibration: Calibration::new(entries) }
    }

    /// Counts one event of a key, among the keys of a group.
    pub(super) fn count(&mut self, key: u64, group: u64, at: Timestamp, hour: u32) -> Running {
        let window = at.micros().div_euclid(WINDOW_MICROS);
        let (state, fresh) = self.keys.entry(key);
        if fresh {
            *state = Key { usual: Some(Count::new(Config::default())), window, ..Key::default() };
        }
        if window > state.window {
            state.close(window);
        }
        state.count = state.count.saturating_add(1);
        let judged = state.count >= BURST_MIN && doubled(state.count);
        if judged {
            state.judge();
        }
        if judged || state.count == 1 {
            let surprise = self.calibration.judge(f64::from(state.raw), 0, key, group, hour);
            state.surprise = if state.raw > 0.0 { state.surprise.max(surprise as f32) } else { 0.0 };
        }
        let (surprise, expected) = (f64::from(state.surprise), f64::from(state.expected));
        Running { surprise, count: state.count, expected }
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.calibration.bytes()
    }
}

/// True at 4, 6, 8, 12, 16, 24, …: often enough to be early, seldom enough to be cheap.
fn doubled(count: u32) -> bool {
    count.is_power_of_two() || (count.is_multiple_of(3) && (count / 3).is_power_of_two())
}

fn sample(window: i64, count: f64) -> Sample {
    Sample { at: Timestamp(window.saturating_mul(WINDOW_MICROS)), value: count }
}

impl Key {
    /// Learns the window that ended, and some of the silence after it.
    fn close(&mut self, window: i64) {
        let burst = self.raw >= Rate::BURST_SURPRISE;
        if let Some(usual) = &mut self.usual {
            let learn = if burst { Learn::Frozen } else { Learn::Fully };
            usual.update(sample(self.window, f64::from(self.count)), learn);
            for silent in (self.window + 1..window).take(PAUSE_WINDOWS as usize) {
                usual.update(sample(silent, 0.0), Learn::Fully);
            }
        }
        *self = Key { usual: self.usual.take(), window, ..Key::default() };
    }

    fn judge(&mut self) {
        let Some(usual) = &self.usual else { return };
        let mut trial = usual.clone();
        let Some(reading) = trial.update(sample(self.window, f64::from(self.count)), Learn::Frozen) else {
            return;
        };
        let too_many = f64::from(self.count) > reading.expected;
        if too_many {
            self.raw = self.raw.max(reading.score as f32);
        }
        self.expected = reading.expected as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_seen_before_its_window_ends() {
        let mut rate = Rate::new(64);
        let mut count = |key: u64, minute: i64, second: i64| {
            let at = Timestamp::from_seconds(minute * 60 + second);
            rate.count(key, 1, at, (minute / 60) as u32 + 1)
        };
        let highest = (0..4_000).map(|minute| count(7, minute, 0).surprise).fold(0.0, f64::max);
        assert!(highest < 2.0, "{highest}");
        let early = (0..40).map(|second| count(7, 4_000, second).surprise).fold(0.0, f64::max);
        assert!(early > 2.0, "{early}");
        let quiet = count(7, 4_010, 0);
        assert_eq!((quiet.surprise, quiet.count), (0.0, 1));
        assert_eq!(count(8, 4_010, 0).surprise, 0.0);
    }
}
