//! A finding on its way from a producer to the consumers: an event as CloudEvents 1.0 has it, in JSON, with only what
//! is needed of it. Many that are sent together are a batch of its JSON batch format: what a broker does for a message it
//! then does for all of them.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Map;
use serde_json::value::RawValue;

use crate::Raw;
use crate::compiled::Compiled;
use crate::plan::Identity;
use crate::value::Value;

/// The `type` of a finding's event.
pub const TYPE: &str = "dev.manazir.finding";

/// Events of a batch at the most.
const BATCH: usize = 100;

/// Bytes after which a batch is complete.
const BATCH_BYTES: usize = 32 << 10;

/// Bytes of a source's name that every destination keeps.
const SOURCE_BYTES_MAX: usize = 255;

#[derive(Serialize, Deserialize)]
struct Envelope<'e> {
    #[serde(borrow)]
    specversion: Cow<'e, str>,
    #[serde(borrow)]
    r#type: Cow<'e, str>,
    source: String,
    id: String,
    data: Map<String, serde_json::Value>,
}

/// The messages of events, in their order: batches, and an event that is alone as it is.
pub fn batches(events: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut batches = Vec::new();
    let mut rest = events;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |event: &&Vec<u8>| {
            bytes += event.len();
            bytes - event.len() < BATCH_BYTES
        };
        let (batch, later) = rest.split_at(rest.iter().take(BATCH).take_while(fits).count().max(1));
        rest = later;
        batches.push(match batch {
            [alone] => alone.clone(),
            many => [&b"["[..], &many.join(&b','), b"]"].concat(),
        });
    }
    batches
}

/// The events of a message: those of a batch, or the message itself if it is none.
pub fn events(message: &[u8]) -> Vec<&[u8]> {
    if !message.trim_ascii_start().starts_with(b"[") {
        return vec![message];
    }
    match serde_json::from_slice::<Vec<&RawValue>>(message) {
        Ok(events) => events.into_iter().map(|event| event.get().as_bytes()).collect(),
        Err(_) => vec![message],
    }
}

impl Compiled {
    /// The event of a finding.
    pub fn encode(&self, identity: &Identity, values: &[Value]) -> Vec<u8> {
        let field = |&index: &usize| {
            let value = match &values[index] {
                Value::Integer(number) => (*number).into(),
                other => other.to_string().into(),
            };
            (self.spec.source.fields[index].name.clone(), value)
        };
        let envelope = Envelope {
            specversion: "1.0".into(),
            r#type: TYPE.into(),
            source: identity.source.to_string(),
            id: format!("{}-{:016x}", identity.position, identity.content),
            data: self.needed.iter().map(field).collect(),
        };
        serde_json::to_vec(&envelope).unwrap_or_default()
    }

    /// The values of a finding that was [kept](Raw); the error says for a person why there are none.
    pub fn decode_kept(&self, raw: &Raw) -> Result<Vec<Value>, String> {
        match raw {
            Raw::Line(line) => self.spec.source.decode(line),
            Raw::Message(message) => self.decode_message(message).map(|(_, values)| values),
            Raw::Nothing => Err("nobody kept what it said".to_owned()),
        }
    }

    /// A finding from its message; what was not needed of it is empty. The error says for a person what is wrong.
    pub fn decode_message(&self, body: &[u8]) -> Result<(Identity, Vec<Value>), String> {
        let Envelope { specversion, r#type, source, id, data } = serde_json::from_slice(body)
            .map_err(|error| format!("it is no event of CloudEvents: {error}"))?;
        if !specversion.starts_with("1.") || r#type != TYPE {
            return Err(format!("it is a {type:?} of CloudEvents {specversion:?}, and no {TYPE:?} of 1.0"));
        }
        if source.len() > SOURCE_BYTES_MAX {
            return Err(format!(
                "its source has {} bytes, and {SOURCE_BYTES_MAX} are the most",
                source.len()
            ));
        }
        let (position, content) = id
            .split_once('-')
            .and_then(|(position, content)| {
                Some((position.parse().ok()?, u64::from_str_radix(content, 16).ok()?))
            })
            .filter(|(_, content)| *content != 0)
            .ok_or_else(|| format!("its id {id:?} is no position with the hash of a line"))?;
        let value = |(index, field): (usize, &crate::spec::Field)| match data.get(&field.name) {
            None if self.needed.contains(&index) => Err(format!("`{}` is missing", field.name)),
            None => Ok(Value::empty(field.kind)),
            Some(serde_json::Value::String(text)) => Value::read_sent(field, text),
            Some(other) => Value::read_sent(field, &other.to_string()),
        };
        let values = self.spec.source.fields.iter().enumerate().map(value).collect::<Result<_, _>>()?;
        Ok((Identity { source: Arc::from(source), position, content }, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        for count in [0, 1, 2, BATCH, BATCH + 1, 10 * BATCH] {
            let packed: Vec<Vec<u8>> =
                (0..count).map(|number| format!("{{\"id\":{number}}}").into_bytes()).collect();
            let messages = batches(&packed);
            assert_eq!(messages.len(), count.div_ceil(BATCH));
            assert_eq!(messages.iter().flat_map(|message| events(message)).collect::<Vec<_>>(), packed);
        }
        let long = vec![format!("\"{}\"", "x".repeat(BATCH_BYTES)).into_bytes(); 3];
        assert_eq!(batches(&long), long, "a long event is alone");
    }

    #[test]
    fn what_is_no_batch_is_one_message() {
        for message in [&b"{}"[..], b"", b"[1,", b"[1] 2", b"\xff", b" {\"a\":[]}"] {
            assert_eq!(events(message), [message]);
        }
        assert_eq!(events(b" [ {\"a\": 1} , 2 ]"), [&b"{\"a\": 1}"[..], b"2"]);
        assert_eq!(events(b"[]"), [b""; 0], "nothing was sent");
    }
}
