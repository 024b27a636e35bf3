//! Samples on their way into the queue: one message a partition, known again by what they were read from.

use std::collections::BTreeMap;

use manazir_model::{SeriesSamples, Timestamp};
use sha2::{Digest, Sha256};

use crate::decode::samples::DecodedSamples;
use crate::{Error, EventId, Format, Message, partition_of};

/// Source of the identities of messages of samples.
const SOURCE: &str = "samples";

/// A digest of bytes that come in pieces: the same again is the same batch again.
pub fn digest<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for piece in pieces {
        digest.update(piece);
    }
    digest.finalize().into()
}

/// One message for each partition that has samples; what was rejected is none of them. `digest` is that of what they
/// were read from.
pub fn messages(
    decoded: DecodedSamples,
    digest: [u8; 32],
    received_at: Timestamp,
) -> Result<Vec<Message>, Error> {
    messages_of(decoded.series, digest, received_at)
}

/// The same of samples that are series already.
pub fn messages_of(
    series: Vec<SeriesSamples>,
    digest: [u8; 32],
    received_at: Timestamp,
) -> Result<Vec<Message>, Error> {
    let identity: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut parts = BTreeMap::<u16, Vec<SeriesSamples>>::new();
    for series in series {
        // A series whose only samples were markers of its end has none.
        if !series.samples.is_empty() {
            parts.entry(partition_of(&series.key.to_string())).or_default().push(series);
        }
    }
    let message = |(partition, series): (u16, Vec<SeriesSamples>)| {
        let body = postcard::to_stdvec(&series).map_err(Error::store)?;
        let id = EventId::new(SOURCE, format!("{identity}/{partition}"));
        Ok(Message { format: Format::Samples, partition, id, received_at, reply_to: None, body })
    };
    parts.into_iter().map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::samples::decode_ndjson;

    #[test]
    fn a_message_holds_all_series_of_its_partition_and_is_known_again() {
        let line = |series: usize| format!("{{\"series\": \"s{series}\", \"at\": 1, \"value\": {series}}}\n");
        let lines: String = (0..200).map(line).collect();
        let made = || messages(decode_ndjson(lines.as_bytes()), [0xab; 32], Timestamp(7)).unwrap();
        let first = made();
        assert_eq!(first, made());
        let mut series = 0;
        for message in &first {
            let held: Vec<SeriesSamples> = postcard::from_bytes(&message.body).unwrap();
            assert!(held.iter().all(|one| partition_of(&one.key.to_string()) == message.partition));
            assert_eq!(
                message.id,
                EventId::new("samples", format!("{}/{}", "ab".repeat(32), message.partition))
            );
            series += held.len();
        }
        assert_eq!(series, 200);
    }

    #[test]
    fn a_digest_is_that_of_the_bytes() {
        assert_eq!(digest([&b"ab"[..], b"c"]), digest([&b"abc"[..]]));
        assert_ne!(digest([&b"a"[..]]), digest([&b"b"[..]]));
    }
}
