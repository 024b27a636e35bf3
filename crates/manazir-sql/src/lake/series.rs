//! Series and their numbers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use manazir_ingest::lake::{KnownSeries, SeriesFilter, series_id};
use manazir_ingest::{Error, Sampled};
use manazir_model::SeriesKey;
use sqlx::PgPool;

use super::{limit, signed, stored, unsigned};
use crate::failure::failed;

/// Numbers that are remembered, at some 130 bytes each; beyond it, all are forgotten and asked for again.
const REMEMBERED_MAX: usize = 1 << 18;

/// The numbers of series, as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Numbers(HashMap<SeriesKey, i64>);

impl Numbers {
    /// The number of a series that was asked for.
    pub(super) fn of(&self, key: &SeriesKey) -> i64 {
        self.0.get(key).copied().expect("every series of a batch got its number before the batch was stored")
    }
}

/// All series of what is to be stored.
pub(super) fn keys<'s>(sampled: &[&'s Sampled]) -> BTreeSet<&'s SeriesKey> {
    let of = |sampled: &&'s Sampled| {
        let rows = sampled.rows.iter().map(|rows| &rows.key);
        rows.chain(sampled.findings.iter().map(|finding| &finding.series))
    };
    sampled.iter().flat_map(of).collect()
}

/// Numbers that this process has seen in the database, by the written key. A number stays for ever.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<Box<[u8]>, i64>>);

impl Known {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, i64>> {
        // Entries are added whole: a panic elsewhere cannot have broken one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of series; those that have none get one.
    pub(super) async fn numbers(&self, pool: &PgPool, keys: BTreeSet<&SeriesKey>) -> Result<Numbers, Error> {
        let mut numbers = Numbers::default();
        let mut unknown = Vec::new();
        {
            let known = self.lock();
            for key in keys {
                let written = postcard::to_stdvec(key).map_err(Error::store)?;
                let number = known.get(&written[..]).copied();
                // Those that are not known are looked for at the number that they should have.
                numbers.0.insert(key.clone(), number.unwrap_or_else(|| signed(series_id(key))));
                if number.is_none() {
                    unknown.push((key, written));
                }
            }
        }
        while !unknown.is_empty() {
            unknown = self.settle(pool, unknown, &mut numbers).await?;
        }
        Ok(numbers)
    }

