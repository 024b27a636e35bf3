//! Area under the precision-recall curve of single points.

/// Average precision (AUC-PR) of `scores` against `labels`.
///
/// AP = Σₖ (Rₖ − Rₖ₋₁) · Pₖ over the distinct scores from high to low, so that points of equal score enter
/// together and their order cannot matter. No interpolation (the trapezoid rule flatters: Davis and Goadrich
/// 2006). The same as `average_precision_score` of scikit-learn.
///
/// `labels`, `scores`: shape `(n_samples,)`; the shorter one counts. NaN is the lowest score.
/// Returns 0..1, NaN without a labelled point. O(n log n).
///
/// ```
/// use manazir_score::average_precision;
/// assert_eq!(average_precision(&[false, true, true], &[0.1, 0.9, 0.8]), 1.0);
/// // Two points share a score, one of them labelled: precision one half where recall reaches one.
/// assert_eq!(average_precision(&[true, false, false], &[0.5, 0.5, 0.1]), 0.5);
/// ```
pub fn average_precision(labels: &[bool], scores: &[f64]) -> f64 {
    let order = by_score_descending(&scores[..scores.len().min(labels.len())]);
    let positives = order.iter().filter(|&&(_, row)| labels[row as usize]).count();
    let (mut hits, mut seen, mut area) = (0usize, 0usize, 0.0);
    for tied in order.chunk_by(|left, right| left.0 == right.0) {
        let new_hits = tied.iter().filter(|&&(_, row)| labels[row as usize]).count();
        hits += new_hits;
        seen += tied.len();
        area += new_hits as f64 * hits as f64 / seen as f64;
    }
    area / positives as f64
}

/// Scores with their rows, highest first, equal ones in row order; NaN counts as −∞ and −0 as 0.
pub(crate) fn by_score_descending(scores: &[f64]) -> Vec<(f64, u32)> {
    let mut order: Vec<(f64, u32)> = scores
        .iter()
        .zip(0u32..)
        .map(|(&score, row)| (if score.is_nan() { f64::NEG_INFINITY } else { score + 0.0 }, row))
        .collect();
    order.sort_unstable_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    order
}
