//! Volume under the surface of range precision and recall (Paparrizos et al. 2022, "Volume Under the Surface:
//! A New Accuracy Evaluation Measure for Time-Series Anomaly Detection").
//!
//! Labels of stretches are never exact to the point, so each labelled stretch fades out over a buffer on both
//! sides: at distance d of w it counts √(1 − d/w), up to d = ⌊w/2⌋. VUS-PR is the area under the range
//! precision-recall curve, averaged over w = 0, 1, …, L.
//!
//! The figures are those of the package `vus` 0.0.6, `get_metrics(score, labels, metric="vus",
//! slidingWindow=L)`, which takes its `RangeAUC_volume_opt`. What of it shows in the last digits, and is done
//! here likewise:
//!
//! - 250 thresholds, the scores at the ranks ⌊k·(n − 1)/249⌋ from the highest; a point is predicted if its
//!   score is at or above one. More distinct scores than that are not told apart.
//! - Recall is TP / P′ where P′ = P + S/2, P the labelled points and S the fading weights of the
//!   **predicted** points beside them; it is capped at 1 and multiplied by the share of stretches that hold a
//!   predicted point, fading part included. Stretches whose fading parts meet count as one.
//! - Precision is TP / predicted points, TP = predicted labelled points + S. Where fading parts overlap their
//!   weights add up, at most to 1.
//! - The area is Σ (recallₖ − recallₖ₋₁) · precisionₖ, without the trapezoid rule of the package's
//!   single-buffer `RangeAUC`.

use std::ops::Range;

/// Thresholds that the package samples the curve at.
const THRESHOLDS: usize = 250;

/// VUS-PR of `scores` against `labels` over buffers of 0..=`buffer` points.
///
/// `labels`, `scores`: shape `(n_samples,)`; the shorter one counts. A NaN score is the lowest.
/// Returns 0..=1, NaN without a labelled point. O(n log n + buffer² · stretches), where the package takes
/// O(buffer · 250 · n).
///
/// ```
/// use manazir_score::vus::vus_pr;
/// let labels: Vec<bool> = (0..1_000).map(|t| (400..420).contains(&t)).collect();
/// let hit: Vec<f64> = (0..1_000).map(|t| -(t as f64 - 410.0).abs()).collect();
/// assert!(vus_pr(&labels, &hit, 20) > 0.85);
/// let late: Vec<f64> = (0..1_000).map(|t| -(t as f64 - 900.0).abs()).collect();
/// assert!(vus_pr(&labels, &late, 20) < 0.05);
/// ```
pub fn vus_pr(labels: &[bool], scores: &[f64], buffer: usize) -> f64 {
    let n_samples = labels.len().min(scores.len());
    let stretches = stretches(&labels[..n_samples]);
    if stretches.is_empty() {
        return f64::NAN;
    }
    let ranks = Ranks::new(&scores[..n_samples]);
    let mut surface = Surface::new(stretches, &ranks, buffer / 2);
    let total: f64 = (0..=buffer).map(|window| surface.range_precision_area(&ranks, window)).sum();
    total / (buffer + 1) as f64
}

/// Maximal runs of labelled points.
pub(crate) fn stretches(labels: &[bool]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut stretches = Vec::new();
    for run in labels.chunk_by(|left, right| left == right) {
        if run[0] {
            stretches.push(start..start + run.len());
        }
        start += run.len();
    }
    stretches
}

/// Each point by the first threshold at which it is predicted.
struct Ranks {
    /// Shape `(n_samples,)`, each below [`THRESHOLDS`].
    first_threshold: Vec<u8>,
    /// Predicted points at each threshold.
    predicted: Vec<f64>,
}

impl Ranks {
    fn new(scores: &[f64]) -> Self {
        let clean = |&score: &f64| if score.is_nan() { f64::NEG_INFINITY } else { score };
        let scores: Vec<f64> = scores.iter().map(clean).collect();
        let mut sorted = scores.clone();
        sorted.sort_unstable_by(|left, right| right.total_cmp(left));
        let thresholds: Vec<f64> = sampled_ranks(scores.len()).map(|rank| sorted[rank]).collect();
        let predicted = |threshold: &f64| sorted.partition_point(|score| score >= threshold) as f64;
        let first = |&score: &f64| thresholds.partition_point(|&threshold| threshold > score) as u8;
        Self {
            predicted: thresholds.iter().map(predicted).collect(),
            first_threshold: scores.iter().map(first).collect(),
        }
    }
}

/// The ranks that `numpy.linspace(0, n − 1, 250).astype(int)` gives, rounding included.
fn sampled_ranks(n_samples: usize) -> impl Iterator<Item = usize> {
    let last = n_samples - 1;
    let step = last as f64 / (THRESHOLDS - 1) as f64;
    (0..THRESHOLDS).map(move |k| if k == THRESHOLDS - 1 { last } else { (k as f64 * step) as usize })
}

