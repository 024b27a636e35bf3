//! Which findings were counted, in little room: eight bytes for each, in blocks of a source's positions.
//!
//! A block of few findings is a list of position (two bytes) and [content](crate::Row::content). A block of many has a
//! slot of eight bytes for each of its positions, with the content that was counted there or 0; where a second content
//! was counted at a position, position and content stand behind the slots, as in the list. All numbers are in
//! little-endian order; how long the bytes are tells which of the two it is.

use std::collections::HashSet;

/// Positions of a block.
pub const BLOCK: u64 = 1_024;

const SLOTS: usize = BLOCK as usize * 8;

const ENTRY: usize = 2 + 8;

/// As a list a block has at most so many bytes: fewer than its slots.
const LIST_MAX: usize = 400 * ENTRY;

/// The block that a position falls into.
pub fn block_of(position: u64) -> u64 {
    position / BLOCK
}

/// The findings of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    bytes: Vec<u8>,
}

impl Block {
    /// As it was written; empty bytes are an empty block. `None` if the bytes are no block.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let entries = bytes.len().checked_sub(SLOTS).unwrap_or(bytes.len());
        let is_block = entries.is_multiple_of(ENTRY) && (bytes.len() >= SLOTS || entries <= LIST_MAX);
        is_block.then_some(Self { bytes })
    }

    /// To be kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Remembers a finding; false if it was known.
    pub fn insert(&mut self, position: u64, content: u64) -> bool {
        let index = (position % BLOCK) as u16;
        let content = content.max(1).to_le_bytes();
        if self.bytes.len() == LIST_MAX {
            self.widen();
        }
        let slots = if self.bytes.len() >= SLOTS { SLOTS } else { 0 };
        if slots > 0 {
            let slot = usize::from(index) * 8;
            let there = &mut self.bytes[slot..slot + 8];
            if *there == [0; 8] {
                there.copy_from_slice(&content);
                return true;
            }
            if *there == content {
                return false;
            }
        }
        let entry = entry(index, content);
        if self.bytes[slots..].chunks_exact(ENTRY).any(|known| *known == entry) {
            return false;
        }
        self.bytes.extend_from_slice(&entry);
        true
    }

    /// Each finding: its place in the block, and its content.
    pub fn findings(&self) -> impl Iterator<Item = (u64, u64)> {
        let (slots, entries) = self.bytes.split_at(if self.bytes.len() >= SLOTS { SLOTS } else { 0 });
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let in_slots = slots.chunks_exact(8).map(number).zip(0..).filter(|(content, _)| *content != 0);
        let in_slots = in_slots.map(|(content, place)| (place, content));
        in_slots
            .chain(entries.chunks_exact(ENTRY).map(move |entry| (number(&entry[..2]), number(&entry[2..]))))
    }

    /// True if each finding of the other is in this one.
    pub fn has_all_of(&self, other: &Self) -> bool {
        if other.bytes == self.bytes {
            return true;
        }
        let known: HashSet<(u64, u64)> = self.findings().collect();
        other.findings().all(|finding| known.contains(&finding))
    }

    /// From a list to slots.
    fn widen(&mut self) {
        let list = std::mem::replace(&mut self.bytes, vec![0; SLOTS]);
        for entry in list.chunks_exact(ENTRY) {
            let slot = usize::from(u16::from_le_bytes([entry[0], entry[1]])) % BLOCK as usize * 8;
            if self.bytes[slot..slot + 8] == [0; 8] {
                self.bytes[slot..slot + 8].copy_from_slice(&entry[2..]);
            } else {
                self.bytes.extend_from_slice(entry);
            }
        }
    }
}

fn entry(index: u16, content: [u8; 8]) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..2].copy_from_slice(&index.to_le_bytes());
    entry[2..].copy_from_slice(&content);
    entry
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use manazir_model::Random;

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
        for length in [3, ENTRY - 1, LIST_MAX + ENTRY, SLOTS - 1, SLOTS + 3] {
            assert_eq!(Block::from_bytes(vec![0; length]), None, "{length}");
        }
    }

    #[test]
    fn few_and_many_are_the_same() {
        let (mut block, mut known, mut random) = (Block::default(), BTreeSet::new(), Random::new(2028));
        for _ in 0..5_000 {
            let (place, content) = (random.below(BLOCK as usize) as u64, random.below(3) as u64 + 1);
            assert_eq!(block.insert(place, content), known.insert((place, content)));
        }
        block = Block::from_bytes(block.as_bytes().to_vec()).unwrap();
        assert_eq!(block.findings().collect::<BTreeSet<_>>(), known);
        let few = Block::from_bytes(entry(1_023, 5_u64.to_le_bytes()).to_vec()).unwrap();
        assert_eq!(few.findings().collect::<Vec<_>>(), [(1_023, 5)]);
    }
}
