//! What a detector says of a sample, and what a run of such samples becomes.

use serde::{Deserialize, Serialize};

use crate::{SeriesKey, Timestamp};

/// Above or below what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More than expected.
    Up,
    /// Less than expected.
    Down,
}

/// Why a verdict that is unlikely enough did not open an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBack {
    /// The alarm that is open already covers it.
    AlarmOpen,
    /// The deviation is smaller than the least effect that matters.
    SmallEffect,
    /// Too little traffic to tell.
    LowTraffic,
}

/// The judgement of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the sample was expected to be, in the unit of the series; NaN if no detector forecasts it.
    pub expected: f64,
    /// Lower end of the expected band; NaN as above.
    pub lower: f64,
    /// Upper end of the expected band; NaN as above.
    pub upper: f64,
    /// Strangeness, real ≥ 0, higher is stranger; of one scale for all series.
    pub score: f64,
    /// Probability of a sample at least as strange if nothing has changed, in (0, 1].
    pub p_value: f64,
    /// Name of the detector that found it strangest.
    pub detector: &'static str,
    /// True while the sample belongs to an open alarm.
    pub alarm: bool,
    /// Why it opened no alarm although it is unlikely enough.
    pub held_back: Option<HeldBack>,
}

/// The shape of an anomaly, as far as it has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// A few samples far above or below.
    Spike,
    /// A lasting change of level.
    LevelShift,
    /// Wider or narrower scatter.
    VarianceChange,
    /// A run whose form is unlike the rest, at values that may be usual.
    Shape,
    /// The same value again and again where the series moves.
    FlatLine,
    /// Samples that should have come and did not.
    Missing,
    /// Out of the season: usual values at an unusual time.
    Season,
}

/// An episode: a run of strange samples of one series, from opening to close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The series it lies in.
    pub series: SeriesKey,
    /// First strange sample.
    pub start_at: Timestamp,
    /// Last strange sample.
    pub end_at: Timestamp,
    /// The strangest sample.
    pub peak_at: Timestamp,
    /// Its form.
    pub kind: AnomalyKind,
    /// Above or below; `None` where that has no meaning, as for a shape.
    pub direction: Option<Direction>,
    /// Mean value over the episode, in the unit of the series.
    pub observed: f64,
    /// What the same samples were expected to be, on average; NaN if no detector forecasts.
    pub expected: f64,
    /// The value at the peak, and what was expected there.
    pub peak_observed: f64,
    /// See `peak_observed`.
    pub peak_expected: f64,
    /// Strangeness of the peak, as in [`Verdict::score`].
    pub score: f64,
    /// Name of the detector that found it.
    pub detector: String,
    /// True if the series ended before the episode did.
    pub open: bool,
}
