//! The contacts of one person: a sorted set of numbers in about two bytes each.
//!
//! Numbers are cut in half. Those with the same upper 16 bits stand together as a block, of which only the lower 16 bits
//! are kept, sorted (the array container of roaring bitmaps; Chambi, Lemire and others 2016). All blocks of a person
//! lie in one piece of memory behind a directory:
//!
//! ```text
//! [ number of blocks | upper half, length − 1 | … one pair a block … | lower halves, block after block ]
//! ```
//!
//! 5,000 contacts among 100,000 people are two blocks and 10,010 bytes, half of what plain numbers need. A set is found
//! in by bisection, walked in order, and changed by moving at most those bytes.

use std::cmp::Ordering;
use std::ops::Range;

use crate::UserId;

/// See the module. Nobody has no memory but the handle of 24 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contacts(Vec<u16>);

/// Where a block stands.
struct Block {
    /// Which one, from 0.
    index: usize,
    /// Its lower halves in the memory.
    range: Range<usize>,
}

impl Contacts {
    /// Nobody.
    pub const NONE: Self = Self(Vec::new());

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len().saturating_sub(self.start())
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if `user` is one of them. O(log n).
    pub fn contains(&self, user: UserId) -> bool {
        let (upper, lower) = halves(user);
        self.block(upper).is_ok_and(|block| self.0[block.range].binary_search(&lower).is_ok())
    }

    /// Adds one; false if it was there.
    pub fn insert(&mut self, user: UserId) -> bool {
        let (upper, lower) = halves(user);
        if self.comes_last(upper, lower) {
            self.make_room(1);
            self.0.push(lower);
            let last = 2 * usize::from(self.0[0]);
            self.0[last] += 1;
            return true;
        }
        match self.block(upper) {
            Ok(block) => {
                let Err(at) = self.0[block.range.clone()].binary_search(&lower) else {
                    return false;
                };
                self.make_room(1);
                self.0.insert(block.range.start + at, lower);
                self.0[2 + 2 * block.index] += 1;
            }
            Err(block) => {
                self.make_room(4);
                if self.0.is_empty() {
                    self.0.push(0);
                }
                self.0.insert(block.range.start.max(1), lower);
                let pair = 1 + 2 * block.index;
                self.0.splice(pair..pair, [upper, 0]);
                self.0[0] += 1;
            }
        }
        true
    }

    /// Takes one away; false if it was not there.
    pub fn remove(&mut self, user: UserId) -> bool {
        let (upper, lower) = halves(user);
        let Ok(block) = self.block(upper) else {
            return false;
        };
        let Ok(at) = self.0[block.range.clone()].binary_search(&lower) else {
            return false;
        };
        self.0.remove(block.range.start + at);
        if block.range.len() > 1 {
            self.0[2 + 2 * block.index] -= 1;
        } else if self.0[0] > 1 {
            self.0.drain(1 + 2 * block.index..3 + 2 * block.index);
            self.0[0] -= 1;
        } else {
            self.0 = Vec::new();
        }
        if self.0.capacity() > 2 * self.0.len() + 16 {
            self.0.shrink_to(self.0.len() + self.0.len() / 8);
        }
        true
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = UserId> + '_ {
        self.from(0)
    }

    /// Those after so many, in order. O(blocks) to begin with.
    pub fn from(&self, offset: usize) -> impl Iterator<Item = UserId> + '_ {
        let mut before = offset;
        self.blocks().flat_map(move |(upper, lowers)| {
            let skipped = before.min(lowers.len());
            before -= skipped;
            lowers[skipped..].iter().map(move |lower| whole(upper, *lower))
        })
    }

    /// How many of them are `user` or smaller. O(blocks + log n).
    pub fn rank(&self, user: UserId) -> usize {
        let (upper, lower) = halves(user);
        let mut smaller = 0;
        for (block, lowers) in self.blocks() {
            match block.cmp(&upper) {
                Ordering::Less => smaller += lowers.len(),
                Ordering::Equal => smaller += lowers.partition_point(|one| *one <= lower),
                Ordering::Greater => break,
            }
        }
        smaller
    }

    /// Blocks in order: the upper half, and the lower halves that go with it, sorted, at least one.
    pub fn blocks(&self) -> impl Iterator<Item = (u16, &[u16])> {
        let mut start = self.start();
        let pairs = self.0.get(1..start).unwrap_or_default().chunks_exact(2);
        pairs.map(move |pair| {
            let end = start + usize::from(pair[1]) + 1;
            let lowers = &self.0[start..end];
            start = end;
            (pair[0], lowers)
        })
    }

    /// Calls `found` for each that both have, in order.
    pub fn common(&self, other: &Self, mut found: impl FnMut(UserId)) {
        let mut others = other.blocks().peekable();
        for (upper, lowers) in self.blocks() {
            while others.next_if(|(block, _)| *block < upper).is_some() {}
            if let Some((_, others)) = others.next_if(|(block, _)| *block == upper) {
                meet(lowers, others, |lower| found(whole(upper, lower)));
            }
        }
    }

    /// How many both have.
    pub fn common_count(&self, other: &Self) -> usize {
        let mut count = 0;
        self.common(other, |_| count += 1);
        count
    }

    /// Bytes behind the handle.
    pub fn heap_bytes(&self) -> usize {
        2 * self.0.capacity()
    }

    /// Where lower halves begin.
    fn start(&self) -> usize {
        self.0.first().map_or(0, |blocks| 1 + 2 * usize::from(*blocks))
    }

    /// The block of this upper half; where it would have to be if there is none.
    fn block(&self, upper: u16) -> Result<Block, Block> {
        let mut start = self.start();
        let mut index = 0;
        for (block, lowers) in self.blocks() {
            let range = start..start + lowers.len();
            match block.cmp(&upper) {
                Ordering::Less => start = range.end,
                Ordering::Equal => return Ok(Block { index, range }),
                Ordering::Greater => break,
            }
            index += 1;
        }
        Err(Block { index, range: start..start })
    }

    /// True if it goes at the end of the last block: as all do when a graph is loaded in order.
    fn comes_last(&self, upper: u16, lower: u16) -> bool {
        let (Some(blocks), Some(last)) = (self.0.first(), self.0.last()) else {
            return false;
        };
        self.0[2 * usize::from(*blocks) - 1] == upper && *last < lower
    }

    /// Grows by an eighth: doubling would leave a third of all memory empty.
    fn make_room(&mut self, for_halves: usize) {
        if self.0.capacity() - self.0.len() < for_halves {
            // Allocators give no fewer than some sixteen bytes more anyway.
            self.0.reserve_exact(for_halves.max(8).max(self.0.len() / 8));
        }
    }
}

