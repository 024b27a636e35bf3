//! What happens becomes series: aggregates of each key and each span of time, told when the time is over.
//!
//! [`Windows`] is a plain value. It looks at no clock: what comes in says what time it is. Keys belong to *groups*, and
//! a group is one clock. A bucket of time is closed when something of its group is later than its end by more than the
//! lateness; then its [`Cell`] is told. What comes for it after that opens it again, and its cell is told anew, as a
//! whole: whoever keeps the last that was told is right. A key that falls silent gives empty buckets for a while, and
//! then nothing.
//!
//! ```
//! use manazir_model::{Grain, Timestamp};
//! use manazir_rollup::windows::{Setting, Windows};
//!
//! let mut windows = Windows::new(Setting::of_width(Grain::MINUTE.micros()));
//! let at = Timestamp::from_seconds;
//! assert!(windows.add("eu", "ann", at(10), 1, None).is_empty());
//! assert!(windows.add("eu", "bob", at(50), 1, None).is_empty());
//! // Two minutes past the end of the first minute.
//! let told = windows.add("eu", "ann", at(180), 1, None);
//! let told: Vec<_> = told.iter().map(|run| (run.key, run.buckets[0].0, run.buckets[0].1.count)).collect();
//! assert_eq!(told, [("ann", at(0), 1), ("bob", at(0), 1)]);
//! ```

use std::collections::{BTreeMap, VecDeque};

use manazir_model::{Grain, Timestamp};
use serde::{Deserialize, Serialize};

use crate::aggregate::{Cell, Wanted};

/// How time is cut, and what is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// A bucket's width, at least 1; buckets are counted from 1970 on.
    pub width_micros: i64,
    /// So much may things of a group be out of order before a bucket is closed.
    pub lateness_micros: i64,
    /// Buckets after the last thing for which a key gives empty ones, and for which closed ones can be corrected.
    pub kept_buckets: i64,
    /// Buckets of silence after which a key gives its place to a new one, if there is none left.
    pub silent_buckets: i64,
    /// Groups; of more, the one whose last thing is the oldest gives its place.
    pub groups_max: usize,
    /// Keys of a group; more are left out.
    pub keys_max: usize,
    /// Which sketches are kept.
    pub wanted: Wanted,
}

impl Setting {
    /// Sixty buckets, two minutes of lateness, a day of silence, 32 groups of 1,000 keys, no sketches.
    pub fn of_width(width_micros: i64) -> Self {
        const KEPT_BUCKETS: i64 = 60;
        let width_micros = width_micros.max(1);
        Self {
            width_micros,
            lateness_micros: 2 * Grain::MINUTE.micros(),
            kept_buckets: KEPT_BUCKETS,
            silent_buckets: (Grain::DAY.micros() / width_micros).max(KEPT_BUCKETS),
            groups_max: 32,
            keys_max: 1_000,
            wanted: Wanted::default(),
        }
    }

    fn bucket(&self, at: Timestamp) -> i64 {
        at.micros().div_euclid(self.width_micros)
    }

    fn start(&self, bucket: i64) -> Timestamp {
        Timestamp(bucket.saturating_mul(self.width_micros))
    }

    /// The last bucket that is over when this is the newest of its group.
    fn closed(&self, newest: Timestamp) -> i64 {
        self.bucket(Timestamp(newest.micros().saturating_sub(self.lateness_micros))).saturating_sub(1)
    }
}

/// Buckets of a key that were closed or corrected.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<'w> {
    /// Whose they are.
    pub key: &'w str,
    /// Where each begins, and all that it holds; ascending, empty ones among them.
    pub buckets: Vec<(Timestamp, &'w Cell)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Counter {
    /// Bucket of its newest thing.
    last: i64,
    /// Buckets that things still come for, and closed ones that can be corrected; ascending.
    cells: VecDeque<(i64, Cell)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Group {
    newest: Timestamp,
    /// Everything up to this bucket is closed.
    closed: i64,
    keys: BTreeMap<String, Counter>,
}

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
pub struct Windows {
    setting: Setting,
    /// What an empty bucket holds.
    nothing: Cell,
    groups: BTreeMap<String, Group>,
    left_out: u64,
}

impl Windows {
    /// Nothing yet.
    pub fn new(setting: Setting) -> Self {
        Self { setting, nothing: Cell::new(&setting.wanted), groups: BTreeMap::new(), left_out: 0 }
    }

    /// As it was made.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Things that no bucket counts: too late, or of one key too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Takes something in; the buckets that it closed or corrected, key by key in their order. `amount` and `distinct`
    /// are those of [`Cell::add`].
    pub fn add(
        &mut self,
        group: &str,
        key: &str,
        at: Timestamp,
        amount: i64,
        distinct: Option<u64>,
    ) -> Vec<Told<'_>> {
        let Self { setting, nothing, groups, left_out } = self;
        let group = group_of(groups, setting, group, at);
        let bucket = setting.bucket(at);
        if bucket <= group.closed.saturating_sub(setting.kept_buckets) {
            *left_out += 1;
            return Vec::new();
        }
        // The usual key is there: one look-up.
        if let Some(counter) = group.keys.get_mut(key) {
            counter.cell(bucket, nothing).add(amount, distinct);
        } else if group.has_room(setting) {
            let mut counter = Counter { last: bucket, cells: VecDeque::new() };
            counter.cell(bucket, nothing).add(amount, distinct);
            group.keys.insert(key.to_owned(), counter);
        } else {
            *left_out += 1;
            return Vec::new();
        }
        if bucket <= group.closed {
            return group.corrected(setting, key, bucket);
        }
        group.advance(setting, nothing, at)
    }

    /// Something of this group has happened that is counted nowhere: it is later now. The buckets that it closed.
    pub fn pass(&mut self, group: &str, at: Timestamp) -> Vec<Told<'_>> {
        let Self { setting, nothing, groups, .. } = self;
        group_of(groups, setting, group, at).advance(setting, nothing, at)
    }
}

