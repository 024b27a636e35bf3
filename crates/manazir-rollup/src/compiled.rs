//! A specification that has been checked: every name in it leads somewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use manazir_model::hash::{fnv1a, mixed};

use crate::aggregate::Aggregate;
use crate::decode::content_of;
use crate::expression::Expression;
use crate::spec::{Field, Kind, Spec};
use crate::{Identity, KeyType, Shape, TotalsShape, Value};

/// Columns of a destination have short names; those of PostgreSQL have 63 bytes.
const NAME_BYTES_MAX: usize = 63;

/// A span of a series is no shorter: series of detectors have a minute.
const EVERY_SECONDS_MIN: u32 = 60;

/// More decimals than any price has; with them the largest amount is still a million.
const DECIMALS_MAX: u8 = 6;

/// A specification, ready to be used.
#[derive(Debug)]
pub struct Compiled {
    /// As it was written.
    pub spec: Spec,
    /// Of each table what its key is compared with, and the place of its key column.
    pub(crate) joins: Vec<Join>,
    pub(crate) key: Path,
    pub(crate) label: Option<Path>,
    pub(crate) at: usize,
    /// The place of the field that tells findings apart.
    pub(crate) id: Option<usize>,
    pub(crate) category: Path,
    /// What different things are counted of.
    pub(crate) distinct: Option<Path>,
    pub(crate) value: Expression,
    /// Of each table the names of its columns, as expressions want them.
    pub(crate) columns: Vec<Vec<Arc<String>>>,
    /// Places of the fields that anything depends on.
    pub(crate) needed: BTreeSet<usize>,
}

/// How a row of a table is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join {
    pub(crate) on: Path,
    pub(crate) key: usize,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// The place of a field of the finding.
    Field(usize),
    /// The places of a table and of a column in it.
    Column(usize, usize),
}

impl Compiled {
    /// Reads and checks a specification; the error says for a person what is wrong and what would be right.
    pub fn read(text: &str) -> Result<Self, String> {
        Self::new(toml::from_str(text).map_err(|error| error.to_string())?)
    }

    /// Checks a specification.
    pub fn new(spec: Spec) -> Result<Self, String> {
        names(&spec)?;
        let mut joins = Vec::new();
        for (index, reference) in spec.references.iter().enumerate() {
            let place = format!("`reference.{}`", reference.name);
            // Only what stands above is known by then.
            let on = path(&spec, index, &reference.on).map_err(|error| format!("{place}: `on`: {error}"))?;
            let key = column(&reference.columns, &reference.key).ok_or_else(|| {
                format!("{place}: `key` is {:?}, which is none of its columns", reference.key)
            })?;
            joins.push(Join { on, key });
        }
        let all = spec.references.len();
        let rollup = &spec.rollup;
        let to = |what: &str, name: &str| {
            path(&spec, all, name).map_err(|error| format!("`rollup.{what}`: {error}"))
        };
        let (key, category) = (to("key", &rollup.key)?, to("category", &rollup.category)?);
        let label = rollup.label.as_deref().map(|label| to("label", label)).transpose()?;
        if label.is_some() != spec.table.label.is_some() {
            return Err(
                "`rollup.label` says what people call a key, `table.label` the column for it: one needs the \
                        other"
                    .to_owned(),
            );
        }
        let distinct = rollup.distinct.as_deref().map(|distinct| to("distinct", distinct)).transpose()?;
        let at = match to("at", &rollup.at)? {
            Path::Field(at) if spec.source.fields[at].kind == Kind::Time => at,
            _ => {
                return Err(format!(
                    "`rollup.at` is {:?}, which is no field of the type \"time\"",
                    rollup.at
                ));
            }
        };
        let id = spec.source.id.as_deref().map(|id| {
            column(&spec.source.fields, id).ok_or_else(|| format!("`source.id` is {id:?}, which is no field"))
        });
        let id = id.transpose()?;
        if rollup.decimals > DECIMALS_MAX {
            return Err(format!("`rollup.decimals` is {}; it is at most {DECIMALS_MAX}", rollup.decimals));
        }
        let value = Expression::new(&rollup.value, rollup.decimals)
            .map_err(|error| format!("`rollup.value` is no expression of CEL: {error}"))?;
        let columns = spec
            .references
            .iter()
            .map(|reference| reference.columns.iter().map(|column| Arc::new(column.name.clone())).collect());
        let columns = columns.collect();
        let mut compiled = Self {
            joins,
            key,
            label,
            at,
            id,
            category,
            distinct,
            value,
            columns,
            needed: BTreeSet::new(),
            spec,
        };
        compiled.needed = compiled.needed()?;
        Ok(compiled)
    }

    /// What tells a finding from others: its place in the stream, or its [id](crate::spec::Source::id).
    pub fn identity(&self, source: &Arc<str>, position: u64, line: &[u8], values: &[Value]) -> Identity {
        let position = match self.id {
            Some(id) => mixed(fnv1a(values[id].to_string().bytes())),
            None => position,
        };
        Identity { source: Arc::clone(source), position, content: content_of(line) }
    }

