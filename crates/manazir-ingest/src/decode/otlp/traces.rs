//! Spans, summarised by operation and by edge.
//!
//! For each service and operation, and for each pair of services of which one calls the other, the spans of a
//! request that end within the same minute become four samples: how many there were, how many failed, and the mean
//! and the longest duration in milliseconds. They stand at the end of the last of these spans, so that the parts of a
//! minute that come in several requests do not hide one another; counts are those of a part, and are to be added up.
//!
//! An edge is known from a parent of another service in the same request, or from the attribute `peer.service` of
//! the span that calls.

use std::collections::{BTreeMap, HashMap};

use manazir_model::{Sample, SeriesKey, SeriesKind, Timestamp};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::super::samples::DecodedSamples;
use super::{Encoding, Error, attributes, read, time};

const MINUTE_MICROS: i64 = 60_000_000;

/// What spans are summarised by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Operation { service: String, operation: String },
    Edge { caller: String, callee: String },
}

#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    count: u32,
    errors: u32,
    sum_ms: f64,
    max_ms: f64,
    last: Timestamp,
}

/// A span and the service that it is of.
struct Of<'a> {
    span: &'a Span,
    service: &'a str,
}

/// Reads an export of traces; items are its spans.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Result<DecodedSamples, Error> {
    let request: ExportTraceServiceRequest = read(bytes, encoding)?;
    let mut decoded = DecodedSamples::default();
    let services: Vec<String> =
        request.resource_spans.iter().map(|of| attributes::service(of.resource.as_ref())).collect();
    let mut spans = Vec::new();
    for (of_resource, service) in request.resource_spans.iter().zip(&services) {
        let of_service = of_resource.scope_spans.iter().flat_map(|scope| &scope.spans);
        spans.extend(of_service.map(|span| Of { span, service }));
    }
    let known: HashMap<(&[u8], &[u8]), &Of<'_>> =
        spans.iter().map(|of| ((&of.span.trace_id[..], &of.span.span_id[..]), of)).collect();
    let mut summaries = BTreeMap::<(Group, i64), Summary>::new();
    for (index, of) in spans.iter().enumerate() {
        match measured(of.span) {
            Err(why) => decoded.rejects.push(Error::Wrong { item: index + 1, wrong: vec![why.to_owned()] }),
            Ok((end, ms)) => {
                let minute = end.micros().div_euclid(MINUTE_MICROS);
                let parent = known.get(&(&of.span.trace_id[..], &of.span.parent_span_id[..])).copied();
                for group in groups(of, parent) {
                    summaries.entry((group, minute)).or_default().add(of.span, end, ms);
                }
            }
        }
    }
    for ((group, _), summary) in summaries {
        // A name that is too long is the only thing that can be wrong here, and it is that of all of them.
        if let Err(why) = add(&group, &summary, &mut decoded) {
            (0..summary.count)
                .for_each(|_| decoded.rejects.push(Error::Wrong { item: 0, wrong: vec![why.clone()] }));
        }
    }
    Ok(decoded)
}

/// End and milliseconds.
fn measured(span: &Span) -> Result<(Timestamp, f64), &'static str> {
    let (Some(_), Some(end)) = (time(span.start_time_unix_nano), time(span.end_time_unix_nano)) else {
        return Err("the span has no beginning or no end");
    };
    let nanos = span.end_time_unix_nano.checked_sub(span.start_time_unix_nano);
    let nanos = nanos.ok_or("the span ends before it begins")?;
    Ok((end, nanos as f64 / 1e6))
}

/// The groups that a span belongs to.
fn groups(of: &Of<'_>, parent: Option<&Of<'_>>) -> impl Iterator<Item = Group> {
    let operation = Group::Operation { service: of.service.to_owned(), operation: operation(&of.span.name) };
    let peer = attributes::find(&of.span.attributes, "peer.service");
    let called = (!peer.is_empty()).then(|| Group::Edge { caller: of.service.to_owned(), callee: peer });
    // A parent that names its peer has told of this call already.
    let by_parent = parent.filter(|parent| {
        parent.service != of.service && attributes::find(&parent.span.attributes, "peer.service").is_empty()
    });
    let calls = by_parent
        .map(|parent| Group::Edge { caller: parent.service.to_owned(), callee: of.service.to_owned() });
    [Some(operation), called, calls].into_iter().flatten()
}

/// The name of an operation without the numbers and identities of one call: `GET /orders/4711` is `GET /orders/*`.
fn operation(name: &str) -> String {
    let identity = |part: &str| {
        let hexadecimal = part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        digits > 0 && (digits == part.len() || hexadecimal && part.len() >= 8)
    };
    let part = |part: &str| if identity(part) { "*".to_owned() } else { part.to_owned() };
    let words = name.split(' ').map(|word| word.split('/').map(part).collect::<Vec<_>>().join("/"));
    words.collect::<Vec<_>>().join(" ")
}

impl Summary {
    fn add(&mut self, span: &Span, end: Timestamp, ms: f64) {
        self.count += 1;
        let failed = span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
        self.errors += u32::from(failed);
        self.sum_ms += ms;
        self.max_ms = self.max_ms.max(ms);
        self.last = self.last.max(end);
    }
}

