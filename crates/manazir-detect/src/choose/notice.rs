//! How large a change must be for an ensemble to notice it: spikes of known sizes, injected into a part of the
//! series itself.

use std::ops::Range;

use super::{Choice, blended};
use crate::Random;
use crate::batch::Frame;
use crate::inject::{Form, Plan, inject, usual_change};

/// The smallest spike that stands out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noticed {
    /// Spikes of this size and of all larger ones that were tried, in multiples of the usual change from one
    /// sample to the next.
    From(f64),
    /// None up to this size.
    NoneUpTo(f64),
    /// The series is too short to try, or does not move.
    Unknown,
}

/// Sizes that are tried, one spike each: few, since a spike reaches as far as the longest window.
const SIZES: [f64; 6] = [2.0, 3.0, 4.0, 6.0, 8.0, 12.0];

/// A spike is noticed above this share of the untouched rows.
const NOTICED_ABOVE: f64 = 0.99;

/// Every size is tried this often, and must be noticed each time.
const ROUNDS: u64 = 2;

/// Rows that are tried on, or so many of the longest windows: what lies between the spikes must hold some rows that
/// none of them reaches.
const ROWS_MAX: usize = 3_000;
const WINDOWS_MAX: usize = 24;

/// Fewer untouched rows than this say nothing about what is usual.
const UNTOUCHED_MIN: usize = 100;

/// Longest window of the matrix profile, the one member that names none.
const REACH_MIN: usize = 128;

impl Noticed {
    /// Injects spikes into a part of the rows to learn from. Its cost does not grow with the series.
    pub fn by(frame: &Frame, choice: &Choice) -> Self {
        let reach = choice.members.iter().filter_map(|member| member.window()).fold(REACH_MIN, usize::max);
        let Some(probe) = Probe::new(frame, reach) else { return Self::Unknown };
        let mut noticed = [true; SIZES.len()];
        for seed in 0..ROUNDS {
            let Some(found) = probe.noticed(choice, seed) else { return Self::Unknown };
            noticed.iter_mut().zip(found).for_each(|(all, found)| *all &= found);
        }
        let missed = noticed.iter().rposition(|noticed| !noticed).map_or(0, |last| last + 1);
        SIZES.get(missed).map_or(Self::NoneUpTo(SIZES[SIZES.len() - 1]), |&size| Self::From(size))
    }

    /// "a spike of 3 times the usual scatter would be noticed"; `None` if nothing is known.
    pub(super) fn words(self) -> Option<String> {
        match self {
            Self::From(size) => Some(format!("a spike of {size} times the usual scatter would be noticed")),
            Self::NoneUpTo(size) => {
                Some(format!("not even a spike of {size} times the usual scatter would stand out"))
            }
            Self::Unknown => None,
        }
    }
}

/// A part of the series: rows to learn from, if it has any, and rows to inject into.
struct Probe {
    channels: Vec<Vec<f64>>,
    train_samples: usize,
    /// Rows on either side of a spike whose windows may hold it.
    reach: usize,
}

impl Probe {
    /// `None` if no channel moves.
    fn new(frame: &Frame, reach: usize) -> Option<Self> {
        let learn = frame.learn_rows();
        let rows = learn.len().min(ROWS_MAX.max(WINDOWS_MAX * reach));
        let start = learn.start + (learn.len() - rows) / 2;
        let channels: Vec<Vec<f64>> = frame
            .channels()
            .map(|channel| channel[start..start + rows].to_vec())
            .filter(|channel| usual_change(channel, 1) > 0.0)
            .collect();
        let train_samples = if learn.len() < frame.n_samples() { rows / 2 } else { 0 };
        (!channels.is_empty()).then_some(Self { channels, train_samples, reach })
    }

    /// Which of the sizes stand out; `None` if one found no room or too little is left untouched.
    fn noticed(&self, choice: &Choice, seed: u64) -> Option<[bool; SIZES.len()]> {
        let within = self.train_samples..self.channels[0].len();
        let changes = SIZES.map(|size| (Form::Spike, size));
        let plan = Plan { changes: &changes, length_max: 8 };
        let injected = inject(&self.channels, within.clone(), &plan, &mut Random::new(seed));
        let scores = blended(&Frame::new(&injected.channels, self.train_samples), choice).scores;
        let touched = |row: usize| {
            let near = |spike: &Range<usize>| row + self.reach >= spike.start && row < spike.end + self.reach;
            injected.injections.iter().any(|injection| near(&injection.rows))
        };
        let mut usual: Vec<f64> = within.filter(|&row| !touched(row)).map(|row| scores[row]).collect();
        if usual.len() < UNTOUCHED_MIN {
            return None;
        }
        usual.sort_unstable_by(f64::total_cmp);
        let bound = usual[(NOTICED_ABOVE * usual.len() as f64) as usize];
        let found = injected
            .injections
            .iter()
            .map(|injection| scores[injection.rows.clone()].iter().any(|&score| score > bound));
        found.collect::<Vec<_>>().try_into().ok()
    }
}
