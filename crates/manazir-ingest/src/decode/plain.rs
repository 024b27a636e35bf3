//! The plain event: six keys, for whoever has no CloudTrail record.
//!
//! ```json
//! {"RequestID": "8f88…", "EventID": "8f88…", "RoleID": "role12", "EventType": "type1",
//!  "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": ["asset1", "asset2"]}
//! ```

use std::borrow::Cow;

use manazir_model::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::keys::{identity, list, text, time};
use super::{Error, Record};

#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow, rename = "RequestID")]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "EventID")]
    event_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "RoleID")]
    role_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "EventType")]
    event_type: Option<&'a RawValue>,
    #[serde(borrow, rename = "EventTimestamp")]
    event_timestamp: Option<&'a RawValue>,
    #[serde(borrow, rename = "AffectedAssets")]
    affected_assets: Option<&'a RawValue>,
}

/// Source of the identities of plain events, which name none.
const SOURCE: &str = "plain";

/// Reads one plain event; the error lists everything that is wrong with it.
///
/// `item` is the number that an error gives it.
pub fn decode(raw: &[u8], item: usize) -> Result<Record<'_>, Error> {
    let keys: Keys<'_> = serde_json::from_slice(raw).map_err(|source| Error::Json { item, source })?;
    let mut wrong = Vec::new();
    let request = text("RequestID", keys.request_id, &mut wrong);
    let id = text("EventID", keys.event_id, &mut wrong);
    let actor = text("RoleID", keys.role_id, &mut wrong);
    let action = text("EventType", keys.event_type, &mut wrong);
    let at = time("EventTimestamp", keys.event_timestamp, &mut wrong);
    let resources = list("AffectedAssets", keys.affected_assets, &mut wrong);
    identity(SOURCE, &id, &mut wrong);
    if !wrong.is_empty() {
        return Err(Error::Wrong { item, wrong });
    }
    let event = Event {
        source: Cow::Borrowed(SOURCE),
        id,
        request,
        at,
        kind: action.clone(),
        actor,
        action,
        resources,
        ..Event::default()
    };
    Ok(Record { event, raw })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(json: &str, expect: Expect) {
        let said = match decode(json.as_bytes(), 1) {
            Ok(Record { event, .. }) => format!(
                "{} {} {} {} {} {:?}",
                event.request, event.id, event.actor, event.action, event.at, event.resources
            ),
            Err(error) => error.to_string(),
        };
        expect.assert_eq(&said);
    }

    #[test]
    fn the_example_of_the_contract() {
        check(
            r#"{"RequestID": "8f884d95", "EventID": "8f884d95", "RoleID": "role12", "EventType": "type1",
                "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": ["asset1", "asset2"], "More": {"a": 1}}"#,
            expect![[r#"8f884d95 8f884d95 role12 type1 2023-06-23T16:23:18Z ["asset1", "asset2"]"#]],
        );
    }

    /// CT-W9 and CT-W10: numbers for assets and words for times are refused, all at once.
    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        check(
            r#"{"RequestID": 7, "EventID": "", "EventType": null, "EventTimestamp": "yesterday", "AffectedAssets": [1]}"#,
            expect![
                "item 1: RequestID is not a string; EventID is empty; RoleID is missing; EventType is missing; EventTimestamp is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z; AffectedAssets is not a list of strings"
            ],
        );
        check(
            "[]",
            expect![
                "item 1 cannot be read as JSON of this kind: invalid length 0, expected struct Keys with 6 elements at line 1 column 2"
            ],
        );
        check(
            "{\"RequestID\"",
            expect![
                "item 1 cannot be read as JSON of this kind: EOF while parsing an object at line 1 column 12"
            ],
        );
    }

    proptest! {
        /// CT-W8: names come back unchanged, whatever is in them.
        #[test]
        fn assets_come_back_unchanged(assets in proptest::collection::vec("\\PC*|[,\"{}\\\\\n]*", 0..5)) {
            let json = serde_json::json!({"RequestID": "r", "EventID": "e", "RoleID": "o", "EventType": "t",
                "EventTimestamp": "2023-06-23T16:23:18Z", "AffectedAssets": assets}).to_string();
            let plain = decode(json.as_bytes(), 1).unwrap();
            prop_assert_eq!(plain.event.resources, assets);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, 1);
        }
    }
}
