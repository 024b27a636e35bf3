//! Dates and times as text: ISO 8601, RFC 3339, RFC 2822, and what spreadsheets and log files write.
//!
//! Written by hand because it is the hot path of every text file: no allocation, about 20 bytes a row.

use serde::Serialize;

use super::Moment;

const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// Order of the parts of a date whose month is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 2014-07-01.
    YearFirst,
    /// 01/07/2014 for the first of July.
    DayFirst,
    /// 07/01/2014 for the first of July.
    MonthFirst,
}

/// Zone abbreviations that mean one thing only, in minutes from UTC.
const ABBREVIATIONS: [(&str, i64); 14] = [
    ("Z", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("CET", 60),
    ("CEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("EST", -300),
    ("EDT", -240),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, `None` if there is no such date.
///
/// After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1..=9_998).contains(&year) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// A cursor over bytes.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn eat_any(&mut self, bytes: &[u8]) -> Option<u8> {
        let next = self.peek().filter(|next| bytes.contains(next))?;
        self.at += 1;
        Some(next)
    }

    /// Up to `most` digits: their value and their number.
    fn digits(&mut self, most: usize) -> Option<(i64, usize)> {
        let mut value = 0;
        let from = self.at;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            if self.at - from == most {
                break;
            }
            value = value * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        (self.at > from).then_some((value, self.at - from))
    }

    fn two(&mut self) -> Option<i64> {
        self.digits(2).filter(|&(_, count)| count == 2).map(|(value, _)| value)
    }

    fn blanks(&mut self) {
        while self.eat_any(b" ,\t").is_some() {}
    }

    fn letters(&mut self) -> &'a str {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.at += 1;
        }
        std::str::from_utf8(&self.bytes[from..self.at]).unwrap_or("")
    }

    fn done(&self) -> bool {
        self.at >= self.bytes.len()
    }
}

/// Reads a date with or without a time of day, an offset, a zone; `None` if the text is anything else.
pub(crate) fn parse(text: &str, order: DateOrder) -> Option<Moment> {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || bytes.len() > 64 {
        return None;
    }
    let mut scan = Scan { bytes, at: 0 };
    if scan.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
        return parse_named(&mut scan);
    }
    let days = date(&mut scan, order)?;
    finish(&mut scan, days)
}

/// Whether this is a time in any order of day and month.
pub(crate) fn looks_like_time(text: &str) -> bool {
    [DateOrder::YearFirst, DateOrder::DayFirst, DateOrder::MonthFirst]
        .into_iter()
        .any(|order| parse(text, order).is_some())
        || clock(text).is_some()
}

/// A time of day alone, in microseconds since midnight: `13:05`, `1:05:30.5 PM`.
pub(crate) fn clock(text: &str) -> Option<i64> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let time = time_of_day(&mut scan)?;
    scan.done().then_some(time)
}

fn date(scan: &mut Scan<'_>, order: DateOrder) -> Option<i64> {
    let (first, count) = scan.digits(14)?;
    match (count, scan.peek()) {
        (4, Some(separator @ (b'-' | b'/' | b'.'))) => {
            scan.at += 1;
            let (month, _) = scan.digits(2)?;
            if scan.done() {
                // A month alone stands for its first day.
                return days(first, month, 1);
            }
            if !scan.eat(separator) {
                return None;
            }
            let (day, _) = scan.digits(2)?;
            days(first, month, day)
        }
        (8, _) => days(first / 10_000, first / 100 % 100, first % 100),
        (12 | 14, _) => {
            // 20140701130500: the time of day is read again as digits.
            scan.at -= count - 8;
            let date = first / if count == 14 { 1_000_000 } else { 10_000 };
            days(date / 10_000, date / 100 % 100, date % 100)
        }
        (1 | 2, Some(separator @ (b'-' | b'/' | b'.' | b' '))) => {
            scan.at += 1;
            date_after_first(scan, first, separator, order)
        }
        _ => None,
    }
}