fn add(group: &Group, summary: &Summary, decoded: &mut DecodedSamples) -> Result<(), String> {
    let (prefix, labels) = match group {
        Group::Operation { service, operation } => ("span", [("service", service), ("operation", operation)]),
        Group::Edge { caller, callee } => ("edge", [("caller", caller), ("callee", callee)]),
    };
    let labels = labels.map(|(label, value)| (label.to_owned(), value.clone()));
    let values = [
        ("count", f64::from(summary.count)),
        ("errors", f64::from(summary.errors)),
        ("duration_ms_mean", summary.sum_ms / f64::from(summary.count)),
        ("duration_ms_max", summary.max_ms),
    ];
    values.into_iter().try_for_each(|(name, value)| {
        let key = SeriesKey::new(format!("{prefix}.{name}"), labels.clone());
        decoded.add(key, Some(SeriesKind::Gauge), [Sample { at: summary.last, value }])
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;
    use prost::Message;

    use super::super::super::samples::show;
    use super::*;

    const EXPORT: &str = r#"{"resourceSpans": [
      {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}, "scopeSpans": [{"spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "GET /orders/4711", "kind": 2,
         "startTimeUnixNano": "1687537398000000000", "endTimeUnixNano": "1687537398020000000"},
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b175", "name": "GET /orders/4712", "kind": 2,
         "startTimeUnixNano": "1687537398000000000", "endTimeUnixNano": "1687537398040000000", "status": {"code": 2}},
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b176", "name": "query", "kind": 3,
         "startTimeUnixNano": "1687537438000000000", "endTimeUnixNano": "1687537439000000000",
         "attributes": [{"key": "peer.service", "value": {"stringValue": "db"}}]},
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b177", "name": "broken", "startTimeUnixNano": "2", "endTimeUnixNano": "1"},
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b178", "name": "open", "startTimeUnixNano": "2"}]}]},
      {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "pay"}}]}, "scopeSpans": [{"spans": [
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "aaa19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b174", "name": "charge",
         "startTimeUnixNano": "1687537398005000000", "endTimeUnixNano": "1687537398015000000"},
        {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "aaa19b7ec3c1b175", "parentSpanId": "eee19b7ec3c1b176", "name": "charge",
         "startTimeUnixNano": "1687537398005000000", "endTimeUnixNano": "1687537398015000000"}]}]}]}"#;

    #[test]
    fn spans_are_summarised_by_operation_and_edge() {
        expect![[r#"
            span.count{operation=charge, service=pay} Gauge: 2023-06-23T16:23:18.015Z 2
            span.errors{operation=charge, service=pay} Gauge: 2023-06-23T16:23:18.015Z 0
            span.duration_ms_mean{operation=charge, service=pay} Gauge: 2023-06-23T16:23:18.015Z 10
            span.duration_ms_max{operation=charge, service=pay} Gauge: 2023-06-23T16:23:18.015Z 10
            span.count{operation=GET /orders/*, service=shop} Gauge: 2023-06-23T16:23:18.04Z 2
            span.errors{operation=GET /orders/*, service=shop} Gauge: 2023-06-23T16:23:18.04Z 1
            span.duration_ms_mean{operation=GET /orders/*, service=shop} Gauge: 2023-06-23T16:23:18.04Z 30
            span.duration_ms_max{operation=GET /orders/*, service=shop} Gauge: 2023-06-23T16:23:18.04Z 40
            span.count{operation=query, service=shop} Gauge: 2023-06-23T16:23:59Z 1
            span.errors{operation=query, service=shop} Gauge: 2023-06-23T16:23:59Z 0
            span.duration_ms_mean{operation=query, service=shop} Gauge: 2023-06-23T16:23:59Z 1000
            span.duration_ms_max{operation=query, service=shop} Gauge: 2023-06-23T16:23:59Z 1000
            edge.count{callee=db, caller=shop} Gauge: 2023-06-23T16:23:59Z 1
            edge.errors{callee=db, caller=shop} Gauge: 2023-06-23T16:23:59Z 0
            edge.duration_ms_mean{callee=db, caller=shop} Gauge: 2023-06-23T16:23:59Z 1000
            edge.duration_ms_max{callee=db, caller=shop} Gauge: 2023-06-23T16:23:59Z 1000
            edge.count{callee=pay, caller=shop} Gauge: 2023-06-23T16:23:18.015Z 1
            edge.errors{callee=pay, caller=shop} Gauge: 2023-06-23T16:23:18.015Z 0
            edge.duration_ms_mean{callee=pay, caller=shop} Gauge: 2023-06-23T16:23:18.015Z 10
            edge.duration_ms_max{callee=pay, caller=shop} Gauge: 2023-06-23T16:23:18.015Z 10
            ! item 4: the span ends before it begins
            ! item 5: the span has no beginning or no end"#]]
        .assert_eq(&show(&decode(EXPORT.as_bytes(), Encoding::Json).unwrap()));
    }

    #[test]
    fn protobuf_says_the_same_as_json() {
        let request: ExportTraceServiceRequest = serde_json::from_str(EXPORT).unwrap();
        let protobuf = decode(&request.encode_to_vec(), Encoding::Protobuf).unwrap();
        assert_eq!(show(&protobuf), show(&decode(EXPORT.as_bytes(), Encoding::Json).unwrap()));
    }

    #[test]
    fn an_operation_is_named_without_the_identity_of_one_call() {
        let cases = [
            ("GET /api/v1/orders/4711/items", "GET /api/v1/orders/*/items"),
            ("GET /f/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "GET /f/*"),
            ("SELECT shop.orders", "SELECT shop.orders"),
            ("facade", "facade"),
            ("", ""),
        ];
        for (name, wanted) in cases {
            assert_eq!(operation(name), wanted);
        }
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in 0usize..2500, byte: u8, noise in proptest::collection::vec(any::<u8>(), 0..100)) {
            let request: ExportTraceServiceRequest = serde_json::from_str(EXPORT).unwrap();
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
