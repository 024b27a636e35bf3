//! Samples on their way into the queue: one message a partition, known again by their bytes.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use manazir_ingest::decode::samples::DecodedSamples;
use manazir_ingest::{EventId, Format, Message, partition_of};
use manazir_model::SeriesSamples;
use sha2::{Digest, Sha256};

use super::wrapped;
use crate::access::Caller;
use crate::{App, Problem};

/// Source of the identities of messages of samples.
const SOURCE: &str = "samples";

/// Bytes of an `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;

/// What makes a batch of samples the same batch again: the bytes of its body.
///
/// The header `Idempotency-Key` belongs to one body of its caller: with another one it is refused, for one of the two
/// is not what the caller means.
pub(super) fn identity(
    app: &App,
    headers: &HeaderMap,
    caller: &Caller,
    body: &[u8],
) -> Result<String, Problem> {
    let digest = Sha256::digest(body);
    if let Some(key) = headers.get("idempotency-key") {
        let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_BYTES_MAX);
        let wrong = || {
            Problem::invalid(
                format!("Idempotency-Key has 1 to {KEY_BYTES_MAX} characters of ASCII"),
                Vec::new(),
            )
        };
        let key = format!("{}/{}", caller.id, key.ok_or_else(wrong)?);
        if !app.keys.fits(key, digest.into()) {
            return Err(Problem::key_of_another());
        }
    }
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// One message for each partition that has samples.
pub(super) fn messages(app: &App, decoded: DecodedSamples, identity: &str) -> Result<Vec<Message>, Problem> {
    let mut parts = BTreeMap::<u16, Vec<SeriesSamples>>::new();
    for series in decoded.series {
        // A series whose only samples were markers of its end has none.
        if !series.samples.is_empty() {
            parts.entry(partition_of(&series.key.to_string())).or_default().push(series);
        }
    }
    let message = |(partition, series): (u16, Vec<SeriesSamples>)| {
        let body = postcard::to_stdvec(&series).map_err(|error| Problem::internal(&error))?;
        let id = EventId::new(SOURCE, format!("{identity}/{partition}"));
        Ok(wrapped(app, Format::Samples, partition, id, body))
    };
    parts.into_iter().map(message).collect()
}
