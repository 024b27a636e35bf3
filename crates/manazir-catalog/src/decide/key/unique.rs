//! The columns that tell the rows of a time apart together.
//!
//! # The rule
//!
//! A key is right if no two rows of the sample share key and time. Which columns are needed for that cannot be seen
//! from each of them alone: of the 4,000 combinations of 5 countries, 4 apps and 200 shops the country tells five rows
//! of a time apart and leaves 3,995 duplicates, and so it is with every column but the last. So columns of texts, and
//! those of whole numbers whose names say that they name things, are added until they leave no duplicates or none of
//! them helps; then those are taken out again that the others can do without, the least likely first.
//!
//! - If many rows are alike all the same, other whole numbers are tried, up to three columns at once. They are believed
//!   if they leave few duplicates, far fewer than chance would ([`Chance`]), and if there are not many more
//!   values than rows of one time: numbers that were measured fail in one of the three.
//! - Texts whose names do not say that they name things are dropped if they tell rows apart no better than chance: they
//!   are free texts. So are those that leave each series one row.
//! - Rows that are equal in every column are one row that came twice; no key can tell them apart.
//! - Where more than half of the duplicates are left, rows are alike that nothing tells apart. The key is then what helps
//!   step by step: each column takes away a twentieth of the duplicates, or half of the pairs of equal rows.
//!   Free texts are kept then as well: among such rows they cannot be told from dimensions, and these must not be lost.

use std::collections::HashMap;

use super::Rows;
use super::chance::{Chance, counts, mixed};
use crate::decide::facts::hash;

/// Least share of the duplicates that a column of the key takes away.
const LEAST_GAIN: f64 = 0.05;

/// Share of the pairs of equal rows that it takes away otherwise, as a column of two even values does.
const LEAST_PAIRS_GAIN: f64 = 0.5;

/// Share of the duplicates that numbers may leave: corrections that came at the same time.
const NUMBERS_LEAVE: f64 = 0.25;

/// Numbers are tried if at least one row in so many is a duplicate without them: corrections are fewer.
const NUMBERS_FROM: usize = 3;

/// Columns of numbers that are tried alone and in pairs, and in threes.
const NUMBERS_MAX: usize = 12;
const NUMBERS_IN_THREES: usize = 8;

/// Values within a key for each row that it has at one time, at most, for numbers to be codes.
const VALUES_PER_ROW: usize = 2;

/// Equal pairs that must be expected before their absence says something of one column, and standard deviations
/// that it takes.
const EXPECTED_MIN: f64 = 25.0;
const EXPECTED_MIN_ALONE: f64 = 4.0;
const BELIEVED_FROM: f64 = 5.0;
const DOUBTED_BELOW: f64 = 3.0;

/// Columns of a key, at most.
const KEY_MAX: usize = 12;

/// Columns that are found to be free texts, at most, before the search is given up.
const DROPPED_MAX: usize = 8;

/// A column that may belong to the key.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) column: usize,
    pub(super) name: &'a str,
    /// Its name says that it names things.
    pub(super) named: bool,
    pub(super) distinct: usize,
}

/// A key and what else the search has found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Columns of the key.
    pub(super) key: Vec<usize>,
    /// Those of them that are numbers which nothing but the rows shows to be codes.
    pub(super) codes: Vec<usize>,
    /// Columns that tell rows apart by chance only.
    pub(super) free: Vec<usize>,
}

/// Searches the key among `sure`, then `doubtful` candidates.
pub(super) fn search(rows: &Rows<'_>, sure: &[Candidate<'_>], doubtful: &[Candidate<'_>]) -> Found {
    let search = Search::new(rows, sure, doubtful);
    let mut free = Vec::new();
    while free.len() <= DROPPED_MAX {
        let open: Vec<usize> = (0..sure.len()).filter(|member| !free.contains(member)).collect();
        let mut set = search.forward(&open, |[before, after], _| after < before);
        let left = search.duplicates(&search.joined(&set));
        if left * NUMBERS_FROM >= search.different.max(1) {
            set.extend(search.codes(&set, left));
        }
        search.prune(&mut set);
        if let Some(member) = search.worst(&set) {
            free.push(member);
            continue;
        }
        let left = search.duplicates(&search.joined(&set));
        if left * 2 <= search.duplicates(&search.base) {
            return search.found(&set, &free);
        }
        break;
    }
    let open: Vec<usize> = (0..sure.len()).collect();
    search.found(&search.forward(&open, helps), &[])
}

