//! Whether values tell rows apart on purpose or by chance.

/// Pairs of rows of one group (one time, one key so far) that hold the same value: how many there are, and how
/// many there were to expect if the same values were dealt out to the rows at random.
///
/// A dimension leaves none, or few, because a thing is written down once at a time. Free texts and measured
/// numbers repeat as often as chance has it, or more often, because what happens at one time is alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    observed: f64,
    pub(super) expected: f64,
    deviation: f64,
}

impl Chance {
    /// Judges one value by row against one group by row.
    pub(super) fn of(groups: &[u64], values: &[u64]) -> Self {
        let total = groups.len() as f64;
        // Probability that two rows, and that three rows, drawn from all hold the same value.
        let (mut two, mut three) = (0.0, 0.0);
        for count in counts(values.to_vec()) {
            two += count * (count - 1.0);
            three += count * (count - 1.0) * (count - 2.0);
        }
        two /= (total * (total - 1.0)).max(1.0);
        three /= (total * (total - 1.0) * (total - 2.0)).max(1.0);
        let (mut expected, mut variance) = (0.0, 0.0);
        for count in counts(groups.to_vec()) {
            let pairs = count * (count - 1.0) / 2.0;
            expected += pairs * two;
            // Of the number of equal pairs: those that share a row are not independent.
            variance +=
                pairs * (two - two * two) + 2.0 * pairs * (count - 2.0) * (three - two * two).max(0.0);
        }
        let both = groups.iter().zip(values).map(|(&group, &value)| mixed(group, value)).collect();
        let observed = counts(both).map(|count| count * (count - 1.0) / 2.0).sum();
        Self { observed, expected, deviation: variance.sqrt().max(1.0) }
    }

    /// By how many standard deviations there are fewer equal pairs than chance would leave.
    pub(super) fn fewer_by(&self) -> f64 {
        (self.expected - self.observed) / self.deviation
    }

    /// No pair is equal.
    pub(super) fn none_equal(&self) -> bool {
        self.observed == 0.0
    }
}

/// Joins a value to what is known of its row; the order matters, equality is all that is asked of it.
pub(crate) fn mixed(known: u64, value: u64) -> u64 {
    (known.rotate_left(17) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// How often each different value comes.
pub(super) fn counts(mut values: Vec<u64>) -> impl Iterator<Item = f64> {
    values.sort_unstable();
    let counts: Vec<f64> = values.chunk_by(|one, other| one == other).map(|run| run.len() as f64).collect();
    counts.into_iter()
}

#[cfg(test)]
mod tests {
    use manazir_model::Random;

    use super::*;

    /// 100 groups of 20 rows.
    fn chance(value: impl Fn(usize, &mut Random) -> usize) -> Chance {
        let mut random = Random::new(3);
        let groups: Vec<u64> = (0..2_000).map(|row| row / 20).collect();
        let values: Vec<u64> = (0..2_000).map(|row| value(row, &mut random) as u64).collect();
        Chance::of(&groups, &values)
    }

    #[test]
    fn dimensions_repeat_less_than_chance_and_measures_do_not() {
        let dimension = chance(|row, _| row % 20);
        assert!(dimension.none_equal() && dimension.fewer_by() > 20.0, "{dimension:?}");
        let uniform = chance(|_, random| random.below(500));
        assert!(uniform.fewer_by().abs() < 3.0, "{uniform:?}");
        let skewed = chance(|_, random| random.below(30) * random.below(30) / 40);
        assert!(skewed.fewer_by().abs() < 3.0, "{skewed:?}");
        let alike = chance(|row, random| row / 20 + random.below(10));
        assert!(alike.fewer_by() < -3.0, "{alike:?}");
        let of_the_row = chance(|row, _| row);
        assert!(of_the_row.expected == 0.0 && of_the_row.fewer_by() == 0.0, "{of_the_row:?}");
    }
}
