//! How the files of a table belong together, and what their names and folders say.

use std::collections::{BTreeMap, BTreeSet};

use crate::cell::OwnedCell;
use crate::decide::roles::Pool;
use crate::discover::Sampled;
use crate::scan::axis;
use crate::table::{Column, Decision, Role, Spread, Table, TableFile, TimeAxis};
use crate::walk::Found;

/// Names of measures that say nothing about what is measured.
const GENERIC: [&str; 14] = [
    "value",
    "values",
    "val",
    "v",
    "y",
    "metric_value",
    "measurement",
    "reading",
    "x",
    "data",
    "close",
    "amount",
    "column_1",
    "column_2",
];

/// Names of dimensions whose values name metrics.
const METRIC_NAMES: [&str; 14] = [
    "metric",
    "metric_name",
    "name",
    "measure",
    "measurement",
    "variable",
    "indicator",
    "kpi",
    "series",
    "series_id",
    "channel",
    "signal",
    "__name__",
    "parameter",
];

/// Where each column of the table stands in a file.
pub(crate) fn positions(table: &[String], file: &[String]) -> Vec<Option<usize>> {
    let at: BTreeMap<&String, usize> = file.iter().enumerate().map(|(at, name)| (name, at)).collect();
    table.iter().map(|name| at.get(name).copied()).collect()
}

/// `part-00017` → `part-`: names that differ in numbers only are numbered parts.
pub(crate) fn without_digits(name: &str) -> String {
    name.chars().filter(|character| !character.is_ascii_digit()).collect()
}

/// The folder below the root, with `/`, without `key=value` parts.
fn folder(found: &Found) -> String {
    let name = found.name();
    let Some((folder, _)) = name.rsplit_once('/') else { return String::new() };
    folder.split('/').filter(|part| !part.contains('=')).collect::<Vec<_>>().join("/")
}

