//! Detection over a whole history: what was strange in it, seen from both sides.
//!
//! A batch method, never used live. It looks at a series in three ways and puts what they find on one scale,
//! the score at which live detection gives as many false alarms:
//!
//! - The live detector reads it forwards and once more backwards. What is strange only against its past is often
//!   the first of something that stays: a new level, the first week of data. What is strange from both sides
//!   stands out of the whole history, so the lower of the two scores counts.
//! - Excursions from the expectation of the whole history are compared with all others of the same series. They
//!   give an episode its bounds. The mean of this score and the first one ranks.
//! - Waits that lasted too long, for another value or for any sample, are compared with all others.

mod episode;
mod excursion;
mod form;
mod rarity;
mod sides;
mod standstill;

use manazir_model::{Anomaly, Series};

use crate::baseline::{Baseline, baseline};
use crate::live::LiveConfig;
use crate::stream::Setting;
use episode::{Evidence, episodes};

/// How a history is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryConfig {
    /// Life cycle of alarms, effects and traffic, as for live detection.
    pub live: LiveConfig,
    /// Season in samples, for a series without a calendar.
    pub period_samples: Option<usize>,
}

/// The judgement of each sample of a history, all of shape `(n_samples,)`, and its episodes.
#[derive(Clone, Debug)]
pub struct History {
    /// The expectation, from the whole history.
    pub baseline: Baseline,
    /// Strangeness by the whole history, ≥ 0; the samples of an episode have the score of the episode.
    pub score: Vec<f64>,
    /// Strangeness against the past alone: what live detection would have said.
    pub causal_score: Vec<f64>,
    /// Episodes in order of time.
    pub anomalies: Vec<Anomaly>,
}

/// Judges a series by all of its samples.
///
/// `local_micros`: the local clock of each sample, shape `(n_samples,)`, or empty if rows are not instants.
pub fn judge(series: &Series, local_micros: &[i64], config: &HistoryConfig) -> History {
    let clock = local_micros.len() == series.len();
    let grain = series.grain.filter(|_| clock);
    let setting = Setting { grain, period_samples: config.period_samples, ..Setting::default() };
    let forwards = sides::pass(series, local_micros, &setting, config.live, false);
    let backwards = sides::pass(series, local_micros, &setting, config.live, true);
    let baseline = baseline(&series.values, local_micros, grain, config.period_samples);
    let distances = excursion::distances(&series.values, &baseline);
    let evidence = Evidence {
        series,
        setting: form::Setting {
            values: &series.values,
            baseline: &baseline,
            distances: &distances,
            usual_range: form::usual_range(&series.values),
            round_samples: baseline.round_samples,
        },
        sides: &sides::both_sides(&forwards, &backwards),
        excursions: &excursion::excursions(&distances),
        flat_lines: &standstill::flat_lines(&series.values),
        gaps: &if clock { standstill::gaps(&series.at, &series.values, grain) } else { Vec::new() },
        live: &config.live,
    };
    let (anomalies, score) = episodes(&evidence);
    let causal_score = forwards.iter().map(|told| told.score).collect();
    History { baseline, score, causal_score, anomalies }
}

#[cfg(test)]
mod tests;
