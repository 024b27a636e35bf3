//! All windows of a frame as vectors, and the way back from their scores to points.

use std::ops::Range;

use super::Frame;
use super::prepare::{Prepared, Scaling};

/// Windows over all channels of a frame, scaled by the rows to learn from.
///
/// A window over many channels is a long vector, and the cost of most methods grows with its square. Beyond
/// `width_max` numbers the samples are averaged in blocks first: a long window then keeps its length and loses
/// resolution, which it needs least.
pub(crate) struct Windows {
    prepared: Prepared,
    /// Channels of block means, each of shape `(n_blocks,)`.
    channels: Vec<Vec<f64>>,
    /// Samples in a block.
    block: usize,
    /// Blocks in a window.
    window: usize,
    /// First blocks of the windows to learn from.
    learn: Range<usize>,
}

/// In a distance over many channels a scaled value beyond this would drown all others. A method that takes the
/// largest channel needs no such bound, and would lose the order of what lies beyond it.
const SIGMAS_MAX: f64 = 20.0;

impl Windows {
    /// `None` if the frame holds less than four windows of two samples; longer windows shrink to fit four times.
    pub(crate) fn new(
        frame: &Frame,
        scaling: Scaling,
        window_samples: usize,
        width_max: usize,
    ) -> Option<Self> {
        let n_samples = frame.n_samples();
        let window_samples = window_samples.clamp(2, (frame.learn_rows().len() / 4).max(2));
        if n_samples < 8 || frame.learn_rows().len() < 8 {
            return None;
        }
        let mut prepared = Prepared::new(frame, scaling);
        let values = prepared.channels.iter_mut().flatten();
        values.for_each(|value| *value = value.clamp(-SIGMAS_MAX, SIGMAS_MAX));
        let block =
            (window_samples * frame.n_features()).div_ceil(width_max.max(1)).min(window_samples / 2).max(1);
        let window = (window_samples / block).max(2);
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        let channels =
            prepared.channels.iter().map(|channel| channel.chunks(block).map(mean).collect()).collect();
        let learn = prepared.learn.start / block..(prepared.learn.end / block + 1).saturating_sub(window);
        if learn.is_empty() {
            return None;
        }
        Some(Self { prepared, channels, block, window, learn })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.channels[0].len() + 1 - self.window
    }

    /// Numbers in a window's vector.
    pub(crate) fn width(&self) -> usize {
        self.window * self.channels.len()
    }

    /// Blocks in a window of one channel.
    pub(crate) fn window(&self) -> usize {
        self.window
    }

    /// Channels of block means.
    pub(crate) fn channels(&self) -> &[Vec<f64>] {
        &self.channels
    }

    /// First blocks of the windows to learn from; never empty.
    pub(crate) fn learn(&self) -> Range<usize> {
        self.learn.clone()
    }

    /// At most `most` of the windows to learn from, evenly chosen.
    pub(crate) fn learn_sample(&self, most: usize) -> Vec<usize> {
        let step = (self.learn.len() as f64 / most.max(1) as f64).max(1.0);
        let at = |k: usize| self.learn.start + (k as f64 * step) as usize;
        (0..).map(at).take_while(|start| *start < self.learn.end).collect()
    }

    /// One window of each channel.
    pub(crate) fn parts(&self, start: usize) -> impl Iterator<Item = &[f64]> {
        self.channels.iter().map(move |channel| &channel[start..start + self.window])
    }

    /// One score per window to one per sample: the mean of the windows that cover it.
    pub(crate) fn finish(&self, window_scores: &[f64]) -> Vec<f64> {
        let by_block = cover_mean(window_scores, self.window);
        let scores = (0..self.prepared.n_samples()).map(|at| by_block[at / self.block]).collect();
        self.prepared.finish(scores)
    }
}

/// Spreads a score of each window, shape `(n_samples − window + 1,)`, over its points: the mean over the
/// windows that cover a point. Returns shape `(n_samples,)`.
///
/// Reconstruction errors of single points, measured beside it with sub-sequence PCA, were weaker wherever
/// anomalies last.
pub(crate) fn cover_mean(window_scores: &[f64], window: usize) -> Vec<f64> {
    let n_samples = window_scores.len() + window - 1;
    let mut sums = vec![0.0; window_scores.len() + 1];
    (0..window_scores.len()).for_each(|at| sums[at + 1] = sums[at] + window_scores[at]);
    let mean = |at: usize| {
        let (from, to) = ((at + 1).saturating_sub(window), (at + 1).min(window_scores.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    (0..n_samples).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_takes_the_mean_of_its_windows() {
        assert_eq!(cover_mean(&[1.0, 4.0, 1.0], 2), [1.0, 2.5, 2.5, 1.0]);
        assert_eq!(cover_mean(&[3.0], 4), [3.0; 4]);
    }

    #[test]
    fn many_channels_are_averaged_in_blocks() {
        let channels = vec![(0..400).map(f64::from).collect::<Vec<_>>(); 10];
        let windows =
            Windows::new(&Frame::new(&channels, 0), Scaling::Moments, 40, 100).expect("long enough");
        assert_eq!((windows.window(), windows.width(), windows.len()), (10, 100, 91));
        assert_eq!(windows.finish(&vec![1.0; 91]), vec![1.0; 400]);
    }
}
