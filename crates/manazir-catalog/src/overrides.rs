//! `manazir.toml` beside the data: what people write down wins over what was found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manazir_model::{Grain, SeriesKind};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::table::{Adding, Decision, Role};

/// Name of the file.
pub const RULES_FILE: &str = "manazir.toml";

/// Largest file that is read: a list of rules is never that long.
const BYTES_MAX: u64 = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    table: BTreeMap<String, TableRules>,
}

/// One or several names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected the name of a column or a list of names")]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// The unit of all measures, or of each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a unit, or units by column as in { latency = \"ms\" }")]
enum Units {
    All(String),
    Each(BTreeMap<String, String>),
}

/// The kind of all measures, or of each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"gauge\" or \"counter\", or kinds by column as in { hits = \"counter\" }"
)]
enum Kinds {
    All(SeriesKind),
    Each(BTreeMap<String, SeriesKind>),
}

/// Rules for one table; a rule that is not there leaves the matter to the evidence.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableRules {
    pub(crate) time: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) measures: Option<Vec<String>>,
    pub(crate) dimensions: Option<Vec<String>>,
    #[serde(rename = "key")]
    key_names: Option<Names>,
    #[serde(skip)]
    pub(crate) key: Option<Vec<String>>,
    grain: Option<String>,
    #[serde(skip)]
    pub(crate) grain_told: Option<Grain>,
    unit: Option<Units>,
    kind: Option<Kinds>,
    adds_up: Option<Vec<String>>,
    #[serde(default)]
    ratio: BTreeMap<String, [String; 2]>,
    pub(crate) day_first: Option<bool>,
    #[serde(default)]
    pub(crate) ignore: Vec<String>,
    /// The file and the line of the table's name.
    #[serde(skip)]
    origin: (PathBuf, usize),
}

impl TableRules {
    /// The role that a rule gives to a column.
    pub(crate) fn role_of(&self, column: &str) -> Option<Decision<Role>> {
        let named = |names: &Option<Vec<String>>| names.iter().flatten().any(|name| name == column);
        if named(&self.key) {
            return Some(Decision::told(Role::Dimension));
        }
        named(&self.measures).then(|| Decision::told(Role::Measure))
    }

    pub(crate) fn unit_of(&self, column: &str) -> Option<Decision<String>> {
        match self.unit.as_ref()? {
            Units::All(unit) => Some(Decision::told(unit.clone())),
            Units::Each(units) => units.get(column).cloned().map(Decision::told),
        }
    }

    pub(crate) fn kind_of(&self, column: &str) -> Option<Decision<SeriesKind>> {
        match self.kind.as_ref()? {
            Kinds::All(kind) => Some(Decision::told(*kind)),
            Kinds::Each(kinds) => kinds.get(column).copied().map(Decision::told),
        }
    }

    /// A list of what adds up says of all other measures that they do not.
    pub(crate) fn adding_of(&self, column: &str) -> Option<Decision<Adding>> {
        if let Some([over, under]) = self.ratio.get(column) {
            return Some(Decision::told(Adding::Ratio { over: over.clone(), under: under.clone() }));
        }
        let adds = self.adds_up.as_ref()?.iter().any(|name| name == column);
        Some(Decision::told(if adds { Adding::Adds } else { Adding::Apart }))
    }

    /// An error at the place where the rules stand.
    pub(crate) fn error(&self, message: String) -> Error {
        Error::Config { path: self.origin.0.clone(), line: self.origin.1, message }
    }

