//! Discovery: from files to tables.

use std::cell::Cell as StdCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

use crate::cell::OwnedCell;
use crate::decide::facts::{Facts, hash};
use crate::decide::roles::{self, Pool};
use crate::decide::{grain, time_column};
use crate::error::Result;
use crate::files;
use crate::format::Format;
use crate::limits::Limits;
use crate::open::ByteCount;
use crate::overrides::{Rules, TableRules};
use crate::progress::{Progress, Watch};
use crate::sample::{self, Head};
use crate::table::{Catalog, Column, Decision, Role, Skipped, Spread, Table, TimeAxis};
use crate::time::{Moment, zone_evidence};
use crate::walk::{self, Found};

/// Files of a table whose rows decide about it; of the others only the columns and the span are looked at.
const POOLED_FILES: usize = 8;

/// Rows of a file at least, however many files there are.
const ROWS_MIN: usize = 200;

/// A file with its head.
pub(crate) struct Sampled {
    pub(crate) found: Found,
    pub(crate) head: Head,
}

/// Looks at all files that the sources name and decides what they hold.
pub(crate) fn discover(sources: &[String], limits: &Limits, watch: Watch<'_>) -> Result<Catalog> {
    let found = walk::walk(sources, limits.files_max)?;
    let mut catalog = Catalog::default();
    let mut rules = RulesByFolder::default();
    let groups = sample_all(found, limits, &mut rules, &mut catalog, watch);
    for group in groups.into_values() {
        let table = decide(group, &mut rules)?;
        catalog.tables.push(table);
    }
    unique_names(&mut catalog.tables);
    catalog.tables.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(catalog)
}

/// Samples each file; files with the same columns come together, unless rules of their own tell them apart.
fn sample_all(
    found: Vec<Found>,
    limits: &Limits,
    rules: &mut RulesByFolder,
    catalog: &mut Catalog,
    watch: Watch<'_>,
) -> BTreeMap<Vec<String>, Vec<Sampled>> {
    let mut groups: BTreeMap<Vec<String>, Vec<Sampled>> = BTreeMap::new();
    let share =
        |most: usize, least: usize| (most * POOLED_FILES / found.len().max(1)).clamp(least, most.max(least));
    let sampled = Limits { sample_bytes: share(limits.sample_bytes, 64 << 10), ..limits.clone() };
    let rows_max = share(limits.sample_rows, ROWS_MIN);
    let mut progress = Progress {
        files_total: found.len(),
        bytes_total: found.iter().map(|found| found.bytes).sum(),
        ..Progress::default()
    };
    for found in found {
        let unseen: ByteCount = Rc::new(StdCell::new(0));
        progress.bytes_done += found.bytes;
        progress.files_done += 1;
        match sample::head(&found, rows_max, &sampled, &unseen) {
            Ok(mut head) => {
                progress.rows += head.rows() as u64;
                let mut signature = signature(&found, &head);
                signature.extend(rules.pattern_for(&found));
                let group = groups.entry(signature).or_default();
                if group.len() >= POOLED_FILES {
                    keep_ends(&mut head.columns);
                }
                group.push(Sampled { found, head });
            }
            Err(reason) => catalog.skipped.push(Skipped { name: found.name(), reason }),
        }
        if watch(&progress) == ControlFlow::Break(()) {
            catalog.interrupted = true;
            break;
        }
    }
    merge_json(groups)
}

/// JSON objects leave out what they do not know: files whose members are among those of another file of the
/// same source belong to its table.
fn merge_json(groups: BTreeMap<Vec<String>, Vec<Sampled>>) -> BTreeMap<Vec<String>, Vec<Sampled>> {
    let is_json = |group: &[Sampled]| matches!(group[0].head.format, Format::Ndjson | Format::JsonArray);
    let (json, mut others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, group)| is_json(group));
    let mut widest_first = json;
    widest_first.sort_by_key(|(names, _)| std::cmp::Reverse(names.len()));
    let mut merged: Vec<(Vec<String>, Vec<Sampled>)> = Vec::new();
    for (names, group) in widest_first {
        // The first name is the source; the others have to be most of what the wider table knows.
        let holds = |wide: &[String]| {
            names.len() * 2 > wide.len()
                && wide[0] == names[0]
                && names.iter().all(|name| wide.contains(name))
        };
        match merged.iter_mut().find(|(wide, _)| holds(wide)) {
            Some((_, wide)) => wide.extend(group),
            None => merged.push((names, group)),
        }
    }
    others.extend(merged);
    others.into_iter().collect()
}

