//! What live detection says of each sample, read forwards and read backwards.

use manazir_model::{Sample, Series, Timestamp};

use crate::live::{LiveConfig, LiveDetector};
use crate::stream::Setting;

/// Both passes answer within so many samples of an event; their scores are compared across them.
pub(super) const REACH: usize = 12;

/// Samples that a pass must have read before its silence counts: the tails open after eighty.
const HEARD_MIN: usize = 160;

/// What a score counts for that only one pass could give.
const ONE_SIDED: f64 = 0.7;

/// What one pass said of a sample.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) score: f64,
    pub(super) view: &'static str,
}

/// One pass, in the order of the samples. `setting`: as for live detection.
pub(super) fn pass(
    series: &Series,
    local_micros: &[i64],
    setting: &Setting,
    live: LiveConfig,
    backwards: bool,
) -> Vec<Told> {
    let mut detector = LiveDetector::new(setting, live);
    let mut told = vec![Told::default(); series.len()];
    let mut judge = |index: usize| {
        let at = Timestamp(local_micros.get(index).copied().unwrap_or(index as i64));
        if let Some(live) = detector.update(Sample { at, value: series.values[index] }, 0) {
            told[index] = Told { score: live.verdict.score, view: live.verdict.detector };
        }
    };
    if backwards {
        (0..series.len()).rev().for_each(&mut judge);
    } else {
        (0..series.len()).for_each(&mut judge);
    }
    told
}

/// The lower of the two scores, each taken as its highest within [`REACH`] samples; where one pass had not
/// heard enough, the other alone. With the view that saw more.
pub(super) fn both_sides(forwards: &[Told], backwards: &[Told]) -> Vec<Told> {
    let n_samples = forwards.len();
    let (ahead, behind) = (highest_near(forwards), highest_near(backwards));
    (0..n_samples)
        .map(|index| {
            let (own, other) = (forwards[index], backwards[index]);
            let louder = if own.score >= other.score { own } else { other };
            let heard = (index >= HEARD_MIN, n_samples - index > HEARD_MIN);
            let score = match heard {
                (true, true) => louder.score.min(ahead[index]).min(behind[index]),
                (true, false) => ONE_SIDED * own.score,
                (false, true) => ONE_SIDED * other.score,
                (false, false) => ONE_SIDED * louder.score,
            };
            Told { score, view: louder.view }
        })
        .collect()
}

fn highest_near(told: &[Told]) -> Vec<f64> {
    (0..told.len())
        .map(|index| {
            let reach = index.saturating_sub(REACH)..(index + REACH + 1).min(told.len());
            told[reach].iter().map(|told| told.score).fold(0.0, f64::max)
        })
        .collect()
}