    /// All columns that the rules name, to find misspelt ones.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.measures, &self.key, &self.adds_up].into_iter().flatten().flatten();
        let ratios = self.ratio.iter().flat_map(|(name, parts)| std::iter::once(name).chain(parts));
        let units = match &self.unit {
            Some(Units::Each(units)) => units.keys().collect(),
            _ => Vec::new(),
        };
        lists.chain(&self.time).chain(&self.ignore).chain(units).chain(ratios).map(String::as_str)
    }

    fn checked(mut self) -> std::result::Result<Self, String> {
        if let Some(zone) = &self.zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            return Err(format!("{zone:?} is no zone; write an IANA name such as Europe/Berlin"));
        }
        if let Some(grain) = &self.grain {
            let micros = duration_micros(grain)
                .ok_or_else(|| format!("{grain:?} is no grain; write for instance 5min, 1h or 1d"))?;
            self.grain_told = Grain::from_micros(micros);
        }
        // Both name columns that tell series apart; either alone is enough.
        let key = self.key_names.iter().flat_map(Names::iter).map(str::to_owned);
        let named: Vec<String> = key.chain(self.dimensions.iter().flatten().cloned()).collect();
        let told = self.key_names.is_some() || self.dimensions.is_some();
        self.key = told.then_some(named);
        Ok(self)
    }
}

/// `300s`, `5min`, `5 min`, `1h`, `1d`, `1w`, `250ms`, or a number of seconds.
fn duration_micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let number: i64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "us" | "µs" => 1,
        "ms" => 1_000,
        "" | "s" | "sec" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        "w" => 7 * 86_400_000_000,
        _ => return None,
    };
    number.checked_mul(unit).filter(|&micros| micros > 0)
}

/// The rules of one `manazir.toml`.
#[derive(Debug)]
pub(crate) struct Rules {
    path: PathBuf,
    text: String,
    /// In the file's order of names.
    tables: Vec<(glob::Pattern, TableRules)>,
}

impl Rules {
    /// Reads the file of a folder; `None` if there is none.
    pub(crate) fn of_folder(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RULES_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let io = |source| Error::Io { path: path.clone(), source };
        if std::fs::metadata(&path).map_err(io)?.len() > BYTES_MAX {
            let message = format!("longer than {BYTES_MAX} bytes");
            return Err(Error::Config { path, line: 1, message });
        }
        let bytes = std::fs::read(&path).map_err(io)?;
        Self::parse(&path, &String::from_utf8_lossy(&bytes)).map(Some)
    }

    /// Reads the text of such a file; `path` is for messages.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let config = |line, message| Error::Config { path: path.to_owned(), line, message };
        let document: Document = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            config(line, error.message().to_owned())
        })?;
        let mut tables = Vec::new();
        for (name, rules) in document.table {
            let line = line_of(text, text.find(&name).unwrap_or(0));
            let pattern = glob::Pattern::new(&name)
                .map_err(|error| config(line, format!("the name {name:?} is no pattern: {error}")))?;
            let mut rules = rules.checked().map_err(|message| config(line, message))?;
            rules.origin = (path.to_owned(), line);
            tables.push((pattern, rules));
        }
        Ok(Self { path: path.to_owned(), text: text.to_owned(), tables })
    }

    /// The rules for a table: those of its exact name first, then the first pattern that fits one of `names`.
    pub(crate) fn for_table(&self, names: &[&str]) -> Option<&TableRules> {
        self.named(names).map(|(_, rules)| rules)
    }

    /// The pattern under which [`Rules::for_table`] finds them.
    pub(crate) fn pattern_for(&self, names: &[&str]) -> Option<&str> {
        self.named(names).map(|(pattern, _)| pattern.as_str())
    }

    fn named(&self, names: &[&str]) -> Option<&(glob::Pattern, TableRules)> {
        let exact = self.tables.iter().find(|(pattern, _)| names.contains(&pattern.as_str()));
        exact.or_else(|| {
            self.tables.iter().find(|(pattern, _)| names.iter().any(|name| pattern.matches(name)))
        })
    }

    /// An error for a column that no table has, at its line.
    pub(crate) fn unknown_column(&self, column: &str, table: &str) -> Error {
        let line = line_of(&self.text, self.text.find(column).unwrap_or(0));
        let message = format!("table {table:?} has no column {column:?}");
        Error::Config { path: self.path.clone(), line, message }
    }
}

fn line_of(text: &str, position: usize) -> usize {
    1 + text.as_bytes()[..position.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}
