//! Many messages in one: each with its length before it.

use manazir_ingest::{Error, Message};

/// Bytes after which a pack is full: far below what a broker takes, far above what a packet holds.
const PACK_BYTES: usize = 256 << 10;

/// A pack that is being filled.
#[derive(Default)]
pub(crate) struct Pack(Vec<u8>);

impl Pack {
    /// Adds a message as [`Message::to_bytes`] wrote it.
    pub(crate) fn push(&mut self, message: &[u8]) {
        self.0.extend_from_slice(&(message.len() as u32).to_le_bytes());
        self.0.extend_from_slice(message);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= PACK_BYTES
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The messages of a pack.
pub(crate) fn unpack(mut bytes: &[u8]) -> Result<Vec<Message>, Error> {
    let cut = || Error::Damaged { what: "a pack of messages".to_owned(), why: "it ends early".to_owned() };
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        let (message, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
        messages.push(Message::from_bytes(message)?);
        bytes = rest;
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use manazir_ingest::contract::message;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_and_nothing_else_does() {
        let messages = [message("1", "ann"), message("2", ""), message("3", "ü")];
        let mut pack = Pack::default();
        messages.iter().for_each(|message| pack.push(&message.to_bytes()));
        assert_eq!(unpack(pack.bytes()).unwrap(), messages);
        for cut in 1..pack.bytes().len() {
            // Either it says so, or it ends just behind a message.
            assert!(unpack(&pack.bytes()[..cut]).map_or(true, |found| messages.starts_with(&found)));
        }
        assert!(unpack(&[255; 9]).is_err());
    }
}