/// `01/07/2014`, `1.7.14`, `01-Jul-2014`, `1 Jul 2014`.
fn date_after_first(scan: &mut Scan<'_>, first: i64, separator: u8, order: DateOrder) -> Option<i64> {
    if scan.peek()?.is_ascii_alphabetic() {
        let month = month_named(scan.letters())?;
        scan.eat(b'.');
        scan.eat_any(b"-/ ,")?;
        scan.blanks();
        let year = year(scan)?;
        return days(year, month, first);
    }
    let (second, _) = scan.digits(2)?;
    if separator == b' ' || !scan.eat(separator) {
        return None;
    }
    let year = year(scan)?;
    match order {
        DateOrder::DayFirst => days(year, second, first),
        DateOrder::MonthFirst => days(year, first, second),
        DateOrder::YearFirst => None,
    }
}

/// Four digits, or two: 69 and above belong to the last century, as POSIX `strptime` has it.
fn year(scan: &mut Scan<'_>) -> Option<i64> {
    match scan.digits(4)? {
        (year, 4) => Some(year),
        (year, 2) if year >= 69 => Some(1_900 + year),
        (year, 2) => Some(2_000 + year),
        _ => None,
    }
}

fn month_named(name: &str) -> Option<i64> {
    let position = named(name, &MONTHS)?;
    Some(position as i64 + 1)
}

/// Position of a name that is written out or cut to three letters or more.
fn named(name: &str, names: &[&str]) -> Option<usize> {
    (name.len() >= 3).then_some(())?;
    names.iter().position(|full| full.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)))
}

/// `Jul 1 2014 13:05`, `Tue, 01 Jul 2014 13:05:00 GMT`, `Tue Jul  1 13:05:00 2014`.
fn parse_named(scan: &mut Scan<'_>) -> Option<Moment> {
    let mut word = scan.letters();
    if named(word, &WEEKDAYS).is_some() {
        scan.eat(b'.');
        scan.blanks();
        if scan.peek()?.is_ascii_digit() {
            let days = date(scan, DateOrder::DayFirst)?;
            return finish(scan, days);
        }
        word = scan.letters();
    }
    let month = month_named(word)?;
    scan.eat(b'.');
    scan.blanks();
    let (day, _) = scan.digits(2)?;
    scan.blanks();
    if scan.bytes[scan.at..].iter().take(3).any(|&byte| byte == b':') {
        // ctime puts the year last.
        let time = time_of_day(scan)?;
        scan.blanks();
        let year = year(scan)?;
        return scan.done().then_some(Moment::Local(days(year, month, day)? * DAY + time));
    }
    let year = year(scan)?;
    let days = days(year, month, day)?;
    finish(scan, days)
}

/// What follows a date: nothing, or a time of day and perhaps an offset.
fn finish(scan: &mut Scan<'_>, days: i64) -> Option<Moment> {
    let midnight = days * DAY;
    if scan.done() {
        return Some(Moment::Local(midnight));
    }
    if !scan.peek()?.is_ascii_digit() {
        scan.eat_any(b"T t_:,")?;
        scan.blanks();
    }
    let local = midnight + time_of_day(scan)?;
    match offset(scan)? {
        Some(minutes) => Some(Moment::Instant(local - minutes * MINUTE)),
        None => Some(Moment::Local(local)),
    }
}