fn group_of<'w>(
    groups: &'w mut BTreeMap<String, Group>,
    setting: &Setting,
    name: &str,
    at: Timestamp,
) -> &'w mut Group {
    if !groups.contains_key(name) {
        if groups.len() >= setting.groups_max {
            let oldest = groups.iter().min_by_key(|(_, group)| group.newest).map(|(name, _)| name.clone());
            oldest.map(|oldest| groups.remove(&oldest));
        }
        let group = Group { newest: at, closed: setting.closed(at), keys: BTreeMap::new() };
        groups.insert(name.to_owned(), group);
    }
    groups.get_mut(name).expect("it was there, or was put there")
}

impl Group {
    /// False if there are too many keys, none of them silent for long.
    fn has_room(&mut self, setting: &Setting) -> bool {
        if self.keys.len() >= setting.keys_max {
            let heard = self.closed.saturating_sub(setting.silent_buckets);
            self.keys.retain(|_, counter| counter.last >= heard);
        }
        self.keys.len() < setting.keys_max
    }

    fn corrected(&self, setting: &Setting, key: &str, bucket: i64) -> Vec<Told<'_>> {
        let Some((key, counter)) = self.keys.get_key_value(key) else { return Vec::new() };
        let cell = counter.place(bucket).ok().map(|place| (setting.start(bucket), &counter.cells[place].1));
        vec![Told { key, buckets: cell.into_iter().collect() }]
    }

    /// Closes what is over at this time.
    fn advance<'w>(&'w mut self, setting: &Setting, nothing: &'w Cell, at: Timestamp) -> Vec<Told<'w>> {
        if at <= self.newest {
            return Vec::new();
        }
        self.newest = at;
        let (before, closed) = (self.closed, setting.closed(at));
        if closed <= before {
            return Vec::new();
        }
        self.closed = closed;
        let mut told = Vec::new();
        for (key, counter) in &mut self.keys {
            // Those that could not be corrected any more before this time: the others are told first.
            let kept = before.saturating_sub(setting.kept_buckets);
            while counter.cells.front().is_some_and(|(of, _)| *of <= kept) {
                counter.cells.pop_front();
            }
            let buckets = counter.buckets(setting, nothing, before + 1, closed);
            if !buckets.is_empty() {
                told.push(Told { key, buckets });
            }
        }
        told
    }
}

impl Counter {
    /// Where a bucket is, or where it would be.
    fn place(&self, bucket: i64) -> Result<usize, usize> {
        // Most things come for the newest.
        match self.cells.back() {
            Some((newest, _)) if *newest == bucket => Ok(self.cells.len() - 1),
            Some((newest, _)) if *newest < bucket => Err(self.cells.len()),
            _ => self.cells.binary_search_by_key(&bucket, |(bucket, _)| *bucket),
        }
    }

    fn cell(&mut self, bucket: i64, nothing: &Cell) -> &mut Cell {
        self.last = self.last.max(bucket);
        let place = self.place(bucket).unwrap_or_else(|place| {
            self.cells.insert(place, (bucket, nothing.clone()));
            place
        });
        &mut self.cells[place].1
    }

    /// The buckets from `first` to `last`, without those that follow a long silence.
    fn buckets<'w>(
        &'w self,
        setting: &Setting,
        nothing: &'w Cell,
        first: i64,
        last: i64,
    ) -> Vec<(Timestamp, &'w Cell)> {
        let mut buckets = Vec::new();
        let next = self.place(first).unwrap_or_else(|place| place);
        let mut heard = next.checked_sub(1).map(|before| self.cells[before].0);
        let mut cells = self.cells.range(next..).peekable();
        let mut bucket = first;
        while bucket <= last {
            if let Some((_, cell)) = cells.next_if(|(of, _)| *of == bucket) {
                heard = Some(bucket);
                buckets.push((setting.start(bucket), cell));
            } else if heard.is_some_and(|heard| bucket.saturating_sub(heard) <= setting.kept_buckets) {
                buckets.push((setting.start(bucket), nothing));
            } else {
                // However long the silence was, it costs one step.
                let Some((next, _)) = cells.peek() else { break };
                bucket = *next;
                continue;
            }
            bucket += 1;
        }
        buckets
    }
}

#[cfg(test)]
mod tests;
