//! Waits that lasted too long: for another value (a flat line), for any sample at all (missing data).
//!
//! A sensor that hangs repeats a value exactly, a source that died sends nothing. Neither deviates from
//! anything, so neither has a residual. What is strange is the length of the wait against the other waits of
//! the same history; a source that is often silent, or rests, has long ones.

use manazir_model::{Grain, Timestamp};

use super::rarity::score_of;

/// A wait is strange if such a history is expected to hold so few of its length.
const EXPECTED_MAX: f64 = 0.05;

/// Longest waits that are left out of the measure: they may be incidents themselves.
const LEFT_OUT: usize = 3;

/// With fewer waits nothing can be said.
const WAITS_MIN: usize = 20;

/// The tail of waits is a power law of this exponent at most: ten times the longest usual wait comes once in
/// 3,000 times. Steeper ones are not to be told from few waits.
const EXPONENT_MAX: f64 = 3.5;

/// Samples that a flat line needs.
const FLAT_SAMPLES_MIN: f64 = 6.0;

/// Slots in a row that may always be missing: a restart, a lost packet.
const SLOTS_MIN: f64 = 4.0;

/// A value with so many runs has a habit of its own; all others share one.
const RUNS_OF_ONE_VALUE: usize = 20;

/// A wait that lasted too long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standstill {
    /// First sample of a flat line, or the last one before a gap.
    pub(super) first: usize,
    /// Last sample of a flat line, or the first one after a gap.
    pub(super) last: usize,
    /// On the scale of all scores.
    pub(super) score: f64,
}

/// How long waits of one kind usually are.
struct Usual {
    /// The longest that is not left out.
    longest: f64,
    exponent: f64,
}

impl Usual {
    /// Of lengths, which are sorted by this.
    fn of(lengths: &mut [f64]) -> Option<Self> {
        if lengths.len() < WAITS_MIN {
            return None;
        }
        lengths.sort_unstable_by(|one, other| other.total_cmp(one));
        let longest = lengths[LEFT_OUT];
        // Hill's estimator (1975) over the longest twenty.
        let tail = &lengths[LEFT_OUT..WAITS_MIN];
        let least = tail[tail.len() - 1];
        let mean_ln = tail.iter().map(|length| (length / least).ln()).sum::<f64>() / tail.len() as f64;
        Some(Self { longest, exponent: (1.0 / mean_ln.max(1e-9)).min(EXPONENT_MAX) })
    }

    /// How many waits at least as long a history is expected to hold.
    fn expected(&self, length: f64) -> f64 {
        (LEFT_OUT + 1) as f64 * (self.longest / length).min(1.0).powf(self.exponent)
    }
}

/// Runs of equal values that are longer than the series explains. Slots without a number neither end nor
/// lengthen a run. O(n log n).
pub(super) fn flat_lines(values: &[f64]) -> Vec<Standstill> {
    let mut runs = runs(values);
    // Runs of the same value come together, the values with many runs apart from the rest.
    runs.sort_unstable_by(|one, other| one.value.total_cmp(&other.value).then(one.first.cmp(&other.first)));
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for of_value in runs.chunk_by(|one, other| one.value == other.value) {
        if of_value.len() < RUNS_OF_ONE_VALUE {
            others.extend_from_slice(of_value);
        } else {
            too_long(of_value, of_value, values.len(), &mut found);
        }
    }
    // Where nearly every value has a habit, a value without one is measured by all of them.
    let known = if others.len() < WAITS_MIN { &runs } else { &others };
    too_long(&others, known, values.len(), &mut found);
    found.sort_unstable_by_key(|standstill| standstill.first);
    found
}

#[derive(Clone, Copy, Debug)]
struct Run {
    value: f64,
    first: usize,
    last: usize,
    length: usize,
}

fn runs(values: &[f64]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, &value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        match runs.last_mut().filter(|run| run.value == value) {
            Some(run) => (run.last, run.length) = (index, run.length + 1),
            None => runs.push(Run { value, first: index, last: index, length: 1 }),
        }
    }
    runs
}

fn too_long(runs: &[Run], known: &[Run], n_samples: usize, found: &mut Vec<Standstill>) {
    let mut lengths: Vec<f64> = known.iter().map(|run| run.length as f64).collect();
    let Some(usual) = Usual::of(&mut lengths) else { return };
    for run in runs.iter().filter(|run| run.length as f64 >= FLAT_SAMPLES_MIN) {
        let expected = usual.expected(run.length as f64);
        if expected < EXPECTED_MAX {
            let score = score_of(expected, n_samples);
            found.push(Standstill { first: run.first, last: run.last, score });
        }
    }
}

