//! Everything in memory: sorted series, and which of them belong to one entity.

use std::ops::ControlFlow;

use manazir_model::{Series, SeriesKind, Timestamp};

use crate::decide::grain;
use crate::error::Result;
use crate::progress::Watch;
use crate::rejects::Rejects;
use crate::scan::quality::SeriesQuality;
use crate::source::{Batch, Keys, Outcome, SeriesFacts, SourceReader};
use crate::table::{Catalog, Table};

/// Series of one entity: the value columns of the same rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name of the table.
    pub table: String,
    /// Labels that its series share.
    pub labels: Vec<(String, String)>,
    /// Indexes into [`Collection::series`], in the order of the columns.
    pub series: Vec<usize>,
    /// True if the time of its samples is a row number: the calendar means nothing.
    pub row_numbers: bool,
}

/// What a table came to when it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct TableOutcome {
    /// Index into [`Catalog::tables`].
    pub table: usize,
    /// Counts of its read; the series are in [`Collection::series`].
    pub outcome: Outcome,
}

/// All series of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collection {
    /// What was found.
    pub catalog: Catalog,
    /// Ordered by table, then key; the same source gives the same order.
    pub series: Vec<Series>,
    /// Quality of each series, same order.
    pub quality: Vec<SeriesQuality>,
    /// Each series is in one group.
    pub groups: Vec<Group>,
    /// Counts by table.
    pub outcomes: Vec<TableOutcome>,
    /// True if the work was stopped early; what had been read is here.
    pub interrupted: bool,
}

/// Discovers a source and reads all of its series into memory: 16 bytes a sample, and as much again for the
/// table being sorted.
///
/// Samples come sorted by event time. Of rows at the same time the last one with a number wins, and the
/// others are counted as duplicates. A series without any number is left out, and one that is empty in most
/// rows but filled at even distances loses its empty slots. A counter stays as it is; see [`crate::rate_per_second`].
pub fn collect(source: &dyn SourceReader, rejects: &mut Rejects, watch: Watch<'_>) -> Result<Collection> {
    let catalog = source.discover(watch)?;
    let mut collection = Collection { interrupted: catalog.interrupted, catalog, ..Collection::default() };
    for index in 0..collection.catalog.tables.len() {
        if collection.interrupted {
            break;
        }
        let table = collection.catalog.tables[index].clone();
        let mut buffers: Vec<Buffer> = Vec::new();
        let mut sink = |batch: &Batch, keys: &Keys| {
            buffers.resize_with(keys.len(), Buffer::default);
            for ((&series, &at), &value) in batch.series.iter().zip(&batch.at).zip(&batch.values) {
                buffers[series as usize].at.push(at);
                buffers[series as usize].values.push(value);
            }
            ControlFlow::Continue(())
        };
        let mut outcome = source.read(&table, &mut sink, rejects, watch)?;
        collection.interrupted |= outcome.interrupted;
        let facts = std::mem::take(&mut outcome.series);
        collection.outcomes.push(TableOutcome { table: index, outcome });
        collection.add(&table, facts, buffers);
    }
    Ok(collection)
}

/// Samples of a series in the order of their arrival.
#[derive(Default)]
struct Buffer {
    at: Vec<Timestamp>,
    values: Vec<f64>,
}

impl Buffer {
    /// Sorts by time and leaves one sample at each; tells how many were dropped.
    fn sort(&mut self) -> u64 {
        if !self.at.is_sorted() {
            let mut order: Vec<usize> = (0..self.at.len()).collect();
            order.sort_by_key(|&index| self.at[index]);
            self.at = order.iter().map(|&index| self.at[index]).collect();
            self.values = order.iter().map(|&index| self.values[index]).collect();
        }
        let before = self.at.len();
        let mut kept = 0;
        for index in 0..before {
            if kept > 0 && self.at[kept - 1] == self.at[index] {
                if !self.values[index].is_nan() {
                    self.values[kept - 1] = self.values[index];
                }
                continue;
            }
            self.at[kept] = self.at[index];
            self.values[kept] = self.values[index];
            kept += 1;
        }
        self.at.truncate(kept);
        self.values.truncate(kept);
        (before - kept) as u64
    }
}

