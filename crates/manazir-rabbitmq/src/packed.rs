//! Many messages in one: each with its length before it.

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

/// The messages of a pack, each as it was packed. What is no pack is given whole, as if it were one message: whoever
/// reads it finds out.
pub(crate) fn unpack(bytes: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((message, after)) = next(rest) else { return vec![bytes] };
        messages.push(message);
        rest = after;
    }
    messages
}

fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

#[cfg(test)]
mod tests {
    use manazir_ingest::Message;
    use manazir_ingest::contract::message;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_and_nothing_else_does() {
        let messages = [message("1", "ann"), message("2", ""), message("3", "ü")];
        let mut pack = Pack::default();
        messages.iter().for_each(|message| pack.push(&message.to_bytes()));
        let written: Vec<Vec<u8>> = messages.iter().map(Message::to_bytes).collect();
        assert_eq!(unpack(pack.bytes()), written);
        for cut in 1..pack.bytes().len() {
            // Either it is given whole, or it ends just behind a message.
            let cut = &pack.bytes()[..cut];
            let found = unpack(cut);
            assert!(found == [cut] || written.iter().zip(&found).all(|(written, found)| written == found));
        }
        assert_eq!(unpack(&[255; 9]), [[255; 9]]);
    }
}