/// `country=BR` folders, as Spark and Hive write them.
fn partitions(found: &Found) -> Vec<(String, String)> {
    let name = found.name();
    let pairs = name.split('/').rev().skip(1).filter_map(|part| part.split_once('='));
    let labels = pairs.filter(|(key, value)| !key.is_empty() && !value.is_empty());
    labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The name of the one file, or of the innermost folder that holds all.
pub(crate) fn table_name(group: &[Sampled]) -> String {
    if let [only] = group {
        return only.found.stem();
    }
    let headless = matches!(group[0].head.format, crate::format::Format::Csv { header: false, .. });
    let mut common = group[0].found.path.parent().unwrap_or(&group[0].found.root).to_owned();
    while !group.iter().all(|sampled| sampled.found.path.starts_with(&common)) {
        if !common.pop() {
            break;
        }
    }
    let last =
        common.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    match last {
        Some(name) if !headless => name,
        _ => group[0].found.stem(),
    }
}

/// First and last time of the head of a file.
fn span(sampled: &Sampled, pool: &Pool, time: &TimeAxis) -> Option<(i64, i64)> {
    let at = positions(&pool.names, &sampled.head.names);
    let times = (0..sampled.head.rows()).filter_map(|row| {
        let cells: Vec<OwnedCell> = at
            .iter()
            .map(|&at| at.map_or(OwnedCell::Null, |at| sampled.head.columns[at][row].clone()))
            .collect();
        Some(axis::read(time, &cells, row as i64)?.micros())
    });
    times.fold(None, |span, at| match span {
        None => Some((at, at)),
        Some((first, last)) => Some((at.min(first), at.max(last))),
    })
}

/// One table in several files, or series of its own in each?
pub(crate) fn decide_spread(group: &[Sampled], pool: &Pool, time: &TimeAxis) -> Decision<Spread> {
    if group.len() == 1 {
        return Decision::new(Spread::Parts, 1.0, "one file");
    }
    let stems: BTreeSet<String> = group.iter().map(|sampled| sampled.found.stem()).collect();
    let shapes: BTreeSet<String> = stems.iter().map(|stem| without_digits(stem)).collect();
    let numbered = shapes.len() == 1;
    let part =
        |stem: &String| stem.starts_with("part-") || stem.starts_with("part_") || stem.starts_with("chunk");
    if stems.iter().all(part) {
        return Decision::new(Spread::Parts, 0.95, "the files are named as numbered parts");
    }
    if group.iter().all(|sampled| !partitions(&sampled.found).is_empty()) && stems.len() == 1 {
        return Decision::new(Spread::Parts, 0.9, "the folders are named key=value, as parts of a table are");
    }
    if time.is_row_number() {
        return Decision::new(Spread::SeriesEach, 0.8, "each file counts its rows from the beginning");
    }
    let mut spans: Vec<_> = group.iter().filter_map(|sampled| span(sampled, pool, time)).collect();
    spans.sort_unstable();
    let overlaps = spans.windows(2).filter(|pair| pair[1].0 <= pair[0].1).count();
    let pairs = spans.len().saturating_sub(1).max(1);
    if overlaps * 10 > pairs {
        let reason = format!("{overlaps} of {pairs} neighbouring files cover the same time");
        return Decision::new(Spread::SeriesEach, 0.9, reason);
    }
    if numbered {
        return Decision::new(
            Spread::Parts,
            0.85,
            "the files follow each other in time and their names differ in numbers only",
        );
    }
    Decision::new(Spread::SeriesEach, 0.6, "the files have names of their own")
}

/// The dimension whose values name the metric, where the one measure has no telling name.
pub(crate) fn metric_column(columns: &[Column]) -> Option<usize> {
    let mut measures = columns.iter().filter(|column| column.role.value == Role::Measure);
    let (Some(only), None) = (measures.next(), measures.next()) else { return None };
    if !generic(&only.name) {
        return None;
    }
    let names_metrics = |column: &Column| {
        matches!(column.role.value, Role::Dimension | Role::Attribute)
            && METRIC_NAMES.contains(&column.name.to_lowercase().as_str())
    };
    METRIC_NAMES.iter().find_map(|name| {
        columns.iter().position(|column| names_metrics(column) && column.name.to_lowercase() == *name)
    })
}

fn generic(name: &str) -> bool {
    GENERIC.contains(&name.to_lowercase().as_str())
}

impl Table {
    /// The table's name, where it has to name the metric because its one measure does not.
    pub(crate) fn generic_name(&self) -> Option<String> {
        let mut measures = self.with_role(Role::Measure);
        let (Some(only), None) = (measures.next(), measures.next()) else { return None };
        generic(&self.columns[only].name).then(|| self.name.clone())
    }
}

/// Names, labels and metrics of the files.
pub(crate) fn describe(
    group: Vec<Sampled>,
    spread: &Spread,
    columns: &[Column],
    metric_column: Option<usize>,
) -> Vec<TableFile> {
    let mut measures = columns.iter().filter(|column| column.role.value == Role::Measure);
    let generic_measure = match (measures.next(), measures.next()) {
        (Some(only), None) => generic(&only.name) && metric_column.is_none(),
        _ => false,
    };
    let each = *spread == Spread::SeriesEach;
    let stems: BTreeSet<String> = group.iter().map(|sampled| sampled.found.stem()).collect();
    let folders: BTreeSet<String> = group.iter().map(|sampled| folder(&sampled.found)).collect();
    let single = group.len() == 1;
    let described = group.into_iter().map(|Sampled { found, head }| {
        let mut labels = partitions(&found);
        let stem = found.stem();
        if each && folders.len() > 1 {
            labels.push(("folder".to_owned(), folder(&found)));
        }
        if each && !generic_measure && stems.len() > 1 {
            labels.push(("file".to_owned(), stem.clone()));
        }
        TableFile {
            name: found.name(),
            bytes: found.bytes,
            format: head.format,
            compression: head.compression,
            columns: head.names,
            labels,
            metric: (generic_measure && (each || single)).then_some(stem),
            path: found.path,
        }
    });
    described.collect()
}
