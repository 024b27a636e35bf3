//! A specification with its tables: what each finding comes to.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use manazir_model::{Grain, Timestamp};

use crate::aggregate::Distinct;
use crate::compiled::{Compiled, Path};
use crate::expression::Variable;
use crate::reference::Reference;
use crate::spec::Unknown;
use crate::value::Value;
use crate::{Key, Raw, Row};

/// Joins that are remembered; a stream about more things than this works them out anew.
const REMEMBERED_MAX: usize = 100_000;

/// Bytes of a key that every destination keeps.
const KEY_BYTES_MAX: usize = 255;

/// Where a finding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The stream, at most 255 bytes.
    pub source: Arc<str>,
    /// Its place there, from 0 on.
    pub position: u64,
    /// See [`content_of`](crate::decode::content_of).
    pub content: u64,
}

/// What a finding comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counts(Row),
    /// It waits for a row of a reference table; which one.
    Waits(String),
    /// It cannot count; why.
    Rejected(String),
}

/// Everything that a finding is joined with.
#[derive(Debug)]
pub struct Plan {
    compiled: Arc<Compiled>,
    references: Vec<Reference>,
    /// What was worked out for the fields by which tables are joined.
    joined: HashMap<String, Joined>,
    /// The key of the finding at hand: written anew for each, allocated once.
    by: String,
    /// True if the value depends on the finding itself.
    value_varies: bool,
}

#[derive(Clone, Debug)]
struct Joined {
    key: Arc<str>,
    category: u16,
    /// `None` if the value depends on the finding itself.
    amount: Option<i64>,
    rows: Vec<Arc<[Value]>>,
}

enum Unjoined {
    Waits(String),
    Rejected(String),
}

impl Plan {
    /// `references`: the tables in the order of the specification.
    pub fn new(compiled: Arc<Compiled>, references: Vec<Reference>) -> Self {
        let fields = &compiled.spec.source.fields;
        let value_varies = fields.iter().any(|field| compiled.value.mentions(&field.name));
        Self { compiled, references, joined: HashMap::new(), by: String::new(), value_varies }
    }

    /// All keys that have totals from the start.
    pub fn keys(&self) -> Vec<Key> {
        let Path::Column(table, column) = self.compiled.key else { return Vec::new() };
        let label = |row: &[Value]| match self.compiled.label {
            Some(Path::Column(of, label)) if of == table => row[label].to_string(),
            _ => String::new(),
        };
        let key = |(_, row): (&Arc<str>, &Arc<[Value]>)| Key {
            id: row[column].to_string().into(),
            label: label(row),
        };
        self.references[table].iter().map(key).collect()
    }

    /// What a finding comes to that arrives at `now`.
    pub fn resolve(&mut self, identity: Identity, values: &[Value], now: Timestamp) -> Outcome {
        let ahead = i64::from(self.compiled.spec.rollup.ahead_seconds) * Grain::SECOND.micros();
        let at = match values[self.compiled.at] {
            Value::Time(at) if at.micros() <= now.micros().saturating_add(ahead) => at,
            _ => {
                let field = &self.compiled.spec.rollup.at;
                return Outcome::Rejected(format!(
                    "`{field}` is {}, in the future",
                    values[self.compiled.at]
                ));
            }
        };
        match self.joined(values) {
            Ok((key, category, amount)) => {
                let Identity { source, position, content } = identity;
                let distinct = self.distinct(values);
                let (known_at, raw) = (now, Raw::default());
                Outcome::Counts(Row {
                    source,
                    position,
                    content,
                    at,
                    known_at,
                    key,
                    category,
                    amount,
                    distinct,
                    raw,
                })
            }
            Err(Unjoined::Waits(reason)) => Outcome::Waits(reason),
            Err(Unjoined::Rejected(reason)) => Outcome::Rejected(reason),
        }
    }

    /// The hash of what different things are counted of; the finding was joined just now.
    fn distinct(&self, values: &[Value]) -> Option<u64> {
        let rows = || self.joined.get(&self.by).map_or(&[][..], |joined| &joined.rows);
        self.compiled.distinct.map(|of| Distinct::hash(&value_at(of, values, rows()).to_string()))
    }

