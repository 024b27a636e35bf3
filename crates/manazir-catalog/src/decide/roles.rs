//! Roles of columns, in words that a user can check.

use manazir_model::SeriesKind;

use super::facts::Facts;
use super::key::{self, Place, Rows};
use super::{adding, kind, time_column, unit};
use crate::cell::OwnedCell;
use crate::overrides::TableRules;
use crate::table::{Column, Decision, Layout, Role, TimeAxis};
use crate::time::Moment;

/// The pooled sample of a table: rows of its first files.
pub(crate) struct Pool {
    pub(crate) names: Vec<String>,
    pub(crate) columns: Vec<Vec<OwnedCell>>,
    /// Index of the file of each row.
    pub(crate) file: Vec<u32>,
    pub(crate) facts: Vec<Facts>,
    /// False where the names of the columns were made up.
    pub(crate) named: bool,
}

/// What the roles come to.
pub(crate) struct Roles {
    pub(crate) columns: Vec<Column>,
    pub(crate) layout: Decision<Layout>,
}

const LABEL_WORDS: [&str; 8] =
    ["label", "labels", "anomaly", "anomalous", "outlier", "changepoint", "anomalies", "outliers"];
const LABEL_NAMES: [&str; 8] =
    ["y", "class", "target", "ground_truth", "gt", "fault", "attack", "normal/attack"];
const SPLIT_VALUES: [&str; 8] = ["train", "test", "val", "valid", "validation", "dev", "training", "testing"];
const IDENTIFIER_WORDS: [&str; 12] =
    ["id", "uuid", "guid", "code", "zip", "zipcode", "postcode", "phone", "port", "pid", "hash", "key"];

/// Rows that a combination of texts must have, on average, to be a series although nothing tells the time;
/// fewer will do if a column counts them.
const ROWS_PER_SERIES: usize = 30;
const COUNTED_ROWS_PER_SERIES: usize = 10;

/// Whole numbers of this size that follow no order were drawn, not measured.
const DRAWN_FROM: f64 = 1e12;

/// Two columns of these names are an edge list.
const EDGE_NAMES: [(&str, &str); 6] =
    [("u", "v"), ("a", "b"), ("from", "to"), ("source", "target"), ("src", "dst"), ("caller", "callee")];

/// Roles that need no look at other columns.
fn alone(name: &str, cells: &[OwnedCell], facts: &Facts) -> Option<Decision<Role>> {
    if facts.values() == 0 {
        return Some(Decision::new(Role::Unusable, 0.6, "nothing but nulls in the sample"));
    }
    if facts.unusable * 2 > facts.values() {
        return Some(Decision::new(Role::Unusable, 0.95, "lists or nested values"));
    }
    let words = unit::words(name);
    let lower = name.to_lowercase();
    let says_label = words.iter().any(|word| LABEL_WORDS.contains(&word.as_str()));
    let two_valued = facts.zero_one || (facts.distinct <= 2 && facts.texts > 0);
    if says_label && two_valued {
        let reason = "its name says label and it holds two values: known anomalies, not a measure";
        return Some(Decision::new(Role::Label, 0.97, reason));
    }
    if LABEL_NAMES.contains(&lower.as_str()) && two_valued {
        let reason = "its name is that of a label and it holds two values: known anomalies, not a measure";
        return Some(Decision::new(Role::Label, 0.75, reason));
    }
    let is_split = |cell: &OwnedCell| match cell {
        OwnedCell::Text(text) => SPLIT_VALUES.contains(&text.to_lowercase().as_str()),
        cell => *cell == OwnedCell::Null,
    };
    if facts.texts > 0 && cells.iter().all(is_split) {
        return Some(Decision::new(
            Role::Split,
            0.95,
            "its values are train and test: which rows may be learnt from",
        ));
    }
    None
}

