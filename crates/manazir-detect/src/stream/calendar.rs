//! Which slot of the season a sample falls into, by counting or by a local clock.

use manazir_model::{Grain, Timestamp};
use serde::{Deserialize, Serialize};

const SECOND_MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = Grain::DAY.micros();

/// More slots than this are refused: a week of ten-second slots, 295 KiB a series.
const SLOTS_MAX: usize = 60_480;

/// A season, cut into slots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Season {
    /// Any detected period.
    Samples {
        /// Slots of one sample each, 1..=60,480.
        period_samples: usize,
        /// With it a missing row leaves its slot out; without it each sample takes the next slot.
        grain: Option<Grain>,
    },
    /// Local time of day or week, whatever rows are missing.
    Calendar(Calendar),
}

/// How often a calendar season comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cycle {
    /// 24 hours of the local clock.
    Day,
    /// Seven of them, from Monday.
    Week,
}

/// From an instant on, the local clock is so far ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UtcOffset {
    /// First instant of the rule; for the first entry of a table, every earlier one too.
    pub from: Timestamp,
    /// East of Greenwich is positive, ±26 hours at most.
    pub seconds: i32,
}

/// Slots of the local clock. The rules of the zone come as a table, so that no calendar library is asked for
/// every sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calendar {
    /// What comes back.
    pub cycle: Cycle,
    /// Width of a slot, widened if the cycle would else have more than 60,480 slots.
    pub slot_micros: i64,
    /// Offsets of the zone, ascending by `from`; none means UTC. Two entries a year, for the years of the data.
    pub offsets: Vec<UtcOffset>,
    /// Local days since 1970-01-01, ascending, that are taken for Sundays by a weekly cycle: holidays.
    pub holidays: Vec<i32>,
}

impl Calendar {
    /// Slots of an hour over a week in UTC.
    pub fn hour_of_week() -> Self {
        Self {
            cycle: Cycle::Week,
            slot_micros: Grain::HOUR.micros(),
            offsets: Vec::new(),
            holidays: Vec::new(),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.offsets.capacity() * size_of::<UtcOffset>() + self.holidays.capacity() * size_of::<i32>()
    }

    fn cycle_micros(&self) -> i64 {
        match self.cycle {
            Cycle::Day => DAY_MICROS,
            Cycle::Week => 7 * DAY_MICROS,
        }
    }

    /// Offset at an instant, and the instant at which it ends.
    fn offset_at(&self, at: i64) -> (i64, i64) {
        let next = self.offsets.partition_point(|offset| offset.from.micros() <= at);
        // Before the first entry its own offset holds.
        let current = self.offsets.get(next.saturating_sub(1));
        let seconds = current.map_or(0, |offset| offset.seconds.clamp(-93_600, 93_600));
        let ends_at = if next == 0 { 1 } else { next };
        let until = self.offsets.get(ends_at).map_or(i64::MAX, |offset| offset.from.micros());
        (i64::from(seconds) * SECOND_MICROS, until)
    }

    /// Micros into the cycle, and the instant until which the local clock runs on without a jump.
    fn phase_at(&self, at: i64) -> (i64, i64) {
        /// 1970-01-01 was a Thursday; weeks begin on Monday.
        const DAYS_SINCE_MONDAY: i64 = 3;
        let (offset, offset_until) = self.offset_at(at);
        let local = at.saturating_add(offset);
        let (day, of_day) = (local.div_euclid(DAY_MICROS), local.rem_euclid(DAY_MICROS));
        match self.cycle {
            Cycle::Day => (of_day, offset_until.min(at.saturating_add(DAY_MICROS - of_day))),
            Cycle::Week => {
                let is_holiday =
                    i32::try_from(day).is_ok_and(|day| self.holidays.binary_search(&day).is_ok());
                let weekday = if is_holiday { 6 } else { (day + DAYS_SINCE_MONDAY).rem_euclid(7) };
                let days_left = if self.holidays.is_empty() { 7 - weekday } else { 1 };
                let until = at.saturating_add(days_left * DAY_MICROS - of_day);
                (weekday * DAY_MICROS + of_day, offset_until.min(until))
            }
        }
    }
}

impl Season {
    pub(crate) fn slot_count(&self) -> usize {
        match self {
            Self::Samples { period_samples, .. } => (*period_samples).clamp(1, SLOTS_MAX),
            Self::Calendar(calendar) => {
                let cycle = calendar.cycle_micros();
                let width = calendar.slot_micros.clamp(cycle / SLOTS_MAX as i64, cycle);
                ((cycle + width - 1) / width) as usize
            }
        }
    }

    /// How long a slot lasts; `None` if slots are counted and not timed.
    pub(crate) fn slot_micros(&self) -> Option<i64> {
        match self {
            Self::Samples { grain, .. } => grain.map(Grain::micros),
            Self::Calendar(calendar) => {
                let cycle = calendar.cycle_micros();
                Some(calendar.slot_micros.clamp(cycle / SLOTS_MAX as i64, cycle))
            }
        }
    }

    /// How long the season lasts; `None` as above.
    pub(crate) fn cycle_micros(&self) -> Option<i64> {
        match self {
            Self::Samples { .. } => self.slot_micros()?.checked_mul(self.slot_count() as i64),
            Self::Calendar(calendar) => Some(calendar.cycle_micros()),
        }
    }
}

/// Follows the samples through the slots. A sample in the same slot as the one before or in the next one costs
/// two comparisons; only a jump, the end of a cycle and a change of the clock cost divisions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SlotClock {
    slot: u32,
    n_slots: u32,
    /// Width of a slot in microseconds; 0 if slots are counted and not timed.
    width: i64,
    /// When the current slot began.
    slot_start: i64,
    /// Until when slots follow each other in order.
    orderly_until: i64,
    /// Where counting began; `None` before the first sample.
    anchor: Option<i64>,
}

