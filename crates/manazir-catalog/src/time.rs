//! Time as files write it: texts, numbers since an epoch, clocks without a zone.

pub(crate) mod text;
pub(crate) mod zone;
pub(crate) mod zone_evidence;

use serde::Serialize;

pub use text::DateOrder;

use crate::cell::Cell;

/// Unit of a number that counts from an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochUnit {
    /// Seconds, with fractions.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl EpochUnit {
    pub(crate) const ALL: [Self; 4] =
        [Self::Seconds, Self::Milliseconds, Self::Microseconds, Self::Nanoseconds];

    /// How many of it make a second.
    pub(crate) fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Milliseconds => 1_000,
            Self::Microseconds => 1_000_000,
            Self::Nanoseconds => 1_000_000_000,
        }
    }

    /// As people say it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }

    /// Microseconds of a number in this unit; `None` where it leaves the calendar.
    pub(crate) fn micros(self, cell: Cell<'_>) -> Option<i64> {
        if let Some(whole) = cell.int() {
            return match self {
                Self::Seconds => whole.checked_mul(1_000_000),
                Self::Milliseconds => whole.checked_mul(1_000),
                Self::Microseconds => Some(whole),
                Self::Nanoseconds => Some(whole.div_euclid(1_000)),
            }
            .filter(|&micros| in_calendar(micros));
        }
        let micros = cell.number(false)? * (1_000_000.0 / self.per_second() as f64);
        (micros.abs() < 9e18).then_some(micros.round() as i64).filter(|&micros| in_calendar(micros))
    }
}

/// Within the years that the calendar library knows (-9999 to 9999), with a margin for zones.
fn in_calendar(micros: i64) -> bool {
    const MOST: i64 = 253_402_200_000_000_000;
    (-377_705_000_000_000_000..MOST).contains(&micros)
}

/// How the time of a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "form")]
pub enum TimeForm {
    /// A date and time as text.
    Text {
        /// Order of day, month and year where all are numbers.
        order: DateOrder,
    },
    /// A number since 1970.
    Epoch {
        /// What it counts.
        unit: EpochUnit,
    },
    /// A number since the beginning of the recording, placed at 1970-01-01T00:00:00Z.
    Elapsed {
        /// What it counts.
        unit: EpochUnit,
    },
    /// A type of the format that says it is a time.
    Typed,
    /// A row number: row n lies n microseconds after 1970-01-01T00:00:00Z, so that no calendar season can
    /// be read into it.
    RowNumber,
}

/// A time that was read: an instant, or what a clock showed somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Instant(i64),
    Local(i64),
}

impl Moment {
    pub(crate) fn micros(self) -> i64 {
        match self {
            Self::Instant(micros) | Self::Local(micros) => micros,
        }
    }
}

impl TimeForm {
    /// Reads a cell; `None` if it holds no such time.
    pub(crate) fn read(self, cell: Cell<'_>) -> Option<Moment> {
        match (self, cell) {
            (_, Cell::Instant(micros)) if in_calendar(micros) => Some(Moment::Instant(micros)),
            (_, Cell::Local(micros)) if in_calendar(micros) => Some(Moment::Local(micros)),
            (Self::Text { order }, Cell::Text(text)) => text::parse(text, order),
            (Self::Text { .. }, Cell::Int(whole)) => {
                let mut digits = [0; 20];
                let text = write_digits(whole, &mut digits)?;
                text::parse(text, DateOrder::YearFirst)
            }
            (Self::Epoch { unit } | Self::Elapsed { unit }, cell) => unit.micros(cell).map(Moment::Instant),
            (Self::RowNumber, cell) => cell.int().filter(|&row| in_calendar(row)).map(Moment::Instant),
            _ => None,
        }
    }
}

/// Decimal digits of a positive number, without an allocation.
fn write_digits(mut whole: i64, digits: &mut [u8; 20]) -> Option<&str> {
    if whole <= 0 {
        return None;
    }
    let mut at = digits.len();
    while whole > 0 {
        at -= 1;
        digits[at] = b'0' + (whole % 10) as u8;
        whole /= 10;
    }
    std::str::from_utf8(&digits[at..]).ok()
}
