//! Choice per series, without labels: which batch methods judge it, how much each of them counts, and why.
//!
//! - A repeating form is judged by the neighbours of windows that hold it: only they know a form that may
//!   start at any phase.
//! - Anything else by one of each kind of window method (neighbours, subspace, usual shapes, isolation), each
//!   with short and with long windows, and by the matrix profile. The short see what happens within a few
//!   samples, the long what takes a hundred.
//!
//! Scores of the members are brought to one scale, bounded and averaged. Short and long windows share the weight
//! by the kurtosis of their scores: the side that sets few rows apart from all others has more to say than the
//! side to which many rows are somewhat strange. What else was measured, and left out because it chose no better
//! than equal weights (agreement, stability, skill on injected anomalies), stands with its figures in
//! `docs/explanation/detection.md`.

mod blend;
mod member;
mod notice;
#[cfg(test)]
mod tests;

use manazir_model::Grain;

use crate::batch::{Frame, LONG, SHORT};
use crate::profile::{SeriesProfile, ValueKind};
pub use member::Member;
pub use notice::Noticed;

/// Which methods judge a series, and the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Their scores are averaged.
    pub members: Vec<Member>,
    /// "weekly season, heavy tail: neighbours and subspace of 10 and 100 samples, matrix profile"
    pub words: String,
}

/// What the chosen methods say.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Of all rows, shape `(n_samples,)`: finite, ≥ 0, higher = stranger.
    pub scores: Vec<f64>,
    /// Share of the weight that short windows have, 0..=1; `None` without windows of both lengths.
    pub short_share: Option<f64>,
    /// Mean correlation of the members' scores, −1..=1; `None` of one member, or if none of them moves.
    pub agreement: Option<f64>,
}

/// A window of a period and a third holds a whole form, wherever it starts.
const FORM_PERIODS: f64 = 4.0 / 3.0;

/// From this mean correlation on members agree; below the second they do not.
const AGREE: f64 = 0.5;
const DISAGREE: f64 = 0.2;

/// A side that has this share of the weight is named.
const WEIGHS_MOST: f64 = 0.7;

/// Chooses by the profile of the frame's first channel; `grain` if rows are instants.
pub fn choose(frame: &Frame, grain: Option<Grain>) -> Choice {
    let learnt = frame.learn_rows();
    let profiles: Vec<SeriesProfile> =
        frame.channels().take(1).map(|channel| SeriesProfile::of(&channel[learnt.clone()], grain)).collect();
    let waveform = |profile: &SeriesProfile| frame.n_features() == 1 && profile.kind == ValueKind::Waveform;
    let period =
        profiles.iter().find(|profile| waveform(profile)).and_then(|profile| profile.periods.first());
    let members = match period {
        Some(period) => {
            let window = (FORM_PERIODS * period.samples as f64) as usize;
            vec![Member::Neighbours { window }]
        }
        None => each_kind(),
    };
    let kind = match (frame.n_features(), profiles.first()) {
        (1, Some(profile)) => profile.words(grain),
        (n_features, _) => format!("{n_features} channels"),
    };
    Choice { words: format!("{kind}: {}", member::words(&members)), members }
}

/// One of each kind with short windows and with long ones, and the matrix profile, which has both.
fn each_kind() -> Vec<Member> {
    let of = |window| {
        [
            Member::Neighbours { window },
            Member::Subspace { window },
            Member::Shapes { window },
            Member::Forest { window },
        ]
    };
    of(SHORT).into_iter().chain(of(LONG)).chain([Member::MatrixProfile]).collect()
}

impl Choice {
    /// The choice with what came of it: "…: neighbours of 120 samples (a spike of 3 times the usual scatter would
    /// be noticed)".
    pub fn words_with(&self, judged: &Judged, noticed: Noticed) -> String {
        let mut notes: Vec<String> = Vec::new();
        if let Some(agreement) = judged.agreement {
            let agree = if agreement >= AGREE {
                "they agree"
            } else if agreement < DISAGREE {
                "they disagree"
            } else {
                "they agree in part"
            };
            notes.push(agree.to_owned());
        }
        match judged.short_share {
            Some(share) if share >= WEIGHS_MOST => notes.push("short windows weigh most".to_owned()),
            Some(share) if share <= 1.0 - WEIGHS_MOST => notes.push("long windows weigh most".to_owned()),
            _ => {}
        }
        notes.extend(noticed.words());
        if notes.is_empty() { self.words.clone() } else { format!("{} ({})", self.words, notes.join("; ")) }
    }
}

/// The scores of [`blended`] alone.
pub fn scores(frame: &Frame, choice: &Choice) -> Vec<f64> {
    blended(frame, choice).scores
}

/// Scores of the chosen members on one scale, bounded and averaged.
pub fn blended(frame: &Frame, choice: &Choice) -> Judged {
    let scaled: Vec<Vec<f64>> = choice
        .members
        .iter()
        .map(|member| blend::to_one_scale(member.scores(frame), frame.train_samples))
        .collect();
    let judged_from = frame.train_samples.min(frame.n_samples());
    let of = |wanted: Option<usize>| {
        let members = choice.members.iter().zip(&scaled);
        members.filter(move |(member, _)| member.window() == wanted).map(|(_, scores)| scores.as_slice())
    };
    let (short, long) = (blend::mean(of(Some(SHORT))), blend::mean(of(Some(LONG))));
    let both = !short.is_empty() && !long.is_empty();
    let short_share = both.then(|| {
        let (short, long) = (blend::kurtosis(&short[judged_from..]), blend::kurtosis(&long[judged_from..]));
        short / (short + long)
    });
    let weight = |member: &Member| match (member.window(), short_share) {
        (Some(SHORT), Some(share)) => 2.0 * share,
        (Some(LONG), Some(share)) => 2.0 * (1.0 - share),
        _ => 1.0,
    };
    let mut sum = vec![0.0; frame.n_samples()];
    for (member, member_scores) in choice.members.iter().zip(&scaled) {
        let share = weight(member) / choice.members.len() as f64;
        sum.iter_mut().zip(member_scores).for_each(|(sum, score)| *sum += share * score);
    }
    let judged: Vec<&[f64]> = scaled.iter().map(|scores| &scores[judged_from..]).collect();
    Judged { scores: sum, short_share, agreement: blend::agreement(&judged) }
}
