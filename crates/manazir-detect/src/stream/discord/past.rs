//! The bounded past of a waveform, with the sums that make its nearest stretch cheap to find.

use serde::{Deserialize, Serialize};

use crate::stream::forest::Move;

/// Samples that lie one behind the other in memory, and for each lag the sum of products of the newest
/// stretch with the one that many samples before.
///
/// Buffers are longer than the past by a quarter; when they are full, the past moves to their front. So a
/// stretch is always one slice, and the move costs a dozen copied numbers a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    /// m, samples of a stretch.
    stretch: usize,
    capacity: usize,
    /// ν², in units; see the module.
    flat_variance: f64,
    /// NaN is stored as the last value, but for which see `clean`.
    values: Vec<f64>,
    /// Of the stretch that ends at the sample: mean / σ'. 0 where the stretch is not to be met.
    centre: Vec<f64>,
    /// 1 / σ', 0 likewise.
    sharpness: Vec<f64>,
    /// Sum over the stretch of x(t − k)·x(t − lag − k), shape `(capacity,)`, in order of falling lag: place
    /// j has lag `capacity − j`, so that sums and samples run in the same direction.
    products: Vec<f64>,
    /// Of the newest stretch, whether it is to be met or not: mean and 1 / σ'.
    mean: f64,
    sharp: f64,
    /// Samples since the last one that was missing, at most m.
    clean: usize,
    /// Samples since the last one that must not be learnt, at most m.
    learnable: usize,
    /// The lag place whose sum is next to be taken afresh, against rounding.
    refreshed: usize,
}

/// Each sum is taken afresh every so many samples; by then rounding has cost two of sixteen digits.
const REFRESH_SAMPLES: usize = 2_048;

impl Past {
    pub(super) fn new(stretch: usize, capacity: usize, flat: f64) -> Self {
        let length = capacity + stretch + capacity / 4;
        Self {
            stretch,
            capacity,
            flat_variance: flat * flat,
            values: Vec::with_capacity(length),
            centre: Vec::with_capacity(length),
            sharpness: Vec::with_capacity(length),
            products: vec![0.0; capacity],
            mean: 0.0,
            sharp: 0.0,
            clean: 0,
            learnable: 0,
            refreshed: 0,
        }
    }

    /// Takes the next value, NaN for a missing one. A stretch with a value that is missing or not to be
    /// learnt is never met again.
    pub(super) fn push(&mut self, value: f64, learn: bool) {
        self.make_room();
        self.clean = if value.is_nan() { 0 } else { (self.clean + 1).min(self.stretch) };
        self.learnable = if learn { (self.learnable + 1).min(self.stretch) } else { 0 };
        let value = if value.is_nan() { self.values.last().copied().unwrap_or(0.0) } else { value };
        self.values.push(value);
        self.slide();
        self.describe();
    }

    /// Drops what no lag reaches any more, once a quarter of the past is such.
    fn make_room(&mut self) {
        // The oldest value leaves the stretch at the largest lag after it has left all others.
        let kept = self.capacity + self.stretch;
        if self.values.len() < kept + self.capacity / 4 {
            return;
        }
        for buffer in [&mut self.values, &mut self.centre, &mut self.sharpness] {
            let old = buffer.len() - kept;
            buffer.copy_within(old.., 0);
            buffer.truncate(kept);
        }
    }

    /// The largest lag whose sum is kept.
    fn lags(&self) -> usize {
        (self.values.len() - 1).min(self.capacity - 1)
    }

    /// Brings the products of all lags from the stretch before to the newest one.
    fn slide(&mut self) {
        let (now, lags) = (self.values.len() - 1, self.lags());
        let entering = self.values[now];
        let leaving = now.checked_sub(self.stretch).map_or(0.0, |at| self.values[at]);
        // At the largest lags of a young past nothing leaves yet.
        let young = (self.stretch + lags).saturating_sub(now).min(lags);
        let (far, near) = self.products[self.capacity - lags..].split_at_mut(young);
        let (far_others, near_others) = self.values[now - lags..now].split_at(young);
        far.iter_mut().zip(far_others).for_each(|(product, other)| *product += entering * other);
        let partners = &self.values[(now - lags + young).saturating_sub(self.stretch)..];
        for ((product, other), partner) in near.iter_mut().zip(near_others).zip(partners) {
            *product += entering * other - leaving * partner;
        }
        for _ in 0..self.capacity.div_ceil(REFRESH_SAMPLES) {
            self.refreshed = (self.refreshed + 1) % self.capacity;
            self.refresh(self.refreshed);
        }
    }