impl Buffer {
    /// A column that is empty in most rows, but filled at even distances, follows a slower clock than its
    /// table: its empty slots are no samples.
    fn drop_empty_slots(&mut self) {
        let filled: Vec<usize> = (0..self.at.len()).filter(|&index| !self.values[index].is_nan()).collect();
        if filled.len() * 2 >= self.at.len() || filled.len() < 3 {
            return;
        }
        let distances = filled.windows(2).map(|pair| self.at[pair[1]].micros_since(self.at[pair[0]]));
        if grain::of_distances(distances).value.is_some() {
            self.at = filled.iter().map(|&index| self.at[index]).collect();
            self.values = filled.iter().map(|&index| self.values[index]).collect();
        }
    }
}

impl Collection {
    /// Takes the series of a table, ordered by key.
    fn add(&mut self, table: &Table, facts: Vec<SeriesFacts>, mut buffers: Vec<Buffer>) {
        buffers.resize_with(facts.len(), Buffer::default);
        let mut order: Vec<usize> = (0..facts.len()).collect();
        order.sort_by(|&one, &other| {
            let key = |index: usize| (&facts[index].key, facts[index].entity);
            key(one).cmp(&key(other))
        });
        let mut place = vec![usize::MAX; facts.len()];
        for index in order {
            let (fact, mut buffer) = (&facts[index], std::mem::take(&mut buffers[index]));
            // Without a number there is nothing to watch; so it is with a column of an empty table.
            if buffer.values.iter().all(|value| value.is_nan()) {
                continue;
            }
            let duplicates = buffer.sort();
            buffer.drop_empty_slots();
            let mut quality = SeriesQuality::of_sorted(&buffer.at, &buffer.values, table.grain.value)
                .judged(fact.kind.value);
            quality.duplicates = duplicates;
            quality.late = fact.quality.late;
            place[index] = self.series.len();
            self.series.push(series_of(table, fact, &quality, buffer));
            self.quality.push(quality);
        }
        self.add_groups(table, &facts, &place);
    }

    fn add_groups(&mut self, table: &Table, facts: &[SeriesFacts], place: &[usize]) {
        let mut groups: Vec<Group> = Vec::new();
        // Series come by number, so those of an entity stand together.
        for entity in (0..facts.len())
            .collect::<Vec<_>>()
            .chunk_by(|&one, &other| facts[one].entity == facts[other].entity)
        {
            groups.push(Group {
                table: table.name.clone(),
                labels: facts[entity[0]].key.labels.clone(),
                series: entity
                    .iter()
                    .map(|&index| place[index])
                    .filter(|&place| place != usize::MAX)
                    .collect(),
                row_numbers: table.time.value.is_row_number(),
            });
        }
        groups.retain(|group| !group.series.is_empty());
        groups.sort_by_key(|group| group.series.iter().copied().min());
        self.groups.extend(groups);
    }
}

fn series_of(table: &Table, fact: &SeriesFacts, quality: &SeriesQuality, buffer: Buffer) -> Series {
    Series {
        key: fact.key.clone(),
        kind: fact.kind.value,
        unit: table.columns[fact.measure].unit.as_ref().map(|unit| unit.value.clone()),
        grain: quality.grain,
        zone: table.zone.value.clone(),
        at: buffer.at,
        values: buffer.values,
    }
}

/// The rate of a counter per second: the growth between two samples over their distance, at the later one.
///
/// A fall is a reset: the counter began again at 0, so what it shows is what it grew by (Prometheus `rate`
/// reads resets alike). The first sample has no rate and is left out; a slot without a number stays one, and
/// the next rate spans it.
pub fn rate_per_second(counter: &Series) -> Series {
    let mut rate = Series {
        kind: SeriesKind::Gauge,
        unit: Some(match &counter.unit {
            Some(unit) => format!("{unit}/s"),
            None => "1/s".to_owned(),
        }),
        at: Vec::with_capacity(counter.len()),
        values: Vec::with_capacity(counter.len()),
        ..counter.clone()
    };
    let mut last: Option<(Timestamp, f64)> = None;
    for sample in counter.samples() {
        if sample.value.is_nan() {
            if last.is_some() {
                rate.at.push(sample.at);
                rate.values.push(f64::NAN);
            }
            continue;
        }
        if let Some((at, value)) = last {
            let grown = if sample.value >= value { sample.value - value } else { sample.value };
            rate.at.push(sample.at);
            rate.values.push(grown / (sample.at.micros_since(at) as f64 / 1e6));
        }
        last = Some((sample.at, sample.value));
    }
    rate
}
