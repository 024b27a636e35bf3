//! Log records as events.
//!
//! A service that begins to log what it never logged is what an actor is that does what it never did: the service
//! is the actor, and the action is the severity with the words of the message that do not change from record to
//! record. A record has no identity of its own; a hash of all that it says stands for it, so that an export that is
//! repeated counts once.

use std::borrow::Cow;

use manazir_model::Event;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use sha2::{Digest, Sha256};

use super::super::generic::{self, Line, Lines};
use super::{Encoding, Error, attributes, read, time};

/// Words of a message that make the action: more of them are details.
const WORDS_MAX: usize = 8;

/// The least severity of an error, as the specification numbers them.
const ERROR: i32 = 17;

/// Where a record comes from.
struct Origin {
    service: String,
    namespace: String,
    place: String,
    host: String,
}

/// Reads an export of logs; items are its records.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Result<Lines, Error> {
    let request: ExportLogsServiceRequest = read(bytes, encoding)?;
    let mut lines = Lines::default();
    for of_resource in &request.resource_logs {
        let resource = of_resource.resource.as_ref();
        let of = |key: &str| {
            resource.map(|resource| attributes::find(&resource.attributes, key)).unwrap_or_default()
        };
        let environment = of("deployment.environment.name");
        let origin = Origin {
            service: attributes::service(resource),
            namespace: of("service.namespace"),
            place: if environment.is_empty() { of("deployment.environment") } else { environment },
            host: of("host.name"),
        };
        for of_scope in &of_resource.scope_logs {
            let scope = of_scope.scope.as_ref().map_or("", |scope| &scope.name);
            for record in &of_scope.log_records {
                let item = lines.next_item();
                lines.push(event(record, &origin, scope, item));
            }
        }
    }
    Ok(lines)
}

fn event(record: &LogRecord, origin: &Origin, scope: &str, item: usize) -> Result<Line, Error> {
    let Some(at) = time(record.time_unix_nano).or_else(|| time(record.observed_time_unix_nano)) else {
        return Err(Error::Wrong { item, wrong: vec!["the record has no time".to_owned()] });
    };
    let message = record.body.as_ref().map(attributes::text).unwrap_or_default();
    let severity = severity(record);
    let of = |key: &str| -> Cow<'_, str> { Cow::Owned(attributes::find(&record.attributes, key)) };
    let failed = of("exception.type");
    let error =
        if failed.is_empty() && record.severity_number >= ERROR { severity.clone().into() } else { failed };
    let event = Event {
        source: Cow::Borrowed("otlp"),
        id: Cow::Owned(identity(record, origin, scope)),
        request: Cow::Owned(hexadecimal(&record.trace_id)),
        at,
        kind: Cow::Borrowed("log"),
        account: Cow::Borrowed(&origin.namespace),
        actor: Cow::Borrowed(&origin.service),
        action: Cow::Owned(action(&severity, scope, &record.event_name, &message)),
        error,
        place: Cow::Borrowed(&origin.place),
        address: of("client.address"),
        agent: Cow::Borrowed(&origin.host),
        ..Event::default()
    };
    generic::line(&event, record, item)
}

/// The word for it, or what its number means.
fn severity(record: &LogRecord) -> String {
    if !record.severity_text.is_empty() {
        return record.severity_text.to_uppercase();
    }
    let word = match record.severity_number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "LOG",
    };
    word.to_owned()
}

/// `ERROR payments: cannot charge order of`: the name of the event if it has one, else the first words of the
/// message without a digit in them.
fn action(severity: &str, scope: &str, name: &str, message: &str) -> String {
    let words = message.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
    let template =
        if name.is_empty() { words.take(WORDS_MAX).collect::<Vec<_>>().join(" ") } else { name.to_owned() };
    let whole = if scope.is_empty() {
        format!("{severity} {template}")
    } else {
        format!("{severity} {scope}: {template}")
    };
    // A message without spaces is one word, however long.
    whole.trim_end_matches([' ', ':']).chars().take(200).collect()
}

fn identity(record: &LogRecord, origin: &Origin, scope: &str) -> String {
    let mut hash = Sha256::new();
    for part in [&origin.service, &origin.namespace, &origin.host, scope] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(record.encode_to_vec());
    hexadecimal(&hash.finalize()[..16])
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    const EXPORT: &str = r#"{"resourceLogs": [{
      "resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "shop"}},
        {"key": "service.namespace", "value": {"stringValue": "eu"}},
        {"key": "host.name", "value": {"stringValue": "h1"}}]},
      "scopeLogs": [{"scope": {"name": "payments"}, "logRecords": [
        {"timeUnixNano": "1687537398000000000", "severityNumber": 17, "severityText": "Error", "traceId": "5b8efff798038103d269b633813fc60c",
         "body": {"stringValue": "cannot charge order 4711 of customer 12: card expired"},
         "attributes": [{"key": "exception.type", "value": {"stringValue": "CardError"}}]},
        {"observedTimeUnixNano": "1687537399000000000", "severityNumber": 9, "body": {"kvlistValue": {"values": [{"key": "a", "value": {"intValue": "1"}}]}}},
        {"timeUnixNano": "1687537398000000000", "eventName": "user.login"},
        {"severityNumber": 9}]}]}]}"#;

    #[test]
    fn each_record_is_an_event() {
        let lines = decode(EXPORT.as_bytes(), Encoding::Json).unwrap();
        let read = lines.lines.iter().map(|line| {
            let event = generic::decode(&line.body, 1).unwrap().event;
            format!(
                "{} {} {:?} {:?} {:?} {:?} {:?}",
                event.id, event.at, event.actor, event.action, event.error, event.request, event.account
            )
        });
        let all: Vec<_> = read.chain(lines.rejects.iter().map(|why| format!("! {why}"))).collect();
        expect![[r#"
            b362da5c40fc7407387b5474ef922e54 2023-06-23T16:23:18Z "shop" "ERROR payments: cannot charge order of customer card expired" "CardError" "5b8efff798038103d269b633813fc60c" "eu"
            83f4faaa38d18d3f1ef7af0c325f3e43 2023-06-23T16:23:19Z "shop" "INFO payments" "" "" "eu"
            92c71e93a534eb61e34f751370117256 2023-06-23T16:23:18Z "shop" "LOG payments: user.login" "" "" "eu"
            ! item 4: the record has no time"#]].assert_eq(&all.join("\n"));
    }

    #[test]
    fn protobuf_says_the_same_as_json_and_a_record_is_the_same_again() {
        let request: ExportLogsServiceRequest = serde_json::from_str(EXPORT).unwrap();
        let protobuf = decode(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
        assert_eq!(protobuf.lines, decode(EXPORT.as_bytes(), Encoding::Json).unwrap().lines);
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in 0usize..1500, byte: u8, noise in proptest::collection::vec(any::<u8>(), 0..100)) {
            let request: ExportLogsServiceRequest = serde_json::from_str(EXPORT).unwrap();
            for (mut bytes, encoding) in
                [(EXPORT.as_bytes().to_vec(), Encoding::Json), (request.encode_to_vec(), Encoding::Protobuf)]
            {
                let length = bytes.len();
                bytes[at % length] = byte;
                let _ = decode(&bytes, encoding);
                let _ = decode(&noise, encoding);
            }
        }
    }
}
