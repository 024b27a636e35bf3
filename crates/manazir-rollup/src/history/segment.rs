//! Findings in columns: what counted, and beside it what came. Both are packed for themselves, for the table as of a
//! time needs nothing of what came.

use std::collections::HashMap;
use std::sync::Arc;

use manazir_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Raw, Row};

/// Of zstd: nearly as small as with more, and never what a batch waits for.
const LEVEL: i32 = 1;

/// No segment is larger when it is unpacked: more is none of ours.
const BYTES_MAX: usize = 1 << 30;

/// How findings counted, in the order in which they did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The keys, each once.
    pub keys: Vec<Arc<str>>,
    /// When each finding happened, in microseconds since the one before it.
    at: Vec<i64>,
    /// When each was taken in, in the same way.
    known_at: Vec<i64>,
    /// Of each the place of its key.
    pub key: Vec<u32>,
    /// Of each its category.
    pub category: Vec<u16>,
    /// Of each its amount.
    pub amount: Vec<i64>,
    /// Of each the hash of what different things are counted of, or 0; empty if there is none of any.
    distinct: Vec<u64>,
}

/// As they came, in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// The streams, each once.
    sources: Vec<Arc<str>>,
    /// Of each finding the place of its stream.
    source: Vec<u16>,
    /// Of each its position, as a difference from the one before it.
    position: Vec<i64>,
    /// Of each the hash of what it says, which no packing makes smaller.
    content: Vec<[u8; 8]>,
    /// Of each what it is: 0 nothing, 1 a line, 2 a message.
    kind: Vec<u8>,
    /// How long each is.
    length: Vec<u32>,
    /// All of them, one behind the other.
    bytes: Vec<u8>,
}

/// Findings of a segment are fewer than this: their streams have numbers of 16 bits.
pub const FINDINGS_MAX: usize = 1 << 20;

/// Builds both columns of findings.
#[derive(Debug, Default)]
pub struct Builder {
    counted: Counted,
    came: Came,
    places: HashMap<Arc<str>, u32>,
    last: [i64; 2],
    last_position: u64,
}

impl Builder {
    /// Adds a finding; false if the segment has no room for its stream.
    pub fn add(&mut self, row: &Row) -> bool {
        let Some(source) = self.source(&row.source) else { return false };
        let times = [row.at.micros(), row.known_at.micros()];
        let [at, known_at] = [0, 1].map(|index| times[index].wrapping_sub(self.last[index]));
        self.last = times;
        let counted = &mut self.counted;
        counted.at.push(at);
        counted.known_at.push(known_at);
        counted.key.push(place(&mut self.places, &mut counted.keys, &row.key));
        counted.category.push(row.category);
        counted.amount.push(row.amount);
        counted.push_distinct(row.distinct);
        let came = &mut self.came;
        came.source.push(source);
        came.position.push(row.position.wrapping_sub(self.last_position).cast_signed());
        self.last_position = row.position;
        came.content.push(row.content.to_le_bytes());
        let (kind, bytes): (u8, &[u8]) = match &row.raw {
            Raw::Nothing => (0, &[]),
            Raw::Line(line) => (1, line),
            Raw::Message(message) => (2, message),
        };
        came.kind.push(kind);
        came.length.push(bytes.len() as u32);
        came.bytes.extend_from_slice(bytes);
        true
    }

    /// Bytes that it takes unpacked, about.
    pub fn size(&self) -> usize {
        self.came.size()
    }

    /// What was built.
    pub fn finish(self) -> (Counted, Came) {
        (self.counted, self.came)
    }

    fn source(&mut self, name: &Arc<str>) -> Option<u16> {
        let sources = &mut self.came.sources;
        // Most segments have one stream.
        let found = sources.iter().rposition(|known| known == name);
        let place = found.unwrap_or_else(|| {
            sources.push(Arc::clone(name));
            sources.len() - 1
        });
        u16::try_from(place).ok()
    }
}

fn place(places: &mut HashMap<Arc<str>, u32>, keys: &mut Vec<Arc<str>>, key: &Arc<str>) -> u32 {
    if let Some(&place) = places.get(key) {
        return place;
    }
    let place = keys.len() as u32;
    keys.push(Arc::clone(key));
    places.insert(Arc::clone(key), place);
    place
}

impl Counted {
    /// How many findings.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// True of none.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// Of a finding the hash of what different things are counted of.
    pub fn distinct(&self, index: usize) -> Option<u64> {
        self.distinct.get(index).copied().filter(|hash| *hash != 0)
    }

    /// Of the finding whose amount is the last one.
    fn push_distinct(&mut self, distinct: Option<u64>) {
        if distinct.is_some() || !self.distinct.is_empty() {
            self.distinct.resize(self.amount.len() - 1, 0);
            self.distinct.push(distinct.unwrap_or_default());
        }
    }

    /// When each happened.
    pub fn at(&self) -> impl Iterator<Item = i64> {
        running(&self.at)
    }

    /// When each was taken in.
    pub fn known_at(&self) -> impl Iterator<Item = i64> {
        running(&self.known_at)
    }

