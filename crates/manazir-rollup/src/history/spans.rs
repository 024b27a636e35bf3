//! What findings come to in each hour, day or other span: a series of any aggregate.

use std::collections::BTreeMap;
use std::sync::Arc;

use manazir_model::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::AsOf;
use super::as_of::Head;
use super::segment::Counted;
use crate::aggregate::{Cell, Wanted};

/// Spans that one question may ask for: more are a mistake, and would fill the memory.
pub const SPANS_MAX: usize = 1_000_000;

/// What there is a series for each of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// One of everything.
    #[default]
    All,
    /// Of each category.
    Category,
    /// Of each key.
    Key,
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanQuery {
    /// How long a span is, in microseconds: at least one. Spans begin at whole numbers of it since 1970.
    pub every: i64,
    /// What there is a series for each of.
    pub by: By,
    /// Only findings of this key.
    pub key: Option<Arc<str>>,
    /// Only those that happened then or later.
    pub since: Option<Timestamp>,
    /// Only those that are seen from there.
    pub as_of: AsOf,
    /// Which sketches are kept.
    pub wanted: Wanted,
}

/// A span in which something was counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// When it begins.
    pub start: Timestamp,
    /// Of which key or category; empty of everything.
    pub of: Arc<str>,
    /// What was counted.
    pub cell: Cell,
}

/// There are more than [`SPANS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that would be more than {SPANS_MAX} spans: ask for longer ones, for less time, or for one key")]
pub struct TooMany;

/// Spans in the making.
#[derive(Debug)]
pub struct Spans<'q> {
    query: &'q SpanQuery,
    categories: Vec<Arc<str>>,
    cells: BTreeMap<(i64, Arc<str>), Cell>,
}

impl SpanQuery {
    /// True if a segment may hold what is asked for.
    pub fn touches(&self, head: &Head) -> bool {
        self.since.is_none_or(|since| head.at.1 >= since) && head.touches(self.as_of)
    }
}

impl<'q> Spans<'q> {
    /// None yet; `categories` are the names of the categories.
    pub fn new(query: &'q SpanQuery, categories: &[String]) -> Self {
        let categories = categories.iter().map(|category| category.as_str().into()).collect();
        Self { query, categories, cells: BTreeMap::new() }
    }

    /// Adds what is asked for.
    pub fn add(&mut self, counted: &Counted) -> Result<(), TooMany> {
        let Self { query, categories, cells } = self;
        let (at_max, known_max) = query.as_of.limits();
        let at_min = query.since.map_or(i64::MIN, Timestamp::micros);
        let wanted_key = query.key.as_ref().map(|key| counted.keys.iter().position(|known| known == key));
        let nothing: Arc<str> = "".into();
        for (index, (at, known_at)) in counted.at().zip(counted.known_at()).enumerate() {
            let key = counted.key[index] as usize;
            let is_other_key = wanted_key.is_some_and(|wanted| wanted != Some(key));
            if at < at_min || at > at_max || known_at > known_max || is_other_key {
                continue;
            }
            let of = match query.by {
                By::All => &nothing,
                By::Category => categories.get(usize::from(counted.category[index])).unwrap_or(&nothing),
                By::Key => &counted.keys[key],
            };
            let span = at.div_euclid(query.every.max(1));
            let cell = cells.entry((span, Arc::clone(of))).or_insert_with(|| Cell::new(&query.wanted));
            cell.add(counted.amount[index], counted.distinct(index));
            if cells.len() > SPANS_MAX {
                return Err(TooMany);
            }
        }
        Ok(())
    }

    /// By time, and then by what they are of.
    pub fn finish(self) -> Vec<Span> {
        let every = self.query.every.max(1);
        let span = |((number, of), cell): ((i64, Arc<str>), Cell)| {
            let start = Timestamp(number.saturating_mul(every));
            Span { start, of, cell }
        };
        self.cells.into_iter().map(span).collect()
    }
}