impl SlotClock {
    pub(crate) fn new(season: &Season) -> Self {
        Self {
            slot: 0,
            n_slots: season.slot_count() as u32,
            width: season.slot_micros().unwrap_or(0),
            slot_start: 0,
            orderly_until: i64::MIN,
            anchor: None,
        }
    }

    /// The slot of a sample at `at`.
    #[inline]
    pub(crate) fn advance(&mut self, season: &Season, at: Timestamp) -> usize {
        let at = at.micros();
        if self.width == 0 {
            return self.count();
        }
        let into = at.saturating_sub(self.slot_start);
        if at >= self.orderly_until || into < 0 || into >= 2 * self.width {
            self.locate(season, at);
        } else if into >= self.width {
            self.slot += 1;
            self.slot_start += self.width;
        }
        self.slot as usize
    }

    #[inline]
    fn count(&mut self) -> usize {
        if self.anchor.is_none() {
            self.anchor = Some(0);
        } else {
            self.slot += 1;
            if self.slot >= self.n_slots {
                self.slot = 0;
            }
        }
        self.slot as usize
    }

    #[cold]
    fn locate(&mut self, season: &Season, at: i64) {
        // Half a grain before the first sample, so that jitter does not change slots.
        let anchor = *self.anchor.get_or_insert(at.saturating_sub(self.width / 2));
        let cycle = self.width * i64::from(self.n_slots);
        let (phase, until) = match season {
            Season::Samples { .. } => {
                let phase = at.saturating_sub(anchor).rem_euclid(cycle);
                (phase, at.saturating_add(cycle - phase))
            }
            Season::Calendar(calendar) => calendar.phase_at(at),
        };
        self.slot = ((phase / self.width) as u32).min(self.n_slots - 1);
        self.slot_start = at.saturating_sub(phase % self.width);
        self.orderly_until = until;
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Berlin in 2024: summer time began on 31 March at 01:00 UTC and ended on 27 October at 01:00 UTC.
    fn berlin(cycle: Cycle) -> Calendar {
        let offset = |from, seconds| UtcOffset { from: Timestamp::from_seconds(from), seconds };
        Calendar {
            cycle,
            slot_micros: Grain::HOUR.micros(),
            offsets: vec![
                offset(1_698_541_200, 3_600),
                offset(1_711_846_800, 7_200),
                offset(1_729_990_800, 3_600),
            ],
            holidays: Vec::new(),
        }
    }

    /// Slots at hourly samples from `start`, seconds since the epoch; each must equal that of a fresh clock.
    #[track_caller]
    fn check(calendar: Calendar, start: i64, hours: i64, expect: Expect) {
        let season = Season::Calendar(calendar);
        let mut clock = SlotClock::new(&season);
        let slots: Vec<usize> = (0..hours)
            .map(|hour| {
                let at = Timestamp::from_seconds(start + 3_600 * hour);
                let slot = clock.advance(&season, at);
                assert_eq!(slot, SlotClock::new(&season).advance(&season, at), "hour {hour}");
                slot
            })
            .collect();
        expect.assert_eq(&format!("{slots:?}"));
    }

    #[test]
    fn the_local_clock_skips_an_hour_in_spring_and_repeats_one_in_autumn() {
        // From 23:00 UTC of the day before.
        check(berlin(Cycle::Day), 1_711_839_600, 5, expect!["[0, 1, 3, 4, 5]"]);
        check(berlin(Cycle::Day), 1_729_976_400, 7, expect!["[23, 0, 1, 2, 2, 3, 4]"]);
    }

    #[test]
    fn weeks_begin_on_monday_and_holidays_are_sundays() {
        // Sunday 2024-06-30 22:00 in Berlin.
        check(berlin(Cycle::Week), 1_719_777_600, 5, expect!["[166, 167, 0, 1, 2]"]);
        // Monday 2024-07-01 is day 19,905.
        let calendar = Calendar { holidays: vec![19_905], ..berlin(Cycle::Week) };
        check(calendar, 1_719_777_600, 5, expect!["[166, 167, 144, 145, 146]"]);
        check(Calendar::hour_of_week(), 0, 3, expect!["[72, 73, 74]"]);
    }

    #[test]
    fn counted_slots_leave_out_missing_rows_and_forgive_jitter() {
        let season = Season::Samples { period_samples: 5, grain: Some(Grain::MINUTE) };
        let mut clock = SlotClock::new(&season);
        let slots: Vec<usize> = [1_000, 1_061, 1_119, 1_180, 1_241, 1_300, 1_301, 1_480, 1_360, 1_000]
            .map(|seconds| clock.advance(&season, Timestamp::from_seconds(seconds)))
            .to_vec();
        assert_eq!(slots, [0, 1, 2, 3, 4, 0, 0, 3, 1, 0]);
    }

    #[test]
    fn without_a_grain_each_sample_takes_the_next_slot() {
        let season = Season::Samples { period_samples: 3, grain: None };
        let mut clock = SlotClock::new(&season);
        let slots: Vec<usize> = (0..5).map(|_| clock.advance(&season, Timestamp(7))).collect();
        assert_eq!(slots, [0, 1, 2, 0, 1]);
    }

    #[test]
    fn slots_have_bounds() {
        let calendar = |slot_micros| Season::Calendar(Calendar { slot_micros, ..Calendar::hour_of_week() });
        assert_eq!(calendar(0).slot_count(), SLOTS_MAX);
        assert_eq!(calendar(i64::MAX).slot_count(), 1);
        assert_eq!(calendar(5 * DAY_MICROS).slot_count(), 2);
        assert_eq!(Season::Samples { period_samples: 0, grain: None }.slot_count(), 1);
    }
}