/// Decides all roles. `base` and `time` come from the decisions before.
pub(crate) fn decide(
    pool: &Pool,
    time: &TimeAxis,
    base: Vec<u64>,
    times: &[Option<Moment>],
    rules: &TableRules,
) -> Roles {
    let width = pool.names.len();
    let mut roles: Vec<Option<Decision<Role>>> = vec![None; width];
    for (role, name) in roles.iter_mut().zip(&pool.names) {
        *role = rules.ignore.contains(name).then(|| Decision::told(Role::Ignored));
    }
    put_time(time, &mut roles);
    for (column, role) in roles.iter_mut().enumerate().filter(|(_, role)| role.is_none()) {
        let name = &pool.names[column];
        *role = rules.role_of(name).or_else(|| alone(name, &pool.columns[column], &pool.facts[column]));
    }
    let rows = Rows {
        columns: &pool.columns,
        base,
        times: times.iter().map(|time| time.map(Moment::micros)).collect(),
    };
    if rules.key.is_none() {
        put_key(pool, &rows, time.is_row_number(), &mut roles);
    }
    put_rest(pool, time, rules, &mut roles);
    let roles: Vec<_> = roles
        .into_iter()
        .map(|role| role.unwrap_or_else(|| Decision::new(Role::Text, 0.5, "nothing fits")))
        .collect();
    let layout = layout(pool, time, &rows, &roles);
    let columns =
        (0..width).map(|column| describe(pool, column, roles[column].clone(), &rows, &roles, rules));
    Roles { columns: columns.collect(), layout }
}

fn put_time(time: &TimeAxis, roles: &mut [Option<Decision<Role>>]) {
    let mut put = |column: usize, role| {
        roles[column] = Some(Decision::new(role, 1.0, "see the table's time"));
    };
    match *time {
        TimeAxis::Column { column, .. } if time.is_row_number() => put(column, Role::RowNumber),
        TimeAxis::Column { column, .. } => put(column, Role::Time),
        TimeAxis::DateAndClock { date, clock, .. } => {
            put(date, Role::Time);
            put(clock, Role::Clock);
        }
        TimeAxis::Calendar { year, month, day, hour } => {
            put(year, Role::Time);
            [month, day, hour].into_iter().flatten().for_each(|column| put(column, Role::Time));
        }
        TimeAxis::Position => {}
    }
}

fn put_key(pool: &Pool, rows: &Rows<'_>, row_numbers: bool, roles: &mut [Option<Decision<Role>>]) {
    // A split may be needed: in some sets the count of rows begins again in the test part.
    let open = |role: &Option<Decision<Role>>| role.as_ref().is_none_or(|role| role.value == Role::Split);
    let usable: Vec<bool> = roles.iter().map(open).collect();
    for (column, place) in key::decide(&pool.names, &pool.facts, &usable, rows) {
        let split = roles[column].is_some();
        let decision = match place {
            Place::Needed { without, with } => {
                let reason = format!("rows of equal time and key: {without} without it, {with} with it");
                Decision::new(Role::Dimension, 0.95, reason)
            }
            Place::Code { without, with } => {
                let reason = format!(
                    "rows of equal time and key: {without} without it, {with} with it, fewer than measured numbers \
                     would leave"
                );
                Decision::new(Role::Dimension, 0.8, reason)
            }
            // The sample saw one part only: whether the count begins again in the other is not known.
            Place::Constant if split && row_numbers => {
                Decision::new(Role::Dimension, 0.6, "the count of rows may begin again in each part")
            }
            _ if split => continue,
            Place::Free => Decision::new(
                Role::Text,
                0.7,
                "it tells rows of equal time apart no better than chance would",
            ),
            Place::Evens => Decision::new(
                Role::Dimension,
                0.8,
                "within each of its values the rows follow each other evenly",
            ),
            Place::Named => Decision::new(Role::Dimension, 0.65, "its name says that it names things"),
            Place::Constant => {
                Decision::new(Role::Attribute, 0.7, "it does not change within a series: a label of it")
            }
            Place::Varies => Decision::new(Role::Text, 0.7, "it changes within a series and is no number"),
        };
        roles[column] = Some(decision);
    }
}

