//! Excursions: stretches that together lie further from the expectation than the series usually strays.

use super::rarity::{Rarity, score_of};
use crate::baseline::Baseline;

/// What each sample costs: less than this far out, and it speaks against a stretch. In units of the usual
/// scatter, where a normal sample is 0.8 away on average.
const COST: f64 = 2.0;

/// One sample adds at most so much, lest a single one holds a stretch of usual ones together.
const DISTANCE_MAX: f64 = 8.0;

/// A stretch ends where what it has gained falls by so much: ten usual samples.
const DROP: f64 = 12.0;

/// Floor of the shapes of tails; see [`Rarity`].
const SHAPE_MIN: f64 = 0.1;

/// A stretch of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Excursion {
    pub(super) first: usize,
    pub(super) last: usize,
    /// The sample that is furthest out, and how far.
    pub(super) peak: usize,
    pub(super) distance: f64,
    /// Sum of what its samples are out beyond the cost.
    gain: f64,
    /// On the scale of all scores.
    pub(super) score: f64,
}

/// Distances from the expectation, shape `(n_samples,)`, such that the usual ends at 3 on either side; 0
/// where a slot holds no number.
pub(super) fn distances(values: &[f64], baseline: &Baseline) -> Vec<f64> {
    let (below, above) = baseline.usual;
    (0..values.len())
        .map(|index| match baseline.distance(values, index) {
            distance if distance > 0.0 => 3.0 * distance / above,
            distance if distance < 0.0 => -3.0 * distance / below,
            _ => 0.0,
        })
        .collect()
}

/// All stretches whose gain is positive, each as long as it gains (Ruzzo and Tompa 1999, with a bound on the
/// drop inside), in order of time, with scores by how rare their peak and their gain are among them. O(n log n).
pub(super) fn excursions(distances: &[f64]) -> Vec<Excursion> {
    let mut found = stretches(distances);
    let mut peaks: Vec<f64> = found.iter().map(|excursion| excursion.distance).collect();
    let mut gains: Vec<f64> = found.iter().map(|excursion| excursion.gain).collect();
    let Some((peaks, gains)) =
        Rarity::of(&mut peaks, 0.3, SHAPE_MIN).zip(Rarity::of(&mut gains, 1.0, SHAPE_MIN))
    else {
        return few(found, distances.len());
    };
    for excursion in &mut found {
        // Two ways to be rare: twice as many are expected to be so in either.
        let expected = 2.0 * peaks.expected(excursion.distance).min(gains.expected(excursion.gain));
        excursion.score = score_of(expected, distances.len());
    }
    found
}

/// A history with few excursions has no tail of its own: that of normal noise stands in, whose distances
/// beyond 3 fall by a factor e each third.
fn few(mut found: Vec<Excursion>, n_samples: usize) -> Vec<Excursion> {
    for excursion in &mut found {
        let beyond = (excursion.distance - 3.0).max(0.0) / 0.3;
        let expected = 0.003 * n_samples as f64 * (-(SHAPE_MIN * beyond).ln_1p() / SHAPE_MIN).exp();
        excursion.score = score_of(expected, n_samples);
    }
    found
}

fn stretches(distances: &[f64]) -> Vec<Excursion> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < distances.len() {
        if distances[index].abs() <= COST {
            index += 1;
            continue;
        }
        let excursion = from(distances, index);
        index = excursion.last + 1;
        found.push(excursion);
    }
    found
}

/// The stretch that begins at `first`.
fn from(distances: &[f64], first: usize) -> Excursion {
    let mut best = Excursion { first, last: first, peak: first, distance: 0.0, gain: 0.0, score: 0.0 };
    let (mut gained, mut peak) = (0.0, first);
    for (index, distance) in distances.iter().enumerate().skip(first) {
        let distance = distance.abs();
        gained += distance.min(DISTANCE_MAX) - COST;
        if distance > distances[peak].abs() {
            peak = index;
        }
        if gained <= 0.0 || gained < best.gain - DROP {
            break;
        }
        if gained > best.gain {
            best = Excursion { last: index, peak, distance: distances[peak].abs(), gain: gained, ..best };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_testkit::series;

    use super::*;

    #[track_caller]
    fn check(distances: &str, expected: Expect) {
        let words: Vec<String> = stretches(&series(distances))
            .iter()
            .map(|found| {
                format!("{}..={} peak {} at {}", found.first, found.last, found.distance, found.peak)
            })
            .collect();
        expected.assert_eq(&words.join(", "));
    }

    #[test]
    fn a_stretch_goes_on_while_it_gains() {
        check("1 0 -1 1", expect![[""]]);
        check("0 9 0", expect!["1..=1 peak 9 at 1"]);
        check("0 -4x3 1 -4x3 0x9", expect!["1..=7 peak 4 at 1"]);
        check("9 1x20 9", expect!["0..=0 peak 9 at 0, 21..=21 peak 9 at 21"]);
        check("5x20 1x30 5x20", expect!["0..=19 peak 5 at 0, 50..=69 peak 5 at 50"]);
        check("5 -5 5 -5 0 5", expect!["0..=5 peak 5 at 0"]);
    }
}
