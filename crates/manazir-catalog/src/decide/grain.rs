//! The usual distance between samples.

use manazir_model::Grain;

use crate::table::Decision;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Mean month and year of the Gregorian calendar: 365.2425 days a year.
const MONTH: i64 = 2_629_746 * SECOND;
const YEAR: i64 = 31_556_952 * SECOND;

/// Distances that clocks are set to.
const ROUND: [i64; 27] = [
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    250_000,
    500_000,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    20 * SECOND,
    30 * SECOND,
    60 * SECOND,
    120 * SECOND,
    300 * SECOND,
    600 * SECOND,
    900 * SECOND,
    1_200 * SECOND,
    1_800 * SECOND,
    3_600 * SECOND,
    DAY,
    7 * DAY,
];

/// Share of equal distances that makes a grain.
const EXACT_SHARE: f64 = 0.5;

/// Share of distances within a tenth of the median that makes a grain of a jittering clock.
const NEAR_SHARE: f64 = 0.6;

/// The grain of a bounded sample of distances; those that are not positive are no evidence.
pub(crate) fn of_distances(distances: impl IntoIterator<Item = i64>) -> Decision<Option<Grain>> {
    let mut positive: Vec<i64> = distances.into_iter().filter(|&distance| distance > 0).collect();
    if positive.is_empty() {
        return Decision::new(None, 0.0, "no two samples of a series at different times");
    }
    positive.sort_unstable();
    let total = positive.len() as f64;
    let median = positive[positive.len() / 2];
    if let Some(calendar) = of_calendar(&positive, median) {
        return calendar;
    }
    let (mode, count) = mode(&positive);
    let share = count as f64 / total;
    if !ROUND.contains(&mode)
        && let Some(round) = jittered(&positive, median)
    {
        return decision(round, 0.85 * certainty(positive.len()), "distances scatter around it".to_owned());
    }
    if share >= EXACT_SHARE {
        let sure = (0.5 + share / 2.0).min(0.99) * certainty(positive.len());
        return decision(mode, sure, format!("{:.0} % of the distances are equal", share * 100.0));
    }
    let near = positive.iter().filter(|&&distance| (distance - median).abs() * 10 <= median).count();
    let near_share = near as f64 / total;
    if near_share >= NEAR_SHARE {
        let nearest = ROUND.into_iter().min_by_key(|round| (round - median).abs()).unwrap_or(median);
        let grain = if (nearest - median).abs() * 20 <= median { nearest } else { median };
        let sure = 0.8 * near_share * certainty(positive.len());
        return decision(
            grain,
            sure,
            format!("{:.0} % of the distances lie within a tenth", near_share * 100.0),
        );
    }
    // Many gaps among equal steps: the smallest frequent distance divides the rest.
    let divides = positive.iter().filter(|&&distance| distance % mode == 0).count() as f64 / total;
    if share >= 0.2 && divides >= 0.9 {
        return decision(
            mode,
            0.5,
            format!("{:.0} % of the distances are a multiple of it", divides * 100.0),
        );
    }
    Decision::new(None, 0.6, format!("irregular: no distance is usual (median {} s)", median as f64 / 1e6))
}

/// A clock that is set to a round distance but ticks unevenly keeps that distance in the mean.
fn jittered(sorted: &[i64], median: i64) -> Option<i64> {
    let near: Vec<i64> =
        sorted.iter().copied().filter(|distance| (distance - median).abs() * 10 <= median).collect();
    let enough = near.len() as f64 >= 0.9 * sorted.len() as f64 && near.first() != near.last();
    let mean = near.iter().map(|&distance| distance as f64).sum::<f64>() / near.len().max(1) as f64;
    // Two parts in a hundred: the ends of a short sample alone move the mean by one.
    let close = |round: &i64| (*round as f64 - mean).abs() * 50.0 <= *round as f64;
    ROUND.into_iter().find(|round| enough && close(round))
}

/// Few distances prove little.
fn certainty(count: usize) -> f64 {
    1.0 - 0.5 / (count as f64).sqrt()
}

fn decision(micros: i64, confidence: f64, reason: String) -> Decision<Option<Grain>> {
    Decision::new(Grain::from_micros(micros), confidence, reason)
}

/// Months and years differ in length, so no distance is the usual one.
fn of_calendar(sorted: &[i64], median: i64) -> Option<Decision<Option<Grain>>> {
    let within = |low: i64, high: i64| {
        let inside = sorted.iter().filter(|&&distance| (low * DAY..=high * DAY).contains(&distance)).count();
        inside as f64 >= 0.8 * sorted.len() as f64
    };
    let differs = sorted.first() != sorted.last();
    if (28 * DAY..=31 * DAY).contains(&median) && within(28, 31) && differs {
        return Some(decision(MONTH, 0.9, "monthly: distances of 28 to 31 days".to_owned()));
    }
    if (89 * DAY..=93 * DAY).contains(&median) && within(89, 93) && differs {
        return Some(decision(3 * MONTH, 0.9, "quarterly: distances of 89 to 93 days".to_owned()));
    }
    if (365 * DAY..=366 * DAY).contains(&median) && within(365, 366) {
        return Some(decision(YEAR, 0.9, "yearly: distances of 365 and 366 days".to_owned()));
    }
    None
}

/// The most frequent value of a sorted slice, the smallest of those that tie, and how often it comes.
fn mode(sorted: &[i64]) -> (i64, usize) {
    sorted
        .chunk_by(|one, other| one == other)
        .map(|run| (run[0], run.len()))
        .rev()
        .max_by_key(|&(_, count)| count)
        .unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grains_of_distances() {
        let check = |seconds: &[i64], expected: &str| {
            let found = of_distances(seconds.iter().map(|second| second * SECOND)).value;
            assert_eq!(found.map_or("-".to_owned(), |grain| grain.to_string()), expected);
        };
        check(&[300; 50], "5 min");
        check(&[300, 300, 300, 900, 300, 3_600], "5 min");
        check(&[58, 60, 61, 60, 59, 62, 57], "1 min");
        check(&[59, 59, 59, 59, 64, 59, 59, 59, 59, 64], "1 min");
        check(&[301; 20], "301 s");
        check(&[31, 28, 31, 30, 31].map(|days| days * 86_400), "2629746 s");
        check(&[86_400, 86_400, 3 * 86_400, 86_400, 86_400], "1 d");
        check(&[1, 50, 700, 9, 3_333, 120_000], "-");
        check(&[], "-");
        check(&[0, -5], "-");
    }
}
