//! CloudEvents 1.0 over HTTP, in its three modes: structured, batched and binary.
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>. `source` and `id` are the identity, as
//! the specification has it; `type` is the action, `subject` the resource. Who did it no attribute says: an
//! extension `actor` does where there is one, else the source stands for it. The place is the extension `place` or
//! `region`, else empty; without a time the event happened when it arrived.

use std::borrow::Cow;

use manazir_model::{Event, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Error;
use super::generic::{self, Line, Lines};
use super::keys::{self, required, word, words};

/// The attributes that are read; all others, and the data, stay in the raw bytes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes<'a> {
    #[serde(borrow)]
    specversion: keys::Value<'a>,
    #[serde(borrow)]
    id: keys::Value<'a>,
    #[serde(borrow)]
    source: keys::Value<'a>,
    #[serde(borrow)]
    r#type: keys::Value<'a>,
    #[serde(borrow)]
    subject: keys::Value<'a>,
    #[serde(borrow)]
    time: keys::Value<'a>,
    #[serde(borrow)]
    actor: keys::Value<'a>,
    #[serde(borrow)]
    account: keys::Value<'a>,
    #[serde(borrow)]
    place: keys::Value<'a>,
    #[serde(borrow)]
    region: keys::Value<'a>,
    #[serde(borrow)]
    traceparent: keys::Value<'a>,
}

/// Reads one event of `application/cloudevents+json`.
pub fn decode(bytes: &[u8], received_at: Timestamp) -> Lines {
    let mut lines = Lines::default();
    lines.push(event(bytes, received_at, 1));
    lines
}

/// Reads the list of `application/cloudevents-batch+json`.
pub fn decode_batch(bytes: &[u8], received_at: Timestamp) -> Lines {
    let mut lines = Lines::default();
    match serde_json::from_slice::<Vec<&RawValue>>(bytes) {
        Ok(events) => {
            for one in events {
                let item = lines.next_item();
                let raw = one.get().as_bytes();
                lines.push_or_keep(event(raw, received_at, item), raw);
            }
        }
        Err(source) => lines.rejects.push(Error::Json { item: 1, source }),
    }
    lines
}

/// An event in binary mode, put together again: attributes by name, and the body.
#[derive(Serialize)]
struct Binary<'a> {
    #[serde(flatten)]
    attributes: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_text: Option<Cow<'a, str>>,
}

/// Reads an event in binary mode: the attributes are the headers `ce-…`, without that prefix, and the body is the
/// data.
pub fn decode_binary<'h>(
    attributes: impl IntoIterator<Item = (&'h str, &'h str)>,
    body: &[u8],
    received_at: Timestamp,
) -> Lines {
    let attributes = attributes
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), serde_json::Value::String(unescaped(value))))
        .collect();
    let data = generic::raw(body);
    let text = data.is_none() && !body.is_empty();
    let data_text = text.then(|| String::from_utf8_lossy(body));
    let mut lines = Lines::default();
    let whole = serde_json::to_vec(&Binary { attributes, data, data_text });
    lines.push(match whole {
        Ok(whole) => event(&whole, received_at, 1),
        Err(source) => Err(Error::Json { item: 1, source }),
    });
    lines
}

