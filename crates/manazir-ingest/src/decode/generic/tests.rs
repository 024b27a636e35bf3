//! Generic events: what is read, what is refused, what is written.

use expect_test::{Expect, expect};
use manazir_model::Timestamp;
use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(json: &str, expect: Expect) {
    let said = match decode(json.as_bytes(), 1) {
        Ok(Record { event, .. }) => format!("{event:?}"),
        Err(error) => error.to_string(),
    };
    expect.assert_eq(&said);
}

#[test]
fn what_is_known_is_read_and_the_rest_stays() {
    check(
        r#"{"id": 42, "at": "2023-06-23T16:23:18Z", "action": "deploy"}"#,
        expect![[
            r#"Event { source: "generic", id: "42", request: "", at: Timestamp(1687537398000000), kind: "deploy", account: "", actor: "", session: "", peers: "", action: "deploy", writes: None, resources: [], error: "", place: "", address: "", agent: "" }"#
        ]],
    );
    check(
        r#"{"id": "e", "time": 1687537398250, "action": "login", "actor": "ana", "source": "crm", "account": 7,
            "resources": "db", "writes": false, "place": "eu", "error": null, "colour": {"is": "kept"}}"#,
        expect![[
            r#"Event { source: "crm", id: "e", request: "", at: Timestamp(1687537398250000), kind: "login", account: "7", actor: "ana", session: "", peers: "", action: "login", writes: Some(false), resources: ["db"], error: "", place: "eu", address: "", agent: "" }"#
        ]],
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    check("{}", expect!["item 1: id is missing; at is missing; action is missing"]);
    check(
        r#"{"id": "", "at": "noon", "action": [], "writes": "no", "resources": {"a": 1}, "actor": true}"#,
        expect![
            "item 1: actor is not a string; id is empty; at is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970; action is not a string; writes is neither true nor false; resources is not a string"
        ],
    );
    check("[1]", expect!["item 1: at is missing; action is missing"]);
    check("\u{0}", expect!["item 1 cannot be read as JSON of this kind: expected value at line 1 column 1"]);
}

#[test]
fn plain_and_generic_lines_stand_side_by_side() {
    let lines = r#"{"RequestID": "r", "EventID": "p", "RoleID": "o", "EventType": "t", "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": []}

{"id": "g", "at": 0, "action": "a", "inner": {"EventID": 1}}
{"EventID": "p"}
{"id": "h", "at": 0, "action": "a"}"#;
    let (decoded, formats) = decode_lines(lines.as_bytes());
    let ids: Vec<_> = decoded.parsed.iter().map(|record| record.event.id.as_ref()).collect();
    assert_eq!(ids, ["p", "g", "h"]);
    assert_eq!(formats, [Format::Plain, Format::Generic, Format::Generic]);
    assert!(decoded.rejects.first().unwrap().to_string().starts_with("item 3: RequestID is missing"));
}

#[test]
fn a_line_has_a_bound() {
    let long = format!(r#"{{"id": "e", "at": 0, "action": "{}"}}"#, "x".repeat(LINE_BYTES_MAX));
    assert!(matches!(decode(long.as_bytes(), 1), Err(Error::TooLong { .. })));
    let event = Event { id: "e".into(), action: "x".repeat(LINE_BYTES_MAX).into(), ..Event::default() };
    assert!(matches!(line(&event, (), 1), Err(Error::TooLong { .. })));
    let never = Event { at: Timestamp(i64::MAX), ..Event::default() };
    assert!(matches!(line(&never, (), 1), Err(Error::Wrong { .. })));
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    "[a-z]{1,3}|\\PC{1,4}".prop_map(Cow::Owned)
}

proptest! {
    /// What another format became on its way into the queue is what the worker reads.
    #[test]
    fn what_is_written_is_read_again(id in text(), action in text(), actor in text(), account in text(),
        resources in proptest::collection::vec(text(), 0..3), writes: Option<bool>, at in 0..4_000_000_000_000_000i64) {
        let event = Event { source: "test".into(), id, kind: action.clone(), action, actor, account, resources, writes,
            at: Timestamp(at), error: "e".into(), place: "p".into(), address: "a".into(), agent: "g".into(),
            session: "s".into(), peers: "h".into(), request: "r".into() };
        let written = line(&event, serde_json::json!({"id": 1}), 1).unwrap();
        let read = decode(&written.body, 1).unwrap();
        prop_assert_eq!(&read.event, &event);
        prop_assert_eq!((written.id.as_str(), written.account.as_str()), (&*event.id, &*event.account));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        decode_lines(&bytes);
    }

    #[test]
    fn no_damage_panics(at in 0usize..120, byte: u8) {
        let mut line = br#"{"id": 42, "at": "2023-06-23T16:23:18Z", "action": "deploy", "writes": true, "resources": ["a"]}"#.to_vec();
        let length = line.len();
        line[at % length] = byte;
        decode_lines(&line);
    }
}
