//! The table as it was.

use std::collections::HashMap;
use std::sync::Arc;

use manazir_model::Timestamp;

use super::cells::Cells;
use super::labels::Labels;
use super::segment::Counted;
use crate::{KeyType, Shape, Total};

/// Which findings are looked at. By default all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsOf {
    /// Those that had happened by then, whenever they were taken in.
    pub at: Option<Timestamp>,
    /// Those that had been taken in by then: what the table showed.
    pub known_at: Option<Timestamp>,
}

impl AsOf {
    pub(super) fn limits(self) -> (i64, i64) {
        let limit = |time: Option<Timestamp>| time.map_or(i64::MAX, Timestamp::micros);
        (limit(self.at), limit(self.known_at))
    }

    /// The day whose names are shown; `None` for those of today.
    pub fn moment(self) -> Option<Timestamp> {
        match (self.at, self.known_at) {
            (Some(at), Some(known_at)) => Some(at.min(known_at)),
            (at, known_at) => at.or(known_at),
        }
    }
}

/// What is known of a segment without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many findings were counted before its first.
    pub first: u64,
    /// Its findings.
    pub findings: u64,
    /// When the first and the last of them happened.
    pub at: (Timestamp, Timestamp),
    /// When the first and the last of them were taken in.
    pub known_at: (Timestamp, Timestamp),
    /// True if there is a checkpoint at its end.
    pub checkpoint: bool,
}

impl Head {
    /// Of findings that begin at `first`; `None` of none.
    pub fn of(first: u64, counted: &Counted) -> Option<Self> {
        let span = |times: &mut dyn Iterator<Item = i64>| {
            let begin = times.next()?;
            let (low, high) = times.fold((begin, begin), |(low, high), at| (low.min(at), high.max(at)));
            Some((Timestamp(low), Timestamp(high)))
        };
        let (at, known_at) = (span(&mut counted.at())?, span(&mut counted.known_at())?);
        Some(Self { first, findings: counted.len() as u64, at, known_at, checkpoint: false })
    }

    fn lies_before(&self, as_of: AsOf) -> bool {
        let (at, known_at) = as_of.limits();
        self.at.1.micros() <= at && self.known_at.1.micros() <= known_at
    }

    pub(super) fn touches(&self, as_of: AsOf) -> bool {
        let (at, known_at) = as_of.limits();
        self.at.0.micros() <= at && self.known_at.0.micros() <= known_at
    }
}

/// What has to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// The segment at whose end the checkpoint stands, by its first finding.
    pub checkpoint: Option<u64>,
    /// Segments behind it, by their first finding.
    pub segments: Vec<u64>,
}

/// All segments that hold a finding that is looked at.
pub fn touched(heads: &[Head], as_of: AsOf) -> Vec<u64> {
    heads.iter().filter(|head| head.touches(as_of)).map(|head| head.first).collect()
}

/// What has to be read of segments, which stand in their order, for the table as of a time.
pub fn needed(heads: &[Head], as_of: AsOf) -> Looked {
    let before = heads.iter().take_while(|head| head.lies_before(as_of)).count();
    let checkpoint = heads[..before].iter().rposition(|head| head.checkpoint);
    let behind = checkpoint.map_or(0, |index| index + 1);
    Looked {
        checkpoint: checkpoint.map(|index| heads[index].first),
        segments: heads[behind..].iter().filter(|head| head.touches(as_of)).map(|head| head.first).collect(),
    }
}

/// Counts and sums by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    categories: usize,
    keys: Vec<Arc<str>>,
    counts: Vec<u64>,
    /// Of each key the sum of each category.
    sums: Vec<i64>,
    places: HashMap<Arc<str>, u32>,
}

impl Sums {
    /// Nothing, for so many categories.
    pub fn new(categories: usize) -> Self {
        Self { categories, ..Self::default() }
    }

    /// `None` if the columns are not of one length.
    pub(super) fn of(
        categories: usize,
        keys: Vec<Arc<str>>,
        counts: Vec<u64>,
        sums: Vec<i64>,
    ) -> Option<Self> {
        let whole = counts.len() == keys.len() && Some(sums.len()) == keys.len().checked_mul(categories);
        let places = keys.iter().cloned().zip(0..).collect();
        whole.then_some(Self { categories, places, keys, counts, sums })
    }

    pub(super) fn categories(&self) -> usize {
        self.categories
    }

    /// The keys.
    pub fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    pub(super) fn sums(&self) -> &[i64] {
        &self.sums
    }

    fn place(&mut self, key: &Arc<str>) -> usize {
        if let Some(&place) = self.places.get(key) {
            return place as usize;
        }
        let place = self.keys.len();
        self.places.insert(Arc::clone(key), place as u32);
        self.keys.push(Arc::clone(key));
        self.counts.push(0);
        self.sums.resize(self.sums.len() + self.categories, 0);
        place
    }

    /// Adds those findings that are looked at.
    pub fn add(&mut self, counted: &Counted, as_of: AsOf) {
        let (at_max, known_max) = as_of.limits();
        let mut places: Vec<Option<usize>> = vec![None; counted.keys.len()];
        let times = counted.at().zip(counted.known_at());
        for (index, (at, known_at)) in times.enumerate() {
            if at > at_max || known_at > known_max {
                continue;
            }
            let key = counted.key[index] as usize;
            let place = match places[key] {
                Some(place) => place,
                None => *places[key].insert(self.place(&counted.keys[key])),
            };
            let category = usize::from(counted.category[index]);
            if category < self.categories {
                self.counts[place] += 1;
                self.sums[place * self.categories + category] += counted.amount[index];
            }
        }
    }

    /// The table: a row for each key that findings or labels know, by key.
    pub fn table(&self, shape: &Shape, labels: &Labels, cells: &Cells, as_of: AsOf) -> Vec<Total> {
        let mut named = labels.as_of(as_of);
        let zeros = vec![0; self.categories];
        let total = |key: &Arc<str>, label: String, count: u64, by_category: &[i64]| Total {
            key: key.to_string(),
            label: if shape.label.is_some() { label } else { String::new() },
            count: if shape.totals.is_some() { count } else { 0 },
            sum: by_category.iter().sum(),
            by_category: by_category.to_vec(),
            more: cells.of(key, shape.more()),
        };
        let mut totals: Vec<Total> = Vec::with_capacity(self.keys.len().max(named.len()));
        let sums = self.sums.chunks_exact(self.categories.max(1));
        for ((key, count), sums) in self.keys.iter().zip(&self.counts).zip(sums) {
            totals.push(total(key, named.remove(key).unwrap_or_default(), *count, sums));
        }
        totals.extend(named.into_iter().map(|(key, label)| total(&key, label, 0, &zeros)));
        match shape.key_type {
            KeyType::Integer => {
                totals.sort_by_cached_key(|total| total.key.parse::<i64>().unwrap_or_default());
            }
            KeyType::Text => totals.sort_unstable_by(|one, other| one.key.cmp(&other.key)),
        }
        totals
    }
}
