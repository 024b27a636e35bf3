//! Which column tells the time, and how it is written.

use super::facts::Facts;
use super::kind;
use super::unit::words;
use crate::cell::{Cell, OwnedCell};
use crate::table::{Decision, TimeAxis};
use crate::time::{DateOrder, EpochUnit, TimeForm, text};

/// Values of a column that are tried; spread evenly over the sample.
const TRIED_MAX: usize = 2_000;

/// Share of them that must be times: the rest are broken rows.
const TIME_SHARE: f64 = 0.9;

/// Years that numbers since 1970 are expected in: 1990 to 2100.
const EPOCH_SECONDS: std::ops::Range<f64> = 631_152_000.0..4_102_444_800.0;

/// Names of row numbers.
const ROW_NAMES: [&str; 20] = [
    "t",
    "i",
    "n",
    "idx",
    "index",
    "row",
    "rownum",
    "row_number",
    "row_id",
    "row_no",
    "rowid",
    "step",
    "seq",
    "sequence",
    "no",
    "unnamed: 0",
    "sample",
    "record",
    "tick",
    "column_1",
];

/// A column that may tell the time.
struct Candidate {
    axis: TimeAxis,
    score: f64,
    confidence: f64,
    reason: String,
}

/// How much a name speaks for time: 3 says it, 2 hints, 1 may, 0 does not; −1 is the time of something else.
pub(crate) fn name_score(name: &str) -> i32 {
    let lower = name.to_lowercase();
    let words = words(name);
    const EXACT: [&str; 14] = [
        "timestamp",
        "time",
        "datetime",
        "date",
        "ts",
        "ds",
        "event_time",
        "eventtime",
        "date_time",
        "@timestamp",
        "time_stamp",
        "timestamps",
        "_time",
        "epoch",
    ];
    const OTHER: [&str; 10] = [
        "created",
        "updated",
        "end",
        "modified",
        "expires",
        "received",
        "ingested",
        "arrival",
        "processed",
        "inserted",
    ];
    if EXACT.contains(&lower.as_str()) {
        return 3;
    }
    let hints = words.iter().any(|word| {
        matches!(
            word.as_str(),
            "time" | "timestamp" | "date" | "datetime" | "ts" | "epoch" | "day" | "zeit" | "datum"
        )
    });
    // `t_ms`, `recorded_at`.
    let ends = words.last().is_some_and(|word| word == "at")
        || matches!(words.as_slice(), [t, unit] if t == "t" && matches!(unit.as_str(), "s" | "ms" | "us" | "ns"));
    match (hints || ends, words.iter().any(|word| OTHER.contains(&word.as_str()))) {
        (true, true) => 1,
        (true, false) => 2,
        (false, true) => -1,
        (false, false) => i32::from(lower == "t" || lower == "when" || lower.starts_with("hour")),
    }
}

/// Values spread evenly over a column, without nulls.
fn spread(cells: &[OwnedCell]) -> Vec<Cell<'_>> {
    let values: Vec<_> = cells.iter().map(OwnedCell::as_cell).filter(|cell| *cell != Cell::Null).collect();
    let step = values.len().div_ceil(TRIED_MAX).max(1);
    values.into_iter().step_by(step).collect()
}

