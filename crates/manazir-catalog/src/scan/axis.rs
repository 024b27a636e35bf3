//! The time of a row.

use std::borrow::Cow;

use crate::cell::{Cell, Row};
use crate::decide::time_column::clock_of;
use crate::table::TimeAxis;
use crate::time::{Moment, text};

/// Reads the time of a row that is the `position`-th of its series; `None` if there is none.
pub(crate) fn read(axis: &TimeAxis, row: &(impl Row + ?Sized), position: i64) -> Option<Moment> {
    match *axis {
        TimeAxis::Column { column, form } => form.read(row.cell(column).trimmed()),
        TimeAxis::DateAndClock { date, form, clock } => {
            let clock = clock_of(row.cell(clock).trimmed())?;
            Some(match form.read(row.cell(date).trimmed())? {
                Moment::Instant(at) => Moment::Instant(at + clock),
                Moment::Local(at) => Moment::Local(at + clock),
            })
        }
        TimeAxis::Calendar { year, month, day, hour } => {
            let part = |column: Option<usize>, missing: i64| match column {
                Some(column) => row.cell(column).trimmed().int(),
                None => Some(missing),
            };
            let hour = part(hour, 0).filter(|hour| (0..24).contains(hour))?;
            let days = text::days(part(Some(year), 1)?, part(month, 1)?, part(day, 1)?)?;
            Some(Moment::Local((days * 24 + hour) * 3_600_000_000))
        }
        TimeAxis::Position => Some(Moment::Instant(position)),
    }
}

/// What stands where the time should, for a reject.
pub(crate) fn words<'a>(axis: &TimeAxis, row: &'a dyn Row) -> Cow<'a, str> {
    let join = |columns: &[usize]| {
        let texts: Vec<_> = columns.iter().map(|&column| row.cell(column).text()).collect();
        Cow::Owned(texts.join(" "))
    };
    match *axis {
        TimeAxis::Column { column, .. } => row.cell(column).text(),
        TimeAxis::DateAndClock { date, clock, .. } => join(&[date, clock]),
        TimeAxis::Calendar { year, month, day, hour } => {
            let columns: Vec<usize> = [Some(year), month, day, hour].into_iter().flatten().collect();
            join(&columns)
        }
        TimeAxis::Position => Cow::Borrowed(match row.cell(0) {
            Cell::Text(text) => text,
            _ => "",
        }),
    }
}
