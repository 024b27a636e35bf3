//! When a shift began.

/// The position from which on `sizes` are larger: the split at which the values after exceed those before most, by the
/// statistic of CUSUM (Page 1954), −S_t / √(t (n − t) / n) with S_t the sum of deviations from the common mean before t.
///
/// `sizes`: how far each sample is from normal, ≥ 0; log-damped, so that no single one decides. NaN is skipped and keeps
/// its slot. O(n), one pass. `None` where nothing rises or fewer than three values are there.
pub fn onset(sizes: &[f64]) -> Option<usize> {
    let usable = || sizes.iter().copied().enumerate().filter(|(_, size)| size.is_finite());
    let count = usable().count();
    if count < 3 {
        return None;
    }
    let mean = usable().map(|(_, size)| size).sum::<f64>() / count as f64;
    let (mut missing, mut before) = (0.0, 0_usize);
    let mut best = (0.0, None);
    for (place, size) in usable() {
        if before > 0 {
            let spread = before as f64 * (count - before) as f64 / count as f64;
            let statistic = missing / spread.sqrt();
            // Rounding alone leaves sums of about 1e-16.
            if statistic > best.0 + 1e-12 {
                best = (statistic, Some(place));
            }
        }
        missing += mean - size;
        before += 1;
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_where_the_sizes_rise() {
        assert_eq!(onset(&[0.0, 0.1, 0.1, 0.0, 3.0, 3.1, 2.9]), Some(4));
        assert_eq!(onset(&[0.0, f64::NAN, 0.0, 0.0, 2.0, 2.0]), Some(4));
        assert_eq!(onset(&[3.0, 3.0, 3.0, 0.0, 0.0, 0.0]), None, "a fall is an end");
        assert_eq!(onset(&[1.0; 9]), None);
        assert_eq!(onset(&[1.0, 2.0]), None);
    }
}
