//! A folder in NAB's layout.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use manazir_model::Timestamp;

use super::PerProfile;
use super::worth::{Profile, ProfileFile, Tally, Worth, finite, probation_rows, worths};
use crate::table::{Column, Table, parse_instant};
use crate::{Error, Result};

/// One series of the corpus with its windows.
#[derive(Clone, Debug)]
pub struct File {
    /// Path below `data/` without `.gz`, as the labels name it: `realTweets/Twitter_volume_AAPL.csv`.
    pub name: String,
    /// The folder: the group whose threshold is chosen on the other groups.
    pub group: String,
    /// Event times, shape `(n_samples,)`; a few files of NAB repeat some or step back an hour.
    pub at: Vec<Timestamp>,
    /// Values, shape `(n_samples,)`.
    pub values: Vec<f64>,
    /// Rows of each labelled window, in time order; `None` if no row lies in it.
    pub windows: Vec<Option<Range<usize>>>,
    /// What a detection at each row is worth, shape `(n_samples,)`.
    pub(super) worths: Vec<Worth>,
}

impl File {
    /// Rows at the start that are for learning and are not scored.
    pub fn probation_rows(&self) -> usize {
        probation_rows(self.values.len())
    }

    /// What `scores` achieve on this file at `threshold`. NaN is never a detection.
    pub(super) fn tally(&self, scores: &[f64], threshold: f64) -> Tally {
        let mut tally = self.silence();
        let mut last_hit = None;
        for (worth, _) in self.worths.iter().zip(scores).filter(|&(_, &score)| finite(score) >= threshold) {
            match *worth {
                // The first detection in a window is its best one; rows come in order.
                Worth::Hit { window, value } if last_hit != Some(window) => {
                    last_hit = Some(window);
                    tally.windows_hit += 1;
                    tally.hit_value += value;
                }
                Worth::False(value) => {
                    tally.false_positives += 1;
                    tally.false_value += value;
                }
                Worth::Hit { .. } | Worth::Nothing => {}
            }
        }
        tally
    }

    /// The tally of a detector that says nothing.
    pub(super) fn silence(&self) -> Tally {
        let open =
            |rows: &Option<Range<usize>>| rows.as_ref().is_some_and(|rows| rows.end > self.probation_rows());
        Tally {
            windows: self.windows.len(),
            windows_open: self.windows.iter().filter(|rows| open(rows)).count(),
            ..Tally::default()
        }
    }
}

/// The corpus: files in the order of their names.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Sorted by name.
    pub files: Vec<File>,
    /// The weights that its `config/profiles.json` gives.
    pub profiles: PerProfile<Profile>,
}

/// The shipped scores of one detector, one vector a file in the order of [`Corpus::files`].
#[derive(Clone, Debug)]
pub struct Reference {
    /// The detector's name.
    pub detector: String,
    /// Shape `(n_files,)` of `(n_samples,)`.
    pub scores: Vec<Vec<f64>>,
}

impl Corpus {
    /// Reads `dir`: `data/GROUP/*.csv` or `.csv.gz` with `timestamp,value`, `labels/combined_windows.json` and
    /// `config/profiles.json`.
    pub fn load(dir: &Path) -> Result<Self> {
        let labels: BTreeMap<String, Vec<[String; 2]>> =
            read_json(&dir.join("labels/combined_windows.json"))?;
        let profiles_path = dir.join("config/profiles.json");
        let profiles: ProfileFile = read_json(&profiles_path)?;
        let weights = |name: &str| {
            let matrix = profiles.get(name).map(|matrix| matrix.weights);
            matrix.ok_or_else(|| Error::layout(&profiles_path, format!("no profile {name}")))
        };
        let profiles = PerProfile {
            standard: weights("standard")?,
            low_fp: weights("reward_low_FP_rate")?,
            low_fn: weights("reward_low_FN_rate")?,
        };
        let mut files = Vec::new();
        for (name, path) in data_files(&dir.join("data"))? {
            let windows = labels
                .get(&name)
                .ok_or_else(|| Error::layout(&path, format!("the labels have no entry {name}")))?;
            files.push(read_file(name, &path, windows)?);
        }
        if files.iter().all(|file| file.windows.is_empty()) {
            return Err(Error::layout(dir, "no file with a labelled window"));
        }
        Ok(Self { files, profiles })
    }

