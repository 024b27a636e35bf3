//! From the rows of a table to series.

use std::collections::HashMap;
use std::path::Path;

use manazir_model::Timestamp;

use crate::table::{Column, Table};
use crate::{Error, Result};

/// Columns that are not values.
const ROLES: [&str; 6] = ["label", "split", "timestamp", "t", "series", "channel"];

/// One series of a set: its train rows, if it has any, and then its scored rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The set it belongs to.
    pub set: String,
    /// From its column `series` or `channel`, else the file's name; both where several files use one name.
    pub name: String,
    /// Channel after channel, each of shape `(n_samples,)`; NaN where a cell is empty.
    pub channels: Vec<Vec<f64>>,
    /// Shape `(n_samples,)`; false for train rows, which carry no labels.
    pub labels: Vec<bool>,
    /// How many rows at the start may be learnt from and are not scored.
    pub n_train: usize,
    /// Event times, shape `(n_samples,)`, if the table has a column `timestamp`.
    pub timestamps: Option<Vec<Timestamp>>,
    /// The column `t`, else the row's number in the series; shape `(n_samples,)`.
    pub t: Vec<i64>,
    /// Buffer of VUS-PR that the set fixes.
    pub vus_buffer: Option<usize>,
}

impl Series {
    /// Labels of the rows that are scored, shape `(n_samples − n_train,)`.
    pub fn scored_labels(&self) -> &[bool] {
        &self.labels[self.n_train..]
    }

    /// How many rows are scored.
    pub fn n_scored(&self) -> usize {
        self.labels.len() - self.n_train
    }
}

/// All series of a table, in order of first appearance.
pub(super) fn read_series(path: &Path, table: &Table) -> Result<Vec<Series>> {
    let labels = read_labels(path, table)?;
    let train: Vec<bool> = match table.column("split") {
        Some(split) => (0..table.n_rows).map(|row| split.text(row) == "train").collect(),
        None => vec![false; table.n_rows],
    };
    let instants =
        table.column("timestamp").map(|column| read_instants(path, table.n_rows, column)).transpose()?;
    let steps = table.column("t").map(|column| read_steps(path, column)).transpose()?;
    let values: Vec<Vec<f64>> = table
        .columns
        .iter()
        .filter(|(name, _)| !ROLES.contains(&name.as_str()))
        .filter_map(|(_, column)| column.numbers())
        .collect();
    if values.is_empty() {
        return Err(Error::layout(path, "no column of numbers beside `label`"));
    }
    let order = |row: &usize| {
        let at = instants.as_ref().map(|instants| instants[*row].micros());
        (!train[*row], at.or_else(|| steps.as_ref().map(|steps| steps[*row])))
    };
    let mut series = Vec::new();
    for (name, mut rows) in rows_by_series(path, table) {
        rows.sort_by_key(order);
        series.push(Series {
            set: String::new(),
            name,
            channels: values.iter().map(|cells| rows.iter().map(|&row| cells[row]).collect()).collect(),
            labels: rows.iter().map(|&row| labels[row] && !train[row]).collect(),
            n_train: rows.iter().filter(|&&row| train[row]).count(),
            timestamps: instants.as_ref().map(|instants| rows.iter().map(|&row| instants[row]).collect()),
            t: match &steps {
                Some(steps) => rows.iter().map(|&row| steps[row]).collect(),
                None => (0..rows.len() as i64).collect(),
            },
            vus_buffer: None,
        });
    }
    Ok(series)
}

/// Rows of each series, in the table's order.
fn rows_by_series(path: &Path, table: &Table) -> Vec<(String, Vec<usize>)> {
    let Some(column) = table.column("series").or_else(|| table.column("channel")) else {
        return vec![(Table::stem(path), (0..table.n_rows).collect())];
    };
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();
    for row in 0..table.n_rows {
        let key = column.text(row);
        let position = *positions.entry(key).or_insert_with_key(|key| {
            groups.push((key.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[position].1.push(row);
    }
    groups
}

fn read_labels(path: &Path, table: &Table) -> Result<Vec<bool>> {
    let column = table.column("label").ok_or_else(|| Error::layout(path, "no column `label`"))?;
    let label = |row: usize| match column.text(row).to_ascii_lowercase().as_str() {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        other => Err(Error::layout(path, format!("row {}: label {other:?} is neither 0 nor 1", row + 1))),
    };
    (0..table.n_rows).map(label).collect()
}

fn read_instants(path: &Path, n_rows: usize, column: &Column) -> Result<Vec<Timestamp>> {
    let instant = |row| {
        let text = || format!("row {}: timestamp {:?} is no time", row + 1, column.text(row));
        column.instant(row).ok_or_else(|| Error::layout(path, text()))
    };
    (0..n_rows).map(instant).collect()
}

fn read_steps(path: &Path, column: &Column) -> Result<Vec<i64>> {
    let broken = |row: usize| Error::layout(path, format!("row {}: t is no whole number", row + 1));
    match column {
        Column::Whole(cells) => {
            cells.iter().enumerate().map(|(row, cell)| cell.ok_or_else(|| broken(row))).collect()
        }
        Column::Instant(cells) => cells
            .iter()
            .enumerate()
            .map(|(row, cell)| cell.map(Timestamp::micros).ok_or_else(|| broken(row)))
            .collect(),
        Column::Real(cells) => {
            let whole = |cell: f64| (cell.fract() == 0.0 && cell.abs() < 9e15).then_some(cell as i64);
            cells.iter().enumerate().map(|(row, &cell)| whole(cell).ok_or_else(|| broken(row))).collect()
        }
        Column::Text(_) => Err(broken(0)),
    }
}