fn share_read(form: TimeForm, values: &[Cell<'_>]) -> f64 {
    let read = values.iter().filter(|&&value| form.read(value).is_some()).count();
    read as f64 / values.len().max(1) as f64
}

/// Share of the steps that go forward or stay, among consecutive values.
fn order(form: TimeForm, cells: &[OwnedCell]) -> f64 {
    let times: Vec<i64> = cells.iter().filter_map(|cell| Some(form.read(cell.as_cell())?.micros())).collect();
    let forward = times.windows(2).filter(|pair| pair[1] >= pair[0]).count();
    if times.len() < 2 { 1.0 } else { forward as f64 / (times.len() - 1) as f64 }
}

/// The form of a column of texts, if they are times.
pub(crate) fn text_form(cells: &[OwnedCell], day_first: Option<bool>) -> Option<Decision<TimeForm>> {
    let values = spread(cells);
    if values.is_empty() {
        return None;
    }
    let form = |order| TimeForm::Text { order };
    let share = |order| share_read(form(order), &values);
    let year_first = share(DateOrder::YearFirst);
    if year_first >= TIME_SHARE {
        let reason = format!(
            "{:.0} % of its values are dates with the year first or a named month",
            year_first * 100.0
        );
        return Some(Decision::new(form(DateOrder::YearFirst), 0.6 + 0.38 * year_first, reason));
    }
    if let Some(day_first) = day_first {
        let order = if day_first { DateOrder::DayFirst } else { DateOrder::MonthFirst };
        return (share(order) >= TIME_SHARE).then(|| Decision::told(form(order)));
    }
    let (day, month) = (share(DateOrder::DayFirst), share(DateOrder::MonthFirst));
    if day.max(month) < TIME_SHARE {
        return None;
    }
    Some(day_or_month(cells, &values, day, month))
}

/// Day or month first: what only one of them can read decides, then the order of the rows, then the habit.
fn day_or_month(cells: &[OwnedCell], values: &[Cell<'_>], day: f64, month: f64) -> Decision<TimeForm> {
    let form = |order| TimeForm::Text { order };
    if day != month {
        let order = if day > month { DateOrder::DayFirst } else { DateOrder::MonthFirst };
        let word = if day > month { "day" } else { "month" };
        let reason = format!("only with the {word} first are all of its values dates");
        return Decision::new(form(order), 0.95, reason);
    }
    let forward_day = order(form(DateOrder::DayFirst), cells) * regularity(form(DateOrder::DayFirst), cells);
    let forward_month =
        order(form(DateOrder::MonthFirst), cells) * regularity(form(DateOrder::MonthFirst), cells);
    if (forward_day - forward_month).abs() > 1e-9 {
        let day_first = forward_day > forward_month;
        let order = if day_first { DateOrder::DayFirst } else { DateOrder::MonthFirst };
        let word = if day_first { "day" } else { "month" };
        return Decision::new(
            form(order),
            0.75,
            format!("with the {word} first the rows follow each other evenly"),
        );
    }
    let dotted = values
        .iter()
        .any(|value| matches!(value, Cell::Text(text) if text.contains('.') && !text.contains('/')));
    let sure = if dotted { 0.85 } else { 0.5 };
    let reason = "day and month cannot be told apart; most of the world writes the day first (see day_first)";
    Decision::new(form(DateOrder::DayFirst), sure, reason)
}

/// Share of the most frequent distance.
pub(crate) fn regularity(form: TimeForm, cells: &[OwnedCell]) -> f64 {
    let times: Vec<i64> = cells.iter().filter_map(|cell| Some(form.read(cell.as_cell())?.micros())).collect();
    let mut distances: Vec<i64> =
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|&distance| distance != 0).collect();
    distances.sort_unstable();
    let most = distances.chunk_by(|one, other| one == other).map(<[i64]>::len).max().unwrap_or(0);
    if distances.is_empty() { 0.0 } else { most as f64 / distances.len() as f64 }
}

/// The unit in which all numbers of a column fall between 1990 and 2100.
fn epoch_unit(facts: &Facts) -> Option<EpochUnit> {
    EpochUnit::ALL.into_iter().find(|unit| {
        let scale = unit.per_second() as f64;
        EPOCH_SECONDS.contains(&(facts.min / scale)) && EPOCH_SECONDS.contains(&(facts.max / scale))
    })
}

/// Steps of one, and how often the count begins again: `(share of steps of 1, first value)`.
fn counting(cells: &[OwnedCell]) -> Option<(f64, i64)> {
    let numbers: Vec<i64> = cells.iter().filter_map(|cell| cell.as_cell().int()).collect();
    let ones = numbers.windows(2).filter(|pair| pair[0].checked_add(1) == Some(pair[1])).count();
    (numbers.len() >= 2).then(|| (ones as f64 / (numbers.len() - 1) as f64, numbers[0]))
}

/// True if the column counts rows, and how sure that is. `strictly`: from the first row to the last, once.
pub(crate) fn row_number(
    name: &str,
    cells: &[OwnedCell],
    facts: &Facts,
    strictly: bool,
) -> Option<Decision<()>> {
    if !facts.integral() || facts.nulls > 0 || kind::named_counter(name) {
        return None;
    }
    let (ones, first) = counting(cells)?;
    let named = ROW_NAMES.contains(&name.to_lowercase().as_str());
    if ones >= 0.99 && (named || first == 0 || first == 1) && facts.rows >= 3 {
        let sure = if named { 0.95 } else { 0.8 };
        return Some(Decision::new((), sure, format!("it counts the rows from {first} on")));
    }
    // Several series one after the other, or beside each other, each with its own count.
    let counts_up = ones >= 0.9
        || (facts.min >= 0.0 && facts.min <= 1.0 && facts.max - facts.min + 1.0 == facts.distinct as f64);
    (!strictly && named && counts_up && facts.rows >= 3)
        .then(|| Decision::new((), 0.8, "its name and its values count rows"))
}

fn candidate_of(
    column: usize,
    name: &str,
    cells: &[OwnedCell],
    facts: &Facts,
    day_first: Option<bool>,
) -> Option<Candidate> {
    let named = name_score(name);
    let make = |form: TimeForm, base: f64, what: String| {
        let forward = order(form, cells);
        let fine = 0.5 * facts.distinct as f64 / facts.values().max(1) as f64;
        let name_says = if named >= 2 { " and its name says so" } else { "" };
        let confidence =
            (base + 0.05 * f64::from(named.clamp(0, 3)) - 0.1 * (1.0 - forward)).clamp(0.05, 0.99);
        Candidate {
            axis: TimeAxis::Column { column, form },
            // Among equal names the order of the rows decides, and how finely a column tells them apart, then
            // its place.
            score: f64::from(named) + base + forward + fine - 0.001 * column as f64,
            confidence,
            reason: format!("{what}{name_says}"),
        }
    };
    if facts.typed_times > 0 && facts.typed_times * 10 >= facts.values() * 9 {
        return Some(make(TimeForm::Typed, 0.95, "the file's schema calls it a time".to_owned()));
    }
    if facts.numeric() {
        return numeric_candidate(name, cells, facts, named, make);
    }
    let form = text_form(cells, day_first)?;
    Some(make(form.value, form.confidence.min(0.9), form.reason))
}

fn numeric_candidate(
    name: &str,
    cells: &[OwnedCell],
    facts: &Facts,
    named: i32,
    make: impl Fn(TimeForm, f64, String) -> Candidate,
) -> Option<Candidate> {
    if let Some(unit) = epoch_unit(facts) {
        let form = TimeForm::Epoch { unit };
        let what = format!("all of its numbers are {} since 1970 between 1990 and 2100", unit.word());
        // Without a name, only an even course tells a time from a number of that size.
        if named >= 1 || (order(form, cells) > 0.95 && regularity(form, cells) >= 0.5 && facts.distinct > 2) {
            return Some(make(form, if named >= 2 { 0.85 } else { 0.6 }, what));
        }
    }
    if facts.integral() && (19_000_101.0..21_001_232.0).contains(&facts.min) && facts.max < 21_001_232.0 {
        let form = TimeForm::Text { order: DateOrder::YearFirst };
        let typed: Vec<_> = cells.iter().map(OwnedCell::as_cell).filter(|cell| *cell != Cell::Null).collect();
        if share_read(form, &typed) >= 0.99 && (named >= 1 || order(form, cells) > 0.99) {
            return Some(make(form, 0.8, "its numbers are dates without separators".to_owned()));
        }
    }
    elapsed_candidate(name, cells, facts, make)
}

/// Seconds, or what the name says, since the beginning: rising evenly from near zero by less or more than one.
fn elapsed_candidate(
    name: &str,
    cells: &[OwnedCell],
    facts: &Facts,
    make: impl Fn(TimeForm, f64, String) -> Candidate,
) -> Option<Candidate> {
    let words = words(name);
    let says = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    if !says(&["t", "time", "elapsed", "seconds", "sec", "secs", "ms", "millis", "offset"]) || facts.min < 0.0
    {
        return None;
    }
    if row_number(name, cells, facts, false).is_some() {
        return None;
    }
    let unit =
        if says(&["ms", "millis", "milliseconds"]) { EpochUnit::Milliseconds } else { EpochUnit::Seconds };
    let form = TimeForm::Elapsed { unit };
    let even = order(form, cells) > 0.99 && facts.distinct > 2 && regularity(form, cells) > 0.3;
    even.then(|| make(form, 0.55, format!("its numbers rise evenly: {} since the beginning", unit.word())))
}

/// Year, month, day and hour in columns of their own.
fn calendar_columns(names: &[String], facts: &[Facts]) -> Option<Candidate> {
    let find = |wanted: &[&str], range: std::ops::RangeInclusive<f64>| {
        names.iter().zip(facts).position(|(name, facts)| {
            wanted.contains(&name.to_lowercase().as_str())
                && facts.integral()
                && range.contains(&facts.min)
                && range.contains(&facts.max)
        })
    };
    let year = find(&["year", "yr"], 1_600.0..=2_200.0)?;
    let month = find(&["month", "mon", "mo"], 1.0..=12.0);
    let day = month.and_then(|_| find(&["day", "dom", "mday"], 1.0..=31.0));
    let hour = day.and_then(|_| find(&["hour", "hr"], 0.0..=23.0));
    let axis = TimeAxis::Calendar { year, month, day, hour };
    let confidence = if month.is_some() { 0.85 } else { 0.7 };
    Some(Candidate {
        axis,
        score: 2.5,
        confidence,
        reason: "year, month and so on have columns of their own".to_owned(),
    })
}

/// Adds the time of day from another column to a column of dates.
fn with_clock(found: Candidate, names: &[String], columns: &[Vec<OwnedCell>], facts: &[Facts]) -> Candidate {
    let TimeAxis::Column { column: date, form } = found.axis else { return found };
    let all_midnight = columns[date].iter().all(|cell| {
        form.read(cell.as_cell()).is_none_or(|moment| moment.micros().rem_euclid(86_400_000_000) == 0)
    });
    if !all_midnight || form == TimeForm::RowNumber {
        return found;
    }
    let is_clock = |column: usize| {
        let values = spread(&columns[column]);
        let read = values.iter().filter(|&&value| clock_of(value).is_some()).count();
        let typed = facts[column].clocks > 0 || facts[column].texts > 0;
        let hour = matches!(names[column].to_lowercase().as_str(), "hour" | "hr" | "hod")
            && facts[column].integral()
            && facts[column].min >= 0.0
            && facts[column].max <= 23.0;
        column != date
            && !values.is_empty()
            && read as f64 >= TIME_SHARE * values.len() as f64
            && (typed || hour)
    };
    match (0..columns.len()).find(|&column| is_clock(column)) {
        Some(clock) => Candidate {
            axis: TimeAxis::DateAndClock { date, form, clock },
            reason: format!("{}; the time of day stands in {:?}", found.reason, names[clock]),
            ..found
        },
        None => found,
    }
}

/// Microseconds since midnight: a time of day, or a whole hour.
pub(crate) fn clock_of(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Clock(micros) => Some(micros),
        Cell::Text(text) if text.contains(':') || text.len() > 2 => text::clock(text),
        other => other.int().filter(|hour| (0..24).contains(hour)).map(|hour| hour * 3_600_000_000),
    }
}

