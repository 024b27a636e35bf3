//! Folders of cubes whose root causes are known, and how often an engine names them.
//!
//! Each sub-folder of a folder is a set, or the folder itself is one. A set is a file `labels.json` and a table for
//! each of its cases:
//!
//! | | |
//! |---|---|
//! | `labels.json` | a list of `{"case": NAME, "root_cause": "a=a1&b=b2;c=c3"}`; further keys are left alone |
//! | `NAME.parquet`, `NAME.csv`, `NAME.csv.gz` | columns `real` and `predict`; any other column is a dimension |
//!
//! An element is right if it is a root cause exactly: not its parent, not its child. Right and wrong ones of all
//! cases of a set are counted together, as Squeeze (ISSRE 2019) and RiskLoc (2022) do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use manazir_rca::contributors::{self, Cube, Dimension, Measure, Rows};
use serde::{Deserialize, Serialize};

use crate::accuracy::quantile;
use crate::recording::read_json;
use crate::table::{Column, Table, entries};
use crate::{Error, Result};

/// An element by its values, `a=a1`, whatever their order.
pub type Element = BTreeSet<String>;

/// All sets of a folder.
#[derive(Clone, Debug)]
pub struct Cubes {
    /// Sorted by name.
    pub sets: Vec<Set>,
}

/// One set.
#[derive(Clone, Debug)]
pub struct Set {
    /// The folder's name, which is only a name.
    pub name: String,
    /// In the order of `labels.json`.
    pub cases: Vec<Case>,
}

/// One cube. Its rows are read when they are needed: a set of them is large.
#[derive(Clone, Debug)]
pub struct Case {
    /// As in `labels.json`.
    pub name: String,
    /// What is to be found.
    pub root_causes: BTreeSet<Element>,
    path: PathBuf,
}

/// The rows of a cube, in columns of shape `(n_rows,)`.
#[derive(Clone, Debug, PartialEq)]
pub struct CubeRows {
    /// Name, values, and a place among the values for each row.
    pub dimensions: Vec<(String, Vec<String>, Vec<u32>)>,
    /// The column `real`.
    pub actual: Vec<f64>,
    /// The column `predict`.
    pub expected: Vec<f64>,
}

/// What an engine said of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Elements, as `a=a1` each of their values.
    pub elements: BTreeSet<Element>,
    /// How long it took, without reading the file.
    pub ms: f64,
}

/// What `score cubes` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// By name.
    pub sets: BTreeMap<String, SetReport>,
    /// Peak memory of the process; the caller fills it.
    pub peak_rss_mib: Option<f64>,
}

/// One set, counted over all of its cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetReport {
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Share of the elements named that are root causes.
    pub precision: f64,
    /// Share of the root causes that were named.
    pub recall: f64,
    /// Root causes that were named.
    pub true_positives: usize,
    /// Elements named that are none.
    pub false_positives: usize,
    /// Root causes that were not named.
    pub false_negatives: usize,
    /// Median.
    pub ms_per_case_p50: Option<f64>,
    /// Cubes.
    pub cases: usize,
}

#[derive(Deserialize)]
struct Label {
    case: String,
    root_cause: String,
}

/// Finds the sets of `dir`, which is a set or a folder of sets, and reads their labels.
pub fn load(dir: &Path) -> Result<Cubes> {
    let mut sets = Vec::new();
    for folder in
        std::iter::once(dir.to_owned()).chain(entries(dir)?.into_iter().filter(|path| path.is_dir()))
    {
        if folder.join("labels.json").is_file() {
            sets.push(read_set(&folder)?);
        }
    }
    if sets.is_empty() {
        return Err(Error::layout(dir, "no labels.json, neither here nor one folder below"));
    }
    Ok(Cubes { sets })
}

fn read_set(folder: &Path) -> Result<Set> {
    let path = folder.join("labels.json");
    let labels: Vec<Label> = read_json(&path)?;
    let tables: HashMap<String, PathBuf> = entries(folder)?
        .into_iter()
        .filter(|path| Table::is_table(path))
        .map(|path| (Table::stem(&path), path))
        .collect();
    let case = |label: Label| {
        let table = tables.get(&label.case).cloned();
        let path =
            table.ok_or_else(|| Error::layout(&path, format!("case {:?} has no table", label.case)))?;
        Ok(Case { root_causes: elements(&label.root_cause), name: label.case, path })
    };
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = full.file_name().unwrap_or(full.as_os_str()).to_string_lossy().into_owned();
    Ok(Set { name, cases: labels.into_iter().map(case).collect::<Result<_>>()? })
}

/// Of `a=a1&b=b2;c=c3`.
fn elements(text: &str) -> BTreeSet<Element> {
    let element = |text: &str| text.split('&').map(|value| value.trim().to_owned()).collect();
    text.split(';').filter(|element| !element.trim().is_empty()).map(element).collect()
}

