//! Axes: round values, and times that a calendar would choose.

use jiff::civil::{Date, DateTime, Time};
use jiff::{Span, ToSpan, Zoned};
use manazir_model::Timestamp;

use super::columns::Window;
use super::number;
use super::when::Clock;
use crate::finding::SeriesReport;

/// Values that all lie above this share of their maximum do not need the zero.
const ZERO_SHARE: f64 = 0.4;

/// The scale of values of one chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueAxis {
    /// Lower end.
    pub low: f64,
    /// Upper end, above `low`.
    pub high: f64,
    /// Round values in between.
    pub ticks: Vec<f64>,
}

impl ValueAxis {
    /// Holds every value of the window, and the expected band as far as it is of the same size. Begins at 0
    /// where that does not flatten the picture.
    pub fn of(report: &SeriesReport, window: Window, ticks: usize) -> Self {
        let samples = window.samples(&report.series.at);
        let (mut low, mut high) = extremes(&report.series.values[samples.clone()]);
        if !low.is_finite() {
            (low, high) = (0.0, 1.0);
        }
        // A band that is still learning may be a hundred times as wide as the series ever was.
        let reach = (high - low).max(0.05 * high.abs().max(low.abs())).max(f64::MIN_POSITIVE);
        let (band_low, band_high) =
            (extremes(&report.lower[samples.clone()]).0, extremes(&report.upper[samples]).1);
        low = low.min(band_low.max(low - 0.5 * reach));
        high = high.max(band_high.min(high + 0.5 * reach));
        let positive = report.series.values.iter().all(|value| !value.is_finite() || *value >= 0.0);
        if positive && low <= ZERO_SHARE * high {
            low = 0.0;
        }
        Self::over(low, high, ticks)
    }

    fn over(low: f64, high: f64, ticks: usize) -> Self {
        let margin = if high > low { 0.04 * (high - low) } else { 0.5 * high.abs().max(1.0) };
        let (low, high) = (if low == 0.0 { 0.0 } else { low - margin }, high + margin);
        Self { ticks: round_steps(low, high, ticks), low, high }
    }

    /// Where a value lies: 0 at the lower end, 1 at the upper; beyond the ends it is cut.
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Texts of the ticks, as precise as their distance asks for.
    pub fn labels(&self, unit: Option<&str>) -> Vec<String> {
        let label = |tick: &f64| {
            // Rounding of a step such as 0.1 must not show.
            let clean = if tick.abs() < 1e-9 * (self.high - self.low) { 0.0 } else { *tick };
            number::with_unit(clean, unit)
        };
        let plain: Vec<String> = self.ticks.iter().map(label).collect();
        let distinct = plain.windows(2).all(|pair| pair[0] != pair[1]);
        if distinct {
            return plain;
        }
        self.ticks
            .windows(2)
            .map(|pair| number::pair(pair[0], pair[1], unit).0)
            .chain(plain.last().cloned())
            .collect()
    }
}

fn extremes(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    finite.fold((f64::NAN, f64::NAN), |(low, high), value| (value.min(low), value.max(high)))
}

/// Multiples of 1, 2 or 5 · 10ⁿ between `low` and `high`, about `ticks` of them.
fn round_steps(low: f64, high: f64, ticks: usize) -> Vec<f64> {
    // A step may be a third smaller than asked for: two ticks more are better than half of them gone.
    let rough = (high - low) / ticks.max(1) as f64 / 1.5;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let size = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * size).find(|&step| step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * size);
    let first = (low / step).ceil();
    let count = ((high / step).floor() - first).clamp(0.0, 100.0) as usize;
    (0..=count).map(|index| (first + index as f64) * step).collect()
}

/// A label of the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTick {
    /// Its instant, in microseconds.
    pub at: i64,
    /// Its text.
    pub label: String,
}

/// Distances between ticks that a calendar would choose.
#[derive(Clone, Copy, Debug)]
enum Step {
    Seconds(i64),
    Days(i64),
    Months(i64),
}

