//! The contacts of one person: a sorted set of numbers in about two bytes each.
//!
//! Numbers are cut in half. Those with the same upper 16 bits stand together as a block, of which only the lower 16 bits
//! are kept: as a sorted list, or, where there are so many that it takes no more than half as much again, as one bit for
//! each number (array and bitmap containers of roaring bitmaps; Chambi, Lemire and others 2016). All blocks of a person
//! lie in one piece of memory behind a directory:
//!
//! ```text
//! [ number of blocks | upper half, length − 1, words of bits or 0 | … one a block … | lowers, block after block ]
//! ```
//!
//! 500 contacts among 100,000 people are two blocks and 1,014 bytes, half of what plain numbers need. 5,000 are 12.3 KiB
//! of bits, in which a contact is found by looking at one word: a list of 3,000 is bisected through memory that is in
//! nobody's cache.

mod block;

use std::cmp::Ordering;
use std::ops::Range;

pub(crate) use block::Lowers;

use crate::UserId;

/// Halves of a block in the directory.
const ENTRY: usize = 3;

/// See the module. Nobody has no memory but the handle of 24 bytes.
#[derive(Clone, Debug, Default)]
pub struct Contacts(Vec<u16>);

/// Where a block stands.
struct Place {
    /// Which one, from 0.
    index: usize,
    /// Its list or bits in the memory.
    range: Range<usize>,
}

/// Numbers with the same upper half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'c> {
    /// The upper half.
    pub(crate) upper: u16,
    /// How many, at least one.
    pub(crate) len: usize,
    /// The lower halves.
    pub(crate) lowers: Lowers<'c>,
}

impl Contacts {
    /// Nobody.
    pub const NONE: Self = Self(Vec::new());

    /// How many. O(blocks).
    pub fn len(&self) -> usize {
        self.blocks().map(|block| block.len).sum()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if `user` is one of them. O(blocks + log n).
    pub fn contains(&self, user: UserId) -> bool {
        let (upper, lower) = halves(user);
        let found = self.blocks().take_while(|block| block.upper <= upper).last();
        found.is_some_and(|block| block.upper == upper && block.lowers.contains(lower))
    }

    /// Adds one; false if it was there.
    pub fn insert(&mut self, user: UserId) -> bool {
        let (upper, lower) = halves(user);
        match self.place(upper) {
            Ok(place) if self.has_bits(place.index) => self.set_bit(place, lower),
            Ok(place) => self.insert_in_list(&place, lower),
            Err(place) => {
                self.insert_block(&place, upper, lower);
                true
            }
        }
    }

    /// Takes one away; false if it was not there.
    pub fn remove(&mut self, user: UserId) -> bool {
        let (upper, lower) = halves(user);
        let Ok(place) = self.place(upper) else {
            return false;
        };
        let has_bits = self.has_bits(place.index);
        let removed = match has_bits {
            true => block::take_bit(&mut self.0[place.range.clone()], lower),
            false => self.remove_from_list(&place, lower),
        };
        if !removed {
            return false;
        }
        if *self.length(place.index) == 0 {
            self.remove_block(&place, has_bits);
        } else {
            *self.length(place.index) -= 1;
            if has_bits {
                self.sparse_into_list(&place);
            }
        }
        self.give_back();
        true
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = UserId> + '_ {
        self.from(0)
    }

    /// Those after so many, in order. O(blocks), and at most 4,096 words of bits, to begin with.
    pub fn from(&self, offset: usize) -> impl Iterator<Item = UserId> + '_ {
        let mut before = offset;
        self.blocks().flat_map(move |Block { upper, len, lowers }| {
            let skipped = before.min(len);
            before -= skipped;
            lowers.from(skipped).map(move |lower| whole(upper, lower))
        })
    }

    /// How many of them are `user` or smaller. O(blocks + log n), or at most 4,096 words of bits.
    pub fn rank(&self, user: UserId) -> usize {
        let (upper, lower) = halves(user);
        let mut smaller = 0;
        for block in self.blocks() {
            match block.upper.cmp(&upper) {
                Ordering::Less => smaller += block.len,
                Ordering::Equal => smaller += block.lowers.rank(lower),
                Ordering::Greater => break,
            }
        }
        smaller
    }

