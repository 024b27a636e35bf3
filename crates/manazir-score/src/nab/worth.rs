//! What a detection at each row is worth, and the sum of it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

/// Weights of one application profile, from NAB's `config/profiles.json`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Profile {
    /// Of a window that is found, times how early.
    #[serde(rename = "tpWeight")]
    pub true_positive: f64,
    /// Of a detection outside of all windows, times how far.
    #[serde(rename = "fpWeight")]
    pub false_positive: f64,
    /// Of a window that is missed.
    #[serde(rename = "fnWeight")]
    pub false_negative: f64,
}

/// The file `config/profiles.json`: name to cost matrix.
pub(super) type ProfileFile = BTreeMap<String, CostMatrix>;

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct CostMatrix {
    #[serde(rename = "CostMatrix")]
    pub(super) weights: Profile,
}

/// Rows of a file that are for learning only: 15 %, at most 15 % of 5,000.
pub(super) fn probation_rows(n_rows: usize) -> usize {
    // In whole numbers floor(0.15 · n) is 3n / 20.
    (n_rows * 3 / 20).min(750)
}

/// NAB's scaled sigmoid: 2 / (1 + e^(5 · position)) − 1.
///
/// −1 is the left edge of a window (0.98661), 0 its right edge (0), 1 as far behind it as it is long
/// (−0.98661); beyond 3 it is −1.
fn scaled_sigmoid(position: f64) -> f64 {
    if position > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

/// Keeps NaN and makes an infinite score the highest finite one, so that the infinite threshold is silence; and
/// makes −0 the 0 that it equals.
pub(super) fn finite(score: f64) -> f64 {
    if score == f64::INFINITY { f64::MAX } else { score + 0.0 }
}

/// What a detection at one row adds before the weights of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Worth {
    /// Probation: nothing.
    Nothing,
    /// The window's number in its file, and how early, 0..=1.
    Hit { window: u32, value: f64 },
    /// −1..0.
    False(f64),
}

/// The worth of each row of a file; `windows`: rows of each, ascending, disjoint; `None` if it covers none.
pub(super) fn worths(n_rows: usize, windows: &[Option<Range<usize>>]) -> Vec<Worth> {
    let mut worths: Vec<Worth> = Vec::with_capacity(n_rows);
    let mut preceding: Option<&Range<usize>> = None;
    let mut next_row = 0;
    let probation = probation_rows(n_rows);
    let numbered = || (0u32..).zip(windows).filter_map(|(number, rows)| Some((number, rows.as_ref()?)));
    for (number, rows) in numbered() {
        worths.extend((next_row..rows.start).map(|row| Worth::False(behind(preceding, row))));
        let earliest = scaled_sigmoid(-1.0);
        worths.extend((rows.start.max(next_row)..rows.end).map(|row| {
            let position = -((rows.end - row) as f64) / rows.len() as f64;
            Worth::Hit { window: number, value: scaled_sigmoid(position) / earliest }
        }));
        next_row = next_row.max(rows.end);
        preceding = Some(rows);
    }
    worths.extend((next_row..n_rows).map(|row| Worth::False(behind(preceding, row))));
    worths.iter_mut().take(probation).for_each(|worth| *worth = Worth::Nothing);
    worths
}

/// What a detection costs at `row` behind the window `preceding`.
fn behind(preceding: Option<&Range<usize>>, row: usize) -> f64 {
    match preceding {
        // A window of one row has no length to measure the distance with; everything is far behind it.
        Some(window) if window.len() > 1 => {
            scaled_sigmoid((row + 1 - window.end) as f64 / (window.len() - 1) as f64)
        }
        _ => -1.0,
    }
}

/// What a threshold achieves on some files, before the weights of a profile: all profiles read off the same
/// tally.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Sum over the windows that were found of how early, each 0..=1.
    pub hit_value: f64,
    /// Sum over false positives, each −1..0.
    pub false_value: f64,
    /// Windows found.
    pub windows_hit: usize,
    /// Windows that can be found: at least one row behind the probation.
    pub windows_open: usize,
    /// All windows.
    pub windows: usize,
    /// Rows at or above the threshold outside of all windows.
    pub false_positives: usize,
}

impl Tally {
    /// The raw score: weighted sum of hits, false positives and misses.
    pub fn raw(&self, profile: &Profile) -> f64 {
        let missed = (self.windows_open - self.windows_hit) as f64;
        profile.true_positive * self.hit_value + profile.false_positive * self.false_value
            - profile.false_negative * missed
    }

    /// The published score, 100 · (raw − null) / (perfect − null): 0 for silence, 100 for a perfect detector,
    /// which would also find the windows that lie in probation. NaN without a window.
    pub fn normalized(&self, profile: &Profile) -> f64 {
        self.normalize(self.raw(profile), profile)
    }

    /// Any raw score on the scale of these windows.
    pub(super) fn normalize(&self, raw: f64, profile: &Profile) -> f64 {
        let silence = -profile.false_negative * self.windows_open as f64;
        let perfect = profile.true_positive * self.windows as f64;
        100.0 * (raw - silence) / (perfect - silence)
    }

    /// Adds the tally of other files.
    pub(super) fn add(&mut self, other: &Self) {
        self.hit_value += other.hit_value;
        self.false_value += other.false_value;
        self.windows_hit += other.windows_hit;
        self.windows_open += other.windows_open;
        self.windows += other.windows;
        self.false_positives += other.false_positives;
    }
}