impl Step {
    const ALL: [Self; 22] = [
        Self::Seconds(1),
        Self::Seconds(5),
        Self::Seconds(15),
        Self::Seconds(30),
        Self::Seconds(60),
        Self::Seconds(300),
        Self::Seconds(900),
        Self::Seconds(1_800),
        Self::Seconds(3_600),
        Self::Seconds(10_800),
        Self::Seconds(21_600),
        Self::Seconds(43_200),
        Self::Days(1),
        Self::Days(2),
        Self::Days(7),
        Self::Days(14),
        Self::Months(1),
        Self::Months(3),
        Self::Months(6),
        Self::Months(12),
        Self::Months(60),
        Self::Months(600),
    ];

    fn micros(self) -> i64 {
        match self {
            Self::Seconds(seconds) => seconds * 1_000_000,
            Self::Days(days) => days * 86_400_000_000,
            Self::Months(months) => months * 30 * 86_400_000_000,
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Seconds(seconds) => seconds.seconds(),
            Self::Days(days) => days.days(),
            Self::Months(months) => months.months(),
        }
    }

    /// The last civil time at or before `from` on which such steps stand.
    fn start(self, from: DateTime) -> Option<DateTime> {
        let hour =
            |minute| Time::new(from.hour(), minute, 0, 0).ok().map(|time| from.date().to_datetime(time));
        match self {
            Self::Seconds(..60) => hour(from.minute()),
            Self::Seconds(60..3_600) => hour(0),
            Self::Seconds(_) => Some(from.date().to_datetime(Time::midnight())),
            // Weeks begin on Monday, whatever the window.
            Self::Days(7 | 14) => {
                let monday = i64::from(from.date().weekday().to_monday_zero_offset());
                Some(from.date().checked_sub(monday.days()).ok()?.to_datetime(Time::midnight()))
            }
            Self::Days(_) => Some(from.date().first_of_month().to_datetime(Time::midnight())),
            Self::Months(..12) => {
                Date::new(from.year(), 1, 1).ok().map(|date| date.to_datetime(Time::midnight()))
            }
            Self::Months(months) => {
                let years = (months / 12) as i16;
                let year = from.year() - from.year().rem_euclid(years);
                Date::new(year, 1, 1).ok().map(|date| date.to_datetime(Time::midnight()))
            }
        }
    }

    fn label(self, zoned: &Zoned) -> String {
        let midnight = zoned.time() == Time::midnight();
        let format = match self {
            Self::Seconds(..60) => "%H:%M:%S",
            Self::Seconds(_) if !midnight => "%H:%M",
            Self::Seconds(_) | Self::Days(_) => "%-d %b",
            Self::Months(..12) if zoned.month() != 1 => "%b",
            Self::Months(_) => "%Y",
        };
        zoned.strftime(format).to_string()
    }
}

/// About `ticks_max` ticks of a window on the clock of its series.
pub fn time_ticks(clock: &Clock, window: Window, ticks_max: usize) -> Vec<TimeTick> {
    let rough = window.micros() / ticks_max.max(1) as i64;
    let calendar = (!clock.counts_rows() && rough >= 500_000).then(|| calendar_ticks(clock, window, rough));
    calendar.flatten().unwrap_or_else(|| counted_ticks(clock, window, ticks_max))
}

fn calendar_ticks(clock: &Clock, window: Window, rough: i64) -> Option<Vec<TimeTick>> {
    let step = Step::ALL.into_iter().find(|step| step.micros() >= rough)?;
    let from = clock.zoned(Timestamp(window.from))?;
    let zone = from.time_zone().clone();
    let mut civil = step.start(from.datetime())?;
    let mut ticks: Vec<TimeTick> = Vec::new();
    // From the start of the hour, day, month or period to the window, and through it: bounded by the steps.
    for _ in 0..1_000 {
        let zoned = civil.to_zoned(zone.clone()).ok()?;
        let at = zoned.timestamp().as_microsecond();
        if at >= window.to {
            break;
        }
        // An hour that the clock repeats or leaves out would put two ticks on one place.
        let apart = ticks.last().is_none_or(|last| at.saturating_sub(last.at) >= rough / 2);
        if at >= window.from && apart {
            ticks.push(TimeTick { at, label: step.label(&zoned) });
        }
        civil = next(step, civil)?;
    }
    Some(ticks)
}

