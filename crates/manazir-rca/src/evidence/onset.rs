//! When a shift began.

/// The position from which on `values` lie elsewhere: the split whose two sides differ most, by the statistic of
/// CUSUM (Page 1954), |S_t| / √(t (n − t) / n) with S_t the sum of deviations from the common mean before t. The values
/// are log-damped scores, so that no single one decides. NaN is skipped and keeps its slot. O(n), one pass.
///
/// `None` where nothing differs or fewer than three values are there.
pub fn onset(scores: &[f64]) -> Option<usize> {
    let usable = || scores.iter().copied().enumerate().filter(|(_, score)| score.is_finite());
    let count = usable().count();
    if count < 3 {
        return None;
    }
    let mean = usable().map(|(_, score)| score).sum::<f64>() / count as f64;
    let (mut sum, mut before) = (0.0, 0_usize);
    let mut best = (0.0, None);
    for (place, score) in usable() {
        if before > 0 {
            let spread = before as f64 * (count - before) as f64 / count as f64;
            let statistic = f64::abs(sum) / spread.sqrt();
            // Rounding alone leaves sums of about 1e-16.
            if statistic > best.0 + 1e-12 {
                best = (statistic, Some(place));
            }
        }
        sum += score - mean;
        before += 1;
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_the_level_changes() {
        assert_eq!(onset(&[0.0, 0.1, -0.1, 0.0, 3.0, 3.1, 2.9]), Some(4));
        assert_eq!(onset(&[0.0, f64::NAN, 0.0, 0.0, 2.0, 2.0]), Some(4));
        assert_eq!(onset(&[1.0; 9]), None);
        assert_eq!(onset(&[1.0, 2.0]), None);
    }
}
