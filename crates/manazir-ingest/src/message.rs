//! A message: one event as it came, with what is needed to route it and to know it again.

use std::str::FromStr;

use manazir_model::{Event, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Error;
use manazir_model::hash::fnv1a;

/// Partitions of every queue, embedded or not. Fixed for good: a key must find its models where they were.
pub const PARTITIONS: u16 = 64;

/// The partition of a key: events of one key are judged in the order in which they came.
///
/// FNV-1a, folded by its upper half; part of the format of every stored queue.
pub fn partition_of(key: &str) -> u16 {
    let hash = fnv1a(key.bytes());
    ((hash ^ (hash >> 32)) % u64::from(PARTITIONS)) as u16
}

/// The identity of an event: the same again is the same event again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId {
    /// Who sent it.
    pub source: String,
    /// Unique within the source.
    pub id: String,
}

impl EventId {
    /// Characters of a source.
    pub const SOURCE_CHARS_MAX: usize = 256;

    /// Characters of an identity within its source: with the source at most 2,560 bytes, which the index of every
    /// store takes.
    pub const ID_CHARS_MAX: usize = 384;

    /// Why these are no identity, if they are not: too long, or with a character that no store can look up.
    pub fn fault(source: &str, id: &str) -> Option<String> {
        let parts = [("source", source, Self::SOURCE_CHARS_MAX), ("identity", id, Self::ID_CHARS_MAX)];
        parts.into_iter().find_map(|(what, text, most)| {
            // Most are short in bytes, too, and need not be counted.
            let chars = if text.len() > most { text.chars().count() } else { text.len() };
            if chars > most {
                Some(format!("its {what} has {chars} characters, more than {most}"))
            } else {
                text.contains('\0').then(|| format!("its {what} has the character NUL in it"))
            }
        })
    }

    /// An identity from its two parts.
    pub fn new(source: impl Into<String>, id: impl Into<String>) -> Self {
        Self { source: source.into(), id: id.into() }
    }

    /// The key under which a store finds it. The source's length comes first, so that no pair of other texts
    /// gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(4 + self.source.len() + self.id.len());
        key.extend_from_slice(&(self.source.len() as u32).to_be_bytes());
        key.extend_from_slice(self.source.as_bytes());
        key.extend_from_slice(self.id.as_bytes());
        key
    }
}

/// How the body of a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// The six-field event of the ingest endpoint.
    Plain,
    /// One CloudTrail record.
    CloudTrail,
    /// One generic event; other formats of events are written as such on their way in.
    Generic,
    /// Samples of series, `Vec<SeriesSamples>` in postcard: no event, and no verdict is waited for.
    Samples,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::CloudTrail, Self::Generic, Self::Samples];

    /// Its word, in stores that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::CloudTrail => "cloudtrail",
            Self::Generic => "generic",
            Self::Samples => "samples",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|format| format.word() == word);
        known.ok_or_else(|| format!("`{word}` is no format of a message"))
    }
}

/// Who waits for the verdict of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReplyTo {
    /// The process: the name of its inbox, new at each start, so that no answer reaches a successor.
    pub inbox: String,
    /// The caller within the process.
    pub number: u64,
}

/// One event as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How the body is written.
    pub format: Format,
    /// Below [`PARTITIONS`].
    pub partition: u16,
    /// Its identity.
    pub id: EventId,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Who is to be told the verdict; nobody if it is `None`.
    pub reply_to: Option<ReplyTo>,
    /// The record as it came, unknown keys and all.
    pub body: Vec<u8>,
}

/// Everything but the body, borrowed for writing.
#[derive(Serialize)]
struct Head<'a> {
    format: Format,
    partition: u16,
    id: &'a EventId,
    received_at: Timestamp,
    reply_to: &'a Option<ReplyTo>,
}

/// Everything but the body, as it is read.
#[derive(Deserialize)]
struct OwnedHead {
    format: Format,
    partition: u16,
    id: EventId,
    received_at: Timestamp,
    reply_to: Option<ReplyTo>,
}

impl Message {
    /// An event of an account, whose verdict nobody waits for.
    ///
    /// Events of one account are judged together: a role is strange beside its peers. Those that name no account are
    /// one.
    pub fn of_account(
        account: &str,
        format: Format,
        id: EventId,
        received_at: Timestamp,
        body: Vec<u8>,
    ) -> Self {
        Self { format, partition: partition_of(account), id, received_at, reply_to: None, body }
    }

    /// An event with the bytes that it was read from, as [`Message::of_account`].
    pub fn of_event(format: Format, event: &Event<'_>, raw: &[u8], received_at: Timestamp) -> Self {
        let id = EventId::new(event.source.clone(), event.id.clone());
        Self::of_account(&event.account, format, id, received_at, raw.to_owned())
    }

    /// What stands in a queue and cannot be read as a message: kept as it is, to be put aside. Its identity is made
    /// of its bytes, so that it is the same when it comes again.
    pub fn unreadable(partition: u16, received_at: Timestamp, bytes: &[u8]) -> Self {
        let id = EventId::new("queue", format!("{:016x}", fnv1a(bytes.iter().copied())));
        Self { format: Format::Plain, partition, id, received_at, reply_to: None, body: bytes.to_owned() }
    }

    /// As a queue keeps it: the head, then the body to the end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            format: self.format,
            partition: self.partition,
            id: &self.id,
            received_at: self.received_at,
            reply_to: &self.reply_to,
        };
        let buffer = Vec::with_capacity(self.body.len() + self.id.source.len() + self.id.id.len() + 80);
        let mut bytes = postcard::to_extend(&head, buffer).expect("a head of numbers and texts is writable");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads what [`Message::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let (head, body): (OwnedHead, &[u8]) = postcard::take_from_bytes(bytes)
            .map_err(|error| Error::Damaged { what: "a message".to_owned(), why: error.to_string() })?;
        Ok(Self {
            format: head.format,
            partition: head.partition,
            id: head.id,
            received_at: head.received_at,
            reply_to: head.reply_to,
            body: body.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_survives_the_queue(
            texts: (String, String), partition in 0..PARTITIONS, at: i64, caller: Option<(String, u64)>, body: Vec<u8>
        ) {
            let reply_to = caller.map(|(inbox, number)| ReplyTo { inbox, number });
            let id = EventId::new(texts.0, texts.1);
            let message =
                Message { format: Format::Plain, partition, id, received_at: Timestamp(at), reply_to, body };
            prop_assert_eq!(Message::from_bytes(&message.to_bytes()).unwrap(), message);
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
            // Either answer is right; that there is one is the point.
            let _ = Message::from_bytes(&bytes);
        }

        #[test]
        fn two_identities_never_share_a_key(a: (String, String), b: (String, String)) {
            let (a, b) = (EventId::new(a.0, a.1), EventId::new(b.0, b.1));
            prop_assert_eq!(a == b, a.to_bytes() == b.to_bytes());
        }
    }

    #[test]
    fn partitions_are_part_of_the_stored_format_and_even() {
        let known = ["", "role12", "123837392027", "ü"].map(partition_of);
        assert_eq!(known, [1, 49, 50, 45]);
        let mut load = [0u32; PARTITIONS as usize];
        (0..64_000).for_each(|key| load[usize::from(partition_of(&format!("account-{key}")))] += 1);
        assert!(load.iter().all(|&count| (800..1_200).contains(&count)), "{load:?}");
    }
}