    /// The fields that something depends on; an error if the value speaks of what is not there.
    fn needed(&self) -> Result<BTreeSet<usize>, String> {
        let mut needed = BTreeSet::from([self.at]);
        let paths = self.joins.iter().map(|join| join.on).chain([self.key, self.category]);
        let paths = paths.chain(self.label).chain(self.distinct);
        needed.extend(paths.filter_map(|path| match path {
            Path::Field(field) => Some(field),
            Path::Column(..) => None,
        }));
        for name in self.value.variables() {
            if let Some(field) = column(&self.spec.source.fields, &name) {
                needed.insert(field);
            } else if !self.spec.references.iter().any(|reference| reference.name == name) {
                return Err(format!(
                    "`rollup.value` speaks of `{name}`, which is neither a field nor a table"
                ));
            }
        }
        Ok(needed)
    }

    /// How the totals are laid out in a destination of this name; as the table says if it has no names of its own.
    pub fn shape(&self, destination: &str) -> Shape {
        let names = self.spec.destinations.iter().find(|one| one.name == destination).map(|one| &one.names);
        let named = |name: &str| {
            names.and_then(|names| names.get(name)).map_or_else(|| name.to_owned(), String::clone)
        };
        let table = &self.spec.table;
        let categories = self.spec.rollup.categories.clone();
        Shape {
            name: self.spec.name.clone(),
            table: named(&table.name),
            key: named(&table.key),
            key_type: if self.kind(self.key) == Kind::Integer { KeyType::Integer } else { KeyType::Text },
            label: table.label.as_deref().map(named),
            sums: categories
                .iter()
                .map(|category| named(&table.sum.replace("{category}", category)))
                .collect(),
            categories,
            totals: table.totals.as_ref().map(|totals| TotalsShape {
                table: named(&totals.name),
                count: named(&totals.count),
                sum: named(&totals.sum),
                mean: named(&totals.mean),
                more: totals.more.iter().map(|(name, aggregate)| (named(name), *aggregate)).collect(),
            }),
        }
    }

    fn kind(&self, path: Path) -> Kind {
        match path {
            Path::Field(field) => self.spec.source.fields[field].kind,
            Path::Column(table, column) => self.spec.references[table].columns[column].kind,
        }
    }
}

fn column(columns: &[Field], name: &str) -> Option<usize> {
    columns.iter().position(|column| column.name == name)
}

/// Where `field` or `table.column` leads, among the first `tables` tables.
fn path(spec: &Spec, tables: usize, name: &str) -> Result<Path, String> {
    let Some((table, of_table)) = name.split_once('.') else {
        let field = column(&spec.source.fields, name).map(Path::Field);
        return field.ok_or_else(|| format!("{name:?} is no field; a column is written `table.column`"));
    };
    let Some(index) = spec.references[..tables].iter().position(|reference| reference.name == table) else {
        return Err(format!("{name:?}: there is no table `{table}` above it"));
    };
    let found = column(&spec.references[index].columns, of_table);
    found
        .map(|column| Path::Column(index, column))
        .ok_or_else(|| format!("{name:?}: `{table}` has no such column"))
}

/// Every name is one that can be used where it is used, and none is there twice.
fn names(spec: &Spec) -> Result<(), String> {
    if spec.name.is_empty()
        || !spec.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    {
        return Err(format!("`name` is {:?}; it has letters, digits, `-` and `_`", spec.name));
    }
    let mut seen = BTreeSet::new();
    let fields = spec.source.fields.iter().map(|field| &field.name);
    for name in fields.chain(spec.references.iter().map(|reference| &reference.name)) {
        identifier(name)?;
        if !seen.insert(name) {
            return Err(format!("there are two of the name `{name}` among fields and tables"));
        }
    }
    for reference in &spec.references {
        let mut seen = BTreeSet::new();
        for column in &reference.columns {
            identifier(&column.name)?;
            if !seen.insert(&column.name) {
                return Err(format!("`{}` has two columns of the name `{}`", reference.name, column.name));
            }
        }
    }
    let categories: BTreeSet<&String> = spec.rollup.categories.iter().collect();
    if categories.is_empty() || categories.len() != spec.rollup.categories.len() {
        return Err("`rollup.categories` names each category once, and at least one".to_owned());
    }
    if spec.rollup.categories.len() > 1 && !spec.table.sum.contains("{category}") {
        return Err("`table.sum` has `{category}` in it where there are several".to_owned());
    }
    for series in &spec.series {
        if series.metric.is_empty() || series.every_seconds < EVERY_SECONDS_MIN {
            return Err(format!(
                "`series` {:?}: it has a name, and spans of {EVERY_SECONDS_MIN} seconds or more",
                series.metric
            ));
        }
        if series.aggregate == Aggregate::Distinct && spec.rollup.distinct.is_none() {
            return Err(format!(
                "`series` {:?} wants \"distinct\": `rollup.distinct` says of what",
                series.metric
            ));
        }
    }
    let mut more = spec.table.totals.iter().flat_map(|totals| totals.more.values());
    if more.any(|aggregate| *aggregate == Aggregate::Distinct) && spec.rollup.distinct.is_none() {
        return Err("`table.totals.more` wants \"distinct\": `rollup.distinct` says of what".to_owned());
    }
    let destinations: BTreeSet<&String> = spec.destinations.iter().map(|one| &one.name).collect();
    if destinations.len() != spec.destinations.len() {
        return Err("two destinations have one name".to_owned());
    }
    Ok(())
}

fn identifier(name: &str) -> Result<(), String> {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let fits = name.len() <= NAME_BYTES_MAX;
    if begins && fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(format!("{name:?} is no name: letters, digits and `_`, not a digit first, at most {NAME_BYTES_MAX}"))
}