/// Gaps between samples, or slots without a number, that are longer than the source usually leaves. Waits are
/// measured in grains, or in median distances where the series has no grain. O(n log n).
pub(super) fn gaps(at: &[Timestamp], values: &[f64], grain: Option<Grain>) -> Vec<Standstill> {
    let with_number: Vec<usize> =
        (0..at.len().min(values.len())).filter(|&i| values[i].is_finite()).collect();
    let waits: Vec<f64> =
        with_number.windows(2).map(|pair| at[pair[1]].micros_since(at[pair[0]]) as f64).collect();
    let mut sorted = waits.clone();
    let unit = grain.map_or_else(|| crate::robust::median(&mut sorted), |grain| grain.micros() as f64);
    if unit <= 0.0 {
        return Vec::new();
    }
    let slots = |wait: f64| (wait / unit).max(1.0);
    let mut lengths: Vec<f64> = waits.iter().map(|&wait| slots(wait)).collect();
    let Some(usual) = Usual::of(&mut lengths) else { return Vec::new() };
    let told = |(pair, &wait): (&[usize], &f64)| {
        let expected = usual.expected(slots(wait));
        let strange = slots(wait) > SLOTS_MIN && expected < EXPECTED_MAX;
        strange.then(|| Standstill { first: pair[0], last: pair[1], score: score_of(expected, waits.len()) })
    };
    with_number.windows(2).zip(&waits).filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_testkit::series;

    use super::*;
    use crate::Random;

    fn spans(found: &[Standstill]) -> String {
        let words: Vec<String> =
            found.iter().map(|found| format!("{}..={}", found.first, found.last)).collect();
        words.join(" ")
    }

    /// 500 samples drawn by `draw`, 30 of which stand still.
    #[track_caller]
    fn check_flat(draw: impl Fn(&mut Random, usize) -> f64, expected: Expect) {
        let mut random = Random::new(3);
        let mut values: Vec<f64> = (0..500).map(|index| draw(&mut random, index)).collect();
        let stuck = values[300];
        values[300..330].fill(stuck);
        expected.assert_eq(&spans(&flat_lines(&values)));
    }

    #[test]
    fn a_sensor_that_hangs_is_told_from_one_that_rests() {
        check_flat(|random, _| random.normal(), expect!["300..=329"]);
        check_flat(|random, _| (20.0 + 4.0 * random.normal()).round(), expect!["300..=329"]);
        check_flat(
            |random, _| if random.uniform() < 0.9 { 0.0 } else { 1.0 + random.uniform() },
            expect![[""]],
        );
        check_flat(|random, index| if index / 25 % 2 == 0 { 0.0 } else { random.normal() }, expect![[""]]);
        check_flat(|_, index| (index / 12) as f64, expect![[""]]);
        check_flat(|_, _| 4.0, expect![[""]]);
    }

    #[test]
    fn a_missing_number_neither_ends_nor_lengthens_a_run() {
        let mut values = series(&"1 2 3 2 ".repeat(30));
        values.extend(series("7x4 _x20 7x4"));
        assert_eq!(spans(&flat_lines(&values)), "120..=147");
    }

    /// Minutes at which samples come.
    #[track_caller]
    fn check_gaps(minutes: impl Iterator<Item = i64>, expected: Expect) {
        let at: Vec<Timestamp> = minutes.map(|minute| Timestamp::from_seconds(60 * minute)).collect();
        expected.assert_eq(&spans(&gaps(&at, &vec![1.0; at.len()], Some(Grain::MINUTE))));
    }

    #[test]
    fn a_source_that_died_is_told_from_one_that_is_often_silent() {
        check_gaps((0..500).filter(|minute| !(200..260).contains(minute)), expect!["199..=200"]);
        check_gaps((0..500).filter(|minute| !(200..203).contains(minute)), expect![[""]]);
        check_gaps(
            (0..5_000).filter(|minute| minute % 100 < 60 && !(2_300..2_350).contains(minute)),
            expect![[""]],
        );
        check_gaps(
            (0..5_000).filter(|minute| minute % 100 < 60 && !(2_260..2_600).contains(minute)),
            expect!["1379..=1380"],
        );
        check_gaps([].into_iter(), expect![[""]]);
    }

    #[test]
    fn slots_without_a_number_are_a_gap() {
        let mut values = vec![1.0; 300];
        values[100..150].fill(f64::NAN);
        let at: Vec<Timestamp> = (0..300).map(|minute| Timestamp::from_seconds(60 * minute)).collect();
        assert_eq!(spans(&gaps(&at, &values, Some(Grain::MINUTE))), "99..=150");
        assert_eq!(spans(&gaps(&at, &values, None)), "99..=150");
    }
}
