//! Samples with their verdicts, as they are stored, and the episodes that they make.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Direction, HeldBack, SeriesKey, Timestamp};

/// A sample with the verdict that it got when it came.
///
/// Values are kept to all their digits; what a detector says of them is an estimate, kept to seven, which is half
/// the disk. Fields of the verdict are NaN where there was none: during warm-up, and for a slot without a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedSample {
    /// Event time.
    pub at: Timestamp,
    /// Arrival time: what was known at some time is what had arrived by then.
    pub received_at: Timestamp,
    /// 0 for the first sample of its event time, 1 for the first that corrects it, and so on.
    pub revision: u16,
    /// True if it came after a later one: it was judged by the expectation of its slot, and taught nobody.
    pub late: bool,
    /// As it came; NaN for a slot without a number.
    pub value: f64,
    /// Growth a second, for a counter: what was judged. NaN for a gauge.
    pub rate: f32,
    /// What it was expected to be.
    pub expected: f32,
    /// Lower end of the expected band.
    pub lower: f32,
    /// Upper end of the expected band.
    pub upper: f32,
    /// Strangeness, ≥ 0; see [`crate::Verdict::score`].
    pub score: f32,
    /// Probability of a sample at least as strange if nothing has changed.
    pub p_value: f32,
    /// Name of the detector that found it strangest; empty without a verdict.
    pub detector: Cow<'static, str>,
    /// True while it belongs to an open alarm.
    pub alarm: bool,
    /// Why it opened no alarm although it is unlikely enough.
    pub held_back: Option<HeldBack>,
}

impl JudgedSample {
    /// A sample that nothing is said of.
    pub fn unjudged(at: Timestamp, value: f64, received_at: Timestamp) -> Self {
        Self {
            at,
            received_at,
            revision: 0,
            late: false,
            value,
            rate: f32::NAN,
            expected: f32::NAN,
            lower: f32::NAN,
            upper: f32::NAN,
            score: f32::NAN,
            p_value: f32::NAN,
            detector: Cow::Borrowed(""),
            alarm: false,
            held_back: None,
        }
    }

    /// What was judged: the rate of a counter, the value of a gauge.
    pub fn judged_value(&self) -> f64 {
        if self.rate.is_nan() { self.value } else { f64::from(self.rate) }
    }
}

/// Judged samples of one series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesRows {
    /// Which series.
    pub key: SeriesKey,
    /// Its samples, in the order in which they came.
    pub samples: Vec<JudgedSample>,
}

/// How far an episode has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpisodeState {
    /// It begins.
    Opened,
    /// It is markedly worse than when it was last told.
    Peaked,
    /// It is over.
    Closed,
    /// A single strange sample that came late: it is told, and it opens nothing.
    Late,
}

/// An episode of a live series as it stands: what people are told. Told again when it peaks and when it closes,
/// under the same series and start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesFinding {
    /// The series it lies in.
    pub series: SeriesKey,
    /// How far it has got.
    pub state: EpisodeState,
    /// First strange sample.
    pub start_at: Timestamp,
    /// Last strange sample so far.
    pub end_at: Timestamp,
    /// The strangest sample so far.
    pub peak_at: Timestamp,
    /// When the sample arrived that it is told for.
    pub received_at: Timestamp,
    /// Above or below at the peak; `None` where that has no meaning.
    pub direction: Option<Direction>,
    /// What was judged at the peak: the value of a gauge, the rate of a counter.
    pub observed: f64,
    /// What was expected there.
    pub expected: f64,
    /// Lower end of the expected band there.
    pub lower: f64,
    /// Upper end of the expected band there.
    pub upper: f64,
    /// Score of the peak.
    pub score: f64,
    /// Its p-value.
    pub p_value: f64,
    /// Name of the detector that found it.
    pub detector: String,
    /// The whole in one sentence.
    pub sentence: String,
}