/// `13:05`, `13:05:30.123456`, `1:05 PM`, `130530`, `13`.
fn time_of_day(scan: &mut Scan<'_>) -> Option<i64> {
    let (first, count) = scan.digits(6)?;
    let (hour, minute, second) = match count {
        6 => (first / 10_000, first / 100 % 100, first % 100),
        4 => (first / 100, first % 100, 0),
        1 | 2 if scan.peek() == Some(b':') => {
            scan.at += 1;
            let minute = scan.two()?;
            let second = if scan.eat(b':') { scan.two()? } else { 0 };
            (first, minute, second)
        }
        // An hour alone needs a word: `1 PM`, `13Z`, `13+02`.
        1 | 2 if scan.peek().is_some_and(|byte| b" AaPpZ".contains(&byte)) => (first, 0, 0),
        _ => return None,
    };
    let fraction = if scan.eat_any(b".,").is_some() { fraction_micros(scan)? } else { 0 };
    let hour = match half_day(scan) {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
        None => hour,
    };
    // A leap second is folded into the second after it; 24:00 is the end of the day.
    let valid = (hour < 24 || (hour == 24 && minute == 0 && second == 0)) && minute < 60 && second <= 60;
    valid.then_some(hour * HOUR + minute * MINUTE + second * SECOND + fraction)
}

/// Digits behind the point; those beyond the microsecond are dropped.
fn fraction_micros(scan: &mut Scan<'_>) -> Option<i64> {
    let (value, count) = scan.digits(6)?;
    scan.digits(12);
    Some(value * 10_i64.pow(6 - count as u32))
}

