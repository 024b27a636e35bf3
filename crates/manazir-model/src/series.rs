//! Series and their identity.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Grain, Timestamp};

/// One value at one instant. A value of NaN is a slot that came without a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Event time.
    pub at: Timestamp,
    /// In the unit of the series; NaN where the slot holds no number.
    pub value: f64,
}

/// What a series is: the name of its metric and its labels, as in the Prometheus model.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The metric's name, for instance `orders`.
    pub metric: String,
    /// Label and value, sorted by label; a label occurs once.
    pub labels: Vec<(String, String)>,
}

impl SeriesKey {
    /// Sorts the labels; of two with the same name the later one wins.
    pub fn new(metric: impl Into<String>, labels: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut sorted = std::collections::BTreeMap::new();
        sorted.extend(labels);
        Self { metric: metric.into(), labels: sorted.into_iter().collect() }
    }
}

impl fmt::Display for SeriesKey {
    /// `orders{app=4.2, country=BR}`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.metric)?;
        if self.labels.is_empty() {
            return Ok(());
        }
        for (position, (label, value)) in self.labels.iter().enumerate() {
            write!(f, "{}{label}={value}", if position == 0 { "{" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// How the values of a series behave, as far as a detector must know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// A level that moves freely.
    #[default]
    Gauge,
    /// Only grows, but for resets; its rate is what is judged.
    Counter,
}

/// Some samples of one series, as a source sends them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SeriesSamples {
    /// Whose they are.
    pub key: SeriesKey,
    /// What the source says of the series; `None` if it says nothing: its name and its first samples do then.
    pub kind: Option<SeriesKind>,
    /// In the order in which they came.
    pub samples: Vec<Sample>,
}

/// Samples of one series in event-time order, with what is known about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its identity.
    pub key: SeriesKey,
    /// Gauge or counter.
    pub kind: SeriesKind,
    /// The unit, where the name or the catalogue tells it: `s`, `bytes`, `%`.
    pub unit: Option<String>,
    /// The usual distance between samples; `None` if there is none.
    pub grain: Option<Grain>,
    /// IANA name of the zone whose clock the series follows, `UTC` if unknown.
    pub zone: String,
    /// Event times, strictly ascending, shape `(n_samples,)`.
    pub at: Vec<Timestamp>,
    /// Values, shape `(n_samples,)`; NaN where a slot holds no number.
    pub values: Vec<f64>,
}

impl Series {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True without any sample.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The samples in order.
    pub fn samples(&self) -> impl Iterator<Item = Sample> + '_ {
        self.at.iter().zip(&self.values).map(|(&at, &value)| Sample { at, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_sorts_its_labels_and_prints_them() {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let key =
            SeriesKey::new("orders", [label("country", "BR"), label("app", "4.1"), label("app", "4.2")]);
        assert_eq!(key.to_string(), "orders{app=4.2, country=BR}");
        assert_eq!(SeriesKey::new("load", []).to_string(), "load");
    }
}
