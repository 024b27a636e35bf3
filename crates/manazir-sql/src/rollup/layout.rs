//! A shape whose names were checked.

use manazir_rollup::aggregate::Aggregate;
use manazir_rollup::{KeyType, Shape};

use crate::name::Name;

/// What all rollups of a database remember.
const OURS: [&str; 6] = [
    "manazir_rollup",
    "manazir_rollup_aside",
    "manazir_rollup_cell",
    "manazir_rollup_label",
    "manazir_rollup_seen",
    "manazir_rollup_segment",
];

/// See [`Shape`].
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) rollup: Name,
    pub(super) table: Name,
    pub(super) key: Name,
    pub(super) integer_keys: bool,
    pub(super) label: Option<Name>,
    /// Of each category its column.
    pub(super) sums: Vec<Name>,
    pub(super) totals: Option<TotalsLayout>,
}

/// See [`TotalsShape`](manazir_rollup::TotalsShape).
#[derive(Clone, Debug)]
pub(super) struct TotalsLayout {
    pub(super) table: Name,
    pub(super) count: Name,
    pub(super) sum: Name,
    pub(super) mean: Name,
    /// Further columns, and what stands in them.
    pub(super) more: Vec<(Name, Aggregate)>,
}

impl Layout {
    /// Says why not, if the shape cannot be that of a table.
    pub(super) fn new(shape: &Shape) -> Result<Self, String> {
        if shape.sums.is_empty() || shape.sums.len() != shape.categories.len() {
            let (columns, categories) = (shape.sums.len(), shape.categories.len());
            return Err(format!("it has {columns} columns of sums for {categories} categories"));
        }
        let totals = shape.totals.as_ref().map(|totals| {
            Ok::<_, String>(TotalsLayout {
                table: name(&totals.table)?,
                count: name(&totals.count)?,
                sum: name(&totals.sum)?,
                mean: name(&totals.mean)?,
                more: totals
                    .more
                    .iter()
                    .map(|(column, aggregate)| Ok((name(column)?, *aggregate)))
                    .collect::<Result<_, String>>()?,
            })
        });
        let layout = Self {
            rollup: name(&shape.name)?,
            table: name(&shape.table)?,
            key: name(&shape.key)?,
            integer_keys: shape.key_type == KeyType::Integer,
            label: shape.label.as_deref().map(name).transpose()?,
            sums: shape.sums.iter().map(|sum| name(sum)).collect::<Result<_, _>>()?,
            totals: totals.transpose()?,
        };
        layout.names_differ()?;
        Ok(layout)
    }

    fn names_differ(&self) -> Result<(), String> {
        let ours: Vec<Name> = OURS.iter().map(|ours| name(ours)).collect::<Result<_, _>>()?;
        let totals = self.totals.as_ref().map(|totals| &totals.table);
        differ(ours.iter().chain([&self.table]).chain(totals))?;
        differ([&self.key].into_iter().chain(&self.label).chain(&self.sums))?;
        let Some(totals) = &self.totals else { return Ok(()) };
        let more = totals.more.iter().map(|(name, _)| name);
        differ([&self.key, &totals.count, &totals.sum, &totals.mean].into_iter().chain(more))
    }
}

fn name(name: &str) -> Result<Name, String> {
    Name::new(name).ok_or_else(|| format!("{name:?} is no name: letters, digits and _, at most 63 of them"))
}

fn differ<'n>(names: impl Iterator<Item = &'n Name>) -> Result<(), String> {
    let names: Vec<&Name> = names.collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].iter().any(|other| other.is_same(name)) {
            return Err(format!("{name} is the name of two"));
        }
    }
    Ok(())
}