/// The time axis of a table. `usable` are the columns that may tell it.
pub(crate) fn decide(
    names: &[String],
    columns: &[Vec<OwnedCell>],
    facts: &[Facts],
    usable: &[bool],
    day_first: Option<bool>,
) -> Decision<TimeAxis> {
    let among = (0..names.len()).filter(|&column| usable[column]);
    let best = among
        .clone()
        .filter_map(|column| {
            candidate_of(column, &names[column], &columns[column], &facts[column], day_first)
        })
        .chain(calendar_columns(names, facts))
        .max_by(|one, other| one.score.total_cmp(&other.score));
    if let Some(best) = best {
        let best = with_clock(best, names, columns, facts);
        return Decision::new(best.axis, best.confidence, best.reason);
    }
    let counted = among
        .filter_map(|column| {
            Some((column, row_number(&names[column], &columns[column], &facts[column], false)?))
        })
        .max_by(|one, other| one.1.confidence.total_cmp(&other.1.confidence).then(other.0.cmp(&one.0)));
    match counted {
        Some((column, found)) => {
            let axis = TimeAxis::Column { column, form: TimeForm::RowNumber };
            Decision::new(axis, found.confidence, format!("no column holds times; {}", found.reason))
        }
        None => {
            Decision::new(TimeAxis::Position, 0.6, "no column holds times: the order of the rows is the time")
        }
    }
}
