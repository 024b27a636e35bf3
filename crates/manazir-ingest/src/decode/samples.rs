//! Samples of series, as what every source of them becomes.

mod csv;
pub(super) mod ndjson;

use std::collections::HashMap;

pub use csv::decode as decode_csv;
use manazir_model::{Grain, Sample, SeriesKey, SeriesKind, SeriesSamples, Timestamp};
pub use ndjson::decode as decode_ndjson;

use super::{Error, Rejects};

/// Labels of one series: more are a table, not a series.
pub const LABELS_MAX: usize = 64;

/// Bytes of a metric's name, of a label and of its value.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// Samples further ahead of their arrival than this come from a clock that is wrong; one of them would make all that
/// follow late.
pub const AHEAD_MICROS_MAX: i64 = 10 * Grain::MINUTE.micros();

/// Samples by series, and what could not be read.
#[derive(Debug, Default)]
pub struct DecodedSamples {
    /// In the order in which the input names them.
    pub series: Vec<SeriesSamples>,
    /// Samples of all series.
    pub samples: usize,
    /// Each names its item.
    pub rejects: Rejects,
    index: HashMap<SeriesKey, usize>,
}

impl DecodedSamples {
    /// Number of the next item, counted from 1.
    fn next_item(&self) -> usize {
        self.samples + self.rejects.len() + 1
    }

    /// Adds samples of a series; says what is wrong with its name and labels, if something is.
    ///
    /// The first that says what kind a series is counts.
    pub(super) fn add(
        &mut self,
        key: SeriesKey,
        kind: Option<SeriesKind>,
        samples: impl IntoIterator<Item = Sample>,
    ) -> Result<(), String> {
        sound(&key)?;
        let known = match self.index.get(&key) {
            Some(&known) => known,
            None => {
                self.index.insert(key.clone(), self.series.len());
                self.series.push(SeriesSamples { key, kind, samples: Vec::new() });
                self.series.len() - 1
            }
        };
        let SeriesSamples { kind: said, samples: of_series, .. } = &mut self.series[known];
        *said = said.or(kind);
        let before = of_series.len();
        of_series.extend(samples);
        self.samples += of_series.len() - before;
        Ok(())
    }

    /// Rejects samples whose time is ahead of their arrival, as those who judge them would.
    pub fn refuse_ahead(&mut self, received_at: Timestamp) {
        for SeriesSamples { key, samples, .. } in &mut self.series {
            samples.retain(|sample| {
                let ahead = sample.at.micros_since(received_at) > AHEAD_MICROS_MAX;
                if ahead {
                    self.rejects.push(Error::Ahead { series: key.to_string(), at: sample.at });
                    self.samples -= 1;
                }
                !ahead
            });
        }
        self.series.retain(|series| !series.samples.is_empty());
        self.index.clear();
    }

    /// Adds the samples of another; what that one rejected is its own.
    pub fn append(&mut self, other: Self) {
        for SeriesSamples { key, kind, samples } in other.series {
            // Each key was found sound when it was added there.
            let _ = self.add(key, kind, samples);
        }
    }

    /// As [`DecodedSamples::add`] for one sample that is one item.
    fn push(&mut self, item: usize, read: Result<(SeriesKey, Option<SeriesKind>, Sample), Vec<String>>) {
        let added =
            read.and_then(|(key, kind, sample)| self.add(key, kind, [sample]).map_err(|why| vec![why]));
        if let Err(wrong) = added {
            self.rejects.push(Error::Wrong { item, wrong });
        }
    }
}

fn sound(key: &SeriesKey) -> Result<(), String> {
    if key.metric.is_empty() {
        return Err("the series has no name".to_owned());
    }
    if key.labels.len() > LABELS_MAX {
        return Err(format!("the series has {} labels, more than {LABELS_MAX}", key.labels.len()));
    }
    let pairs = key.labels.iter().flat_map(|(label, value)| [label, value]);
    match pairs.chain([&key.metric]).map(String::len).max() {
        Some(length) if length > TEXT_BYTES_MAX => {
            Err(format!("a name, label or value has {length} bytes, more than {TEXT_BYTES_MAX}"))
        }
        _ => Ok(()),
    }
}

/// Everything that was read as text, for snapshots.
#[cfg(test)]
pub(super) fn show(decoded: &DecodedSamples) -> String {
    let mut lines = Vec::new();
    for SeriesSamples { key, kind, samples } in &decoded.series {
        let samples: Vec<_> =
            samples.iter().map(|sample| format!("{} {}", sample.at, sample.value)).collect();
        let kind = kind.map_or_else(|| "unsaid".to_owned(), |kind| format!("{kind:?}"));
        lines.push(format!("{key} {kind}: {}", samples.join(", ")));
    }
    lines.extend(decoded.rejects.iter().map(|why| format!("! {why}")));
    lines.join("\n")
}
