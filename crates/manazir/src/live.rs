//! The live series of a partition: each judged, sample by sample, by what came before.
//!
//! [`LiveSeries`] is a plain value. It looks at no clock and no disk: the same messages in give the same verdicts
//! and the same findings out, however they are cut into batches, and a state that was saved and restored in the
//! middle goes on with the same bits.
//!
//! A series has a *watermark*, its newest event time. What comes behind it is late: it is judged by the
//! expectation that its slot was given in its time, taught to nobody, and stored as a revision beside what was
//! known before.

mod counter;
mod episode;
mod events;
mod one;
mod recent;
mod words;

use std::collections::BTreeMap;

// What is refused here is refused at the edge already, where its sender is told.
use manazir_ingest::decode::samples::{AHEAD_MICROS_MAX, LABELS_MAX, TEXT_BYTES_MAX};
use manazir_model::{Grain, SeriesFinding, SeriesKey, SeriesRows, SeriesSamples, Timestamp};
use serde::{Deserialize, Serialize};

pub use events::{EventRollup, EventSeries, Field, Only};
use one::One;

/// A series that was silent for so long is forgotten.
const SILENT_MICROS_MAX: i64 = 30 * Grain::DAY.micros();

/// What one partition may hold.
#[derive(Clone, Copy, Debug)]
pub struct LiveLimits {
    /// Series; new ones are refused beyond it.
    pub series_max: usize,
    /// Labels of a series.
    pub labels_max: usize,
    /// Bytes of a metric's name, of a label and of its value, each.
    pub name_bytes_max: usize,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self { series_max: 10_000, labels_max: LABELS_MAX, name_bytes_max: TEXT_BYTES_MAX }
    }
}

/// Why samples were not taken.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
pub enum Refusal {
    /// The partition is full.
    #[error("there are as many series as may be: nothing is learnt of new ones")]
    TooManySeries,
    /// The key is too long.
    #[error("its name or its labels are too long, or too many")]
    KeyTooLong,
    /// Its time is in the future.
    #[error("its time is more than 10 minutes ahead of its arrival: a clock is wrong")]
    Ahead,
}

impl Refusal {
    /// Its word, in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooManySeries => "too_many_series",
            Self::KeyTooLong => "key_too_long",
            Self::Ahead => "ahead",
        }
    }
}

/// How many samples came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCounts {
    /// Got a verdict.
    pub judged: u64,
    /// Taken before there was enough to judge by, or without a number.
    pub unjudged: u64,
    /// Came after a later one of their series, and were stored as such.
    pub late: u64,
    /// Came with the same time and value before, and were left out.
    pub repeated: u64,
    /// Were not taken; see [`SampleOutcomes::refused`].
    pub refused: u64,
}

/// What a batch of samples came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleOutcomes {
    /// Rows for the lake; series in the order of the batch.
    pub rows: Vec<SeriesRows>,
    /// Episodes that began, grew worse or ended.
    pub findings: Vec<SeriesFinding>,
    /// How many samples came to what.
    pub counts: SampleCounts,
    /// Why samples were refused, and how many for each reason.
    pub refused: BTreeMap<Refusal, u64>,
}

impl SampleOutcomes {
    /// Adds what came later.
    pub fn extend(&mut self, later: Self) {
        self.rows.extend(later.rows);
        self.findings.extend(later.findings);
        let counts = &mut self.counts;
        counts.judged += later.counts.judged;
        counts.unjudged += later.counts.unjudged;
        counts.late += later.counts.late;
        counts.repeated += later.counts.repeated;
        counts.refused += later.counts.refused;
        for (why, count) in later.refused {
            *self.refused.entry(why).or_default() += count;
        }
    }

    fn refuse(&mut self, why: Refusal, count: u64) {
        self.counts.refused += count;
        *self.refused.entry(why).or_default() += count;
    }
}

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LiveSeries {
    #[serde(skip)]
    limits: LiveLimits,
    /// By key, written down: a tenth of the memory that its texts would take apart.
    series: BTreeMap<Box<[u8]>, One>,
    /// The day of the last look for silent series.
    swept_day: i64,
}

impl LiveSeries {
    /// No series yet.
    pub fn new(limits: LiveLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Series that are known.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// True before the first series.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Judges samples that arrived at one time, each series by itself and in the order in which they came.
    pub fn samples(&mut self, received_at: Timestamp, series: &[SeriesSamples]) -> SampleOutcomes {
        self.forget_silent(received_at);
        let mut outcomes = SampleOutcomes::default();
        let mut written = Vec::new();
        for SeriesSamples { key, kind, samples } in series {
            written.clear();
            written = postcard::to_extend(key, written).expect("a key is made of texts");
            let one = match self.of(key, &written) {
                Ok(one) => one,
                Err(why) => {
                    outcomes.refuse(why, samples.len() as u64);
                    continue;
                }
            };
            let mut rows = Vec::with_capacity(samples.len());
            for &sample in samples {
                if sample.at.micros_since(received_at) > AHEAD_MICROS_MAX {
                    outcomes.refuse(Refusal::Ahead, 1);
                    continue;
                }
                let taken = one.take((key, *kind), sample, received_at, &mut outcomes.counts);
                rows.extend(taken.row);
                outcomes.findings.extend(taken.finding);
            }
            if !rows.is_empty() {
                outcomes.rows.push(SeriesRows { key: key.clone(), samples: rows });
            }
        }
        outcomes
    }

    fn of(&mut self, key: &SeriesKey, written: &[u8]) -> Result<&mut One, Refusal> {
        if !self.series.contains_key(written) {
            if self.series.len() >= self.limits.series_max {
                return Err(Refusal::TooManySeries);
            }
            if !self.limits.fit(key) {
                return Err(Refusal::KeyTooLong);
            }
            self.series.insert(written.into(), One::default());
        }
        self.series.get_mut(written).ok_or(Refusal::TooManySeries)
    }

    /// Once a day, by the clock of arrivals.
    fn forget_silent(&mut self, received_at: Timestamp) {
        let day = received_at.micros().div_euclid(Grain::DAY.micros());
        if day > self.swept_day {
            self.swept_day = day;
            self.series.retain(|_, one| received_at.micros_since(one.heard_at()) <= SILENT_MICROS_MAX);
        }
    }
}

impl LiveLimits {
    fn fit(&self, key: &SeriesKey) -> bool {
        let short = |text: &str| text.len() <= self.name_bytes_max;
        short(&key.metric)
            && key.labels.len() <= self.labels_max
            && key.labels.iter().all(|(label, value)| short(label) && short(value))
    }
}

#[cfg(test)]
mod tests;