    /// Takes one of the sums afresh.
    fn refresh(&mut self, place: usize) {
        let (end, lag) = (self.values.len(), self.capacity - place);
        let Some(start) = end.checked_sub(self.stretch + lag) else { return };
        let (newest, other) = (&self.values[end - self.stretch..], &self.values[start..][..self.stretch]);
        self.products[place] = newest.iter().zip(other).map(|(left, right)| left * right).sum();
    }

    /// Notes centre and sharpness of the newest stretch.
    fn describe(&mut self) {
        // Summed afresh: m additions beside twice as many for each lag, and no rounding to watch.
        (self.mean, self.sharp) = self.shape(self.values.len());
        let met = self.clean.min(self.learnable) == self.stretch;
        self.centre.push(if met { self.mean * self.sharp } else { 0.0 });
        self.sharpness.push(if met { self.sharp } else { 0.0 });
    }

    /// Mean and 1 / σ' of the stretch before `end`.
    fn shape(&self, end: usize) -> (f64, f64) {
        let values = &self.values[end.saturating_sub(self.stretch)..end];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance =
            values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64;
        (mean, 1.0 / (variance + self.flat_variance).sqrt())
    }

    /// Moves all values to another scale.
    pub(super) fn remap(&mut self, moved: &Move) {
        self.values.iter_mut().for_each(|value| *value = moved.apply_wide(*value));
        for end in 1..=self.values.len() {
            let (mean, sharp) = self.shape(end);
            (self.mean, self.sharp) = (mean, sharp);
            if self.sharpness[end - 1] > 0.0 {
                (self.centre[end - 1], self.sharpness[end - 1]) = (mean * sharp, sharp);
            }
        }
        (0..self.capacity).for_each(|place| self.refresh(place));
    }

    /// Distance of the newest stretch from its nearest in the past, divided by √(2m); `None` if the newest
    /// has a gap, or before the past has a stretch's length of others to choose from.
    pub(super) fn nearest(&self) -> Option<f64> {
        let now = self.values.len().checked_sub(1)?;
        // Stretches by their end. Those that overlap the newest are like it in any case.
        let (from, to) = ((now - self.lags()).max(self.stretch - 1), (now + 1).saturating_sub(self.stretch));
        if self.clean < self.stretch || to < from + self.stretch {
            return None;
        }
        // d²/m = e + e' − 2ρ, with e = σ²/σ'² = 1 − ν²/σ'² and ρ = (Σxy/m − μμ')/(σ'σ''): least where e' −
        // 2ρ is.
        let (along, across) = (2.0 * self.sharp / self.stretch as f64, 2.0 * self.sharp * self.mean);
        let distance = |centre: f64, sharp: f64, product: f64| {
            across * centre - sharp * (self.flat_variance * sharp + along * product)
        };
        let least = least3(
            &self.centre[from..to],
            &self.sharpness[from..to],
            &self.products[self.capacity + from - now..][..to - from],
            distance,
        );
        let own = 1.0 - self.flat_variance * self.sharp * self.sharp;
        Some(((own + 1.0 + least) / 2.0).max(0.0).sqrt())
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        let floats = self.values.capacity()
            + self.centre.capacity()
            + self.sharpness.capacity()
            + self.products.capacity();
        floats * size_of::<f64>()
    }
}

/// The least of `score` over three slices of one length, in four lanes so that it vectorises.
fn least3(a: &[f64], b: &[f64], c: &[f64], score: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let ((a, a_rest), (b, b_rest), (c, c_rest)) =
        (a.as_chunks::<4>(), b.as_chunks::<4>(), c.as_chunks::<4>());
    let mut least = [f64::INFINITY; 4];
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..4 {
            let value = score(a[lane], b[lane], c[lane]);
            least[lane] = if value < least[lane] { value } else { least[lane] };
        }
    }
    let rest = a_rest.iter().zip(b_rest).zip(c_rest).map(|((&a, &b), &c)| score(a, b, c));
    least.into_iter().chain(rest).fold(f64::INFINITY, f64::min)
}
