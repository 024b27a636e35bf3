//! Times and spans in words, on the clock of the series.

use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manazir_model::{Grain, Series, Timestamp};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Row numbers are told as times from 1970 on, a microsecond apart; no clock ran there.
const ROWS_MAX: i64 = 1_000_000_000_000;

/// The clock of one series: its zone, its precision, and the year that need not be said.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    grain_micros: i64,
    /// Dates of this year are written without it.
    year: i16,
    rows: bool,
}

impl Clock {
    /// The clock of `series`; dates of `year` are written without their year.
    pub fn of(series: &Series, year: i16) -> Self {
        let zone = TimeZone::get(&series.zone).unwrap_or(TimeZone::UTC);
        let grain_micros = series.grain.map_or(MINUTE, Grain::micros);
        Self { zone, grain_micros, year, rows: is_row_number(series) }
    }

    /// The calendar's view of an instant, or `None` beyond its years.
    pub fn zoned(&self, at: Timestamp) -> Option<Zoned> {
        Some(at.to_jiff()?.to_zoned(self.zone.clone()))
    }

    /// True if time is only the number of the row.
    pub fn counts_rows(&self) -> bool {
        self.rows
    }

    /// `14:05 on 27 Jan`, `27 Jan`, `row 1,204`.
    pub fn instant(&self, at: Timestamp) -> String {
        match (self.rows, self.zoned(at)) {
            (false, Some(zoned)) if self.daily() => self.date(zoned.date()),
            (false, Some(zoned)) => format!("{} on {}", self.time(&zoned), self.date(zoned.date())),
            _ => row(at),
        }
    }

    /// When an episode was: `02:00 to 05:00 on 27 Jan`. `end` is its last sample, which lasts one grain.
    pub fn span(&self, start: Timestamp, end: Timestamp) -> String {
        if self.rows {
            return if start == end { format!("at {}", row(start)) } else { rows(start, end) };
        }
        let after = Timestamp(end.micros().saturating_add(self.grain_micros));
        let (Some(from), Some(to), Some(last)) = (self.zoned(start), self.zoned(after), self.zoned(end))
        else {
            return rows(start, end);
        };
        if self.daily() {
            let (first, last) = (self.date(from.date()), self.date(last.date()));
            return if start == end { format!("on {first}") } else { format!("{first} to {last}") };
        }
        if start == end {
            return format!("at {}", self.instant(start));
        }
        let (mut first, mut last) = (self.time(&from), self.time(&to));
        if from.offset() != to.offset() {
            // The clock was put forward or back in between: only the zone's name tells the hours apart.
            first = format!("{first} {}", from.strftime("%Z"));
            last = format!("{last} {}", to.strftime("%Z"));
        }
        if from.date() == to.date() || (midnight(&to) && from.date() == self.day_before(&to)) {
            let last = if midnight(&to) && from.offset() == to.offset() { "24:00" } else { &last };
            return format!("{first} to {last} on {}", self.date(from.date()));
        }
        if after.micros_since(start) >= 7 * DAY {
            return format!("{} to {}", self.date(from.date()), self.date(to.date()));
        }
        format!("{first} on {} to {last} on {}", self.date(from.date()), self.date(to.date()))
    }

    /// An episode that the data does not see the end of: `since 14:05 on 27 Jan`.
    pub fn since(&self, start: Timestamp) -> String {
        format!("since {}", self.instant(start))
    }

    /// The day of the week on which an instant falls: `Sunday`; `None` for row numbers.
    pub fn weekday(&self, at: Timestamp) -> Option<String> {
        let zoned = self.zoned(at).filter(|_| !self.rows)?;
        Some(zoned.strftime("%A").to_string())
    }

    /// How long an episode lasts: `3 h`, `12 rows`. Its last sample counts as one grain.
    pub fn length(&self, start: Timestamp, end: Timestamp) -> String {
        let micros = end.micros_since(start).saturating_add(self.grain_micros);
        if self.rows { super::number::counted(micros as usize, "row", "rows") } else { duration(micros) }
    }

    /// `27 Jan`, with its year where that is not the usual one.
    pub fn date(&self, date: Date) -> String {
        let plain = date.strftime("%-d %b").to_string();
        if date.year() == self.year { plain } else { format!("{plain} {}", date.year()) }
    }

    /// As precise as the grain asks for.
    pub fn time(&self, zoned: &Zoned) -> String {
        let format = match self.grain_micros {
            SECOND..MINUTE => "%H:%M:%S",
            ..SECOND => "%H:%M:%S%.3f",
            _ => "%H:%M",
        };
        zoned.strftime(format).to_string()
    }

    fn daily(&self) -> bool {
        self.grain_micros >= DAY
    }

    fn day_before(&self, zoned: &Zoned) -> Date {
        zoned.date().yesterday().unwrap_or(zoned.date())
    }
}

fn midnight(zoned: &Zoned) -> bool {
    zoned.time() == jiff::civil::Time::midnight()
}

fn row(at: Timestamp) -> String {
    format!("row {}", super::number::count(at.micros().max(0) as usize))
}

fn rows(start: Timestamp, end: Timestamp) -> String {
    let number = |at: Timestamp| super::number::count(at.micros().max(0) as usize);
    format!("rows {} to {}", number(start), number(end))
}

