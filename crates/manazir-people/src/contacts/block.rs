//! The lower halves of a block: a sorted list, or one bit for each number.

/// Lists are kept as such below this length: what fits a few lines of a cache is bisected fast enough.
const LIST_ALWAYS: usize = 256;

/// Bits of a word.
const BITS: usize = 16;

/// Words that are looked at together.
const TOGETHER: usize = 4;

/// The lower halves of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lowers<'c> {
    /// Sorted.
    List(&'c [u16]),
    /// The lowest bit of the first word stands for 0.
    Bits(&'c [u16]),
}

/// Words from the first to that of a number.
pub(super) fn words(lower: u16) -> usize {
    usize::from(lower) / BITS + 1
}

/// True if a list is worth being bits: they take no more than half as much again.
pub(super) fn is_dense(list: &[u16]) -> bool {
    list.len() >= LIST_ALWAYS && list.last().is_some_and(|last| 2 * words(*last) <= 3 * list.len())
}

/// True if so many words for so many numbers are better a list. Far from [`is_dense`], so that a block does not become
/// the one and the other in turns.
pub(super) fn is_sparse(words: usize, len: usize) -> bool {
    len < LIST_ALWAYS / 2 || words > 3 * len
}

/// A list as bits.
pub(super) fn bits(list: &[u16]) -> Vec<u16> {
    let mut bits = vec![0; list.last().map_or(0, |last| words(*last))];
    for lower in list {
        put_bit(&mut bits, *lower);
    }
    bits
}

/// Sets a bit that is within the words; false if it was set.
pub(super) fn put_bit(bits: &mut [u16], lower: u16) -> bool {
    let (word, bit) = (&mut bits[usize::from(lower) / BITS], 1 << (usize::from(lower) % BITS));
    let added = *word & bit == 0;
    *word |= bit;
    added
}

/// Clears a bit; false if it was not set.
pub(super) fn take_bit(bits: &mut [u16], lower: u16) -> bool {
    let bit = 1 << (usize::from(lower) % BITS);
    let Some(word) = bits.get_mut(usize::from(lower) / BITS) else {
        return false;
    };
    let removed = *word & bit != 0;
    *word &= !bit;
    removed
}

impl<'c> Lowers<'c> {
    /// Halves that they take.
    pub(super) fn halves(self) -> usize {
        match self {
            Self::List(halves) | Self::Bits(halves) => halves.len(),
        }
    }

    /// True if `lower` is one of them.
    pub(crate) fn contains(self, lower: u16) -> bool {
        match self {
            Self::List(list) => list.binary_search(&lower).is_ok(),
            Self::Bits(bits) => {
                let word = bits.get(usize::from(lower) / BITS);
                word.is_some_and(|word| word >> (usize::from(lower) % BITS) & 1 == 1)
            }
        }
    }

    /// How many are `lower` or smaller.
    pub(super) fn rank(self, lower: u16) -> usize {
        match self {
            Self::List(list) => list.partition_point(|one| *one <= lower),
            Self::Bits(bits) => {
                let word = usize::from(lower) / BITS;
                let Some(last) = bits.get(word) else {
                    return count(bits);
                };
                let up_to = last & (u16::MAX >> (BITS - 1 - usize::from(lower) % BITS));
                count(&bits[..word]) + up_to.count_ones() as usize
            }
        }
    }

    /// Calls `found` for each, in order.
    pub(crate) fn for_each(self, mut found: impl FnMut(u16)) {
        match self {
            Self::List(list) => list.iter().for_each(|lower| found(*lower)),
            Self::Bits(bits) => each_bit(bits.chunks(TOGETHER).map(together), found),
        }
    }

    /// Those after so many, in order.
    pub(super) fn from(self, offset: usize) -> impl Iterator<Item = u16> + 'c {
        let (list, bits) = match self {
            Self::List(list) => (list.get(offset..).unwrap_or_default(), SetBits::default()),
            Self::Bits(bits) => (&[][..], SetBits::after(bits, offset)),
        };
        list.iter().copied().chain(bits)
    }

    /// Calls `found` for each that both have, in order.
    pub(super) fn common(self, other: Self, mut found: impl FnMut(u16)) {
        match (self, other) {
            (Self::List(one), Self::List(other)) => meet(one, other, found),
            (Self::List(list), bits @ Self::Bits(_)) | (bits @ Self::Bits(_), Self::List(list)) => {
                list.iter().filter(|lower| bits.contains(**lower)).for_each(|lower| found(*lower));
            }
            (Self::Bits(one), Self::Bits(other)) => {
                let both = one.chunks(TOGETHER).zip(other.chunks(TOGETHER));
                each_bit(both.map(|(one, other)| together(one) & together(other)), &mut found);
            }
        }
    }

    /// How many both have.
    pub(super) fn common_count(self, other: Self) -> usize {
        if let (Self::Bits(one), Self::Bits(other)) = (self, other) {
            return one.iter().zip(other).map(|(one, other)| (one & other).count_ones()).sum::<u32>()
                as usize;
        }
        let mut count = 0;
        self.common(other, |_| count += 1);
        count
    }
}

/// Bits that are set.
fn count(bits: &[u16]) -> usize {
    bits.iter().map(|word| word.count_ones()).sum::<u32>() as usize
}

/// At most four words as one; the first is the lowest.
fn together(words: &[u16]) -> u64 {
    if let [a, b, c, d] = *words {
        return u64::from(a) | u64::from(b) << 16 | u64::from(c) << 32 | u64::from(d) << 48;
    }
    words.iter().rev().fold(0, |all, word| all << BITS | u64::from(*word))
}

/// Calls `found` with the place of each bit that is set.
fn each_bit(words: impl Iterator<Item = u64>, mut found: impl FnMut(u16)) {
    for (index, mut word) in words.enumerate() {
        while word != 0 {
            found((index * BITS * TOGETHER) as u16 + word.trailing_zeros() as u16);
            word &= word - 1;
        }
    }
}

/// The places of bits that are set, in order.
#[derive(Default)]
struct SetBits<'c> {
    /// Those of the words before `rest` that are still to come.
    now: u64,
    /// The place of the lowest bit of `now`.
    first: usize,
    rest: &'c [u16],
}

impl<'c> SetBits<'c> {
    /// Those after so many.
    fn after(bits: &'c [u16], mut offset: usize) -> Self {
        let mut skipped = 0;
        for words in bits.chunks(TOGETHER) {
            let here = together(words).count_ones() as usize;
            if offset < here {
                break;
            }
            offset -= here;
            skipped += words.len();
        }
        let mut set = Self { now: 0, first: 0, rest: &bits[skipped..] };
        set.load(skipped * BITS);
        (0..offset).for_each(|_| set.now &= set.now.wrapping_sub(1));
        set
    }

    fn load(&mut self, first: usize) {
        let (words, rest) = self.rest.split_at(self.rest.len().min(TOGETHER));
        (self.now, self.first, self.rest) = (together(words), first, rest);
    }
}

impl Iterator for SetBits<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        while self.now == 0 {
            if self.rest.is_empty() {
                return None;
            }
            self.load(self.first + BITS * TOGETHER);
        }
        let place = self.first + self.now.trailing_zeros() as usize;
        self.now &= self.now - 1;
        Some(place as u16)
    }
}

/// Calls `found` for each that both sorted lists have.
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
