//! From what a clock showed to the instant, in a zone whose clock is turned twice a year.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

const DAY: i64 = 86_400_000_000;
const SECOND: i64 = 1_000_000;

/// How a local time was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The clock showed it once.
    Plain,
    /// The clock showed it twice; one of the two was chosen.
    Repeated,
    /// The clock never showed it; it was moved forward by the jump.
    Missing,
}

/// A zone with the offset of the last day kept, so that only days on which the clock is turned cost a look.
#[derive(Clone, Debug)]
pub(crate) struct ZoneClock {
    zone: TimeZone,
    utc: bool,
    day: i64,
    /// The offset in microseconds that holds for all of `day`.
    offset: Option<i64>,
}

impl ZoneClock {
    /// `None` if there is no such zone.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let zone = TimeZone::get(name).ok()?;
        Some(Self { utc: name == "UTC", zone, day: i64::MIN, offset: None })
    }

    /// A clock that shows UTC.
    pub(crate) fn utc() -> Self {
        Self { zone: TimeZone::UTC, utc: true, day: i64::MIN, offset: None }
    }

    /// The instant of a local time, both in microseconds.
    ///
    /// In the repeated hour the earlier instant is meant, unless the series has already been there: then
    /// it is the later one. `last` is the latest instant of the series so far. A local time that the clock
    /// skipped is moved forward by the jump (RFC 5545 §3.3.5 does the same).
    pub(crate) fn instant(&mut self, local: i64, last: Option<i64>) -> (i64, Resolution) {
        if self.utc {
            return (local, Resolution::Plain);
        }
        let day = local.div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.offset = self.offset_of_day(day);
        }
        match self.offset {
            Some(offset) => (local - offset, Resolution::Plain),
            None => self.resolve(local, last),
        }
    }

    /// The offset that holds from the day before to the day after, if there is one.
    fn offset_of_day(&self, day: i64) -> Option<i64> {
        let offset_at = |micros: i64| {
            let instant = jiff::Timestamp::from_microsecond(micros).ok()?;
            Some(i64::from(self.zone.to_offset(instant).seconds()) * SECOND)
        };
        let before = offset_at((day - 1) * DAY)?;
        let after = offset_at((day + 2) * DAY)?;
        (before == after).then_some(before)
    }

    fn resolve(&self, local: i64, last: Option<i64>) -> (i64, Resolution) {
        let Some(civil) = civil(local) else { return (local, Resolution::Plain) };
        let less = |offset: jiff::tz::Offset| local - i64::from(offset.seconds()) * SECOND;
        match self.zone.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => (less(offset), Resolution::Plain),
            AmbiguousOffset::Fold { before, after } => {
                let (early, late) = (less(before), less(after));
                let been_there = last.is_some_and(|last| last >= early && last < late + (late - early));
                (if been_there { late } else { early }, Resolution::Repeated)
            }
            AmbiguousOffset::Gap { before, .. } => (less(before), Resolution::Missing),
        }
    }
}

/// A local time for the calendar library.
fn civil(local: i64) -> Option<DateTime> {
    let as_utc = jiff::Timestamp::from_microsecond(local).ok()?;
    Some(TimeZone::UTC.to_datetime(as_utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::text::{DateOrder, parse};

    /// Local times of one series, in order, to what they are in UTC.
    fn check(zone: &str, locals: &[&str], expected: &[&str]) {
        let mut clock = ZoneClock::new(zone).unwrap();
        let mut last = None;
        let mut found = Vec::new();
        for local in locals {
            let local = parse(local, DateOrder::YearFirst).unwrap().micros();
            let (at, resolution) = clock.instant(local, last);
            last = last.max(Some(at));
            found.push(format!("{} {resolution:?}", manazir_model::Timestamp(at)));
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn the_repeated_hour_runs_through_twice() {
        check(
            "Europe/Berlin",
            &[
                "2014-10-26 01:30",
                "2014-10-26 02:00",
                "2014-10-26 02:30",
                "2014-10-26 02:00",
                "2014-10-26 02:30",
                "2014-10-26 03:00",
            ],
            &[
                "2014-10-25T23:30:00Z Plain",
                "2014-10-26T00:00:00Z Repeated",
                "2014-10-26T00:30:00Z Repeated",
                "2014-10-26T01:00:00Z Repeated",
                "2014-10-26T01:30:00Z Repeated",
                "2014-10-26T02:00:00Z Plain",
            ],
        );
    }

    #[test]
    fn the_missing_hour_is_moved_forward() {
        check(
            "America/New_York",
            &["2015-03-08 01:30", "2015-03-08 02:30", "2015-03-08 03:00"],
            &["2015-03-08T06:30:00Z Plain", "2015-03-08T07:30:00Z Missing", "2015-03-08T07:00:00Z Plain"],
        );
    }

    #[test]
    fn a_fixed_zone_and_none() {
        check("Asia/Kolkata", &["2015-03-08 05:30"], &["2015-03-08T00:00:00Z Plain"]);
        assert!(ZoneClock::new("Europe/Atlantis").is_none());
    }
}
