//! Counter or gauge.

use manazir_model::SeriesKind;

use super::unit::words;
use crate::table::Decision;

/// Steps that a series must have made before its course says more than its name.
const STEPS_MIN: u64 = 50;

/// A drop below this share of the value before it is a reset; a counter knows no other way down.
const RESET_SHARE: f64 = 0.1;

/// Names that Prometheus and its kin give to counters.
const COUNTER_WORDS: [&str; 4] = ["total", "counter", "cumulative", "odometer"];

/// How the values of a series, or of all series of a measure, move from one to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Course {
    pub(crate) up: u64,
    pub(crate) flat: u64,
    pub(crate) down: u64,
    pub(crate) resets: u64,
    pub(crate) negative: u64,
}

impl Course {
    /// Takes a step from one value to the next, neither of them NaN.
    pub(crate) fn step(&mut self, from: f64, to: f64) {
        self.negative += u64::from(to < 0.0);
        if to > from {
            self.up += 1;
        } else if to < from {
            self.down += 1;
            self.resets += u64::from(to >= 0.0 && to <= from * RESET_SHARE);
        } else {
            self.flat += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.up += other.up;
        self.flat += other.flat;
        self.down += other.down;
        self.resets += other.resets;
        self.negative += other.negative;
    }
}

/// Whether a name says counter.
pub(crate) fn named_counter(name: &str) -> bool {
    words(name).iter().any(|word| COUNTER_WORDS.contains(&word.as_str()))
}

/// Judges name and course.
pub(crate) fn decide(name: &str, course: &Course) -> Decision<SeriesKind> {
    let named = named_counter(name);
    let steps = course.up + course.flat + course.down;
    // One reset in twenty rises at most: a pulse that falls back to zero is no counter.
    let monotone = course.down == course.resets && course.resets * 20 <= course.up && course.negative == 0;
    if named && monotone && course.up > 0 {
        let reason =
            format!("its name says so and it only grows ({} resets in {steps} steps)", course.resets);
        return Decision::new(SeriesKind::Counter, 0.97, reason);
    }
    if named && course.up > 0 {
        let reason = format!("its name says counter, but it falls in {} of {steps} steps", course.down);
        return Decision::new(SeriesKind::Gauge, 0.7, reason);
    }
    if monotone && steps >= STEPS_MIN && course.up * 10 >= steps * 3 {
        let reason = format!("it only grows ({} resets in {steps} steps)", course.resets);
        return Decision::new(SeriesKind::Counter, 0.75, reason);
    }
    let reason = if course.down > 0 { "it rises and falls" } else { "it does not grow like a counter" };
    let sure = if steps >= STEPS_MIN { 0.95 } else { 0.6 };
    Decision::new(SeriesKind::Gauge, sure, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_only_grow_but_for_resets() {
        let check = |name: &str, values: &[f64], expected: SeriesKind| {
            let mut course = Course::default();
            values.windows(2).for_each(|pair| course.step(pair[0], pair[1]));
            assert_eq!(decide(name, &course).value, expected, "{name}");
        };
        let rising: Vec<f64> = (0..100).map(f64::from).collect();
        let reset: Vec<f64> = (0..100).map(|i| f64::from(i % 60) * 7.0).collect();
        let waves: Vec<f64> = (0..100).map(|i| f64::from(i % 7)).collect();
        check("requests", &rising, SeriesKind::Counter);
        check("requests", &reset, SeriesKind::Counter);
        check("requests", &waves, SeriesKind::Gauge);
        check("requests_total", &rising[..5], SeriesKind::Counter);
        check("requests_total", &waves, SeriesKind::Gauge);
        check("load", &rising[..5], SeriesKind::Gauge);
        check("load", &[1.0; 100], SeriesKind::Gauge);
    }
}