/// Whether a column helps that takes duplicates, and pairs of equal rows, from one number to another.
fn helps(duplicates: [usize; 2], pairs: [f64; 2]) -> bool {
    let least = (LEAST_GAIN * duplicates[0] as f64).max(1.0);
    duplicates[0].saturating_sub(duplicates[1]) as f64 >= least || pairs[1] <= LEAST_PAIRS_GAIN * pairs[0]
}

/// Rows with a time, and the hashes of the candidates' values in them.
struct Search<'a> {
    base: Vec<u64>,
    times: Vec<u64>,
    /// Rows that are not equal to another in every column.
    different: usize,
    /// The sure ones, then the doubtful.
    all: Vec<&'a Candidate<'a>>,
    sure: usize,
    values: Vec<Vec<u64>>,
}

impl<'a> Search<'a> {
    fn new(rows: &Rows<'_>, sure: &'a [Candidate<'a>], doubtful: &'a [Candidate<'a>]) -> Self {
        let whole = |row: usize| {
            // Without a column of times the times are positions, and no row comes twice.
            let time = rows.times[row].unwrap_or_default().cast_unsigned();
            let cells = rows.columns.iter().map(|cells| hash(cells[row].as_cell()));
            cells.fold(mixed(rows.base[row], time), mixed)
        };
        let kept: Vec<usize> = (0..rows.base.len()).filter(|&row| rows.times[row].is_some()).collect();
        let all: Vec<_> = sure.iter().chain(doubtful).collect();
        let values = |candidate: &&Candidate<'_>| -> Vec<u64> {
            let cells = &rows.columns[candidate.column];
            kept.iter().map(|&row| hash(cells[row].as_cell())).collect()
        };
        Self {
            base: kept.iter().map(|&row| rows.base[row]).collect(),
            times: kept.iter().filter_map(|&row| rows.times[row]).map(i64::cast_unsigned).collect(),
            different: distinct(kept.iter().map(|&row| whole(row)).collect()),
            values: all.iter().map(values).collect(),
            sure: sure.len(),
            all,
        }
    }

    fn with(&self, entities: &[u64], member: usize) -> Vec<u64> {
        entities.iter().zip(&self.values[member]).map(|(&entity, &value)| mixed(entity, value)).collect()
    }

    fn joined(&self, set: &[usize]) -> Vec<u64> {
        set.iter().fold(self.base.clone(), |entities, &member| self.with(&entities, member))
    }

    /// One number for entity and time of each row.
    fn groups(&self, entities: &[u64]) -> Vec<u64> {
        entities.iter().zip(&self.times).map(|(&entity, &time)| mixed(entity, time)).collect()
    }

    fn duplicates(&self, entities: &[u64]) -> usize {
        self.different.saturating_sub(distinct(self.groups(entities)))
    }

    /// Adds, one by one, the member that leaves the fewest duplicates, as long as one helps.
    fn forward(&self, open: &[usize], helps: impl Fn([usize; 2], [f64; 2]) -> bool) -> Vec<usize> {
        let (mut set, mut entities) = (Vec::new(), self.base.clone());
        let mut before = self.duplicates(&entities);
        while before > 0 && set.len() < KEY_MAX {
            let rank = |&member: &usize| {
                let candidate = self.all[member];
                let after = self.duplicates(&self.with(&entities, member));
                (after, !candidate.named, candidate.name, member)
            };
            let rest = open.iter().filter(|member| !set.contains(*member));
            let Some((after, .., member)) = rest.map(rank).min() else { break };
            let joined = self.with(&entities, member);
            let pairs = [&entities, &joined].map(|entities| pairs(self.groups(entities)));
            if !helps([before, after], pairs) {
                break;
            }
            entities = joined;
            set.push(member);
            before = after;
        }
        set
    }

    fn found(&self, set: &[usize], free: &[usize]) -> Found {
        let columns = |members: &[usize]| members.iter().map(|&member| self.all[member].column).collect();
        let codes: Vec<usize> = set.iter().copied().filter(|&member| member >= self.sure).collect();
        Found { key: columns(set), codes: columns(&codes), free: columns(free) }
    }

    /// Takes out what is not needed: unnamed before named, numbers before texts, many values before few.
    fn prune(&self, set: &mut Vec<usize>) {
        let mut least_likely_first = set.clone();
        least_likely_first.sort_by_key(|&member| {
            let candidate = self.all[member];
            let text = member < self.sure;
            (candidate.named, text, std::cmp::Reverse(candidate.distinct), candidate.name)
        });
        for member in least_likely_first {
            let rest = without(set, member);
            let (with, lacking) = (self.joined(set), self.joined(&rest));
            let (after, before) = (self.duplicates(&with), self.duplicates(&lacking));
            let rows = self.different;
            let needed = before.saturating_sub(after) as f64 >= (LEAST_GAIN * before as f64).max(1.0);
            // With it each series has one row; without it they are series, but for a few rows.
            let shatters = rows < 2 * distinct(with) && rows >= 2 * distinct(lacking) && before * 2 < rows;
            if !needed || shatters {
                *set = rest;
            }
        }
    }

    /// The unnamed member that tells rows apart least of all, if it does so by chance only.
    fn worst(&self, set: &[usize]) -> Option<usize> {
        let unnamed = set.iter().copied().filter(|&member| member < self.sure && !self.all[member].named);
        let judged = unnamed.map(|member| {
            let groups = self.groups(&self.joined(&without(set, member)));
            (Chance::of(&groups, &self.values[member]), member)
        });
        let doubted = judged
            .filter(|(chance, _)| chance.expected >= EXPECTED_MIN && chance.fewer_by() < DOUBTED_BELOW)
            .min_by(|(one, a), (other, b)| {
                let by_name = || self.all[*a].name.cmp(self.all[*b].name);
                one.fewer_by().total_cmp(&other.fewer_by()).then_with(by_name)
            });
        doubted.map(|(_, member)| member)
    }

    /// The smallest set of numbers that tells the rows apart which `set` leaves alike; none if there is none.
    fn codes(&self, set: &[usize], left: usize) -> Vec<usize> {
        let entities = self.joined(set);
        let groups = self.groups(&entities);
        let crowd = crowd(&entities, &groups);
        let numbers = self.evenest();
        for size in 1..=3 {
            let tried =
                if size < 3 { &numbers[..] } else { &numbers[..numbers.len().min(NUMBERS_IN_THREES)] };
            let passing = subsets(tried, size).into_iter().filter_map(|members| {
                let with =
                    members.iter().fold(entities.clone(), |entities, &member| self.with(&entities, member));
                let few = self.duplicates(&with) as f64 <= NUMBERS_LEAVE * left as f64;
                let series = distinct(with);
                if !few || series > VALUES_PER_ROW * crowd {
                    return None;
                }
                let values =
                    members.iter().fold(vec![0; groups.len()], |values, &member| self.with(&values, member));
                let chance = Chance::of(&groups, &values);
                let alone = size == 1 && chance.none_equal() && chance.expected >= EXPECTED_MIN_ALONE;
                let mut names: Vec<&str> = members.iter().map(|&member| self.all[member].name).collect();
                names.sort_unstable();
                (alone || chance.fewer_by() >= BELIEVED_FROM).then_some((series, names, members))
            });
            if let Some((.., members)) = passing.min() {
                return members;
            }
        }
        Vec::new()
    }

    /// The doubtful members whose values come most nearly equally often: things are written down each time,
    /// while measured numbers gather around what is usual.
    fn evenest(&self) -> Vec<usize> {
        let mut members: Vec<(f64, &str, usize)> = (self.sure..self.all.len())
            .map(|member| {
                let squares: f64 = counts(self.values[member].clone()).map(|count| count * count).sum();
                let unevenness = squares * self.all[member].distinct as f64;
                (unevenness, self.all[member].name, member)
            })
            .collect();
        members.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)));
        members.into_iter().map(|(.., member)| member).take(NUMBERS_MAX).collect()
    }
}

fn pairs(groups: Vec<u64>) -> f64 {
    counts(groups).map(|count| count * (count - 1.0) / 2.0).sum()
}

fn without(set: &[usize], member: usize) -> Vec<usize> {
    set.iter().copied().filter(|&other| other != member).collect()
}

fn distinct(mut values: Vec<u64>) -> usize {
    values.sort_unstable();
    values.dedup();
    values.len()
}

/// Over all entities, the most rows that each has at one time.
fn crowd(entities: &[u64], groups: &[u64]) -> usize {
    let mut rows_of = HashMap::<u64, usize>::new();
    let mut most = HashMap::<u64, usize>::new();
    for (&entity, &group) in entities.iter().zip(groups) {
        let rows = rows_of.entry(group).or_default();
        *rows += 1;
        let most = most.entry(entity).or_default();
        *most = (*most).max(*rows);
    }
    most.into_values().sum()
}

/// All sets of `size` members, each in the order of `members`.
fn subsets(members: &[usize], size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let begin = |first: usize| {
        let rest = subsets(&members[first + 1..], size - 1);
        rest.into_iter().map(move |rest| [&[members[first]], &rest[..]].concat())
    };
    (0..members.len()).flat_map(begin).collect()
}
