//! Which series a row belongs to, without a key built for each row.

use std::collections::HashMap;
use std::fmt::Write;

use manazir_model::SeriesKey;

use super::quality::{Arrivals, SeriesQuality};
use crate::cell::Row;
use crate::decide::kind::{self, Course};
use crate::source::{Keys, Outcome, SeriesFacts};
use crate::table::{Role, Spread, Table};

/// Entities of a table: one for each combination of dimensions, with one series for each measure.
pub(crate) struct Dictionary {
    buffer: Vec<u8>,
    index: HashMap<Vec<u8>, u32>,
    /// Long tables often hold runs of rows of one entity.
    previous: Option<u32>,
    previous_key: Vec<u8>,
    columns: Vec<usize>,
    measures: usize,
    entities: Vec<Entity>,
    /// By series.
    quality: Vec<Arrivals>,
    pub(crate) keys: Keys,
    pub(crate) series_max: usize,
    file: usize,
    overflow: u64,
}

struct Entity {
    rows: i64,
    last: Option<i64>,
}

impl Dictionary {
    pub(crate) fn new(table: &Table, series_max: usize) -> Self {
        let mut columns: Vec<usize> =
            table.with_role(Role::Dimension).chain(table.with_role(Role::Attribute)).collect();
        columns.sort_unstable();
        Self {
            buffer: Vec::new(),
            index: HashMap::new(),
            previous: None,
            previous_key: Vec::new(),
            columns,
            measures: table.with_role(Role::Measure).count(),
            entities: Vec::new(),
            quality: Vec::new(),
            keys: Keys::default(),
            series_max,
            file: 0,
            overflow: 0,
        }
    }

    pub(crate) fn begin_file(&mut self, file: usize) {
        self.file = file;
        self.previous = None;
    }

    /// The entity of a row; `None` if it would be one too many.
    pub(crate) fn entity(&mut self, table: &Table, row: &dyn Row) -> Option<u32> {
        self.buffer.clear();
        let each = table.spread.value == Spread::SeriesEach;
        if each {
            self.buffer.extend_from_slice(&(self.file as u32).to_le_bytes());
        } else {
            // Labels of `key=value` folders differ from part to part.
            for (_, value) in &table.files[self.file].labels {
                self.buffer.extend_from_slice(value.as_bytes());
                self.buffer.push(0xff);
            }
        }
        for &column in &self.columns {
            self.buffer.extend_from_slice(row.cell(column).trimmed().text().as_bytes());
            // 0xff stands in no UTF-8 text.
            self.buffer.push(0xff);
        }
        if let Some(entity) = self.previous
            && self.previous_key == self.buffer
        {
            return Some(entity);
        }
        let entity = match self.index.get(self.buffer.as_slice()) {
            Some(&entity) => entity,
            None => self.insert(table, row)?,
        };
        self.previous = Some(entity);
        self.previous_key.clone_from(&self.buffer);
        Some(entity)
    }

    fn insert(&mut self, table: &Table, row: &dyn Row) -> Option<u32> {
        if (self.entities.len() + 1) * self.measures > self.series_max {
            self.overflow += 1;
            return None;
        }
        let entity = self.entities.len() as u32;
        self.index.insert(self.buffer.clone(), entity);
        self.entities.push(Entity { rows: 0, last: None });
        let (labels, metric) = self.labels(table, row);
        for column in table.with_role(Role::Measure) {
            let name = match &metric {
                Some(metric) => metric.clone(),
                None => table.columns[column].name.clone(),
            };
            self.keys.push(SeriesKey::new(name, labels.iter().cloned()));
            self.quality.push(Arrivals::new(table.grain.value));
        }
        Some(entity)
    }

    /// Labels of a new entity, and the name of its metric where a column or the file gives it.
    fn labels(&self, table: &Table, row: &dyn Row) -> (Vec<(String, String)>, Option<String>) {
        let file = &table.files[self.file];
        let mut labels = file.labels.clone();
        let mut metric = file.metric.clone().or_else(|| table.generic_name());
        for &column in &self.columns {
            let text = row.cell(column).trimmed().text().into_owned();
            if Some(column) == table.metric_column {
                metric = Some(text);
            } else if !text.is_empty() {
                labels.push((table.columns[column].name.clone(), text));
            }
        }
        (labels, metric)
    }

    /// Counts the rows of an entity from 0.
    pub(crate) fn next_position(&mut self, entity: u32) -> i64 {
        let entity = &mut self.entities[entity as usize];
        entity.rows += 1;
        entity.rows - 1
    }

    /// The latest instant of an entity so far.
    pub(crate) fn last(&self, entity: u32) -> Option<i64> {
        self.entities[entity as usize].last
    }

    /// Takes a good row into the books.
    pub(crate) fn accept(&mut self, entity: u32, at: i64, values: &[f64]) {
        let state = &mut self.entities[entity as usize];
        state.last = state.last.max(Some(at));
        let first = entity as usize * self.measures;
        for (arrivals, &value) in self.quality[first..first + values.len()].iter_mut().zip(values) {
            arrivals.push(at, value);
        }
    }

    /// Hands the books to the outcome: series in the order of their keys.
    pub(crate) fn finish(self, table: &Table, outcome: &mut Outcome) {
        let measures: Vec<usize> = table.with_role(Role::Measure).collect();
        let mut courses = vec![Course::default(); measures.len()];
        for (series, arrivals) in self.quality.iter().enumerate() {
            courses[series % measures.len().max(1)].add(arrivals.course());
        }
        // One judgement for a measure: its series are of one kind.
        let kinds: Vec<_> = measures
            .iter()
            .zip(&courses)
            .map(|(&column, course)| match &table.columns[column].kind {
                Some(told) if told.confidence == 1.0 => told.clone(),
                _ => kind::decide(&self.metric_words(table, column), course),
            })
            .collect();
        for (series, arrivals) in self.quality.into_iter().enumerate() {
            let measure = series % measures.len().max(1);
            outcome.series.push(SeriesFacts {
                key: self.keys.key(series as u32).clone(),
                entity: (series / measures.len().max(1)) as u32,
                measure: measures[measure],
                kind: kinds[measure].clone(),
                quality: SeriesQuality::of(arrivals).judged(kinds[measure].value),
            });
        }
        outcome.rows_beyond_series_limit = self.overflow;
    }

    /// The name that is judged for words such as `total`: the column's and, where files name metrics, theirs.
    fn metric_words(&self, table: &Table, column: usize) -> String {
        let mut name = table.columns[column].name.clone();
        if let [only] = table.files.as_slice()
            && let Some(metric) = &only.metric
        {
            let _ = write!(name, "_{metric}");
        }
        name
    }
}