/// Files with equal signatures make a table.
fn signature(found: &Found, head: &Head) -> Vec<String> {
    let mut names = head.names.clone();
    if matches!(head.format, Format::Csv { header: false, .. }) {
        // Made-up names say nothing; the file's own name must do.
        names.push(files::without_digits(&found.stem()));
    } else {
        names.sort_unstable();
        // Equal names with times of another kind are another table: one has epochs, the other texts.
        names.extend(head.names.iter().zip(&head.columns).filter_map(|(name, cells)| time_kind(name, cells)));
    }
    names.insert(0, found.root.to_string_lossy().into_owned());
    names
}

/// How the times of a column are written, if its name says that it holds some.
fn time_kind(name: &str, cells: &[OwnedCell]) -> Option<String> {
    if time_column::name_score(name) < 1 {
        return None;
    }
    let facts = Facts::of(cells);
    let kind = match facts.values() {
        0 => return None,
        _ if facts.typed_times > 0 => "typed",
        _ if facts.numeric() => "number",
        _ => "text",
    };
    Some(format!("{name} as {kind}"))
}

/// Keeps the first and the last row: the span of the file is still seen.
fn keep_ends(columns: &mut [Vec<OwnedCell>]) {
    for column in columns {
        if let [first, .., last] = column.as_slice() {
            *column = vec![first.clone(), last.clone()];
        }
    }
}

fn pool(group: &[Sampled]) -> Pool {
    let names = group[0].head.names.clone();
    let mut columns = vec![Vec::new(); names.len()];
    let mut file = Vec::new();
    for (index, sampled) in group.iter().take(POOLED_FILES).enumerate() {
        let position = files::positions(&names, &sampled.head.names);
        for (column, cells) in columns.iter_mut().enumerate() {
            match position[column] {
                Some(at) => cells.extend_from_slice(&sampled.head.columns[at]),
                None => cells.extend(std::iter::repeat_n(OwnedCell::Null, sampled.head.rows())),
            }
        }
        file.extend(std::iter::repeat_n(index as u32, sampled.head.rows()));
    }
    let facts = columns.iter().map(|cells| Facts::of(cells)).collect();
    let named = !matches!(group[0].head.format, Format::Csv { header: false, .. });
    Pool { names, columns, file, facts, named }
}

/// Decides about a table that is no file, so that no `manazir.toml` can stand beside it.
pub(crate) fn decide_without_rules(found: Found, head: Head) -> Result<Table> {
    let name = found.path.to_string_lossy().into_owned();
    let group = vec![Sampled { found, head }];
    let pool = pool(&group);
    decide_by(group, &pool, name, &TableRules::default())
}

fn decide(group: Vec<Sampled>, by_folder: &mut RulesByFolder) -> Result<Table> {
    let pool = pool(&group);
    let name = files::table_name(&group);
    let rules = by_folder.rules_for(&group, &name, &pool.names)?;
    decide_by(group, &pool, name, &rules)
}

fn decide_by(group: Vec<Sampled>, pool: &Pool, name: String, rules: &TableRules) -> Result<Table> {
    let time = decide_time(pool, rules)?;
    let moments = moments(pool, &time.value);
    let spread = files::decide_spread(&group, pool, &time.value);
    let base = if spread.value == Spread::SeriesEach {
        pool.file.iter().map(|&file| u64::from(file) + 1).collect()
    } else {
        vec![0; pool.file.len()]
    };
    let roles = roles::decide(pool, &time.value, base.clone(), &moments, rules);
    let by_series = by_series(pool, &roles.columns, base, &moments);
    let zone = decide_zone(rules, &time.value, &by_series, &moments);
    let grain = match rules.grain_told {
        Some(grain) => Decision::told(Some(grain)),
        None if time.value.is_row_number() => {
            Decision::new(manazir_model::Grain::from_micros(1), 1.0, "one row, counted as a microsecond")
        }
        None => grain::of_distances(
            by_series.iter().flat_map(|times| times.windows(2).map(|pair| pair[1] - pair[0])),
        ),
    };
    let metric_column = files::metric_column(&roles.columns);
    let files = files::describe(group, &spread.value, &roles.columns, metric_column);
    Ok(Table {
        name,
        layout: roles.layout,
        time,
        zone,
        grain,
        spread,
        columns: roles.columns,
        metric_column,
        files,
        sample_rows: pool.file.len() as u64,
    })
}

fn decide_time(pool: &Pool, rules: &TableRules) -> Result<Decision<TimeAxis>> {
    let told = rules.time.as_ref().and_then(|name| pool.names.iter().position(|column| column == name));
    let usable: Vec<bool> = (0..pool.names.len())
        .map(|column| match told {
            Some(told) => column == told,
            None => {
                let name = &pool.names[column];
                rules.role_of(name).is_none() && !rules.ignore.contains(name)
            }
        })
        .collect();
    let found = time_column::decide(&pool.names, &pool.columns, &pool.facts, &usable, rules.day_first);
    match (told, &found.value) {
        (None, _) => Ok(found),
        (Some(told), TimeAxis::Column { column, .. } | TimeAxis::DateAndClock { date: column, .. })
            if told == *column =>
        {
            let reason = format!("written in manazir.toml; {}", found.reason);
            Ok(Decision::new(found.value, 1.0, reason))
        }
        (Some(told), _) => Err(rules.error(format!("column {:?} holds no times", pool.names[told]))),
    }
}

