//! The key: which columns tell the series of a table apart.

use std::collections::{HashMap, HashSet};

use super::facts::{Facts, hash};
use super::unit::words;
use crate::cell::OwnedCell;

/// Words in the names of columns that say who or what was measured.
const ENTITY_WORDS: [&str; 50] = [
    "host",
    "hostname",
    "node",
    "instance",
    "device",
    "sensor",
    "service",
    "region",
    "country",
    "app",
    "name",
    "metric",
    "channel",
    "series",
    "pod",
    "machine",
    "server",
    "station",
    "city",
    "cluster",
    "store",
    "sku",
    "product",
    "user",
    "group",
    "tag",
    "entity",
    "item",
    "location",
    "site",
    "customer",
    "account",
    "category",
    "symbol",
    "ticker",
    "container",
    "namespace",
    "job",
    "method",
    "endpoint",
    "path",
    "platform",
    "browser",
    "vm",
    "zone",
    "department",
    "kpi",
    "variable",
    "line",
    "unit",
];

/// Words in the names of columns that describe a moment, not a thing.
const MOMENT_WORDS: [&str; 12] = [
    "status",
    "state",
    "message",
    "msg",
    "comment",
    "note",
    "description",
    "reason",
    "event",
    "quality",
    "weather",
    "error",
];

/// Most different values of a key column: beyond it the column names rows, not series.
const VALUES_MAX: usize = 10_000;

/// Most columns that are tried: each costs a pass over the sample for each column of the key.
const CANDIDATES_MAX: usize = 32;

/// Why a column belongs to the key, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It tells rows of the same time apart.
    Needed { before: usize, after: usize },
    /// Within each of its values the rows follow each other more evenly.
    Evens,
    /// Its name says that it names things.
    Named,
    /// It never changes within a series.
    Constant,
    /// It changes within a series.
    Varies,
}

/// Rows of the sample as the key sees them.
pub(crate) struct Rows<'a> {
    /// Cells by column.
    pub(crate) columns: &'a [Vec<OwnedCell>],
    /// What is already known to tell rows apart: the file, where each holds its own series.
    pub(crate) base: Vec<u64>,
    /// Time by row; `None` where it cannot be read.
    pub(crate) times: Vec<Option<i64>>,
}

impl Rows<'_> {
    fn joined(&self, entities: &[u64], column: usize) -> Vec<u64> {
        let mix = |(&entity, cell): (&u64, &OwnedCell)| {
            (entity.rotate_left(17) ^ hash(cell.as_cell())).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        };
        entities.iter().zip(&self.columns[column]).map(mix).collect()
    }

    /// Rows that share entity and time with a row before them.
    fn duplicates(&self, entities: &[u64]) -> usize {
        let mut seen = HashSet::with_capacity(entities.len());
        let timed = entities.iter().zip(&self.times).filter_map(|(&entity, &time)| Some((entity, time?)));
        timed.filter(|&row| !seen.insert(row)).count()
    }

    /// Share of the most frequent distance between rows of one entity.
    fn evenness(&self, entities: &[u64]) -> f64 {
        let mut last = HashMap::new();
        let mut distances = Vec::new();
        for (&entity, &time) in entities.iter().zip(&self.times) {
            let Some(time) = time else { continue };
            if let Some(before) = last.insert(entity, time) {
                distances.push(time - before);
            }
        }
        distances.sort_unstable();
        let most = distances.chunk_by(|one, other| one == other).map(<[i64]>::len).max().unwrap_or(0);
        if distances.is_empty() { 0.0 } else { most as f64 / distances.len() as f64 }
    }

    fn constant_within(&self, entities: &[u64], column: usize) -> bool {
        let mut value_of = HashMap::new();
        entities.iter().zip(&self.columns[column]).all(|(&entity, cell)| {
            let value = hash(cell.as_cell());
            *value_of.entry(entity).or_insert(value) == value
        })
    }
}

fn distinct(values: &[u64]) -> usize {
    values.iter().collect::<HashSet<_>>().len()
}

/// Whether a name says that its column names things.
pub(crate) fn names_things(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str);
    words.iter().any(|word| ENTITY_WORDS.contains(&word.as_str()))
        || matches!(last, Some("id" | "key" | "code"))
}

/// Whether a name says that the numbers of its column name things: only its end counts, because a measure may
/// be called after the thing that it belongs to (`Checkout Service requests`).
fn numbers_things(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    ENTITY_WORDS.contains(&last) || matches!(last, "id" | "key" | "code")
}

