//! The days of a lake: how much is in each, which are to be exported, and which must go.

use manazir_model::{Grain, Timestamp};
use serde::{Deserialize, Serialize};

/// Days since 1970 in which an event time falls, by UTC.
pub fn day_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(Grain::DAY.micros())
}

/// The first and last microsecond of a day; at the ends of time, as far as they reach.
pub fn span(day: i64) -> (Timestamp, Timestamp) {
    let within = |micros: i128| Timestamp(micros.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
    let length = i128::from(Grain::DAY.micros());
    let begin = i128::from(day) * length;
    (within(begin), within(begin + length - 1))
}

/// What the chunks of a day hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTotal {
    /// Rows of all chunks.
    pub rows: u64,
    /// Bytes of all chunks.
    pub bytes: u64,
    /// Grows with every change.
    pub version: u64,
    /// The version that was exported last; 0 before the first.
    pub exported: u64,
    /// True once its chunks were dropped. What comes for it later is a small part of the day, and is not to take the
    /// place of the whole in an export.
    pub dropped: bool,
}

/// What changed in the chunks of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayChange {
    /// Rows that came, less those that went.
    pub rows: i64,
    /// Bytes that came, less those that went.
    pub bytes: i64,
}

impl DayTotal {
    /// After a change.
    #[must_use]
    pub fn changed(self, change: DayChange) -> Self {
        Self {
            rows: self.rows.saturating_add_signed(change.rows),
            bytes: self.bytes.saturating_add_signed(change.bytes),
            version: self.version + 1,
            ..self
        }
    }

    /// After all its chunks were dropped.
    #[must_use]
    pub fn emptied(self) -> Self {
        Self { rows: 0, bytes: 0, dropped: true, ..self }
    }

    /// True if nothing of it waits to be exported.
    fn is_exported(&self) -> bool {
        self.dropped || self.rows == 0 || self.version == self.exported
    }
}

/// Closed days that have changed since they were exported, and the version that is to be noted afterwards.
pub fn to_export(days: &[(i64, DayTotal)], now: Timestamp) -> Vec<(i64, u64)> {
    let is_due = |day: i64, total: &DayTotal| day < day_of(now) && !total.is_exported();
    days.iter().filter(|(day, total)| is_due(*day, total)).map(|(day, total)| (*day, total.version)).collect()
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Days that are kept, today among them.
    pub days: u32,
    /// Bytes of all chunks; of more, the oldest days go.
    pub disk_bytes_max: u64,
    /// True if no day goes before it was exported.
    pub exported_first: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 400, disk_bytes_max: 20 << 30, exported_first: false }
    }
}

impl Retention {
    /// Of days in their order, those of the first that must go: those that are too old, then the oldest ones until the
    /// rest fits; never today.
    pub fn must_go(&self, days: &[(i64, DayTotal)], now: Timestamp) -> Vec<(i64, DayTotal)> {
        let mut left: u64 = days.iter().map(|(_, total)| total.bytes).sum();
        let today = day_of(now);
        let oldest = today.saturating_sub(i64::from(self.days.max(1)) - 1);
        let goes = |(day, total): &&(i64, DayTotal)| {
            let goes = (*day < oldest || left > self.disk_bytes_max) && *day < today;
            left -= total.bytes;
            goes && (!self.exported_first || total.is_exported())
        };
        let goes = days.iter().take_while(goes);
        goes.filter(|(_, total)| !total.dropped || total.rows > 0).copied().collect()
    }
}

/// What was dropped, oldest first, for whoever logs and counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Whole days.
    pub days: u64,
    /// Samples in them.
    pub rows: u64,
    /// Bytes of their chunks.
    pub bytes: u64,
    /// Nothing before this event time is kept now.
    pub before: Option<Timestamp>,
}

impl Dropped {
    /// Adds the next day.
    pub fn add(&mut self, day: i64, total: &DayTotal) {
        self.days += 1;
        self.rows += total.rows;
        self.bytes += total.bytes;
        self.before = Some(span(day + 1).0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: DayTotal = DayTotal { rows: 10, bytes: 10, version: 3, exported: 3, dropped: false };

    #[test]
    fn old_days_go_once_they_were_exported_and_today_never_does() {
        let waiting = DayTotal { exported: 2, ..TOTAL };
        let days = [(1, TOTAL.emptied()), (2, TOTAL), (3, waiting), (4, TOTAL), (5, TOTAL)];
        let now = Timestamp(5 * Grain::DAY.micros());
        let goes = |retention: Retention| -> Vec<i64> {
            retention.must_go(&days, now).into_iter().map(|(day, _)| day).collect()
        };
        let all = Retention { days: 1, ..Retention::default() };
        assert_eq!(goes(all), [2, 3, 4]);
        assert_eq!(goes(Retention { exported_first: true, ..all }), [2], "day 3 waits for its export");
        assert_eq!(goes(Retention { disk_bytes_max: 25, ..Retention::default() }), [2, 3]);
        assert_eq!(to_export(&days, now), [(3, 3)]);
        let late = TOTAL.emptied().changed(DayChange { rows: 1, bytes: 9 });
        assert_eq!(to_export(&[(1, late)], now), [], "it is a part of what was exported");
    }
}