    /// Blocks in order.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let mut start = self.start();
        let entries = self.0.get(1..start).unwrap_or_default().chunks_exact(ENTRY);
        entries.map(move |entry| {
            let (len, words) = (usize::from(entry[1]) + 1, usize::from(entry[2]));
            let end = start + if words > 0 { words } else { len };
            let halves = &self.0[start..end];
            start = end;
            let lowers = if words > 0 { Lowers::Bits(halves) } else { Lowers::List(halves) };
            Block { upper: entry[0], len, lowers }
        })
    }

    /// Calls `found` for each that both have, in order.
    pub fn common(&self, other: &Self, mut found: impl FnMut(UserId)) {
        self.meet(other, |upper, one, other| one.common(other, |lower| found(whole(upper, lower))));
    }

    /// How many both have.
    pub fn common_count(&self, other: &Self) -> usize {
        let mut count = 0;
        self.meet(other, |_, one, other| count += one.common_count(other));
        count
    }

    /// Bytes behind the handle.
    pub fn heap_bytes(&self) -> usize {
        2 * self.0.capacity()
    }

    /// Calls `met` for each upper half that both have.
    fn meet<'c>(&'c self, other: &'c Self, mut met: impl FnMut(u16, Lowers<'c>, Lowers<'c>)) {
        let mut others = other.blocks().peekable();
        for block in self.blocks() {
            while others.next_if(|other| other.upper < block.upper).is_some() {}
            if let Some(other) = others.next_if(|other| other.upper == block.upper) {
                met(block.upper, block.lowers, other.lowers);
            }
        }
    }

    /// Where lowers begin.
    fn start(&self) -> usize {
        self.0.first().map_or(0, |blocks| 1 + ENTRY * usize::from(*blocks))
    }

    /// The block of this upper half; where it would have to be if there is none.
    fn place(&self, upper: u16) -> Result<Place, Place> {
        let mut start = self.start();
        let mut index = 0;
        for block in self.blocks() {
            let range = start..start + block.lowers.halves();
            match block.upper.cmp(&upper) {
                Ordering::Less => start = range.end,
                Ordering::Equal => return Ok(Place { index, range }),
                Ordering::Greater => break,
            }
            index += 1;
        }
        Err(Place { index, range: start..start })
    }

    fn has_bits(&self, index: usize) -> bool {
        self.0[3 + ENTRY * index] > 0
    }

    /// The length − 1 of a block.
    fn length(&mut self, index: usize) -> &mut u16 {
        &mut self.0[2 + ENTRY * index]
    }

    fn insert_block(&mut self, place: &Place, upper: u16, lower: u16) {
        self.make_room(2 + ENTRY);
        if self.0.is_empty() {
            self.0.push(0);
        }
        self.0.insert(place.range.start.max(1), lower);
        let entry = 1 + ENTRY * place.index;
        self.0.splice(entry..entry, [upper, 0, 0]);
        self.0[0] += 1;
    }

    fn insert_in_list(&mut self, place: &Place, lower: u16) -> bool {
        let list = &self.0[place.range.clone()];
        // Graphs are loaded in order: then it goes to the end.
        let at = if list.last() < Some(&lower) { Err(list.len()) } else { list.binary_search(&lower) };
        let Err(at) = at else {
            return false;
        };
        self.make_room(1);
        self.0.insert(place.range.start + at, lower);
        *self.length(place.index) += 1;
        let range = place.range.start..place.range.end + 1;
        if block::is_dense(&self.0[range.clone()]) {
            let bits = block::bits(&self.0[range.clone()]);
            self.0[3 + ENTRY * place.index] = bits.len() as u16;
            self.replace(range, &bits);
        }
        true
    }

    fn set_bit(&mut self, mut place: Place, lower: u16) -> bool {
        let (words, needed) = (place.range.len(), block::words(lower));
        let len = usize::from(*self.length(place.index)) + 1;
        if block::is_sparse(needed, len + 1) {
            place = self.bits_into_list(&place);
            return self.insert_in_list(&place, lower);
        }
        if needed > words {
            self.make_room(needed - words);
            self.0.splice(place.range.end..place.range.end, std::iter::repeat_n(0, needed - words));
            self.0[3 + ENTRY * place.index] = needed as u16;
            place.range.end += needed - words;
        }
        let added = block::put_bit(&mut self.0[place.range], lower);
        *self.length(place.index) += u16::from(added);
        added
    }

    fn remove_from_list(&mut self, place: &Place, lower: u16) -> bool {
        let found = self.0[place.range.clone()].binary_search(&lower);
        found.map(|at| self.0.remove(place.range.start + at)).is_ok()
    }

    /// Removes a block of which nothing is left.
    fn remove_block(&mut self, place: &Place, has_bits: bool) {
        if has_bits {
            self.0.drain(place.range.clone());
        }
        let entry = 1 + ENTRY * place.index;
        self.0.drain(entry..entry + ENTRY);
        self.0[0] -= 1;
        if self.0[0] == 0 {
            self.0 = Vec::new();
        }
    }

    fn sparse_into_list(&mut self, place: &Place) {
        let len = usize::from(*self.length(place.index)) + 1;
        if block::is_sparse(place.range.len(), len) {
            self.bits_into_list(place);
        }
    }

    fn bits_into_list(&mut self, place: &Place) -> Place {
        let list: Vec<u16> = Lowers::Bits(&self.0[place.range.clone()]).from(0).collect();
        self.0[3 + ENTRY * place.index] = 0;
        self.replace(place.range.clone(), &list);
        Place { index: place.index, range: place.range.start..place.range.start + list.len() }
    }

    fn replace(&mut self, range: Range<usize>, by: &[u16]) {
        self.make_room(by.len().saturating_sub(range.len()));
        self.0.splice(range, by.iter().copied());
        self.give_back();
    }

    /// Gives memory back that nothing stands in.
    fn give_back(&mut self) {
        if self.0.capacity() > 2 * self.0.len() + 16 {
            self.0.shrink_to(self.0.len() + self.0.len() / 8);
        }
    }

    /// Grows by an eighth: doubling would leave a third of all memory empty.
    fn make_room(&mut self, for_halves: usize) {
        if self.0.capacity() - self.0.len() < for_halves {
            // Allocators give no fewer than some sixteen bytes more anyway.
            self.0.reserve_exact(for_halves.max(8).max(self.0.len() / 8));
        }
    }
}