/// The time of each row of the sample.
fn moments(pool: &Pool, time: &TimeAxis) -> Vec<Option<Moment>> {
    let row = |row: usize| PoolRow { pool, row };
    (0..pool.file.len()).map(|at| crate::scan::axis::read(time, &row(at), at as i64)).collect()
}

struct PoolRow<'a> {
    pool: &'a Pool,
    row: usize,
}

impl crate::cell::Row for PoolRow<'_> {
    fn cell(&self, column: usize) -> crate::cell::Cell<'_> {
        self.pool.columns[column][self.row].as_cell()
    }

    fn width(&self) -> usize {
        self.pool.columns.len()
    }
}

/// Times of the sampled rows of each series, in the order of the rows.
fn by_series(pool: &Pool, columns: &[Column], base: Vec<u64>, moments: &[Option<Moment>]) -> Vec<Vec<i64>> {
    let key: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| matches!(column.role.value, Role::Dimension | Role::Attribute))
        .map(|(at, _)| at)
        .collect();
    let mut series: BTreeMap<(u32, u64), Vec<i64>> = BTreeMap::new();
    for (row, entity) in base.into_iter().enumerate() {
        let Some(moment) = moments[row] else { continue };
        let entity = key.iter().fold(entity, |entity, &column| {
            entity.rotate_left(13).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ hash(pool.columns[column][row].as_cell())
        });
        // A file's end is no distance.
        series.entry((pool.file[row], entity)).or_default().push(moment.micros());
    }
    series.into_values().collect()
}

fn decide_zone(
    rules: &TableRules,
    time: &TimeAxis,
    by_series: &[Vec<i64>],
    moments: &[Option<Moment>],
) -> Decision<String> {
    if let Some(zone) = &rules.zone {
        return Decision::told(zone.clone());
    }
    if time.is_row_number() {
        return Decision::new("UTC".to_owned(), 1.0, "row numbers have no zone");
    }
    if moments.iter().flatten().all(|moment| matches!(moment, Moment::Instant(_))) {
        return Decision::new("UTC".to_owned(), 0.95, "the times say which instant they mean");
    }
    let longest = by_series.iter().max_by_key(|times| times.len());
    zone_evidence::guess(longest.map_or(&[], Vec::as_slice))
}

fn unique_names(tables: &mut [Table]) {
    let mut seen = BTreeMap::<String, usize>::new();
    for table in tables {
        let count = seen.entry(table.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            table.name = format!("{}_{count}", table.name);
        }
    }
}

/// The `manazir.toml` of each folder, read once.
#[derive(Default)]
struct RulesByFolder(BTreeMap<std::path::PathBuf, Option<Rules>>);

impl RulesByFolder {
    fn of(&mut self, folder: &Path) -> Result<Option<&Rules>> {
        if !self.0.contains_key(folder) {
            let rules = Rules::of_folder(folder)?;
            self.0.insert(folder.to_owned(), rules);
        }
        Ok(self.0.get(folder).and_then(Option::as_ref))
    }

    /// The pattern that names this very file. A file of rules that cannot be read is the business of
    /// [`Self::rules_for`].
    fn pattern_for(&mut self, found: &Found) -> Option<String> {
        let (stem, name) = (found.stem(), found.name());
        let folders = [found.path.parent().unwrap_or(Path::new("")), found.root.as_path()];
        folders.into_iter().find_map(|folder| {
            let rules = self.of(folder).ok()??;
            rules.pattern_for(&[&stem, &name]).map(str::to_owned)
        })
    }

    /// The rules of the first file's folder, else of the source's folder, that name the table or a file.
    fn rules_for(&mut self, group: &[Sampled], table: &str, columns: &[String]) -> Result<TableRules> {
        for sampled in group {
            let folders =
                [sampled.found.path.parent().unwrap_or(Path::new("")), sampled.found.root.as_path()];
            let (stem, name) = (sampled.found.stem(), sampled.found.name());
            for folder in folders {
                let Some(rules) = self.of(folder)? else { continue };
                let Some(found) = rules.for_table(&[table, &stem, &name]) else { continue };
                let misspelt = found.columns().find(|name| !columns.iter().any(|column| column == name));
                return match misspelt {
                    Some(column) => Err(rules.unknown_column(column, table)),
                    None => Ok(found.clone()),
                };
            }
        }
        Ok(TableRules::default())
    }
}