    /// Registers series under the numbers that they should have; gives those whose number is another's, which are
    /// to be tried with the next one, see [`series_id`].
    async fn settle<'k>(
        &self,
        pool: &PgPool,
        mut unknown: Vec<(&'k SeriesKey, Vec<u8>)>,
        numbers: &mut Numbers,
    ) -> Result<Vec<(&'k SeriesKey, Vec<u8>)>, Error> {
        // In the order of their numbers: two workers never wait for each other in a circle.
        unknown.sort_by_key(|(key, _)| numbers.of(key));
        let wanted: Vec<i64> = unknown.iter().map(|(key, _)| numbers.of(key)).collect();
        let mut owners = owners(pool, &wanted).await?;
        if wanted.iter().any(|id| !owners.contains_key(id)) {
            let new: Vec<(i64, &SeriesKey, &[u8])> = unknown
                .iter()
                .map(|(key, written)| (numbers.of(key), *key, &written[..]))
                .filter(|(id, ..)| !owners.contains_key(id))
                .collect();
            register(pool, &new).await?;
            owners = self::owners(pool, &wanted).await?;
        }
        let mut known = self.lock();
        if known.len() + unknown.len() > REMEMBERED_MAX {
            known.clear();
        }
        unknown.retain(|(key, written)| {
            let id = numbers.of(key);
            let is_ours = owners.get(&id).is_some_and(|owner| owner == written);
            if is_ours {
                known.insert(written.as_slice().into(), id);
            } else {
                numbers.0.insert((*key).clone(), signed(unsigned(id).wrapping_add(1)));
            }
            !is_ours
        });
        Ok(unknown)
    }
}

/// The written keys of those numbers that are taken.
async fn owners(pool: &PgPool, ids: &[i64]) -> Result<HashMap<i64, Vec<u8>>, Error> {
    const SELECT: &str = "SELECT id, key FROM lake_series WHERE id = ANY($1)";
    let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(SELECT).bind(ids).fetch_all(pool).await.map_err(failed)?;
    Ok(rows.into_iter().collect())
}

/// Whoever comes first with a number has it.
async fn register(pool: &PgPool, new: &[(i64, &SeriesKey, &[u8])]) -> Result<(), Error> {
    // A list of lists cannot be unnested into lists: the words come as one text each.
    const INSERT: &str = "INSERT INTO lake_series (id, words, name, key) \
        SELECT id, words::BIGINT[], name, key FROM UNNEST($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BYTEA[]) \
            AS new (id, words, name, key) \
        ON CONFLICT DO NOTHING";
    let text = |key: &SeriesKey| {
        let words: Vec<String> = words(Some(&key.metric), &key.labels).iter().map(i64::to_string).collect();
        format!("{{{}}}", words.join(","))
    };
    let name = |key: &SeriesKey| crate::text::kept(&key.to_string()).into_owned();
    sqlx::query(INSERT)
        .bind(new.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, key, _)| text(key)).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, key, _)| name(key)).collect::<Vec<_>>())
        .bind(new.iter().map(|(.., written)| *written).collect::<Vec<_>>())
        .execute(pool)
        .await
        .map(drop)
        .map_err(failed)
}

/// What a series is searched by. A hash is as long as any other, whatever the text: an index takes it.
fn words(metric: Option<&String>, labels: &[(String, String)]) -> Vec<i64> {
    let metric = metric.map(|metric| series_id(&SeriesKey::new(metric.clone(), [])));
    let labels = labels.iter().map(|label| series_id(&SeriesKey::new("", [label.clone()])));
    metric.into_iter().chain(labels).map(u64::cast_signed).collect()
}

/// See [`manazir_ingest::lake::Lake::series`].
pub(super) async fn list(
    pool: &PgPool,
    filter: &SeriesFilter,
    after: Option<u64>,
    max: usize,
) -> Result<Vec<KnownSeries>, Error> {
    const ALL: &str = "SELECT id, key FROM lake_series WHERE id >= $1 AND $2::BIGINT[] = '{}' \
        ORDER BY id LIMIT $3";
    const SOME: &str = "SELECT id, key FROM lake_series WHERE id >= $1 AND words @> $2 ORDER BY id LIMIT $3";
    let words = words(filter.metric.as_ref(), &filter.labels);
    let select = if words.is_empty() { ALL } else { SOME };
    let mut from = after.map_or(Some(0), |after| after.checked_add(1));
    let mut found = Vec::new();
    while let Some(first) = from.filter(|_| found.len() < max) {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(select)
            .bind(signed(first))
            .bind(&words)
            .bind(limit(max - found.len()))
            .fetch_all(pool)
            .await
            .map_err(failed)?;
        from = rows.last().and_then(|(last, _)| unsigned(*last).checked_add(1));
        for (id, key) in rows {
            let key: SeriesKey = stored(&key, || format!("series {}", unsigned(id)))?;
            // Two words may have one hash.
            if filter.takes(&key) {
                found.push(KnownSeries { id: unsigned(id), key });
            }
        }
    }
    Ok(found)
}

/// The series of a number.
pub(super) async fn of(pool: &PgPool, id: u64) -> Result<Option<SeriesKey>, Error> {
    const SELECT: &str = "SELECT key FROM lake_series WHERE id = $1";
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as(SELECT).bind(signed(id)).fetch_optional(pool).await.map_err(failed)?;
    row.map(|(key,)| stored(&key, || format!("series {id}"))).transpose()
}
