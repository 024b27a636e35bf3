//! The key: which columns tell the series of a table apart.
//!
//! First those that are needed, so that a series has one row at a time ([`unique`] states the rule), then those that
//! make the rows of a series more even, and those whose names say that they name things.

mod chance;
mod names;
mod unique;

use std::collections::{HashMap, HashSet};

use super::facts::{Facts, hash};
use crate::cell::OwnedCell;
use chance::mixed;
use names::{describes_moments, names_things, numbers_things};
use unique::{Candidate, Found};

/// Most different values of a key column: beyond it the column names rows, not series.
const VALUES_MAX: usize = 10_000;

/// Different times at which a value of a key column must come, on average: one that does not come again names rows.
const TIMES_PER_VALUE: f64 = 1.5;

/// Most columns that are tried: each costs a pass over the sample for each column of the key.
const CANDIDATES_MAX: usize = 32;

/// Why a column belongs to the key, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It tells rows of the same time apart: so many rows have a twin without it and with it.
    Needed { without: usize, with: usize },
    /// So do its numbers, which nothing else shows to be codes.
    Code { without: usize, with: usize },
    /// It tells rows of the same time apart by chance only.
    Free,
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
        let mix = |(&entity, cell): (&u64, &OwnedCell)| mixed(entity, hash(cell.as_cell()));
        entities.iter().zip(&self.columns[column]).map(mix).collect()
    }

    /// Rows that share entity and time with a row before them.
    fn duplicates(&self, entities: &[u64]) -> usize {
        let mut seen = HashSet::with_capacity(entities.len());
        let timed = entities.iter().zip(&self.times).filter_map(|(&entity, &time)| Some((entity, time?)));
        timed.filter(|&row| !seen.insert(row)).count()
    }

    fn of_key(&self, key: impl IntoIterator<Item = usize>) -> Vec<u64> {
        key.into_iter().fold(self.base.clone(), |entities, column| self.joined(&entities, column))
    }

    /// Whether the values of a column come again at other times, if there are any.
    fn recurs(&self, column: usize) -> bool {
        let timed =
            || self.times.iter().zip(&self.columns[column]).filter_map(|(time, cell)| Some(((*time)?, cell)));
        let times: HashSet<i64> = timed().map(|(time, _)| time).collect();
        let values: HashSet<u64> = timed().map(|(_, cell)| hash(cell.as_cell())).collect();
        let both: HashSet<(i64, u64)> = timed().map(|(time, cell)| (time, hash(cell.as_cell()))).collect();
        times.len() < 2 || both.len() as f64 >= TIMES_PER_VALUE * values.len() as f64
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

/// Columns of texts that repeat and whole numbers whose names say that they name things, then other whole numbers.
fn candidates<'a>(
    names: &'a [String],
    facts: &[Facts],
    usable: &[bool],
    rows: &Rows<'_>,
) -> [Vec<Candidate<'a>>; 2] {
    let mut sure = Vec::new();
    let mut doubtful = Vec::new();
    for column in (0..names.len()).filter(|&column| usable[column]) {
        let facts = &facts[column];
        let few = facts.distinct <= VALUES_MAX && facts.repeats();
        if !few || facts.values() == 0 {
            continue;
        }
        let (name, distinct) = (names[column].as_str(), facts.distinct);
        let candidate = Candidate { column, name, named: names_things(name), distinct };
        if !facts.numeric() && facts.texts > 0 || (facts.integral() && numbers_things(name)) {
            sure.push(candidate);
        } else if facts.integral() && !facts.boolean && distinct > 1 && rows.recurs(column) {
            doubtful.push(candidate);
        }
    }
    for candidates in [&mut sure, &mut doubtful] {
        candidates.sort_by_key(|candidate| (!candidate.named, candidate.distinct, candidate.name));
    }
    sure.truncate(CANDIDATES_MAX);
    [sure, doubtful]
}

/// Places each candidate. Columns that are not named in the answer are no candidates.
pub(crate) fn decide(
    names: &[String],
    facts: &[Facts],
    usable: &[bool],
    rows: &Rows<'_>,
) -> Vec<(usize, Place)> {
    let [sure, doubtful] = candidates(names, facts, usable, rows);
    let lasting: Vec<_> = sure.iter().filter(|candidate| rows.recurs(candidate.column)).cloned().collect();
    let Found { key, codes, free } = unique::search(rows, &lasting, &doubtful);
    let mut entities = rows.of_key(key.iter().copied());
    let with = rows.duplicates(&entities);
    let needed = |&column: &usize| {
        let without = rows.duplicates(&rows.of_key(key.iter().copied().filter(|&other| other != column)));
        let code = codes.contains(&column);
        (column, if code { Place::Code { without, with } } else { Place::Needed { without, with } })
    };
    let mut places: Vec<_> = key.iter().map(needed).collect();
    places.extend(free.iter().map(|&column| (column, Place::Free)));
    for Candidate { column, name, .. } in sure {
        if places.iter().all(|&(placed, _)| placed != column) {
            places.push((column, place_of_rest(name, &facts[column], rows, &mut entities, column)));
        }
    }
    places
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
    distinct(&rows.of_key(columns.iter().copied()))
}
