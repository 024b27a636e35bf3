//! The generic event: one JSON object a line, for whatever happened anywhere.
//!
//! ```json
//! {"id": "42", "at": "2023-06-23T16:23:18Z", "action": "deploy", "actor": "ci", "resources": ["shop"]}
//! ```
//!
//! `id`, `at` (or `time`) and `action` are required; `source`, `request`, `kind`, `account`, `actor`, `session`,
//! `peers`, `writes`, `resources`, `error`, `place`, `address` and `agent` are known; all else stays in the raw
//! bytes. Other formats of events are written as such a line on their way into the queue.

use std::borrow::Cow;

use manazir_model::Event;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::keys::{self, identity, moment, required, truth, word, words};
use super::{Decoded, Error, Record, Rejects, plain};
use crate::Format;

/// Bytes of one line, whatever it was made of.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Who sent an event that does not say it.
const SOURCE: &str = "generic";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys<'a> {
    #[serde(borrow)]
    id: keys::Value<'a>,
    #[serde(borrow)]
    at: keys::Value<'a>,
    #[serde(borrow)]
    time: keys::Value<'a>,
    #[serde(borrow)]
    action: keys::Value<'a>,
    #[serde(borrow)]
    source: keys::Value<'a>,
    #[serde(borrow)]
    request: keys::Value<'a>,
    #[serde(borrow)]
    kind: keys::Value<'a>,
    #[serde(borrow)]
    account: keys::Value<'a>,
    #[serde(borrow)]
    actor: keys::Value<'a>,
    #[serde(borrow)]
    session: keys::Value<'a>,
    #[serde(borrow)]
    peers: keys::Value<'a>,
    #[serde(borrow)]
    writes: keys::Value<'a>,
    #[serde(borrow)]
    resources: keys::Value<'a>,
    #[serde(borrow)]
    error: keys::Value<'a>,
    #[serde(borrow)]
    place: keys::Value<'a>,
    #[serde(borrow)]
    address: keys::Value<'a>,
    #[serde(borrow)]
    agent: keys::Value<'a>,
}

/// Reads one generic event; the error lists everything that is wrong with it.
///
/// `item` is the number that an error gives it.
pub fn decode(raw: &[u8], item: usize) -> Result<Record<'_>, Error> {
    if raw.len() > LINE_BYTES_MAX {
        return Err(Error::TooLong { item, bytes: raw.len(), most: LINE_BYTES_MAX });
    }
    let keys: Keys<'_> = serde_json::from_slice(raw).map_err(|source| Error::Json { item, source })?;
    let mut wrong = Vec::new();
    let mut known = |key, value| word(key, value, &mut wrong);
    let source = known("source", keys.source);
    let mut event = Event {
        source: if source.is_empty() { Cow::Borrowed(SOURCE) } else { source },
        request: known("request", keys.request),
        kind: known("kind", keys.kind),
        account: known("account", keys.account),
        actor: known("actor", keys.actor),
        session: known("session", keys.session),
        peers: known("peers", keys.peers),
        error: known("error", keys.error),
        place: known("place", keys.place),
        address: known("address", keys.address),
        agent: known("agent", keys.agent),
        ..Event::default()
    };
    event.id = required("id", keys.id, &mut wrong);
    event.at = moment("at", keys.at.or(keys.time), &mut wrong);
    event.action = required("action", keys.action, &mut wrong);
    event.writes = truth("writes", keys.writes, &mut wrong);
    event.resources = words("resources", keys.resources, &mut wrong);
    if event.kind.is_empty() {
        event.kind = event.action.clone();
    }
    identity(&event.source, &event.id, &mut wrong);
    if wrong.is_empty() { Ok(Record { event, raw }) } else { Err(Error::Wrong { item, wrong }) }
}

