//! The level of a series: what lies around a sample when the season is taken out.

use crate::robust::median;

/// Windows are advanced by this share of their length; the level runs straight between.
const KNOTS: usize = 16;

/// Samples of a window that its median looks at: the median of 256 errs by a twelfth of the scatter.
const LOOKED_AT: usize = 256;

/// How a window is kept inside of the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// It keeps its length, so that it holds whole seasons.
    Whole,
    /// It shrinks to half of its length, so that a trend goes on to the end.
    Shrink,
}

/// Running median of the finite values, of shape `(n_samples,)`; 0 where there is none. O(n).
///
/// A median keeps a lasting step a step, and an anomaly of less than half of the window out.
pub(super) fn level(values: &[f64], window: usize, ends: Ends) -> Vec<f64> {
    let n_samples = values.len();
    if n_samples == 0 {
        return Vec::new();
    }
    let stride = (window / KNOTS).max(1);
    let mut centers: Vec<usize> = (0..n_samples).step_by(stride).collect();
    if centers.last() != Some(&(n_samples - 1)) {
        centers.push(n_samples - 1);
    }
    let mut buffer = Vec::with_capacity(LOOKED_AT * 2);
    let mut last = 0.0;
    let knots: Vec<f64> = centers
        .iter()
        .map(|&center| {
            let range = around(center, window, n_samples, ends);
            let step = (range.len() / LOOKED_AT).max(1);
            buffer.clear();
            buffer.extend(values[range].iter().copied().step_by(step).filter(|value| value.is_finite()));
            if !buffer.is_empty() {
                last = median(&mut buffer);
            }
            last
        })
        .collect();
    between(&centers, &knots, n_samples)
}

fn around(center: usize, window: usize, n_samples: usize, ends: Ends) -> std::ops::Range<usize> {
    let half = (window / 2).min(n_samples / 2);
    let half = match ends {
        Ends::Whole => half,
        Ends::Shrink => half.min(center.min(n_samples - 1 - center).max(half / 2)),
    };
    let from = center.saturating_sub(half).min(n_samples.saturating_sub(2 * half + 1));
    from..(from + 2 * half + 1).min(n_samples)
}

/// Straight lines between knots.
fn between(centers: &[usize], knots: &[f64], n_samples: usize) -> Vec<f64> {
    let mut level = Vec::with_capacity(n_samples);
    for (place, ends) in centers.windows(2).zip(knots.windows(2)) {
        let slope = (ends[1] - ends[0]) / (place[1] - place[0]) as f64;
        level.extend((0..place[1] - place[0]).map(|step| ends[0] + slope * step as f64));
    }
    level.extend(knots.last());
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line_and_a_lasting_step_a_step() {
        let line: Vec<f64> = (0..500).map(f64::from).collect();
        let of_line = level(&line, 100, Ends::Shrink);
        assert!(
            of_line[60..440].iter().zip(&line[60..440]).all(|(level, value)| (level - value).abs() < 1.5)
        );
        assert!((of_line[0] - line[0]).abs() <= 26.0, "a shrunk window ends near the end: {}", of_line[0]);
        let step: Vec<f64> = (0..500).map(|index| if index < 250 { 0.0 } else { 10.0 }).collect();
        let of_step = level(&step, 160, Ends::Whole);
        assert!(of_step[..238].iter().all(|&level| level == 0.0));
        assert!(of_step[262..].iter().all(|&level| level == 10.0));
    }

    #[test]
    fn what_is_shorter_than_half_of_the_window_is_ignored() {
        let mut values = vec![1.0; 300];
        values[100..140].fill(50.0);
        values[200..230].fill(f64::NAN);
        assert!(level(&values, 100, Ends::Shrink).iter().all(|&level| level == 1.0));
        assert_eq!(level(&[f64::NAN; 9], 5, Ends::Whole), vec![0.0; 9]);
        assert!(level(&[], 5, Ends::Whole).is_empty());
    }
}