fn describes_moments(name: &str) -> bool {
    words(name).iter().any(|word| MOMENT_WORDS.contains(&word.as_str()))
}

/// Columns of texts that repeat, then whole numbers whose names say that they name things, then whole
/// numbers of few values.
fn candidates(names: &[String], facts: &[Facts], usable: &[bool]) -> [Vec<usize>; 2] {
    let mut sure = Vec::new();
    let mut doubtful = Vec::new();
    for column in (0..names.len()).filter(|&column| usable[column]) {
        let facts = &facts[column];
        let few = facts.distinct <= VALUES_MAX && facts.repeats();
        if !few || facts.values() == 0 {
            continue;
        }
        if !facts.numeric() && facts.texts > 0 || (facts.integral() && numbers_things(&names[column])) {
            sure.push(column);
        } else if facts.integral() && facts.distinct <= 50 && !facts.boolean {
            doubtful.push(column);
        }
    }
    for candidates in [&mut sure, &mut doubtful] {
        candidates.sort_by_key(|&column| (!names_things(&names[column]), facts[column].distinct, column));
        candidates.truncate(CANDIDATES_MAX);
    }
    [sure, doubtful]
}

/// Places each candidate. Columns that are not named in the answer are no candidates.
pub(crate) fn decide(
    names: &[String],
    facts: &[Facts],
    usable: &[bool],
    rows: &Rows<'_>,
) -> Vec<(usize, Place)> {
    let [mut sure, doubtful] = candidates(names, facts, usable);
    let mut entities = rows.base.clone();
    let mut places = Vec::new();
    add_needed(names, rows, &mut sure, &mut entities, &mut places, 0.05);
    if rows.duplicates(&entities) > 0 {
        // Numbers of few values are only believed if they explain all of the equal times.
        let mut doubtful = doubtful;
        let (mut trial, mut found) = (entities.clone(), places.clone());
        add_needed(names, rows, &mut doubtful, &mut trial, &mut found, 0.5);
        if rows.duplicates(&trial) == 0 && found.len() <= places.len() + 2 {
            (entities, places) = (trial, found);
        }
    }
    for column in sure {
        let place = place_of_rest(&names[column], &facts[column], rows, &mut entities, column);
        places.push((column, place));
    }
    places
}

/// Adds, one by one, the column that leaves the fewest rows of equal time, as long as one helps.
fn add_needed(
    names: &[String],
    rows: &Rows<'_>,
    candidates: &mut Vec<usize>,
    entities: &mut Vec<u64>,
    places: &mut Vec<(usize, Place)>,
    least_gain: f64,
) {
    let mut before = rows.duplicates(entities);
    while before > 0 {
        let rank = |&column: &usize| {
            let after = rows.duplicates(&rows.joined(entities, column));
            (after, !names_things(&names[column]), column)
        };
        let Some((after, _, column)) = candidates.iter().map(rank).min() else { return };
        if ((before - after) as f64) < (least_gain * before as f64).max(1.0) {
            return;
        }
        *entities = rows.joined(entities, column);
        candidates.retain(|&other| other != column);
        places.push((column, Place::Needed { before, after }));
        before = after;
    }
}

fn place_of_rest(
    name: &str,
    facts: &Facts,
    rows: &Rows<'_>,
    entities: &mut Vec<u64>,
    column: usize,
) -> Place {
    if rows.constant_within(entities, column) {
        return if describes_moments(name) { Place::Varies } else { Place::Constant };
    }
    let joined = rows.joined(entities, column);
    let enough_rows = facts.values() >= 3 * distinct(&joined);
    if !enough_rows {
        return Place::Varies;
    }
    let gain = rows.evenness(&joined) - rows.evenness(entities);
    let place = if gain >= 0.2 && rows.evenness(&joined) >= 0.5 {
        Place::Evens
    } else if names_things(name) && !describes_moments(name) {
        Place::Named
    } else {
        return Place::Varies;
    };
    *entities = joined;
    place
}

/// Different series that the key makes of the sample, for tables without time.
pub(crate) fn series_of(rows: &Rows<'_>, columns: &[usize]) -> usize {
    let mut entities = rows.base.clone();
    for &column in columns {
        entities = rows.joined(&entities, column);
    }
    distinct(&entities)
}