fn halves(user: UserId) -> (u16, u16) {
    ((user.0 >> 16) as u16, user.0 as u16)
}

fn whole(upper: u16, lower: u16) -> UserId {
    UserId(u32::from(upper) << 16 | u32::from(lower))
}

/// Calls `found` for each that both sorted slices have.
fn meet(one: &[u16], other: &[u16], mut found: impl FnMut(u16)) {
    // From about here on bisecting beats walking the longer one.
    const LOPSIDED: usize = 16;
    let (short, mut long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.len() * LOPSIDED < long.len() {
        for lower in short {
            long = &long[long.partition_point(|candidate| candidate < lower)..];
            if long.first() == Some(lower) {
                found(*lower);
            }
        }
        return;
    }
    let (mut i, mut j) = (0, 0);
    while i < short.len() && j < long.len() {
        let (left, right) = (short[i], long[j]);
        if left == right {
            found(left);
        }
        // Without a branch: which side goes on is anyone's guess.
        i += usize::from(left <= right);
        j += usize::from(right <= left);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Few blocks, and few numbers in each, so that both fill and empty.
    fn users() -> impl Strategy<Value = UserId> {
        (0_u32..4, 0_u32..40).prop_map(|(upper, lower)| UserId(upper << 16 | lower))
    }

    fn set(users: &[UserId]) -> (Contacts, BTreeSet<UserId>) {
        let mut contacts = Contacts::default();
        for user in users {
            contacts.insert(*user);
        }
        (contacts, users.iter().copied().collect())
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_set(changes in prop::collection::vec((users(), prop::bool::weighted(0.6)), 0..200)) {
            let (mut contacts, mut expected) = (Contacts::default(), BTreeSet::new());
            for (user, adds) in changes {
                let changed = if adds { contacts.insert(user) } else { contacts.remove(user) };
                let expects = if adds { expected.insert(user) } else { expected.remove(&user) };
                prop_assert_eq!(changed, expects);
                prop_assert_eq!(contacts.len(), expected.len());
            }
            prop_assert!(contacts.iter().eq(expected.iter().copied()));
            prop_assert!(expected.iter().all(|user| contacts.contains(*user)));
            prop_assert_eq!(contacts.is_empty(), expected.is_empty());
        }

        #[test]
        fn it_is_entered_anywhere(of in prop::collection::vec(users(), 0..80), at in users(), offset in 0_usize..90) {
            let (contacts, expected) = set(&of);
            prop_assert_eq!(contacts.rank(at), expected.iter().filter(|user| **user <= at).count());
            prop_assert!(contacts.from(offset).eq(expected.iter().copied().skip(offset)));
        }

        #[test]
        fn what_two_have_in_common_is_found(
            one in prop::collection::vec(users(), 0..80),
            other in prop::collection::vec(users(), 0..4),
        ) {
            let ((one, first), (other, second)) = (set(&one), set(&other));
            for (one, other) in [(&one, &other), (&other, &one)] {
                let mut found = Vec::new();
                one.common(other, |user| found.push(user));
                prop_assert!(found.iter().eq(first.intersection(&second)));
                prop_assert_eq!(one.common_count(other), found.len());
            }
        }
    }

    #[test]
    fn a_contact_among_a_hundred_thousand_people_costs_two_bytes() {
        let mut contacts = Contacts::default();
        for n in 0..5_000 {
            contacts.insert(UserId(n * 20));
        }
        assert_eq!(contacts.0.len(), 1 + 2 * 2 + 5_000);
        assert!(contacts.heap_bytes() <= 2 * 5_000 * 9 / 8, "{}", contacts.heap_bytes());
    }

    #[test]
    fn a_block_may_be_full() {
        let mut contacts = Contacts::default();
        for n in (0..=0x1_0000).rev() {
            contacts.insert(UserId(n));
        }
        assert_eq!(contacts.len(), 0x1_0001);
        assert!(contacts.remove(UserId(7)));
        assert!(contacts.iter().eq((0..=0x1_0000).filter(|n| *n != 7).map(UserId)));
    }
}