/// True after noon, `None` without the words; leaves the cursor behind them.
fn half_day(scan: &mut Scan<'_>) -> Option<bool> {
    let from = scan.at;
    scan.blanks();
    let rest = &scan.bytes[scan.at..];
    let (length, afternoon) = match rest {
        [half @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm', ..] => (2, half.eq_ignore_ascii_case(&b'p')),
        [half @ (b'A' | b'a' | b'P' | b'p'), b'.', b'M' | b'm', b'.', ..] => {
            (4, half.eq_ignore_ascii_case(&b'p'))
        }
        _ => {
            scan.at = from;
            return None;
        }
    };
    scan.at += length;
    Some(afternoon)
}

/// Minutes east of UTC at the end of the text: `Some(None)` if nothing is left, `None` if it makes no sense.
fn offset(scan: &mut Scan<'_>) -> Option<Option<i64>> {
    scan.blanks();
    if scan.done() {
        return Some(None);
    }
    let minutes = if let Some(sign) = scan.eat_any(b"+-") {
        let (first, count) = scan.digits(4)?;
        let (hours, minutes) = match count {
            4 => (first / 100, first % 100),
            1 | 2 if scan.eat(b':') => (first, scan.two()?),
            1 | 2 => (first, 0),
            _ => return None,
        };
        if hours > 18 || minutes > 59 {
            return None;
        }
        (hours * 60 + minutes) * if sign == b'-' { -1 } else { 1 }
    } else {
        let word = scan.letters();
        ABBREVIATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?.1
    };
    // RFC 9557 repeats the zone in brackets; the offset before it already says which instant is meant.
    if scan.eat(b'[') {
        while scan.peek().is_some_and(|byte| byte != b']') {
            scan.at += 1;
        }
        scan.eat(b']').then_some(())?;
    }
    scan.done().then_some(Some(minutes))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(texts: &[&str], expected: Expect) {
        let mut found = String::new();
        for text in texts {
            for (order, name) in
                [(DateOrder::YearFirst, "y"), (DateOrder::DayFirst, "d"), (DateOrder::MonthFirst, "m")]
            {
                if let Some(moment) = parse(text, order) {
                    let (kind, at) = match moment {
                        Moment::Instant(at) => ("at", at),
                        Moment::Local(at) => ("local", at),
                    };
                    found += &format!("{text} ({name}) {kind} {}\n", manazir_model::Timestamp(at));
                    if order == DateOrder::YearFirst {
                        break;
                    }
                }
            }
        }
        expected.assert_eq(&found);
    }

    #[test]
    fn iso_and_its_kin() {
        check(
            &[
                "2014-07-01 00:00:00",
                "2014-07-01T13:05:30.123456789Z",
                "2014-07-01T13:05+02:00",
                "2014-07-01T13:05:00+02:00[Europe/Berlin]",
                "2014-07-01 13:05:00 UTC",
                "2014-07-01",
                "2014-07",
                "2014/07/01 1:05 PM",
                "20140701",
                "20140701T130500",
                "20140701130500",
                "2016-12-31T23:59:60Z",
            ],
            expect![[r#"
                2014-07-01 00:00:00 (y) local 2014-07-01T00:00:00Z
                2014-07-01T13:05:30.123456789Z (y) at 2014-07-01T13:05:30.123456Z
                2014-07-01T13:05+02:00 (y) at 2014-07-01T11:05:00Z
                2014-07-01T13:05:00+02:00[Europe/Berlin] (y) at 2014-07-01T11:05:00Z
                2014-07-01 13:05:00 UTC (y) at 2014-07-01T13:05:00Z
                2014-07-01 (y) local 2014-07-01T00:00:00Z
                2014-07 (y) local 2014-07-01T00:00:00Z
                2014/07/01 1:05 PM (y) local 2014-07-01T13:05:00Z
                20140701 (y) local 2014-07-01T00:00:00Z
                20140701T130500 (y) local 2014-07-01T13:05:00Z
                20140701130500 (y) local 2014-07-01T13:05:00Z
                2016-12-31T23:59:60Z (y) at 2017-01-01T00:00:00Z
            "#]],
        );
    }

    #[test]
    fn local_formats_need_an_order() {
        check(
            &["01/07/2014 13:05", "13/07/2014", "1.7.14 1:05 p.m.", "12/31/2014 12:00 AM"],
            expect![[r#"
                01/07/2014 13:05 (d) local 2014-07-01T13:05:00Z
                01/07/2014 13:05 (m) local 2014-01-07T13:05:00Z
                13/07/2014 (d) local 2014-07-13T00:00:00Z
                1.7.14 1:05 p.m. (d) local 2014-07-01T13:05:00Z
                1.7.14 1:05 p.m. (m) local 2014-01-07T13:05:00Z
                12/31/2014 12:00 AM (m) local 2014-12-31T00:00:00Z
            "#]],
        );
    }

    #[test]
    fn names_of_months() {
        check(
            &[
                "Jul 1 2014",
                "July 1, 2014 1:05 PM",
                "1 Jul 2014 13:05",
                "01-Jul-14 13:05:00",
                "01/Jul/2014:13:05:00 +0200",
                "Tue, 01 Jul 2014 13:05:00 GMT",
                "Tue Jul  1 13:05:00 2014",
            ],
            expect![[r#"
                Jul 1 2014 (y) local 2014-07-01T00:00:00Z
                July 1, 2014 1:05 PM (y) local 2014-07-01T13:05:00Z
                1 Jul 2014 13:05 (y) local 2014-07-01T13:05:00Z
                01-Jul-14 13:05:00 (y) local 2014-07-01T13:05:00Z
                01/Jul/2014:13:05:00 +0200 (y) at 2014-07-01T11:05:00Z
                Tue, 01 Jul 2014 13:05:00 GMT (y) at 2014-07-01T13:05:00Z
                Tue Jul  1 13:05:00 2014 (y) local 2014-07-01T13:05:00Z
            "#]],
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        check(
            &[
                "",
                "12",
                "1234567",
                "12.345",
                "2014-13-01",
                "2014-02-30",
                "2014-07-01 25:00",
                "machine-1-6",
                "10.0.0.1",
                "May",
                "2014-07-01T10:00+99:00",
                "2014-07-01 10:00 XYZ",
                "1-2-3-4",
                "99999999",
            ],
            expect![""],
        );
    }

    #[test]
    fn a_time_of_day_alone() {
        assert_eq!(clock("13:05"), Some(13 * HOUR + 5 * MINUTE));
        assert_eq!(clock("1:05:30 PM"), Some(13 * HOUR + 5 * MINUTE + 30 * SECOND));
        assert_eq!(clock("25:00"), None);
        assert_eq!(clock("2014-07-01"), None);
    }
}
