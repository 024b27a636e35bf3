//! What a sensor sends to a broker: a bare number, or JSON.
//!
//! ```text
//! sensors/hall/temperature   21.5
//! sensors/hall               {"value": 21.5, "at": "2023-06-23T16:23:18Z", "series": "hall", "labels": {"floor": 1}}
//! sensors/hall               {"temperature": 21.5, "humidity": 40, "time": 1687537398}
//! ```
//!
//! An object with the key `value` is a sample as [`samples::decode_ndjson`](super::samples::decode_ndjson) reads it.
//! Of any other, each field that is a number is a series of that name with the label `topic`. A series that is not
//! named is the topic's, a time that is not said that of the arrival.

use std::collections::BTreeMap;

use manazir_model::{Sample, SeriesKey, SeriesKind, Timestamp};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::samples::ndjson::{self, Keys, Unsaid};
use super::samples::{AHEAD_MICROS_MAX, DecodedSamples};
use super::{Error, keys};
use crate::Format;

/// Source of the dead letters of sensors; the identity of each is its topic.
pub const SOURCE: &str = "mqtt";

/// Fields that say when, in the order in which they are looked for; the numbers of clocks are no series.
const TIMES: [&str; 4] = ["at", "time", "timestamp", "ts"];

/// The label of the topic.
const TOPIC: &str = "topic";

/// One message of a broker.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Where it was published.
    pub topic: &'a str,
    /// As it came.
    pub payload: &'a [u8],
    /// When it arrived.
    pub received_at: Timestamp,
    /// True if the broker had kept it and hands it out because somebody subscribes. It may be of last year and be
    /// handed out again every hour: its arrival says nothing of its time.
    pub retained: bool,
}

type Read = (SeriesKey, Option<SeriesKind>, Sample);

/// Reads a message; items are its lines, if it is JSON and more than one.
///
/// An empty message, with which a publisher has the broker forget a retained one, says nothing. A retained message
/// is taken only where it carries a time of its own, and is never a reject: it was one when it was new.
pub fn decode(reading: &Reading<'_>) -> DecodedSamples {
    let mut decoded = DecodedSamples::default();
    let payload = reading.payload.trim_ascii();
    for (line, item) in items(payload).into_iter().zip(1..) {
        let read =
            if line.starts_with(b"{") { object(reading, item, line) } else { number(reading, item, line) };
        if let Err(error) = read.and_then(|samples| add(&mut decoded, reading, item, samples))
            && !reading.retained
        {
            decoded.rejects.push_kept(error, Format::Samples, line);
        }
    }
    decoded
}

/// One value, over however many lines it is written; or lines.
fn items(payload: &[u8]) -> Vec<&[u8]> {
    if !payload.starts_with(b"{") || serde_json::from_slice::<IgnoredAny>(payload).is_ok() {
        return if payload.is_empty() { Vec::new() } else { vec![payload] };
    }
    payload.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

/// Adds what can be added.
fn add(
    decoded: &mut DecodedSamples,
    reading: &Reading<'_>,
    item: usize,
    samples: Vec<Read>,
) -> Result<(), Error> {
    let mut wrong = Vec::new();
    // All of them, and not only those before the first that is wrong.
    for (key, kind, sample) in samples {
        if sample.at.micros_since(reading.received_at) > AHEAD_MICROS_MAX {
            wrong.push(Error::Ahead { series: key.to_string(), at: sample.at }.to_string());
        } else if let Err(why) = decoded.add(key, kind, [sample]) {
            wrong.push(why);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Wrong { item, wrong }) }
}

fn number(reading: &Reading<'_>, item: usize, text: &[u8]) -> Result<Vec<Read>, Error> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    let Some(value) = number.filter(|number| !number.is_infinite()) else {
        return Err(Error::Wrong { item, wrong: vec!["neither a number nor a JSON object".to_owned()] });
    };
    if reading.retained {
        return Ok(Vec::new());
    }
    let sample = Sample { at: reading.received_at, value };
    Ok(vec![(SeriesKey::new(reading.topic, []), None, sample)])
}