    /// Goes on with the findings of another.
    pub fn append(&mut self, other: &Self) {
        let last = |column: &[i64]| column.iter().fold(0_i64, |sum, step| sum.wrapping_add(*step));
        let (at, known_at) = (last(&self.at), last(&self.known_at));
        append_steps(&mut self.at, at, &other.at);
        append_steps(&mut self.known_at, known_at, &other.known_at);
        let mut places: HashMap<Arc<str>, u32> = self.keys.iter().cloned().zip(0..).collect();
        let moved: Vec<u32> = other.keys.iter().map(|key| place(&mut places, &mut self.keys, key)).collect();
        self.key.extend(other.key.iter().map(|&key| moved[key as usize]));
        self.category.extend_from_slice(&other.category);
        if !self.distinct.is_empty() || !other.distinct.is_empty() {
            self.distinct.resize(self.amount.len(), 0);
            self.distinct.extend_from_slice(&other.distinct);
            self.distinct.resize(self.amount.len() + other.amount.len(), 0);
        }
        self.amount.extend_from_slice(&other.amount);
    }

    /// Packed.
    pub fn to_bytes(&self) -> Vec<u8> {
        packed(self)
    }

    /// `None` if the bytes are none of [`Counted::to_bytes`], or say what cannot be.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = unpacked(bytes)?;
        let length = read.len();
        let same = [read.at.len(), read.known_at.len(), read.category.len(), read.amount.len()];
        let whole = same.iter().all(|other| *other == length)
            && [0, length].contains(&read.distinct.len())
            && read.key.iter().all(|&key| (key as usize) < read.keys.len());
        whole.then_some(read)
    }
}

impl Came {
    /// Goes on with the findings of another; false, and nothing changed, if there is no room for their streams.
    pub fn append(&mut self, other: &Self) -> bool {
        let mut sources = self.sources.clone();
        let mut moved = Vec::new();
        for source in &other.sources {
            let found = sources.iter().position(|known| known == source);
            let place = found.unwrap_or_else(|| {
                sources.push(Arc::clone(source));
                sources.len() - 1
            });
            let Ok(place) = u16::try_from(place) else { return false };
            moved.push(place);
        }
        self.sources = sources;
        let last = self.position.iter().fold(0_i64, |sum, step| sum.wrapping_add(*step));
        append_steps(&mut self.position, last, &other.position);
        self.source.extend(other.source.iter().map(|&source| moved[usize::from(source)]));
        self.content.extend_from_slice(&other.content);
        self.kind.extend_from_slice(&other.kind);
        self.length.extend_from_slice(&other.length);
        self.bytes.extend_from_slice(&other.bytes);
        true
    }

    /// Bytes that it takes unpacked, about.
    pub fn size(&self) -> usize {
        self.bytes.len() + 16 * self.kind.len()
    }

    /// Packed.
    pub fn to_bytes(&self) -> Vec<u8> {
        packed(self)
    }

    /// `None` if the bytes are none of [`Came::to_bytes`], or say what cannot be.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let read: Self = unpacked(bytes)?;
        let length = read.kind.len();
        let same = [read.source.len(), read.position.len(), read.content.len(), read.length.len()];
        let bytes: u64 = read.length.iter().map(|&length| u64::from(length)).sum();
        let whole = same.iter().all(|other| *other == length)
            && read.source.iter().all(|&source| usize::from(source) < read.sources.len())
            && bytes == read.bytes.len() as u64;
        whole.then_some(read)
    }
}

/// The findings of a segment again, in the order in which they counted; `None` if the two do not belong together.
pub fn rows(counted: &Counted, came: &Came) -> Option<Vec<Row>> {
    if counted.len() != came.kind.len() {
        return None;
    }
    let mut begin = 0;
    let row = |(index, ((at, known_at), position)): (usize, ((i64, i64), i64))| {
        let bytes = &came.bytes[begin..begin + came.length[index] as usize];
        begin += bytes.len();
        Row {
            source: Arc::clone(&came.sources[usize::from(came.source[index])]),
            position: position.cast_unsigned(),
            content: u64::from_le_bytes(came.content[index]),
            at: Timestamp(at),
            known_at: Timestamp(known_at),
            key: Arc::clone(&counted.keys[counted.key[index] as usize]),
            category: counted.category[index],
            amount: counted.amount[index],
            distinct: counted.distinct(index),
            raw: match came.kind[index] {
                1 => Raw::Line(bytes.into()),
                2 => Raw::Message(bytes.into()),
                _ => Raw::Nothing,
            },
        }
    };
    let times = counted.at().zip(counted.known_at()).zip(running(&came.position));
    Some(times.enumerate().map(row).collect())
}

fn running(steps: &[i64]) -> impl Iterator<Item = i64> {
    steps.iter().scan(0_i64, |sum, step| {
        *sum = sum.wrapping_add(*step);
        Some(*sum)
    })
}

/// `last`: what the steps so far come to.
fn append_steps(steps: &mut Vec<i64>, last: i64, others: &[i64]) {
    let Some((first, rest)) = others.split_first() else { return };
    steps.push(first.wrapping_sub(last));
    steps.extend_from_slice(rest);
}

pub(super) fn packed(value: &impl Serialize) -> Vec<u8> {
    // Neither fails: what is written is in memory, and of types that can be written.
    let plain = postcard::to_stdvec(value).unwrap_or_default();
    zstd::bulk::compress(&plain, LEVEL).unwrap_or_default()
}

pub(super) fn unpacked<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok()??;
    let size = usize::try_from(size).ok().filter(|size| *size <= BYTES_MAX)?;
    postcard::from_bytes(&zstd::bulk::decompress(bytes, size).ok()?).ok()
}
