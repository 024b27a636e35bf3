//! Samples as JSON, one a line.
//!
//! ```json
//! {"series": "cpu", "labels": {"host": "a"}, "at": "2023-06-23T16:23:18Z", "value": 1.5}
//! ```
//!
//! `metric` may stand for `series`, `time` for `at`; a time is RFC 3339 or a number since 1970; a value of `null` is
//! a slot without a number; `"kind": "counter"` says of a series that it only grows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use manazir_model::{Sample, SeriesKey, SeriesKind, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::keys::{self, moment, required, word};
use super::{DecodedSamples, Error};

/// The keys of a sample.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct Keys<'a> {
    #[serde(borrow)]
    series: keys::Value<'a>,
    #[serde(borrow)]
    metric: keys::Value<'a>,
    #[serde(borrow)]
    labels: keys::Value<'a>,
    #[serde(borrow)]
    kind: keys::Value<'a>,
    #[serde(borrow)]
    at: keys::Value<'a>,
    #[serde(borrow)]
    time: keys::Value<'a>,
    #[serde(borrow, deserialize_with = "also_null")]
    value: keys::Value<'a>,
}

impl Keys<'_> {
    /// True if it is a sample at all, with a number or without.
    pub(in super::super) fn has_value(&self) -> bool {
        self.value.is_some()
    }

    /// True if it says when it was taken.
    pub(in super::super) fn has_time(&self) -> bool {
        self.at.or(self.time).is_some()
    }

    /// Its labels; none if there are none.
    pub(in super::super) fn labels(&self, wrong: &mut Vec<String>) -> BTreeMap<String, String> {
        labels(self.labels, wrong)
    }
}

/// What holds where a sample does not say it.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Unsaid<'a> {
    pub(in super::super) series: &'a str,
    pub(in super::super) at: Timestamp,
}

/// A `null` of an `Option` is taken for no value at all; here it is one.
fn also_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<keys::Value<'de>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads samples, one a line; empty lines are no items.
pub fn decode(bytes: &[u8]) -> DecodedSamples {
    let mut decoded = DecodedSamples::default();
    for line in bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let item = decoded.next_item();
        match serde_json::from_slice::<Keys<'_>>(line) {
            Ok(keys) => decoded.push(item, sample(&keys, None)),
            Err(source) => decoded.rejects.push(Error::Json { item, source }),
        }
    }
    decoded
}

/// Reads one sample. Name and time must be there if nothing stands for them.
pub(in super::super) fn sample(
    keys: &Keys<'_>,
    unsaid: Option<Unsaid<'_>>,
) -> Result<(SeriesKey, Option<SeriesKind>, Sample), Vec<String>> {
    let mut wrong = Vec::new();
    let metric = match (keys.series.or(keys.metric), unsaid) {
        (None, Some(unsaid)) => Cow::Borrowed(unsaid.series),
        (said, _) => required("series", said, &mut wrong),
    };
    let labels = labels(keys.labels, &mut wrong);
    let kind = kind(keys.kind, &mut wrong);
    let at = match (keys.at.or(keys.time), unsaid) {
        (None, Some(unsaid)) => unsaid.at,
        (said, _) => moment("at", said, &mut wrong),
    };
    let value = value(keys.value, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Ok((SeriesKey::new(metric, labels), kind, Sample { at, value }))
}

/// Values of labels are strings, numbers or truths; `null` is no label.
fn labels(value: keys::Value<'_>, wrong: &mut Vec<String>) -> BTreeMap<String, String> {
    let Some(raw) = value.filter(|raw| raw.get() != "null") else { return BTreeMap::new() };
    let Ok(pairs) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) else {
        wrong.push("labels is not an object".to_owned());
        return BTreeMap::new();
    };
    let present = pairs.into_iter().filter(|(_, value)| value.get() != "null");
    present
        .map(|(label, value)| {
            let value = match value.get() {
                truth @ ("true" | "false") => truth.to_owned(),
                _ => word(&format!("the label {label}"), Some(value), wrong).into_owned(),
            };
            (label, value)
        })
        .collect()
}

fn kind(value: keys::Value<'_>, wrong: &mut Vec<String>) -> Option<SeriesKind> {
    match &*word("kind", value, wrong) {
        "" => None,
        "gauge" => Some(SeriesKind::Gauge),
        "counter" => Some(SeriesKind::Counter),
        other => {
            wrong.push(format!("kind is `{other}`; it is gauge or counter"));
            None
        }
    }
}

fn value(value: keys::Value<'_>, wrong: &mut Vec<String>) -> f64 {
    match value.map(|raw| serde_json::from_str::<Option<f64>>(raw.get())) {
        None => wrong.push("value is missing".to_owned()),
        Some(Err(_)) => wrong.push("value is not a number".to_owned()),
        Some(Ok(number)) => return number.unwrap_or(f64::NAN),
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::super::show;
    use super::*;

    #[track_caller]
    fn check(lines: &str, expect: Expect) {
        expect.assert_eq(&show(&decode(lines.as_bytes())));
    }

    #[test]
    fn samples_come_together_by_series() {
        check(
            r#"{"series": "cpu", "labels": {"host": "a"}, "at": "2023-06-23T16:23:18Z", "value": 1.5}
{"metric": "hits", "kind": "counter", "time": 1687537398, "value": 7}

{"series": "cpu", "labels": {"host": "a", "rack": null}, "at": 1687537458000, "value": null, "more": {}}
{"series": "cpu", "labels": {"host": 7, "up": true}, "at": 1687537458.5, "value": -1e3}"#,
            expect![[r#"
                cpu{host=a} unsaid: 2023-06-23T16:23:18Z 1.5, 2023-06-23T16:24:18Z NaN
                hits Counter: 2023-06-23T16:23:18Z 7
                cpu{host=7, up=true} unsaid: 2023-06-23T16:24:18.5Z -1000"#]],
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        check(
            r#"{}
{"series": "", "labels": [1], "at": "noon", "value": "1", "kind": "rate"}
{"series": "a", "labels": {"b": []}, "at": 0, "value": 1e400}
[]
nothing"#,
            expect![[r#"
                ! item 1: series is missing; at is missing; value is missing
                ! item 2: series is empty; labels is not an object; kind is `rate`; it is gauge or counter; at is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970; value is not a number
                ! item 3: the label b is not a string; value is not a number
                ! item 4: series is missing; at is missing; value is missing
                ! item 5 cannot be read as JSON of this kind: expected ident at line 1 column 2"#]],
        );
        let wide: Vec<_> = (0..=super::super::LABELS_MAX).map(|label| format!("\"l{label}\": 1")).collect();
        check(
            &format!(r#"{{"series": "a", "labels": {{{}}}, "at": 0, "value": 1}}"#, wide.join(",")),
            expect!["! item 1: the series has 65 labels, more than 64"],
        );
        let long = "x".repeat(super::super::TEXT_BYTES_MAX + 1);
        check(
            &format!(r#"{{"series": "{long}", "at": 0, "value": 1}}"#),
            expect!["! item 1: a name, label or value has 1025 bytes, more than 1024"],
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }

        #[test]
        fn no_damage_panics(at in 0usize..100, byte: u8) {
            let mut line = br#"{"series": "cpu", "labels": {"host": "a"}, "at": 1687537398, "value": 1.5, "kind": "gauge"}"#.to_vec();
            let length = line.len();
            line[at % length] = byte;
            decode(&line);
        }
    }
}
