//! The port of destinations, on Redis.

use std::vec::IntoIter;

use async_trait::async_trait;
use manazir_rollup::{Destination, Error, Key, KeyType, Row, Shape, Total};
use redis::Pipeline;

use crate::layout::{Layout, field};
use crate::{Redis, adopt, count};

/// Keys that are read or written at a time: some thousands of fields, which is milliseconds.
const KEYS: usize = 1_000;

#[async_trait]
impl Destination for Redis {
    async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
        let mut named = Vec::with_capacity(keys.len());
        for Key { id, label } in keys {
            named.push((self.layout.key(id).map_err(|why| self.link.refused(why))?, label.as_str()));
        }
        for some in named.chunks(KEYS) {
            self.link.ask::<()>(&self.rows_of_zeros(some)).await?;
        }
        Ok(())
    }

    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        count::count(&self.link, &self.layout, &self.counting, rows).await
    }

    /// What is said of one key is of one moment; what is said of all of them is not.
    async fn totals(&self) -> Result<Vec<Total>, Error> {
        let mut totals: Vec<Total> = Vec::new();
        loop {
            let from = totals.last().map_or("-".to_owned(), |last| format!("({}", last.key));
            let page = self.totals_from(&from).await?;
            if page.is_empty() {
                break;
            }
            totals.extend(page);
        }
        if self.layout.shape.key_type == KeyType::Integer {
            totals.sort_by_cached_key(|total| total.key.parse::<i64>().unwrap_or_default());
        }
        Ok(totals)
    }

    async fn adopt(&self, staged: &Shape) -> Result<bool, Error> {
        let staged = Layout::new(staged.clone()).map_err(|why| self.link.refused(why))?;
        adopt::adopt(&self.link, &self.layout, &staged).await
    }
}

impl Redis {
    /// Writes what is not there yet, and the labels.
    fn rows_of_zeros(&self, keys: &[(&str, &str)]) -> Pipeline {
        let layout = &self.layout;
        let mut commands = redis::pipe();
        commands.cmd("ZADD").arg(&layout.keys);
        for (key, _) in keys {
            commands.arg(0).arg(key);
        }
        for (key, _) in keys {
            for category in &layout.shape.categories {
                commands.cmd("HSETNX").arg(&layout.shape.table).arg(field(key, category)).arg(0);
            }
            if let Some(totals) = &layout.shape.totals {
                for column in [&totals.count, &totals.sum] {
                    commands.cmd("HSETNX").arg(&totals.table).arg(field(key, column)).arg(0);
                }
            }
        }
        if let Some(labels) = &layout.labels {
            commands.cmd("HSET").arg(labels);
            for (key, label) in keys {
                commands.arg(key).arg(label);
            }
        }
        commands
    }

    /// The totals of the next keys, as the server orders them: by their bytes.
    async fn totals_from(&self, from: &str) -> Result<Vec<Total>, Error> {
        let layout = &self.layout;
        let columns = &layout.shape.categories;
        let mut run = self.reading.key(&layout.keys);
        run.key(&layout.shape.table).arg(from).arg(KEYS).arg(columns.len()).arg(endings(columns));
        if let Some(totals) = &layout.shape.totals {
            let columns =
                [&totals.count, &totals.sum].into_iter().chain(totals.more.iter().map(|(name, _)| name));
            let endings = endings(columns);
            run.key(&totals.table).arg(endings.len()).arg(endings);
        }
        if let Some(labels) = &layout.labels {
            run.key(labels).arg(1).arg("");
        }
        let answers = self.link.run::<Vec<Vec<Option<String>>>>(&self.reading, &[run]).await?;
        let mut answers = answers.into_iter().flatten();
        let keys = answers.next().unwrap_or_default().into_iter().flatten();
        let mut sums = answers.next().unwrap_or_default().into_iter();
        let mut totals =
            layout.shape.totals.as_ref().and_then(|_| answers.next()).map(IntoIterator::into_iter);
        let mut labels = answers.next().unwrap_or_default().into_iter();
        let mut page = Vec::new();
        for key in keys {
            let next = |texts: &mut IntoIter<_>| whole(&key, texts.next().flatten());
            let by_category = columns.iter().map(|_| next(&mut sums)).collect::<Result<Vec<i64>, _>>()?;
            let (count, sum) = match &mut totals {
                Some(totals) => (next(totals)?, next(totals)?),
                None => (0, added(&key, &by_category)?),
            };
            let mut extreme = || match totals.as_mut().and_then(IntoIter::next).flatten() {
                Some(text) => whole(&key, Some(text)).map(|amount| Some(amount as f64)),
                None => Ok(None),
            };
            let more = layout.more.iter().map(|_| extreme()).collect::<Result<_, _>>()?;
            let count = count.try_into().map_err(|_| damaged(&key, format!("its count is {count}")))?;
            let label = labels.next().flatten().unwrap_or_default();
            page.push(Total { key, label, count, sum, by_category, more });
        }
        Ok(page)
    }
}

/// How the fields of columns end.
fn endings<'a>(columns: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    columns.into_iter().map(|column| field("", column)).collect()
}

/// What stands in a field of a key; 0 where there is none.
fn whole(key: &str, text: Option<String>) -> Result<i64, Error> {
    let text = text.unwrap_or_else(|| "0".to_owned());
    text.parse().map_err(|_| damaged(key, format!("{text:?} is no whole number")))
}

/// The sum over all categories, where it is not kept.
fn added(key: &str, sums: &[i64]) -> Result<i64, Error> {
    let sum = sums.iter().try_fold(0_i64, |sum, next| sum.checked_add(*next));
    sum.ok_or_else(|| damaged(key, "its sums have no sum of 64 bits".to_owned()))
}

fn damaged(key: &str, why: String) -> Error {
    Error::Damaged { what: format!("what is kept of {key:?}"), why }
}
