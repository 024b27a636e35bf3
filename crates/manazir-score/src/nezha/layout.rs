//! From the files of one day to series.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manazir_model::Timestamp;
use manazir_rca::evidence::{Kind, Statistic};
use serde::Deserialize;

use crate::petshop::read_calls;
use crate::recording::{Owned, Recording};
use crate::table::{Column, Table, parse_instant};
use crate::{Error, Result};

/// What was counted: services, caller first, and the name of what.
type Counted = (Vec<String>, String);

const MINUTE: i64 = 60_000_000;

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) case: String,
    pub(super) system: String,
    pub(super) day: String,
    /// Of the injection; the epoch beside it is eight hours off for some.
    pub(super) minute: String,
    pub(super) root_cause_service: String,
    pub(super) fault_type: String,
}

/// One day of one system.
pub(super) struct Day {
    pub(super) recording: Recording,
    pub(super) n_samples: usize,
    first: Timestamp,
    date: String,
    path: PathBuf,
}

/// A table of traces or logs: which columns name a series, and what its numbers are.
struct Source {
    file: &'static str,
    /// Of a call, caller and callee; else the service.
    services: &'static [&'static str],
    /// Column with the name of the metric, or the name itself.
    metric: std::result::Result<&'static str, &'static str>,
    count: (&'static str, Kind),
    levels: &'static [(&'static str, Kind)],
}

const SOURCES: [Source; 3] = [
    Source {
        file: "edges",
        services: &["caller", "callee"],
        metric: Err("calls"),
        count: ("calls", Kind::Traffic),
        levels: &[
            ("p50_us", Kind::Latency),
            ("p95_us", Kind::Latency),
            ("p99_us", Kind::Latency),
            ("gap_p50_us", Kind::NetworkGap),
            ("gap_p90_us", Kind::NetworkGap),
        ],
    },
    Source {
        file: "operations",
        services: &["service"],
        metric: Ok("operation"),
        count: ("spans", Kind::Operation),
        levels: &[("p50_us", Kind::Latency), ("p95_us", Kind::Latency)],
    },
    Source {
        file: "logs",
        services: &["service"],
        metric: Ok("template"),
        count: ("lines", Kind::Log),
        levels: &[],
    },
];

impl Day {
    pub(super) fn read(dir: &Path, system: &str, date: &str) -> Result<Self> {
        let file = |what: &str| dir.join(format!("{system}_{date}_{what}"));
        let path = file("metrics.parquet");
        let metrics = Table::read(&path, usize::MAX)?;
        let first = metrics.column("time").and_then(|time| time.instant(0));
        let first = first.ok_or_else(|| Error::layout(&path, "has no column `time`"))?;
        let (recording, n_samples) = (Recording::default(), metrics.n_rows);
        let mut day = Self { recording, n_samples, first, date: date.to_owned(), path };
        read_calls(&file("graph.csv"), &mut day.recording.topology)?;
        day.add_metrics(&metrics);
        for source in &SOURCES {
            let path = file(&format!("{}.parquet", source.file));
            if path.exists() {
                day.add_counts(source, &Table::read(&path, usize::MAX)?, &path)?;
            }
        }
        Ok(day)
    }

    /// The minute of a label on the grid.
    pub(super) fn position(&self, label: &Label) -> Result<usize> {
        let position = self.minute(&label.minute);
        position
            .ok_or_else(|| Error::layout(&self.path, format!("case {} is not in its minutes", label.case)))
    }

    /// The time of each minute.
    pub(super) fn times(&self) -> Vec<Timestamp> {
        (0..self.n_samples as i64).map(|minute| Timestamp(self.first.0 + minute * MINUTE)).collect()
    }

    fn minute(&self, minute: &str) -> Option<usize> {
        let at = parse_instant(&format!("{}T{minute}:00", self.date))?;
        let position = (at.0 - self.first.0 + MINUTE / 2).div_euclid(MINUTE);
        usize::try_from(position).ok().filter(|position| *position < self.n_samples)
    }

    /// What a service uses and how late it answers. Left out is what others decide: the load (calls, bytes read and
    /// sent), the time it waits for its callees, and the numbers of the host it shares.
    fn add_metrics(&mut self, metrics: &Table) {
        for (name, column) in &metrics.columns {
            let Some((service, metric)) = name.split_once('|') else { continue };
            let Some(values) = column.numbers() else { continue };
            let (kind, metric, statistic) = if metric.starts_with("cpu") || metric.starts_with("mem") {
                (Kind::Resource, metric, Statistic::Mean)
            } else if metric.starts_with("server_p") {
                (Kind::Latency, "server", Statistic::Quantile)
            } else {
                continue;
            };
            let entity = self.recording.topology.entity(service);
            let metric = metric.to_owned();
            self.recording.series.push(Owned { entity, caller: None, metric, statistic, kind, values });
        }
    }

    /// Counts are 0 in minutes of which the table knows anything, and unknown in others.
    fn add_counts(&mut self, source: &Source, table: &Table, path: &Path) -> Result<()> {
        let column = |name: &str| {
            table.column(name).ok_or_else(|| Error::layout(path, format!("has no column `{name}`")))
        };
        let numbers = |name: &str| {
            let numbers = column(name)?.numbers();
            numbers.ok_or_else(|| Error::layout(path, format!("column `{name}` holds no numbers")))
        };
        let minutes: Vec<Option<usize>> = {
            let minute = column("minute")?;
            (0..table.n_rows).map(|row| self.minute(&minute.text(row))).collect()
        };
        let services: Vec<&Column> =
            source.services.iter().map(|name| column(name)).collect::<Result<_>>()?;
        let metric = source.metric.ok().map(column).transpose()?;
        let mut rows: BTreeMap<Counted, Vec<(usize, usize)>> = BTreeMap::new();
        for (row, minute) in minutes.iter().enumerate() {
            let Some(minute) = minute else { continue };
            let names = services.iter().map(|column| column.text(row)).collect();
            let metric = metric.map_or_else(String::new, |column| column.text(row));
            rows.entry((names, metric)).or_default().push((row, *minute));
        }
        let known: BTreeSet<usize> = minutes.iter().flatten().copied().collect();
        let (count, kind) = source.count;
        let counts = numbers(count)?;
        for (key, rows) in &rows {
            let mut values = vec![f64::NAN; self.n_samples];
            known.iter().for_each(|minute| values[*minute] = 0.0);
            rows.iter().for_each(|(row, minute)| values[*minute] += counts[*row]);
            self.push(source, key, kind, Statistic::Sum, values);
        }
        for (level, kind) in source.levels {
            let levels = numbers(level)?;
            for (key, rows) in &rows {
                let mut values = vec![f64::NAN; self.n_samples];
                rows.iter().for_each(|(row, minute)| values[*minute] = levels[*row]);
                self.push(source, key, *kind, Statistic::Quantile, values);
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        source: &Source,
        (services, metric): &Counted,
        kind: Kind,
        statistic: Statistic,
        values: Vec<f64>,
    ) {
        let topology = &mut self.recording.topology;
        let entities: Vec<_> = services.iter().map(|service| topology.entity(service)).collect();
        let (Some(entity), caller) =
            (entities.last().copied(), entities[..entities.len() - 1].first().copied())
        else {
            return;
        };
        let metric = source.metric.err().map_or_else(|| metric.clone(), str::to_owned);
        self.recording.series.push(Owned { entity, caller, metric, statistic, kind, values });
    }
}