impl PartialEq for Contacts {
    /// Whether a block is a list or bits depends on what it was before.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Contacts {}

fn halves(user: UserId) -> (u16, u16) {
    ((user.0 >> 16) as u16, user.0 as u16)
}

fn whole(upper: u16, lower: u16) -> UserId {
    UserId(u32::from(upper) << 16 | u32::from(lower))
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

    /// Changes of runs of numbers: lists become bits and bits lists.
    fn runs() -> impl Strategy<Value = Vec<(u32, u32, u32, bool)>> {
        let run = (0_u32..70_000, 1_u32..600, 1_u32..5, prop::bool::weighted(0.6));
        prop::collection::vec(run, 1..14)
    }

    fn of_runs(runs: &[(u32, u32, u32, bool)]) -> (Contacts, BTreeSet<UserId>) {
        let (mut contacts, mut expected) = (Contacts::default(), BTreeSet::new());
        for (first, len, step, adds) in runs {
            for user in (*first..first + len * step).step_by(*step as usize).map(UserId) {
                let changed = if *adds { contacts.insert(user) } else { contacts.remove(user) };
                assert_eq!(changed, if *adds { expected.insert(user) } else { expected.remove(&user) });
            }
        }
        (contacts, expected)
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
        fn bits_are_the_same_set(of in runs(), other in runs(), at in 0_u32..72_000, offset in 0_usize..3_000) {
            let ((one, first), (other, second)) = (of_runs(&of), of_runs(&other));
            prop_assert!(one.iter().eq(first.iter().copied()));
            prop_assert_eq!(one.len(), first.len());
            prop_assert_eq!(one.contains(UserId(at)), first.contains(&UserId(at)));
            prop_assert_eq!(one.rank(UserId(at)), first.range(..=UserId(at)).count());
            prop_assert!(one.from(offset).eq(first.iter().copied().skip(offset)));
            let mut found = Vec::new();
            one.common(&other, |user| found.push(user));
            prop_assert!(found.iter().eq(first.intersection(&second)));
            prop_assert_eq!(one.common_count(&other), found.len());
            // Six bytes for each at most, and a list where that is less.
            prop_assert!(one.heap_bytes() <= 7 * first.len() + 100, "{} {}", one.heap_bytes(), first.len());
            let mut again = Contacts::default();
            first.iter().rev().for_each(|user| assert!(again.insert(*user)));
            prop_assert_eq!(&one, &again);
            first.iter().for_each(|user| assert!(again.remove(*user)));
            prop_assert_eq!(again.heap_bytes(), 0);
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
    fn a_contact_among_a_hundred_thousand_people_costs_two_bytes_or_a_little_more() {
        let of = |count: u32| {
            let mut contacts = Contacts::default();
            (0..count).for_each(|n| assert!(contacts.insert(UserId(n * (100_000 / count)))));
            contacts
        };
        assert_eq!(of(500).0.len(), 1 + 2 * 3 + 500);
        let hub = of(5_000);
        assert_eq!(hub.0.len(), 1 + 2 * 3 + 4_096 + 2_153);
        assert!(hub.heap_bytes() <= 2 * hub.0.len() * 9 / 8, "{}", hub.heap_bytes());
        assert!(hub.blocks().all(|block| matches!(block.lowers, Lowers::Bits(_))));
    }

    #[test]
    fn one_far_away_does_not_make_bits_of_nothing() {
        let mut contacts = Contacts::default();
        (0..300).for_each(|n| assert!(contacts.insert(UserId(n))));
        assert!(contacts.heap_bytes() < 200, "{}", contacts.heap_bytes());
        assert!(contacts.insert(UserId(0xffff)));
        assert!(contacts.heap_bytes() < 800, "{}", contacts.heap_bytes());
        assert!(contacts.iter().eq((0..300).chain([0xffff]).map(UserId)));
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