impl Case {
    /// Its rows.
    pub fn read(&self) -> Result<CubeRows> {
        let table = Table::read(&self.path, usize::MAX)?;
        let numbers = |name: &str| {
            let numbers = table.column(name).and_then(Column::numbers);
            numbers.ok_or_else(|| Error::layout(&self.path, format!("no column of numbers `{name}`")))
        };
        let (actual, expected) = (numbers("real")?, numbers("predict")?);
        let is_dimension = |(name, _): &&(String, Column)| name != "real" && name != "predict";
        let dimension = |(name, column): &(String, Column)| {
            let (values, codes) = encode((0..table.n_rows).map(|row| column.text(row)));
            (name.clone(), values, codes)
        };
        let dimensions = table.columns.iter().filter(is_dimension).map(dimension).collect();
        Ok(CubeRows { dimensions, actual, expected })
    }
}

impl CubeRows {
    /// The rows as a cube.
    pub fn into_cube(self) -> std::result::Result<Cube, contributors::Error> {
        let dimension = |(name, values, codes)| (Dimension { name, values }, codes);
        let (dimensions, codes) = self.dimensions.into_iter().map(dimension).unzip();
        let measure = Measure::Additive { actual: self.actual, expected: self.expected };
        Cube::new(Rows { dimensions, codes, measure })
    }
}

fn encode(cells: impl Iterator<Item = String>) -> (Vec<String>, Vec<u32>) {
    let mut places: HashMap<String, u32> = HashMap::new();
    let mut values = Vec::new();
    let codes = cells
        .map(|cell| {
            *places.entry(cell).or_insert_with_key(|cell| {
                values.push(cell.clone());
                values.len() as u32 - 1
            })
        })
        .collect();
    (values, codes)
}

impl Cubes {
    /// All cases in order: set after set.
    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.sets.iter().flat_map(|set| &set.cases)
    }

    /// Counts `answers`, which are those of [`Cubes::cases`], in that order.
    pub fn report(&self, answers: &[Answer]) -> Result<Report> {
        let wanted = self.cases().count();
        if answers.len() != wanted {
            return Err(Error::Shape { what: "cubes (cases)".to_owned(), given: answers.len(), wanted });
        }
        let mut rest = answers.iter();
        let report = |set: &Set| {
            let answers = rest.by_ref().take(set.cases.len());
            (set.name.clone(), SetReport::new(set.cases.iter().zip(answers).collect()))
        };
        Ok(Report { sets: self.sets.iter().map(report).collect(), peak_rss_mib: None })
    }
}

impl SetReport {
    fn new(cases: Vec<(&Case, &Answer)>) -> Self {
        let count =
            |of: fn(&Case, &Answer) -> usize| cases.iter().map(|(case, answer)| of(case, answer)).sum();
        let right: usize = count(|case, answer| case.root_causes.intersection(&answer.elements).count());
        let wrong: usize = count(|case, answer| answer.elements.difference(&case.root_causes).count());
        let missed: usize = count(|case, answer| case.root_causes.difference(&answer.elements).count());
        let mut ms: Vec<f64> = cases.iter().map(|(_, answer)| answer.ms).collect();
        let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 / of as f64 };
        Self {
            f1: share(2 * right, 2 * right + wrong + missed),
            precision: share(right, right + wrong),
            recall: share(right, right + missed),
            true_positives: right,
            false_positives: wrong,
            false_negatives: missed,
            ms_per_case_p50: (!ms.is_empty()).then(|| quantile(&mut ms, 0.5)),
            cases: cases.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_elements_count() {
        let folder = tempfile::tempdir().unwrap();
        let labels = r#"[{"case": "1", "root_cause": "a=a1&b=b2;a=a2", "noise": 0.1}]"#;
        std::fs::write(folder.path().join("labels.json"), labels).unwrap();
        std::fs::write(folder.path().join("1.csv"), "a,b,real,predict\na1,b2,1,2\na2,b2,3,4.5\n").unwrap();
        let cubes = load(folder.path()).unwrap();
        let case = &cubes.sets[0].cases[0];
        let rows = case.read().unwrap();
        assert_eq!((rows.actual, rows.expected), (vec![1.0, 3.0], vec![2.0, 4.5]));
        assert_eq!(rows.dimensions[1], ("b".into(), vec!["b2".into()], vec![0, 0]));
        let answer = Answer { elements: elements("b=b2&a=a1;b=b2"), ms: 2.0 };
        let report = cubes.report(&[answer]).unwrap();
        let set = report.sets.values().next().unwrap();
        assert_eq!((set.true_positives, set.false_positives, set.false_negatives), (1, 1, 1));
        assert_eq!((set.f1, set.ms_per_case_p50), (0.5, Some(2.0)));
        assert!(cubes.report(&[]).is_err());
    }
}