    fn joined(&mut self, values: &[Value]) -> Result<(Arc<str>, u16, i64), Unjoined> {
        let mut by = std::mem::take(&mut self.by);
        by.clear();
        for field in self.fields_of_joins() {
            let begin = by.len();
            // A text takes whatever is written into it. The length behind each value keeps them apart.
            let _ = write!(by, "{}", values[field]);
            let _ = write!(by, " {} ", by.len() - begin);
        }
        let found = self.joined_by(&by, values);
        self.by = by;
        found
    }

    fn joined_by(&mut self, by: &str, values: &[Value]) -> Result<(Arc<str>, u16, i64), Unjoined> {
        if !self.joined.contains_key(by) {
            if self.joined.len() == REMEMBERED_MAX {
                self.joined.clear();
            }
            let joined = self.join(values)?;
            self.joined.insert(by.to_owned(), joined);
        }
        let joined = &self.joined[by];
        let amount = match joined.amount {
            Some(amount) => amount,
            None => self.amount(values, &joined.rows).map_err(Unjoined::Rejected)?,
        };
        Ok((Arc::clone(&joined.key), joined.category, amount))
    }

    /// The fields that say which rows a finding is joined with, for whom it counts, and under what.
    fn fields_of_joins(&self) -> impl Iterator<Item = usize> {
        let Compiled { joins, key, category, .. } = &*self.compiled;
        let paths = joins.iter().map(|join| join.on).chain([*key, *category]);
        paths.filter_map(|path| match path {
            Path::Field(field) => Some(field),
            Path::Column(..) => None,
        })
    }

    fn join(&self, values: &[Value]) -> Result<Joined, Unjoined> {
        let spec = &self.compiled.spec;
        let mut rows: Vec<Arc<[Value]>> = Vec::with_capacity(self.references.len());
        for (index, join) in self.compiled.joins.iter().enumerate() {
            let on = value_at(join.on, values, &rows);
            let key = on.to_string();
            let row = match self.references[index].row(&key) {
                Some(row) => Arc::clone(row),
                None => self.unknown(index, on, &key)?,
            };
            rows.push(row);
        }
        let key = value_at(self.compiled.key, values, &rows).to_string();
        if key.len() > KEY_BYTES_MAX {
            return Err(Unjoined::Rejected(format!(
                "its key has {} bytes, and {KEY_BYTES_MAX} are the most",
                key.len()
            )));
        }
        let category = value_at(self.compiled.category, values, &rows).to_string();
        let Some(category) = spec.rollup.categories.iter().position(|known| *known == category) else {
            return Err(Unjoined::Rejected(format!("{category:?} is none of `rollup.categories`")));
        };
        let amount = if self.value_varies {
            None
        } else {
            Some(self.amount(values, &rows).map_err(Unjoined::Rejected)?)
        };
        Ok(Joined { key: key.into(), category: category as u16, amount, rows })
    }

    fn unknown(&self, index: usize, on: &Value, key: &str) -> Result<Arc<[Value]>, Unjoined> {
        let reference = &self.compiled.spec.references[index];
        let reason = format!("`{}` has no row whose `{}` is {key:?}", reference.name, reference.key);
        match reference.unknown {
            Unknown::Wait => Err(Unjoined::Waits(reason)),
            Unknown::Reject => Err(Unjoined::Rejected(reason)),
            Unknown::Create => {
                let mut row: Vec<Value> =
                    reference.columns.iter().map(|column| Value::empty(column.kind)).collect();
                row[self.compiled.joins[index].key] = on.clone();
                Ok(row.into())
            }
        }
    }

    fn amount(&self, values: &[Value], rows: &[Arc<[Value]>]) -> Result<i64, String> {
        let Compiled { spec, columns, value, .. } = &*self.compiled;
        let fields =
            spec.source.fields.iter().zip(values).map(|(field, value)| Variable::Field(&field.name, value));
        let tables = spec.references.iter().zip(columns).zip(rows);
        let tables = tables.map(|((reference, columns), row)| Variable::Row(&reference.name, columns, row));
        value.amount(fields.chain(tables).filter(|variable| value.mentions(variable.name())))
    }
}

fn value_at<'v>(path: Path, values: &'v [Value], rows: &'v [Arc<[Value]>]) -> &'v Value {
    match path {
        Path::Field(field) => &values[field],
        Path::Column(table, column) => &rows[table][column],
    }
}
