//! Many scores to one: a common scale, a bound on each, and weights that the scores themselves give.

/// 0 at the median, 1 where nine of ten of the judged rows lie below. Ranks would forget how far the strangest
/// stand out.
const HIGH: f64 = 0.9;

/// A score counts up to this many units: beyond it one member would drown all others. Without a bound one of
/// nine members decides alone on a series that rests and jumps.
const UNITS_MAX: f64 = 30.0;

/// `scores` on the common scale, shape `(n_samples,)`, 0..=30. The first `train_samples` do not set it.
pub(super) fn to_one_scale(mut scores: Vec<f64>, train_samples: usize) -> Vec<f64> {
    let mut sorted = scores[train_samples.min(scores.len())..].to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let rank = (share * sorted.len().saturating_sub(1) as f64) as usize;
        sorted.get(rank).copied().unwrap_or(0.0)
    };
    let (middle, high) = (at(0.5), at(HIGH));
    let unit = (high - middle).max(1e-9 * middle).max(f64::MIN_POSITIVE.sqrt());
    for score in &mut scores {
        *score = ((*score - middle) / unit).clamp(0.0, UNITS_MAX);
    }
    scores
}

/// Mean of several scores, shape `(n_samples,)`; empty of none.
pub(super) fn mean<'a>(members: impl IntoIterator<Item = &'a [f64]>) -> Vec<f64> {
    let mut sum: Vec<f64> = Vec::new();
    let mut n_members = 0.0;
    for scores in members {
        sum.resize(scores.len(), 0.0);
        sum.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
        n_members += 1.0;
    }
    sum.iter_mut().for_each(|sum| *sum /= n_members);
    sum
}

/// Fourth central moment over the squared second: how few rows hold what is strange. 1 where all are alike.
pub(super) fn kurtosis(scores: &[f64]) -> f64 {
    let n = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let moment = |power: i32| scores.iter().map(|score| (score - mean).powi(power)).sum::<f64>() / n;
    let variance = moment(2);
    if variance > 0.0 { moment(4) / (variance * variance) } else { 1.0 }
}

/// Mean correlation of all pairs of members that vary, −1..=1; `None` if there is no such pair.
pub(super) fn agreement(members: &[&[f64]]) -> Option<f64> {
    let pairs =
        members.iter().enumerate().flat_map(|(at, one)| members[..at].iter().map(move |two| (one, two)));
    let correlations: Vec<f64> = pairs.filter_map(|(one, two)| correlation(one, two)).collect();
    (!correlations.is_empty()).then(|| correlations.iter().sum::<f64>() / correlations.len() as f64)
}

/// Pearson's; `None` if either does not vary.
fn correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    let n = left.len().max(1) as f64;
    let (left_mean, right_mean) = (left.iter().sum::<f64>() / n, right.iter().sum::<f64>() / n);
    let (mut both, mut left_square, mut right_square) = (0.0, 0.0, 0.0);
    for (x, y) in left.iter().zip(right) {
        let (x, y) = (x - left_mean, y - right_mean);
        both += x * y;
        left_square += x * x;
        right_square += y * y;
    }
    let scale = (left_square * right_square).sqrt();
    (scale > 0.0).then(|| both / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_scale_is_that_of_the_judged_rows() {
        let scores: Vec<f64> = (0..=100).map(f64::from).collect();
        let scaled = to_one_scale(scores.clone(), 0);
        assert_eq!((scaled[20], scaled[50], scaled[90], scaled[100]), (0.0, 0.0, 1.0, 1.25));
        // Five rows to learn from, and one that is a thousand times as strange.
        let mut with_train = vec![1e9; 5];
        with_train.extend(scores);
        with_train.push(1e5);
        let scaled = to_one_scale(with_train, 5);
        assert_eq!((scaled[0], scaled[106]), (UNITS_MAX, UNITS_MAX));
        assert!((0.9..1.1).contains(&scaled[95]), "{}", scaled[95]);
        assert_eq!(to_one_scale(vec![4.0; 3], 0), [0.0; 3]);
        assert!(to_one_scale(Vec::new(), 0).is_empty());
    }

    #[test]
    fn few_strange_rows_are_peaked() {
        let spike: Vec<f64> = (0..100).map(|at| f64::from(at == 7)).collect();
        let square: Vec<f64> = (0..100).map(|at| f64::from(at % 2)).collect();
        assert!((kurtosis(&spike) - 98.01).abs() < 0.1, "{}", kurtosis(&spike));
        assert_eq!((kurtosis(&square), kurtosis(&[3.0; 9]), kurtosis(&[])), (1.0, 1.0, 1.0));
    }

    #[test]
    fn agreement_is_that_of_pairs() {
        let rising: Vec<f64> = (0..9).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().map(|value| -value).collect();
        let (rising, falling) = (rising.as_slice(), falling.as_slice());
        let close = |members: &[&[f64]], expected: f64| {
            assert!(agreement(members).is_some_and(|found| (found - expected).abs() < 1e-12));
        };
        close(&[rising, rising], 1.0);
        close(&[rising, rising, falling], -1.0 / 3.0);
        close(&[rising, falling, &[2.0; 9]], -1.0);
        assert_eq!(agreement(&[rising]), None);
        assert_eq!(agreement(&[&[1.0; 4], &[2.0; 4]]), None);
    }

    #[test]
    fn means_of_members() {
        assert_eq!(mean([[1.0, 3.0].as_slice(), &[3.0, 5.0]]), [2.0, 4.0]);
        assert!(mean([]).is_empty());
    }
}
