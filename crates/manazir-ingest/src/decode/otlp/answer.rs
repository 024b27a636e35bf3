//! What an exporter is told.

use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde::Serialize;

use super::Encoding;

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Data points.
    Metrics,
    /// Log records.
    Logs,
    /// Spans.
    Traces,
}

/// The answer to an export of which `rejected` items were not taken, and why the first of them was not.
pub fn answer(signal: Signal, encoding: Encoding, rejected: usize, why: Option<String>) -> Vec<u8> {
    let count = i64::try_from(rejected).unwrap_or(i64::MAX);
    let partial = (rejected > 0).then(|| why.unwrap_or_default());
    match signal {
        Signal::Metrics => {
            let told =
                |error_message| ExportMetricsPartialSuccess { rejected_data_points: count, error_message };
            written(&ExportMetricsServiceResponse { partial_success: partial.map(told) }, encoding)
        }
        Signal::Logs => {
            let told =
                |error_message| ExportLogsPartialSuccess { rejected_log_records: count, error_message };
            written(&ExportLogsServiceResponse { partial_success: partial.map(told) }, encoding)
        }
        Signal::Traces => {
            let told = |error_message| ExportTracePartialSuccess { rejected_spans: count, error_message };
            written(&ExportTraceServiceResponse { partial_success: partial.map(told) }, encoding)
        }
    }
}

fn written<T: Message + Serialize>(answer: &T, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => answer.encode_to_vec(),
        // A message of numbers and texts is always writable.
        Encoding::Json => serde_json::to_vec(answer).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_well_or_what_is_not() {
        for signal in [Signal::Metrics, Signal::Logs, Signal::Traces] {
            assert!(answer(signal, Encoding::Protobuf, 0, None).is_empty());
        }
        let json = |signal| {
            let why = Some("no time".to_owned());
            String::from_utf8(answer(signal, Encoding::Json, 2, why)).unwrap()
        };
        assert_eq!(
            json(Signal::Metrics),
            r#"{"partialSuccess":{"rejectedDataPoints":2,"errorMessage":"no time"}}"#
        );
        assert_eq!(
            json(Signal::Logs),
            r#"{"partialSuccess":{"rejectedLogRecords":2,"errorMessage":"no time"}}"#
        );
        assert_eq!(
            json(Signal::Traces),
            r#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"no time"}}"#
        );
    }
}
