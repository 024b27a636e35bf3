//! Which findings were counted, in little room: eight bytes for each, in blocks of a source's positions.
//!
//! A block is a slot of eight bytes for each of its positions, with the [content](crate::Row::content) that was
//! counted there or 0, in little-endian order. Where a second content was counted at a position, position (two bytes)
//! and content stand behind the slots.

/// Positions of a block.
pub const BLOCK: u64 = 1_024;

const SLOTS: usize = BLOCK as usize * 8;

const EXTRA: usize = 2 + 8;

/// The block that a position falls into.
pub fn block_of(position: u64) -> u64 {
    position / BLOCK
}

/// The findings of one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    bytes: Vec<u8>,
}

impl Default for Block {
    fn default() -> Self {
        Self { bytes: vec![0; SLOTS] }
    }
}

impl Block {
    /// As it was written; empty bytes are an empty block. `None` if the bytes are no block.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        match bytes.len() {
            0 => Some(Self::default()),
            length if length >= SLOTS && (length - SLOTS).is_multiple_of(EXTRA) => Some(Self { bytes }),
            _ => None,
        }
    }

    /// To be kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Remembers a finding; false if it was known.
    pub fn insert(&mut self, position: u64, content: u64) -> bool {
        let index = (position % BLOCK) as u16;
        let content = content.max(1).to_le_bytes();
        let slot = usize::from(index) * 8;
        let there = &mut self.bytes[slot..slot + 8];
        if *there == [0; 8] {
            there.copy_from_slice(&content);
            return true;
        }
        if *there == content {
            return false;
        }
        let mut extra = index.to_le_bytes().to_vec();
        extra.extend_from_slice(&content);
        if self.bytes[SLOTS..].chunks_exact(EXTRA).any(|known| known == extra) {
            return false;
        }
        self.bytes.extend_from_slice(&extra);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_knows_what_was_counted_at_each_place() {
        let mut block = Block::default();
        assert!(block.insert(BLOCK + 3, 7) && !block.insert(BLOCK + 3, 7));
        assert!(block.insert(BLOCK + 4, 7), "two equal lines are two findings");
        assert!(block.insert(BLOCK + 3, 8), "another line at the same place is another finding");
        let mut read = Block::from_bytes(block.as_bytes().to_vec()).unwrap();
        assert!(!read.insert(3, 7) && !read.insert(3, 8) && !read.insert(4, 7));
        assert!(read.insert(3, 9) && read.insert(BLOCK - 1, 7));
        assert_eq!(Block::from_bytes(Vec::new()), Some(Block::default()));
        assert_eq!(Block::from_bytes(vec![0; SLOTS + 3]), None);
    }
}
