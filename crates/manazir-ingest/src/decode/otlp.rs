//! OTLP over HTTP: metrics, logs and traces, in protobuf and in JSON.
//!
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>. Metrics become samples, log records events, and spans are
//! summarised: nobody judges one span, but an operation that becomes slow or fails more often is judged as any series.

mod answer;
mod attributes;
mod logs;
mod metrics;
mod traces;

pub use answer::{Signal, answer};
pub use logs::decode as decode_logs;
use manazir_model::Timestamp;
pub use metrics::decode as decode_metrics;
use serde::de::DeserializeOwned;
pub use traces::decode as decode_traces;

use super::Error;

/// How a request is written, and its answer with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`: identities in hexadecimal, long numbers as strings.
    Json,
}

fn read<T: prost::Message + Default + DeserializeOwned>(
    bytes: &[u8],
    encoding: Encoding,
) -> Result<T, Error> {
    let why = match encoding {
        Encoding::Protobuf => T::decode(bytes).map_err(|why| why.to_string()),
        Encoding::Json => serde_json::from_slice(bytes).map_err(|why| why.to_string()),
    };
    why.map_err(|why| Error::Unreadable { format: "a request of OTLP", why })
}

/// Nanoseconds since 1970; 0 is how protobuf writes that there is no time.
fn time(nanos: u64) -> Option<Timestamp> {
    let micros = i64::try_from(nanos / 1_000).ok()?;
    (nanos != 0).then_some(Timestamp(micros))
}