fn object(reading: &Reading<'_>, item: usize, line: &[u8]) -> Result<Vec<Read>, Error> {
    let json = |source| Error::Json { item, source };
    let keys: Keys<'_> = serde_json::from_slice(line).map_err(json)?;
    let read = if !keys.has_value() {
        fields(reading, &keys, &serde_json::from_slice(line).map_err(json)?)
    } else if reading.retained && !keys.has_time() {
        Ok(Vec::new())
    } else {
        let unsaid = Unsaid { series: reading.topic, at: reading.received_at };
        ndjson::sample(&keys, Some(unsaid)).map(|sample| vec![sample])
    };
    read.map_err(|wrong| Error::Wrong { item, wrong })
}

/// A series for each field that is a number; text, truths, nothing and what is nested are passed over.
fn fields(
    reading: &Reading<'_>,
    keys: &Keys<'_>,
    fields: &BTreeMap<String, &RawValue>,
) -> Result<Vec<Read>, Vec<String>> {
    let mut wrong = Vec::new();
    let time = TIMES.iter().find_map(|&name| {
        let said = fields.get(name).filter(|value| value.get() != "null")?;
        Some(keys::moment(name, Some(said), &mut wrong))
    });
    let mut labels = keys.labels(&mut wrong);
    labels.insert(TOPIC.to_owned(), reading.topic.to_owned());
    let mut read = Vec::new();
    for (name, value) in fields.iter().filter(|(name, _)| !TIMES.contains(&name.as_str())) {
        let value = value.get();
        if !value.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            continue;
        }
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                let sample = Sample { at: time.unwrap_or(reading.received_at), value };
                read.push((SeriesKey::new(name, labels.clone()), None, sample));
            }
            _ => wrong.push(format!("{name} is not a number")),
        }
    }
    if read.is_empty() && wrong.is_empty() {
        wrong.push("no field is a number".to_owned());
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    if reading.retained && time.is_none() {
        read.clear();
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::super::samples::show;
    use super::*;

    fn reading<'a>(topic: &'a str, payload: &'a [u8]) -> Reading<'a> {
        Reading { topic, payload, received_at: Timestamp::from_seconds(1_687_537_398), retained: false }
    }

    #[track_caller]
    fn check(topic: &str, payload: &str, expect: Expect) {
        expect.assert_eq(&show(&decode(&reading(topic, payload.as_bytes()))));
    }

    #[test]
    fn a_bare_number_is_a_sample_of_its_topic_at_its_arrival() {
        check("hall/temperature", " 21.5\r\n", expect!["hall/temperature unsaid: 2023-06-23T16:23:18Z 21.5"]);
        check("hall/clicks_total", "-1e3", expect!["hall/clicks_total unsaid: 2023-06-23T16:23:18Z -1000"]);
        check("hall", "nan", expect!["hall unsaid: 2023-06-23T16:23:18Z NaN"]);
        check("hall", "", expect![""]);
        for payload in ["on", "21,5", "21.5 °C", "inf", "[1]", "\"1\"", "1\n2"] {
            check("hall", payload, expect!["! item 1: neither a number nor a JSON object"]);
        }
    }

    #[test]
    fn an_object_with_a_value_is_a_sample_and_may_leave_name_and_time_away() {
        check("hall", r#"{"value": 21.5}"#, expect!["hall unsaid: 2023-06-23T16:23:18Z 21.5"]);
        check(
            "hall",
            r#"{
                "value": null, "time": "2024-01-01T00:00:00Z",
                "series": "heat", "labels": {"floor": 1}
            }"#,
            expect![
                "! item 1: the sample of heat{floor=1} at 2024-01-01T00:00:00Z is more than 10 minutes ahead of its arrival: a clock is wrong"
            ],
        );
        check(
            "hall",
            "{\"value\": 1, \"at\": 1}\n{\"value\": 2, \"at\": \"noon\"}\n\n7\n{\"value\": 3, \"at\": 3}",
            expect![[r#"
                hall unsaid: 1970-01-01T00:00:01Z 1, 2023-06-23T16:23:18Z 7, 1970-01-01T00:00:03Z 3
                ! item 2: at is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970"#]],
        );
    }

    #[test]
    fn numbers_among_the_fields_are_a_series_each() {
        check(
            "hall",
            r#"{"temperature": 21.5, "humidity": 40, "battery": "low", "on": true, "ts": 1687537399, "more": {"a": 1}}"#,
            expect![[r#"
                humidity{topic=hall} unsaid: 2023-06-23T16:23:19Z 40
                temperature{topic=hall} unsaid: 2023-06-23T16:23:19Z 21.5"#]],
        );
        check(
            "a",
            r#"{"clicks_total": 4, "labels": {"b": "c"}}"#,
            expect!["clicks_total{b=c, topic=a} unsaid: 2023-06-23T16:23:18Z 4"],
        );
        check("a", r#"{"state": "on"}"#, expect!["! item 1: no field is a number"]);
        check(
            "a",
            r#"{"b": 1e999, "time": "noon"}"#,
            expect![
                "! item 1: time is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970; b is not a number"
            ],
        );
        check(
            "a",
            "{\"b\": 1",
            expect![
                "! item 1 cannot be read as JSON of this kind: EOF while parsing an object at line 1 column 7"
            ],
        );
    }

    #[test]
    fn what_comes_from_the_future_is_refused_as_everywhere() {
        check(
            "a",
            r#"{"b": 1, "at": 1687538000}"#,
            expect![
                "! item 1: the sample of b{topic=a} at 2023-06-23T16:33:20Z is more than 10 minutes ahead of its arrival: a clock is wrong"
            ],
        );
        check("a", r#"{"b": 1, "at": 1687537998}"#, expect!["b{topic=a} unsaid: 2023-06-23T16:33:18Z 1"]);
    }

    #[test]
    fn what_is_wrong_with_a_name_stops_no_other_field() {
        let long = "x".repeat(super::super::samples::TEXT_BYTES_MAX + 1);
        check(
            "a",
            &format!(r#"{{"{long}": 1, "": 2, "z": 3}}"#),
            expect![[r#"
                z{topic=a} unsaid: 2023-06-23T16:23:18Z 3
                ! item 1: the series has no name; a name, label or value has 1025 bytes, more than 1024"#]],
        );
    }

    #[test]
    fn of_retained_messages_only_those_with_a_time_are_taken() {
        let all = [
            "7",
            r#"{"value": 7}"#,
            r#"{"b": 7}"#,
            "on",
            "{",
            r#"{"b": 7, "at": 7}"#,
            r#"{"value": 7, "at": 8}"#,
        ];
        let kept =
            all.map(|payload| show(&decode(&Reading { retained: true, ..reading("a", payload.as_bytes()) })));
        let taken: Vec<&str> = kept.iter().map(String::as_str).filter(|shown| !shown.is_empty()).collect();
        assert_eq!(taken, ["b{topic=a} unsaid: 1970-01-01T00:00:07Z 7", "a unsaid: 1970-01-01T00:00:08Z 7"]);
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_came() {
        let decoded = decode(&reading("a", b"{\"b\": 1}\n{\"b\": x}"));
        let kept: Vec<(&[u8], Format)> =
            decoded.rejects.kept().iter().map(|kept| (&*kept.body, kept.format)).collect();
        assert_eq!((decoded.samples, kept), (1, vec![(&b"{\"b\": x}"[..], Format::Samples)]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(topic in "\\PC*", payload in proptest::collection::vec(any::<u8>(), 0..200), retained: bool) {
            decode(&Reading { retained, ..reading(&topic, &payload) });
        }

        /// Whatever becomes of a line, no other line sees it.
        #[test]
        fn lines_are_read_each_by_itself(
            lines in proptest::collection::vec("[{\\[]?(\"(value|at|a|labels)\": ?(1|null|\"b\"|\\{\\}),? ?){0,3}[}\\]]?", 1..6)
        ) {
            let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
            let counts = |payload: &str| {
                let decoded = decode(&reading("t", payload.as_bytes()));
                (decoded.samples, decoded.rejects.len())
            };
            // The first line says that it is JSON, line by line.
            let whole = counts(&format!("{{\"first\": 0}}\n{}", lines.join("\n")));
            let each = lines.iter().map(|line| counts(line));
            let sum = each.fold((1, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            prop_assert_eq!(whole, sum);
        }
    }
}