/// Reads events, one a line: those that have the key `EventID` are plain ones, all others generic. The formats
/// stand beside the records, in their order.
pub fn decode_lines(bytes: &[u8]) -> (Decoded<'_>, Vec<Format>) {
    let (mut decoded, mut formats) = (Decoded::default(), Vec::new());
    let is_plain = memchr::memmem::Finder::new("\"EventID\"");
    for line in bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let item = decoded.next_item();
        let plainly = is_plain.find(line).is_some();
        let read = if plainly {
            // The key may also stand deep inside a generic event.
            plain::decode(line, item)
                .map(|record| (record, Format::Plain))
                .or_else(|why| decode(line, item).map(|record| (record, Format::Generic)).map_err(|_| why))
        } else {
            decode(line, item).map(|record| (record, Format::Generic))
        };
        match read {
            Ok((record, format)) => {
                decoded.parsed.push(record);
                formats.push(format);
            }
            Err(why) => {
                let format = if plainly { Format::Plain } else { Format::Generic };
                decoded.rejects.push_kept(why, format, line);
            }
        }
    }
    (decoded, formats)
}

/// An event of another format as a generic line, ready for the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Who sent it.
    pub source: String,
    /// Its identity within the source.
    pub id: String,
    /// Whose models judge it.
    pub account: String,
    /// The line.
    pub body: Vec<u8>,
}

/// Events of another format as lines, and what could not be read.
#[derive(Debug, Default)]
pub struct Lines {
    /// In the order of the input.
    pub lines: Vec<Line>,
    /// Each names its item.
    pub rejects: Rejects,
}

impl Lines {
    pub(super) fn next_item(&self) -> usize {
        self.lines.len() + self.rejects.len() + 1
    }

    pub(super) fn push(&mut self, line: Result<Line, Error>) {
        match line {
            Ok(line) => self.lines.push(line),
            Err(error) => self.rejects.push(error),
        }
    }

    /// As [`Self::push`]; what could not be read is kept as it came, to be repaired into a generic line.
    pub(super) fn push_or_keep(&mut self, line: Result<Line, Error>, raw: &[u8]) {
        match line {
            Ok(line) => self.lines.push(line),
            Err(error) => self.rejects.push_kept(error, Format::Generic, raw),
        }
    }
}

/// The keys as they are written; those that say nothing are left out.
#[derive(Serialize)]
struct Written<'e, R> {
    id: &'e str,
    at: String,
    action: &'e str,
    source: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    actor: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    session: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    peers: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    writes: Option<bool>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resources: &'e [Cow<'e, str>],
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    place: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    address: &'e str,
    #[serde(skip_serializing_if = "str::is_empty")]
    agent: &'e str,
    raw: R,
}

/// Writes an event of another format, with what it was read from under `raw`.
pub(super) fn line(event: &Event<'_>, raw: impl Serialize, item: usize) -> Result<Line, Error> {
    let mut wrong = Vec::new();
    if event.at.to_jiff().is_none() {
        wrong.push("its time is in no year of the calendar".to_owned());
    }
    identity(&event.source, &event.id, &mut wrong);
    if !wrong.is_empty() {
        return Err(Error::Wrong { item, wrong });
    }
    let written = Written {
        id: &event.id,
        at: event.at.to_string(),
        action: &event.action,
        source: &event.source,
        request: &event.request,
        kind: &event.kind,
        account: &event.account,
        actor: &event.actor,
        session: &event.session,
        peers: &event.peers,
        writes: event.writes,
        resources: &event.resources,
        error: &event.error,
        place: &event.place,
        address: &event.address,
        agent: &event.agent,
        raw,
    };
    let body = serde_json::to_vec(&written).map_err(|source| Error::Json { item, source })?;
    if body.len() > LINE_BYTES_MAX {
        return Err(Error::TooLong { item, bytes: body.len(), most: LINE_BYTES_MAX });
    }
    let own = |text: &str| text.to_owned();
    Ok(Line { source: own(&event.source), id: own(&event.id), account: own(&event.account), body })
}

/// A raw value as it came.
pub(super) fn raw(value: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
mod tests;