fn put_rest(pool: &Pool, time: &TimeAxis, rules: &TableRules, roles: &mut [Option<Decision<Role>>]) {
    for (column, role) in roles.iter_mut().enumerate().filter(|(_, role)| role.is_none()) {
        let facts = &pool.facts[column];
        let typed_time = facts.typed_times > 0 || facts.clocks > 0;
        let second_time =
            typed_time || time_column::text_form(&pool.columns[column], None).is_some() && !facts.numeric();
        *role = Some(if rules.measures.is_some() {
            Decision::new(Role::Ignored, 1.0, "not among the measures of manazir.toml")
        } else if second_time {
            Decision::new(Role::Text, 0.7, "a second time; the table's time is in another column")
        } else if facts.numeric() {
            number(pool, column, time)
        } else if facts.distinct == facts.values() {
            Decision::new(Role::Identifier, 0.8, "text that is different in every row")
        } else {
            Decision::new(Role::Text, 0.6, format!("text with {} different values", facts.distinct))
        });
    }
}

/// A column of numbers: a measure, unless it counts rows or names them.
fn number(pool: &Pool, column: usize, time: &TimeAxis) -> Decision<Role> {
    let (name, facts) = (&pool.names[column], &pool.facts[column]);
    if let Some(counted) = time_column::row_number(name, &pool.columns[column], facts, !time.is_row_number())
    {
        let beside = if time.is_row_number() { "another column is the time" } else { "not a measure" };
        return Decision::new(Role::RowNumber, counted.confidence, format!("{}: {beside}", counted.reason));
    }
    let last = unit::words(name).pop().unwrap_or_default();
    if facts.integral() && IDENTIFIER_WORDS.contains(&last.as_str()) {
        return Decision::new(
            Role::Identifier,
            0.85,
            format!("whole numbers, and the name ends in {last:?}"),
        );
    }
    let scattered = facts.distinct * 10 >= facts.values() && facts.rows >= 20;
    if facts.integral() && facts.max.abs() >= DRAWN_FROM && scattered && unit::of_name(name).is_none() {
        let rises =
            pool.columns[column].windows(2).filter(|pair| pair[0].as_cell().int() <= pair[1].as_cell().int());
        if rises.count() * 10 < facts.rows * 9 {
            return Decision::new(
                Role::Identifier,
                0.7,
                "whole numbers too large to be measured, in no order",
            );
        }
    }
    let (confidence, reason) = if facts.distinct <= 1 {
        (0.6, "numbers, constant in the sample".to_owned())
    } else if facts.zero_one {
        (0.55, "only 0 and 1: taken for a state that is worth watching".to_owned())
    } else if facts.integral() && facts.distinct <= 10 && facts.rows >= 100 {
        (0.65, format!("whole numbers of {} values: a code would look the same", facts.distinct))
    } else if facts.texts > 0 {
        (0.8, format!("numbers, but for {} values of {}", facts.texts, facts.values()))
    } else {
        (0.95, "numbers".to_owned())
    };
    let unnamed = if pool.named { 1.0 } else { 0.6 };
    Decision::new(Role::Measure, confidence * unnamed, reason)
}

fn layout(pool: &Pool, time: &TimeAxis, rows: &Rows<'_>, roles: &[Decision<Role>]) -> Decision<Layout> {
    let of = |wanted: Role| roles.iter().filter(move |role| role.value == wanted).count();
    let columns: Vec<usize> =
        (0..roles.len()).filter(|&column| roles[column].value == Role::Dimension).collect();
    let has_time = !time.is_row_number();
    let counted = matches!(time, TimeAxis::Column { .. });
    if of(Role::Measure) == 0 {
        return if has_time {
            Decision::new(Layout::Events, 0.8, "a time, but nothing that is measured")
        } else {
            Decision::new(Layout::Reference, 0.8, "neither a time nor a measure")
        };
    }
    if !has_time && let Some(reason) = reference(pool, rows, roles, &columns, counted) {
        return Decision::new(Layout::Reference, 0.7, reason);
    }
    let measures = of(Role::Measure);
    match (columns.len(), measures) {
        (0, 1) => Decision::new(Layout::Single, 0.9, "one measure and no dimension"),
        (0, _) => Decision::new(Layout::Wide, 0.9, format!("{measures} measures in each row")),
        (dimensions, _) => {
            let series = key::series_of(rows, &columns) * measures;
            let reason = format!("{dimensions} dimensions make about {series} series in the sample");
            Decision::new(Layout::Long, 0.9, reason)
        }
    }
}

