//! The slow judgement of a history: an ensemble of batch methods, chosen for each series.

use manazir_detect::batch::Frame;
use manazir_detect::choose::{self, Noticed};
use manazir_model::Timestamp;
use rayon::prelude::*;

use super::is_row_number;
use crate::finding::SeriesReport;
use crate::progress::Work;

/// What an ensemble says of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Thorough {
    /// Strangeness of each sample among those of its series, shape `(n_samples,)`: 0 at the median and below, 1
    /// where one sample in ten lies above.
    pub scores: Vec<f64>,
    /// Which methods, and why.
    pub words: String,
    /// First and last sample of the strangest stretch; `None` of an empty series, or if nothing stands out.
    pub strangest: Option<(Timestamp, Timestamp)>,
    /// The highest score.
    pub score: f64,
}

/// Judges series by the ensemble that is chosen for each, in their order. `None` if the work was stopped.
pub fn thorough(reports: &[SeriesReport], work: &Work) -> Option<Vec<Thorough>> {
    reports
        .par_iter()
        .map(|report| {
            if work.stopped() {
                return None;
            }
            let thorough = one(report);
            work.advance(report.series.len() as u64);
            Some(thorough)
        })
        .collect()
}

fn one(report: &SeriesReport) -> Thorough {
    let series = &report.series;
    let grain = series.grain.filter(|_| !is_row_number(series));
    let frame = Frame::univariate(series.values.clone());
    let choice = choose::choose(&frame, grain);
    let judged = choose::blended(&frame, &choice);
    let words = choice.words_with(&judged, Noticed::by(&frame, &choice));
    let (strangest, score) = strangest(&judged.scores, &series.at);
    Thorough { scores: judged.scores, words, strangest, score }
}

/// The run around the highest score in which no score falls below half of it.
fn strangest(scores: &[f64], at: &[Timestamp]) -> (Option<(Timestamp, Timestamp)>, f64) {
    let peak = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let Some(peak) = peak.filter(|&peak| scores[peak] > 0.0) else { return (None, 0.0) };
    let high = |index: &usize| scores[*index] >= 0.5 * scores[peak];
    let first = (0..=peak).rev().take_while(high).last().unwrap_or(peak);
    let last = (peak..scores.len()).take_while(high).last().unwrap_or(peak);
    (Some((at[first], at[last])), scores[peak])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strangest_stretch_is_where_scores_stay_high() {
        let at: Vec<Timestamp> = (0..8).map(Timestamp::from_seconds).collect();
        let seconds = |scores: &[f64]| {
            strangest(scores, &at[..scores.len()])
                .0
                .map(|(a, b)| (a.micros() / 1_000_000, b.micros() / 1_000_000))
        };
        assert_eq!(seconds(&[0.0, 1.0, 5.0, 9.0, 4.6, 4.4, 9.0, 0.0]), Some((6, 6)));
        assert_eq!(seconds(&[0.0, 5.0, 9.0, 4.6, 0.0]), Some((1, 3)));
        assert_eq!(seconds(&[0.0; 4]), None);
        assert_eq!(seconds(&[]), None);
    }
}