    /// Reads the shipped scores of other detectors, `dir/reference_scores.parquet`: columns `file`, `row` and
    /// one for each detector. They are the check of the scorer: their published scores must come out.
    pub fn reference(&self, dir: &Path) -> Result<Vec<Reference>> {
        let path = dir.join("reference_scores.parquet");
        let table = Table::read(&path, usize::MAX)?;
        let column =
            |name: &str| table.column(name).ok_or_else(|| Error::layout(&path, format!("no column {name}")));
        let (names, rows) = (column("file")?, column("row")?);
        let positions: BTreeMap<&str, usize> =
            self.files.iter().enumerate().map(|(position, file)| (file.name.as_str(), position)).collect();
        let place = |line: usize| {
            let Column::Whole(rows) = rows else { return None };
            let (file, row) =
                (*positions.get(names.text(line).as_str())?, usize::try_from(rows[line]?).ok()?);
            (row < self.files[file].values.len()).then_some((file, row))
        };
        let places: Vec<Option<(usize, usize)>> = (0..table.n_rows).map(place).collect();
        let detectors = table.columns.iter().filter(|(name, _)| name != "file" && name != "row");
        let mut references = Vec::new();
        for (detector, column) in detectors {
            let Some(numbers) = column.numbers() else { continue };
            let mut scores: Vec<Vec<f64>> =
                self.files.iter().map(|file| vec![f64::NAN; file.values.len()]).collect();
            for (&(file, row), number) in
                places.iter().zip(numbers).filter_map(|(place, n)| Some((place.as_ref()?, n)))
            {
                scores[file][row] = number;
            }
            references.push(Reference { detector: detector.clone(), scores });
        }
        Ok(references)
    }

    /// Names of the groups, sorted.
    pub fn groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = self.files.iter().map(|file| file.group.clone()).collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// What one threshold achieves on the files at `positions`; `scores` are those of all files.
    ///
    /// [`Tally::normalized`] then gives the score on the scale of these files alone.
    pub fn tally(
        &self,
        scores: &[Vec<f64>],
        threshold: f64,
        positions: impl IntoIterator<Item = usize>,
    ) -> Result<Tally> {
        self.check(scores)?;
        let mut sum = Tally::default();
        for (file, scores) in positions.into_iter().filter_map(|at| self.files.get(at).zip(scores.get(at))) {
            sum.add(&file.tally(scores, threshold));
        }
        Ok(sum)
    }

    /// Scores must have the shape of the corpus.
    pub(super) fn check(&self, scores: &[Vec<f64>]) -> Result<()> {
        if scores.len() != self.files.len() {
            let what = "corpus (files)".to_owned();
            return Err(Error::Shape { what, given: scores.len(), wanted: self.files.len() });
        }
        let wrong = self.files.iter().zip(scores).find(|(file, scores)| file.values.len() != scores.len());
        wrong.map_or(Ok(()), |(file, scores)| {
            Err(Error::Shape { what: file.name.clone(), given: scores.len(), wanted: file.values.len() })
        })
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| Error::Json { path: path.to_owned(), source })
}

/// Tables in the folders of `data`, by the name that the labels use.
fn data_files(data: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for group in crate::table::entries(data)?.into_iter().filter(|path| path.is_dir()) {
        let group_name = group.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in crate::table::entries(&group)?.into_iter().filter(|path| Table::is_table(path)) {
            files.insert(format!("{group_name}/{}.csv", Table::stem(&path)), path);
        }
    }
    Ok(files)
}

fn read_file(name: String, path: &Path, limits: &[[String; 2]]) -> Result<File> {
    let table = Table::read(path, usize::MAX)?;
    let column =
        |name: &str| table.column(name).ok_or_else(|| Error::layout(path, format!("no column {name}")));
    let (times, values) = (column("timestamp")?, column("value")?);
    let values = values.numbers().ok_or_else(|| Error::layout(path, "column value holds text"))?;
    // Line 1 of a table is its header.
    let at = (0..table.n_rows)
        .map(|row| {
            times.instant(row).ok_or_else(|| Error::layout(path, format!("line {}: no timestamp", row + 2)))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut windows = Vec::with_capacity(limits.len());
    for limit in limits {
        let instant = |text: &String| {
            parse_instant(text)
                .ok_or_else(|| Error::layout(path, format!("window limit {text:?} is no time")))
        };
        windows.push(rows_between(&at, instant(&limit[0])?, instant(&limit[1])?));
    }
    windows.sort_by_key(|rows| rows.as_ref().map_or(usize::MAX, |rows| rows.start));
    let group = name.split('/').next().unwrap_or_default().to_owned();
    let worths = worths(at.len(), &windows);
    Ok(File { name, group, at, values, windows, worths })
}

/// Rows from the first at `start` to the first at `end`, both included; where no row lies on a limit, the
/// nearest one inside.
fn rows_between(at: &[Timestamp], start: Timestamp, end: Timestamp) -> Option<Range<usize>> {
    let first = at.iter().position(|&t| t == start).or_else(|| at.iter().position(|&t| t >= start))?;
    let last = at.iter().position(|&t| t == end).or_else(|| at.iter().rposition(|&t| t <= end))?;
    (first <= last).then_some(first..last + 1)
}