/// Why a table without time is no recording, if it is none.
fn reference(
    pool: &Pool,
    rows: &Rows<'_>,
    roles: &[Decision<Role>],
    key: &[usize],
    counted: bool,
) -> Option<String> {
    // The ends of an edge are texts or whole numbers; measurements seldom are only that.
    let end = |wanted: &str| {
        let column = pool.names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        column.is_some_and(|column| {
            pool.facts[column].integral() || (wanted.len() > 1 && !pool.facts[column].numeric())
        })
    };
    if !counted && EDGE_NAMES.iter().any(|(from, to)| end(from) && end(to)) {
        return Some("no time, and two columns that name the ends of an edge".to_owned());
    }
    let names_rows = |&column: &usize| matches!(roles[column].value, Role::Identifier);
    if let Some(column) = (0..roles.len()).find(names_rows) {
        return Some(format!("no time, and {:?} names each row", pool.names[column]));
    }
    let texts: Vec<usize> = (0..roles.len())
        .filter(|&column| match roles[column].value {
            Role::Dimension => true,
            Role::Text | Role::Attribute => pool.facts[column].texts > 0,
            _ => false,
        })
        .collect();
    let named = if counted { key } else { &texts };
    let series = key::series_of(rows, named);
    let least = if counted { COUNTED_ROWS_PER_SERIES } else { ROWS_PER_SERIES };
    let thin = !named.is_empty() && pool.file.len() < least * series;
    thin.then(|| format!("no time, and only {} rows for {series} combinations of its texts", pool.file.len()))
}

fn describe(
    pool: &Pool,
    column: usize,
    role: Decision<Role>,
    rows: &Rows<'_>,
    roles: &[Decision<Role>],
    rules: &TableRules,
) -> Column {
    let name = pool.names[column].clone();
    let measure = role.value == Role::Measure;
    let comma = pool.facts[column].decimal_comma;
    let kind = measure
        .then(|| rules.kind_of(&name).unwrap_or_else(|| sampled_kind(pool, column, comma, rows, roles)));
    let unit = if measure { rules.unit_of(&name).or_else(|| unit::of_name(&name)) } else { None };
    let told = |unit: Option<&str>| rules.adding_of(&name).unwrap_or_else(|| adding::decide(&name, unit));
    let adding = measure.then(|| told(unit.as_ref().map(|unit| unit.value.as_str())));
    Column { name, role, kind, unit, adding, decimal_comma: comma }
}

/// Gauge or counter, from the course of the sampled rows of each series.
fn sampled_kind(
    pool: &Pool,
    column: usize,
    comma: bool,
    rows: &Rows<'_>,
    roles: &[Decision<Role>],
) -> Decision<SeriesKind> {
    use std::collections::HashMap;
    let key: Vec<usize> = (0..roles.len()).filter(|&column| roles[column].value == Role::Dimension).collect();
    let mut last = HashMap::new();
    let mut course = kind::Course::default();
    for (row, cell) in pool.columns[column].iter().enumerate() {
        let Some(value) = cell.as_cell().number(comma).filter(|value| !value.is_nan()) else { continue };
        let entity = key.iter().fold(rows.base[row], |entity, &column| {
            (entity.rotate_left(17) ^ super::facts::hash(pool.columns[column][row].as_cell()))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        if let Some(before) = last.insert(entity, value) {
            course.step(before, value);
        }
    }
    kind::decide(&pool.names[column], &course)
}
