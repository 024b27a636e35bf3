//! Series of a rollup, for the detectors: what findings come to in each hour, once the hour is over.
//!
//! A span is over when a finding has happened well behind it. What is sent of a span is what its findings come to in
//! all, so that sending it again changes nothing; a finding that comes late gives the same span again with another
//! value. Nothing is kept but the findings themselves: after a restart what was sent of late is worked out and sent
//! again, and is known by the queue as what it had.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result};
use manazir_ingest::{Queue, parts};
use manazir_model::{Grain, Sample, SeriesKey, SeriesKind, SeriesSamples, Timestamp};
use manazir_rollup::history::{By, SpanQuery};
use manazir_rollup::spec::SeriesSpec;
use manazir_rollup::{AsOf, Compiled, History};

use super::counting::{again, now};

/// Spans of the past that are sent at first, for detectors learn from a history.
const SPANS_FIRST: i64 = 2_000;

/// Spans for which a finding that comes late is told.
const SPANS_LATE: i64 = 100;

/// Findings may be so much out of order before their span is over: a twentieth of it, and a minute at least.
const LATENESS_SHARE: i64 = 20;

/// Works out series and sends them.
pub struct Feeder {
    rollup: String,
    decimals: u8,
    categories: Vec<String>,
    series: Vec<Fed>,
    queue: Arc<dyn Queue>,
}

/// One of the specification's series.
struct Fed {
    spec: SeriesSpec,
    /// The end of what was over at the last look.
    over: Option<i64>,
    /// What was sent, by the beginning of its span and by what it is of.
    sent: BTreeMap<(i64, Arc<str>), f64>,
}

impl Feeder {
    /// `queue`: where samples go.
    pub fn new(compiled: &Compiled, queue: Arc<dyn Queue>) -> Self {
        let spec = &compiled.spec;
        let fed = |spec: &SeriesSpec| Fed { spec: spec.clone(), over: None, sent: BTreeMap::new() };
        Self {
            rollup: spec.name.clone(),
            decimals: spec.rollup.decimals,
            categories: spec.rollup.categories.clone(),
            series: spec.series.iter().map(fed).collect(),
            queue,
        }
    }

    /// Sends what is over, or has changed, since the last call.
    pub async fn feed(&mut self, history: &dyn History) -> Result<()> {
        let status = again(async || history.status().await).await.context("look at the history")?;
        let Some((first, last)) = status.at else { return Ok(()) };
        for fed in &mut self.series {
            let every = fed.every();
            let lateness = (every / LATENESS_SHARE).max(Grain::MINUTE.micros());
            let over = (last.micros() - lateness).div_euclid(every) * every;
            let first = first.micros().div_euclid(every) * every;
            let look_back = if fed.over.is_some() { SPANS_LATE } else { SPANS_FIRST };
            let since = first.max(over - look_back * every);
            fed.over = Some(over);
            if since >= over {
                continue;
            }
            let values = fed.values(history, (since, over), self.decimals, &self.categories).await?;
            let new: Vec<((i64, Arc<str>), f64)> =
                values.into_iter().filter(|(place, value)| fed.sent.get(place) != Some(value)).collect();
            if new.is_empty() {
                continue;
            }
            let samples = fed.samples(&self.rollup, &new);
            let digest = parts::digest([&*serde_json::to_vec(&samples).context("write samples")?]);
            let messages = parts::messages_of(samples, digest, now())?;
            self.queue.publish(messages).await.context("send samples")?;
            fed.sent.extend(new);
            fed.sent.retain(|(start, _), _| *start >= over - SPANS_LATE * every);
        }
        Ok(())
    }
}

impl Fed {
    fn every(&self) -> i64 {
        i64::from(self.spec.every_seconds) * Grain::SECOND.micros()
    }

    /// The value of each span from `since` to `over`, also of those in which nothing happened.
    async fn values(
        &self,
        history: &dyn History,
        (since, over): (i64, i64),
        decimals: u8,
        categories: &[String],
    ) -> Result<BTreeMap<(i64, Arc<str>), f64>> {
        let query = SpanQuery {
            every: self.every(),
            by: self.spec.by,
            key: None,
            since: Some(Timestamp(since)),
            as_of: AsOf { at: Some(Timestamp(over - 1)), known_at: None },
            wanted: [self.spec.aggregate].into_iter().collect(),
        };
        let spans = again(async || history.series(&query).await).await.context("read the history")?;
        let mut of: BTreeSet<Arc<str>> = match self.spec.by {
            By::All => BTreeSet::from(["".into()]),
            By::Category => categories.iter().map(|category| category.as_str().into()).collect(),
            By::Key => BTreeSet::new(),
        };
        of.extend(spans.iter().map(|span| Arc::clone(&span.of)));
        of.extend(self.sent.keys().map(|(_, of)| Arc::clone(of)));
        let found: HashMap<(i64, Arc<str>), f64> = spans
            .into_iter()
            .filter_map(|span| {
                Some(((span.start.micros(), span.of), span.cell.value(self.spec.aggregate, decimals)?))
            })
            .collect();
        let mut values = BTreeMap::new();
        let mut start = since;
        while start < over {
            for of in &of {
                let place = (start, Arc::clone(of));
                // A mean of nothing is none; a count of nothing is 0.
                let value = found.get(&place).copied().or_else(|| self.of_nothing());
                values.extend(value.map(|value| (place, value)));
            }
            start += query.every;
        }
        Ok(values)
    }

    fn of_nothing(&self) -> Option<f64> {
        manazir_rollup::aggregate::Cell::default().value(self.spec.aggregate, 0)
    }

    fn samples(&self, rollup: &str, values: &[((i64, Arc<str>), f64)]) -> Vec<SeriesSamples> {
        let mut series: BTreeMap<&Arc<str>, Vec<Sample>> = BTreeMap::new();
        for ((start, of), value) in values {
            series.entry(of).or_default().push(Sample { at: Timestamp(*start), value: *value });
        }
        let label = match self.spec.by {
            By::All => None,
            By::Category => Some("category"),
            By::Key => Some("key"),
        };
        let one = |(of, samples): (&Arc<str>, Vec<Sample>)| {
            let labels = [("rollup", rollup.to_owned())].into_iter();
            let labels = labels.chain(label.map(|label| (label, of.to_string())));
            let labels = labels.map(|(name, value)| (name.to_owned(), value));
            SeriesSamples {
                key: SeriesKey::new(&self.spec.metric, labels),
                kind: Some(SeriesKind::Gauge),
                samples,
            }
        };
        series.into_iter().map(one).collect()
    }
}