/// Labelled stretches and the points beside them, for growing buffers.
struct Surface {
    stretches: Vec<Range<usize>>,
    n_samples: usize,
    /// Predicted labelled points at each threshold.
    hits: Vec<f64>,
    labelled: f64,
    /// Number of each unlabelled point within reach of a stretch, `FAR` for all others; shape `(n_samples,)`.
    beside: Vec<u32>,
    /// First threshold of each point within reach.
    beside_threshold: Vec<u8>,
    /// Fading weight of each point within reach, for the buffer at hand.
    weight: Vec<f64>,
    /// First threshold at which a stretch holds a predicted point, with `reach` points on both sides.
    reached: Vec<u8>,
    reach: usize,
}

const FAR: u32 = u32::MAX;

impl Surface {
    fn new(stretches: Vec<Range<usize>>, ranks: &Ranks, reach_max: usize) -> Self {
        let first = &ranks.first_threshold;
        let n_samples = first.len();
        let mut hits = vec![0.0; THRESHOLDS];
        let mut beside = vec![FAR; n_samples];
        for stretch in &stretches {
            beside[stretch.start.saturating_sub(reach_max)..(stretch.end + reach_max).min(n_samples)].fill(0);
        }
        for stretch in &stretches {
            beside[stretch.clone()].fill(FAR);
            first[stretch.clone()].iter().for_each(|&k| hits[usize::from(k)] += 1.0);
        }
        accumulate(&mut hits);
        let mut beside_threshold = Vec::new();
        for (number, &threshold) in beside.iter_mut().zip(first).filter(|(number, _)| **number != FAR) {
            *number = beside_threshold.len() as u32;
            beside_threshold.push(threshold);
        }
        let lowest = |stretch: &Range<usize>| first[stretch.clone()].iter().copied().min().unwrap_or(u8::MAX);
        Self {
            reached: stretches.iter().map(lowest).collect(),
            reach: 0,
            labelled: stretches.iter().map(ExactSizeIterator::len).sum::<usize>() as f64,
            weight: vec![0.0; beside_threshold.len()],
            stretches,
            n_samples,
            hits,
            beside,
            beside_threshold,
        }
    }

    /// Area under range precision over range recall for one buffer; buffers must be asked for in order.
    fn range_precision_area(&mut self, ranks: &Ranks, window: usize) -> f64 {
        self.grow(ranks, window / 2);
        self.fade(window);
        let mut fading = vec![0.0; THRESHOLDS];
        for (&k, &weight) in self.beside_threshold.iter().zip(&self.weight) {
            fading[usize::from(k)] += weight.min(1.0);
        }
        accumulate(&mut fading);
        let existence = self.existence(window / 2);
        let (mut area, mut recall_before) = (0.0, 0.0);
        for k in 0..THRESHOLDS {
            let found = self.hits[k] + fading[k];
            let recall = (found / (self.labelled + fading[k] / 2.0)).min(1.0) * existence[k];
            area += (recall - recall_before) * found / ranks.predicted[k];
            recall_before = recall;
        }
        area
    }

    /// Extends what the stretches reach to `reach` points on both sides.
    fn grow(&mut self, ranks: &Ranks, reach: usize) {
        for distance in self.reach + 1..=reach {
            for (stretch, lowest) in self.stretches.iter().zip(&mut self.reached) {
                let left = stretch.start.checked_sub(distance);
                let right = (stretch.end + distance - 1 < self.n_samples).then(|| stretch.end + distance - 1);
                for point in left.into_iter().chain(right) {
                    *lowest = (*lowest).min(ranks.first_threshold[point]);
                }
            }
        }
        self.reach = reach;
    }

    /// Sets the fading weights for one buffer.
    fn fade(&mut self, window: usize) {
        self.weight.fill(0.0);
        let slope: Vec<f64> =
            (1..=window / 2).map(|distance| (1.0 - distance as f64 / window as f64).sqrt()).collect();
        for stretch in &self.stretches {
            let left = self.beside[..stretch.start].iter().rev();
            let right = self.beside[stretch.end..].iter();
            for (&number, &weight) in left.zip(&slope).chain(right.zip(&slope)) {
                if let Some(sum) = self.weight.get_mut(number as usize) {
                    *sum += weight;
                }
            }
        }
    }

    /// Share of stretches that hold a predicted point, at each threshold; stretches that meet count as one.
    fn existence(&self, reach: usize) -> Vec<f64> {
        let mut held = vec![0.0; THRESHOLDS];
        let mut regions = 0.0;
        let mut lowest = u8::MAX;
        for (position, (stretch, &reached)) in self.stretches.iter().zip(&self.reached).enumerate() {
            lowest = lowest.min(reached);
            let next = self.stretches.get(position + 1);
            // The last point that this one reaches is stretch.end − 1 + reach.
            if next.is_none_or(|next| stretch.end + 2 * reach <= next.start) {
                held[usize::from(lowest)] += 1.0;
                regions += 1.0;
                lowest = u8::MAX;
            }
        }
        accumulate(&mut held);
        held.iter_mut().for_each(|share| *share /= regions);
        held
    }
}

/// Running sums in place.
fn accumulate(values: &mut [f64]) {
    let mut sum = 0.0;
    for value in values {
        sum += *value;
        *value = sum;
    }
}