/// True if the times of a series are row numbers.
pub fn is_row_number(series: &Series) -> bool {
    let within = |at: Option<&Timestamp>| at.is_some_and(|at| (0..ROWS_MAX).contains(&at.micros()));
    series.grain.is_some_and(|grain| grain.micros() == 1)
        && within(series.at.first())
        && within(series.at.last())
}

/// The year of the latest sample of all: the one that dates need not repeat.
pub fn common_year<'a>(series: impl Iterator<Item = &'a Series>) -> i16 {
    let latest = |series: &Series| series.at.last().filter(|_| !is_row_number(series)).copied();
    series.filter_map(latest).max().and_then(Timestamp::to_jiff).map_or(0, |at| {
        // The zone moves a year only in its first or last hours, and then it is said.
        at.to_zoned(TimeZone::UTC).year()
    })
}

/// The two largest units of a duration: `3 h 10 min`, `2 d`, `350 ms`.
pub fn duration(micros: i64) -> String {
    const UNITS: [(i64, &str); 6] =
        [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1_000, "ms"), (1, "µs")];
    let micros = micros.max(0);
    let Some(first) = UNITS.iter().position(|&(size, _)| micros >= size) else {
        return "0 s".to_owned();
    };
    let (size, unit) = UNITS[first];
    let whole = super::number::count((micros / size) as usize);
    match UNITS.get(first + 1) {
        // Ten days or three seconds need no second unit.
        Some(&(next, name))
            if micros % size >= next && !(size == DAY && micros >= 10 * DAY) && size > SECOND =>
        {
            format!("{whole} {unit} {} {name}", micros % size / next)
        }
        _ => format!("{whole} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    fn clock(zone: &str, grain: Grain) -> Clock {
        let series = Series { zone: zone.to_owned(), grain: Some(grain), ..Series::default() };
        Clock::of(&series, 2015)
    }

    #[test]
    fn spans_are_told_on_the_clock_of_the_series() {
        let check = |zone: &str, grain: Grain, start: &str, end: &str, words: &str| {
            assert_eq!(clock(zone, grain).span(at(start), at(end)), words);
        };
        let utc = "UTC";
        check(utc, Grain::HOUR, "2015-01-27T02:00:00Z", "2015-01-27T04:00:00Z", "02:00 to 05:00 on 27 Jan");
        check(utc, Grain::HOUR, "2015-01-27T02:00:00Z", "2015-01-27T02:00:00Z", "at 02:00 on 27 Jan");
        check(utc, Grain::HOUR, "2015-01-27T22:00:00Z", "2015-01-27T23:00:00Z", "22:00 to 24:00 on 27 Jan");
        check(
            utc,
            Grain::HOUR,
            "2014-12-31T23:00:00Z",
            "2015-01-01T03:00:00Z",
            "23:00 on 31 Dec 2014 to 04:00 on 1 Jan",
        );
        check(utc, Grain::HOUR, "2015-01-01T03:00:00Z", "2015-02-01T03:00:00Z", "1 Jan to 1 Feb");
        check(utc, Grain::DAY, "2015-01-27T00:00:00Z", "2015-01-27T00:00:00Z", "on 27 Jan");
        check(utc, Grain::DAY, "2015-01-27T00:00:00Z", "2015-01-29T00:00:00Z", "27 Jan to 29 Jan");
        check(
            utc,
            Grain::SECOND,
            "2015-01-27T00:00:07Z",
            "2015-01-27T00:00:08Z",
            "00:00:07 to 00:00:09 on 27 Jan",
        );
        check(
            "America/New_York",
            Grain::HOUR,
            "2015-01-27T02:00:00Z",
            "2015-01-27T04:00:00Z",
            "21:00 to 24:00 on 26 Jan",
        );
        // The clocks went forward at 02:00.
        check(
            "America/New_York",
            Grain::HOUR,
            "2015-03-08T06:00:00Z",
            "2015-03-08T07:00:00Z",
            "01:00 EST to 04:00 EDT on 8 Mar",
        );
        // The hour came twice.
        check(
            "America/New_York",
            Grain::HOUR,
            "2015-11-01T05:00:00Z",
            "2015-11-01T05:00:00Z",
            "at 01:00 on 1 Nov",
        );
        check(
            "America/New_York",
            Grain::HOUR,
            "2015-11-01T04:00:00Z",
            "2015-11-01T05:00:00Z",
            "00:00 EDT to 01:00 EST on 1 Nov",
        );
    }

    #[test]
    fn row_numbers_stay_row_numbers() {
        let series =
            Series { grain: Grain::from_micros(1), at: (0..3).map(Timestamp).collect(), ..Series::default() };
        let clock = Clock::of(&series, 1970);
        assert_eq!(clock.span(Timestamp(1_200), Timestamp(1_260)), "rows 1,200 to 1,260");
        assert_eq!(clock.length(Timestamp(1_200), Timestamp(1_260)), "61 rows");
        assert_eq!(clock.weekday(Timestamp(0)), None);
    }

    #[test]
    fn durations_use_two_units() {
        let check = |micros, words: &str| assert_eq!(duration(micros), words);
        check(0, "0 s");
        check(3 * HOUR, "3 h");
        check(3 * HOUR + 10 * MINUTE + 5 * SECOND, "3 h 10 min");
        check(2 * DAY + 4 * HOUR, "2 d 4 h");
        check(30 * DAY + 4 * HOUR, "30 d");
        check(90 * SECOND, "1 min 30 s");
        check(350_000, "350 ms");
        check(7, "7 µs");
    }
}