/// Steps of two days start anew each month, so that the same days are named whatever the window.
fn next(step: Step, civil: DateTime) -> Option<DateTime> {
    let next = civil.checked_add(step.span()).ok()?;
    match step {
        Step::Days(days @ 2..7) if next.month() != civil.month() || next.day() > 30 - days as i8 + 1 => {
            let first = civil.date().last_of_month().tomorrow().ok()?;
            Some(first.to_datetime(Time::midnight()))
        }
        _ => Some(next),
    }
}

/// Round numbers of rows, or of microseconds where the calendar is too coarse.
fn counted_ticks(clock: &Clock, window: Window, ticks_max: usize) -> Vec<TimeTick> {
    let label = |at: i64| match clock.zoned(Timestamp(at)).filter(|_| !clock.counts_rows()) {
        Some(zoned) => zoned.strftime("%H:%M:%S%.f").to_string(),
        None => number::count(at.max(0) as usize),
    };
    let steps = round_steps(0.0, window.micros() as f64, ticks_max / 2 + 1);
    let step = steps.get(1).map_or(1, |&step| (step as i64).max(1));
    let first = window.from.div_euclid(step).saturating_mul(step);
    (0..=ticks_max as i64 + 1)
        .map(|index| first.saturating_add(index.saturating_mul(step)))
        .filter(|at| (window.from..window.to).contains(at))
        .map(|at| TimeTick { at, label: label(at) })
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::{Grain, Series};

    use super::*;

    #[track_caller]
    fn check(zone: &str, grain: Grain, from: &str, to: &str, expected: Expect) {
        let micros = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
        let series = Series { zone: zone.to_owned(), grain: Some(grain), ..Series::default() };
        let ticks = time_ticks(&Clock::of(&series, 2015), Window::new(micros(from), micros(to)), 7);
        let labels: Vec<String> = ticks.into_iter().map(|tick| tick.label).collect();
        expected.assert_eq(&labels.join(" | "));
    }

    #[test]
    fn time_ticks_stand_on_the_local_calendar() {
        check(
            "UTC",
            Grain::SECOND,
            "2015-01-27T02:00:05Z",
            "2015-01-27T02:00:40Z",
            expect!["02:00:05 | 02:00:10 | 02:00:15 | 02:00:20 | 02:00:25 | 02:00:30 | 02:00:35"],
        );
        check(
            "UTC",
            Grain::MINUTE,
            "2015-01-27T02:10:00Z",
            "2015-01-27T05:40:00Z",
            expect!["02:30 | 03:00 | 03:30 | 04:00 | 04:30 | 05:00 | 05:30"],
        );
        check(
            "UTC",
            Grain::HOUR,
            "2015-01-27T02:00:00Z",
            "2015-01-29T05:00:00Z",
            expect!["12:00 | 28 Jan | 12:00 | 29 Jan"],
        );
        check(
            "America/New_York",
            Grain::HOUR,
            "2015-03-07T12:00:00Z",
            "2015-03-09T12:00:00Z",
            expect!["12:00 | 8 Mar | 12:00 | 9 Mar"],
        );
        check(
            "UTC",
            Grain::HOUR,
            "2015-01-24T02:00:00Z",
            "2015-02-04T05:00:00Z",
            expect!["25 Jan | 27 Jan | 29 Jan | 1 Feb | 3 Feb"],
        );
        check(
            "UTC",
            Grain::DAY,
            "2014-11-24T02:00:00Z",
            "2015-03-04T05:00:00Z",
            expect!["Dec | 2015 | Feb | Mar"],
        );
        check(
            "UTC",
            Grain::DAY,
            "1998-11-24T02:00:00Z",
            "2015-03-04T05:00:00Z",
            expect!["2000 | 2005 | 2010 | 2015"],
        );
        check(
            "UTC",
            Grain::SECOND,
            "2015-01-27T02:00:00Z",
            "2015-01-27T02:00:01Z",
            expect!["02:00:00 | 02:00:00.2 | 02:00:00.4 | 02:00:00.6 | 02:00:00.8"],
        );
    }

    #[test]
    fn value_ticks_are_round() {
        assert_eq!(round_steps(0.0, 104.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(round_steps(-3.1, 7.0, 5), [-2.0, 0.0, 2.0, 4.0, 6.0]);
        assert_eq!(round_steps(1.0, 1.0, 5), [0.0; 0]);
        assert_eq!(round_steps(0.0, f64::INFINITY, 5), [0.0; 0]);
    }
}