/// Headers carry what is not printable in ASCII as `%` and two digits.
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits =
            after.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn event(raw: &[u8], received_at: Timestamp, item: usize) -> Result<Line, Error> {
    let attributes: Attributes<'_> =
        serde_json::from_slice(raw).map_err(|source| Error::Json { item, source })?;
    let mut wrong = Vec::new();
    let version = required("specversion", attributes.specversion, &mut wrong);
    if !version.is_empty() && version != "1.0" {
        wrong.push(format!("specversion is `{version}`; 1.0 is read"));
    }
    let id = required("id", attributes.id, &mut wrong);
    let source = required("source", attributes.source, &mut wrong);
    let action = required("type", attributes.r#type, &mut wrong);
    let at = match attributes.time {
        None => received_at,
        value => keys::moment("time", value, &mut wrong),
    };
    let actor = word("actor", attributes.actor, &mut wrong);
    let place = word("place", attributes.place.or(attributes.region), &mut wrong);
    let event = Event {
        actor: if actor.is_empty() { source.clone() } else { actor },
        id,
        source,
        action,
        at,
        place,
        kind: Cow::Borrowed("cloudevent"),
        account: word("account", attributes.account, &mut wrong),
        request: word("traceparent", attributes.traceparent, &mut wrong),
        resources: words("subject", attributes.subject, &mut wrong),
        ..Event::default()
    };
    if wrong.is_empty() {
        generic::line(&event, generic::raw(raw), item)
    } else {
        Err(Error::Wrong { item, wrong })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    #[track_caller]
    fn check(lines: &Lines, expect: Expect) {
        let read = lines.lines.iter().map(|line| String::from_utf8_lossy(&line.body).into_owned());
        let all: Vec<_> = read.chain(lines.rejects.iter().map(|why| format!("! {why}"))).collect();
        expect.assert_eq(&all.join("\n"));
    }

    const ORDER: &str = r#"{"specversion": "1.0", "id": "A-1", "source": "/shop/eu", "type": "com.example.order.placed",
        "subject": "order/7", "time": "2023-06-23T16:23:18Z", "datacontenttype": "application/json", "data": {"sum": 12}}"#;

    #[test]
    fn structured() {
        check(
            &decode(ORDER.as_bytes(), NOW),
            expect![[r#"
            {"id":"A-1","at":"2023-06-23T16:23:18Z","action":"com.example.order.placed","source":"/shop/eu","kind":"cloudevent","actor":"/shop/eu","resources":["order/7"],"raw":{"specversion": "1.0", "id": "A-1", "source": "/shop/eu", "type": "com.example.order.placed",
                    "subject": "order/7", "time": "2023-06-23T16:23:18Z", "datacontenttype": "application/json", "data": {"sum": 12}}}"#]],
        );
        check(
            &decode(br#"{"specversion": "0.3", "id": "", "type": 7, "time": "noon"}"#, NOW),
            expect![
                "! item 1: specversion is `0.3`; 1.0 is read; id is empty; source is missing; time is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970"
            ],
        );
    }

    #[test]
    fn a_batch_loses_only_its_broken_items() {
        let batch = format!(
            r#"[{ORDER}, 7, {{"specversion": "1.0", "id": "2", "source": "s", "type": "t", "actor": "ana", "region": "eu"}}]"#
        );
        check(
            &decode_batch(batch.as_bytes(), NOW),
            expect![[r#"
            {"id":"A-1","at":"2023-06-23T16:23:18Z","action":"com.example.order.placed","source":"/shop/eu","kind":"cloudevent","actor":"/shop/eu","resources":["order/7"],"raw":{"specversion": "1.0", "id": "A-1", "source": "/shop/eu", "type": "com.example.order.placed",
                    "subject": "order/7", "time": "2023-06-23T16:23:18Z", "datacontenttype": "application/json", "data": {"sum": 12}}}
            {"id":"2","at":"2023-11-14T22:13:20Z","action":"t","source":"s","kind":"cloudevent","actor":"ana","place":"eu","raw":{"specversion": "1.0", "id": "2", "source": "s", "type": "t", "actor": "ana", "region": "eu"}}
            ! item 2 cannot be read as JSON of this kind: invalid type: integer `7`, expected struct Attributes at line 1 column 1"#]],
        );
        check(
            &decode_batch(b"{}", NOW),
            expect![
                "! item 1 cannot be read as JSON of this kind: invalid type: map, expected a sequence at line 1 column 0"
            ],
        );
    }

    #[test]
    fn binary_with_data_of_any_kind() {
        let attributes = [
            ("specversion", "1.0"),
            ("ID", "b"),
            ("source", "/caf%C3%A9"),
            ("type", "t"),
            ("subject", "100%"),
        ];
        check(
            &decode_binary(attributes, b"{\"a\":1}", NOW),
            expect![[
                r#"{"id":"b","at":"2023-11-14T22:13:20Z","action":"t","source":"/café","kind":"cloudevent","actor":"/café","resources":["100%"],"raw":{"specversion":"1.0","id":"b","source":"/café","type":"t","subject":"100%","data":{"a":1}}}"#
            ]],
        );
        check(
            &decode_binary(attributes, b"\xffplain", NOW),
            expect![[
                r#"{"id":"b","at":"2023-11-14T22:13:20Z","action":"t","source":"/café","kind":"cloudevent","actor":"/café","resources":["100%"],"raw":{"specversion":"1.0","id":"b","source":"/café","type":"t","subject":"100%","data_text":"�plain"}}"#
            ]],
        );
        check(
            &decode_binary([], b"", NOW),
            expect!["! item 1: specversion is missing; id is missing; source is missing; type is missing"],
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), name in "\\PC*", value in "\\PC*|[%0-9A-F]*") {
            decode(&bytes, NOW);
            decode_batch(&bytes, NOW);
            decode_binary([(name.as_str(), value.as_str())], &bytes, NOW);
        }
    }
}
