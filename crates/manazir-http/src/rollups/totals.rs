//! The board of a rollup: totals of its keys, now or as they were.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use manazir_rollup::aggregate::Aggregate;
use manazir_rollup::hosted::Hosted;
use manazir_rollup::{AsOf, KeyType, Total};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{as_of, history, named, unit};
use crate::extract::{Path, Query};
use crate::search::{TOTALS, Wanted};
use crate::{App, Problem};

/// Digits of a sum in a cursor.
const SUM_DIGITS: usize = 16;

/// Which totals.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TotalsQuery {
    /// Only what had happened by this time, RFC 3339, whenever it was taken in.
    #[param(format = DateTime)]
    at: Option<String>,
    /// Only what had been taken in by this time: what the board showed then.
    #[param(format = DateTime)]
    known_at: Option<String>,
    /// Only this key.
    key: Option<String>,
    /// `key`, which it is if it is not given, or `sum` for the largest first.
    #[param(inline)]
    order: Option<Order>,
    /// At most so many, 1 to 10000; 100 if it is not given.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{16}([0-9a-f]{2}){0,255}$")]
    cursor: Option<String>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// By key.
    #[default]
    Key,
    /// The largest sum.
    Sum,
}

/// The totals of a key. Amounts are in the unit of the value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotalJson {
    /// The key.
    key: String,
    /// What people call it; null if that is not kept.
    label: Option<String>,
    /// Findings; null if they are not kept beside the sums.
    count: Option<u64>,
    /// Sum of their amounts.
    sum: f64,
    /// Of the exact sum and count, each time anew; null without findings.
    mean: Option<f64>,
    /// Sum of the amounts of each category.
    by_category: BTreeMap<String, f64>,
    /// Further columns; null without findings.
    more: BTreeMap<String, Option<f64>>,
}

/// A page of totals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TotalsPage {
    /// In the order that was asked for.
    items: Vec<TotalJson>,
    /// Ask with it for what comes after; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl TotalJson {
    fn new(total: Total, rollup: &Hosted) -> Self {
        let (shape, unit) = (&rollup.shape, unit(rollup));
        let in_unit = |aggregate: Aggregate, value: f64| match aggregate {
            Aggregate::Count | Aggregate::Distinct => value,
            _ => value / unit,
        };
        let further = shape.more().iter().zip(total.more);
        let further = further
            .map(|((name, aggregate), value)| (name.clone(), value.map(|value| in_unit(*aggregate, value))));
        let sums = shape.categories.iter().cloned().zip(total.by_category);
        Self {
            key: total.key,
            label: shape.label.is_some().then_some(total.label),
            count: shape.totals.is_some().then_some(total.count),
            sum: total.sum as f64 / unit,
            // One division, so that it is rounded once.
            mean: (total.count > 0).then(|| total.sum as f64 / (total.count as f64 * unit)),
            by_category: sums.map(|(category, sum)| (category, sum as f64 / unit)).collect(),
            more: further.collect(),
        }
    }
}

/// Totals of a rollup: now, or as they were
///
/// With `at` or `known_at` they are worked out from the history; 409 if none is kept. A cursor is a place in the order:
/// totals that change between two pages may move across it, all others come once.
#[utoipa::path(get, path = "/api/v1/rollups/{name}/totals", tag = "rollups",
    params(("name" = String, Path), TotalsQuery),
    responses((status = 200, body = TotalsPage), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn totals(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<TotalsQuery>,
) -> Result<Json<TotalsPage>, Problem> {
    let rollup = named(&app, &name)?;
    let mut wanted = Wanted::default();
    let as_of = as_of(&mut wanted, query.at.as_deref(), query.known_at.as_deref());
    let limit = wanted.limit(query.limit, TOTALS);
    let cursor = wanted.written_cursor(query.cursor.as_deref(), Place::read);
    let (limit, cursor) = wanted.or_refuse((limit, cursor))?;
    let mut totals = match (as_of, &query.key) {
        (AsOf { at: None, known_at: None }, Some(key)) => {
            rollup.destination.totals_of(std::slice::from_ref(key)).await?
        }
        (AsOf { at: None, known_at: None }, None) => rollup.destination.totals().await?,
        _ => history(rollup)?.as_of(as_of).await?,
    };
    if let Some(key) = &query.key {
        totals.retain(|total| total.key == *key);
    }
    let ranking = Ranking { order: query.order.unwrap_or_default(), key_type: rollup.shape.key_type };
    let is_more = ranking.page(&mut totals, cursor.as_ref(), limit);
    let next_cursor = totals.last().filter(|_| is_more).map(|last| Place::of(last).to_string());
    let items = totals.into_iter().map(|total| TotalJson::new(total, rollup)).collect();
    Ok(Json(TotalsPage { items, next_cursor }))
}

/// Where a total stands in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    sum: i64,
    key: Vec<u8>,
}

/// In which order totals come.
#[derive(Clone, Copy, Debug)]
struct Ranking {
    order: Order,
    key_type: KeyType,
}

impl Place {
    fn of(total: &Total) -> Self {
        Self { sum: total.sum, key: total.key.clone().into_bytes() }
    }

    fn read(cursor: &str) -> Option<Self> {
        let is_hexadecimal = cursor.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (sum, key) = cursor.split_at_checked(SUM_DIGITS).filter(|_| is_hexadecimal)?;
        let sum = u64::from_str_radix(sum, 16).ok()?.cast_signed();
        let pair = |at: usize| u8::from_str_radix(key.get(at..at + 2)?, 16).ok();
        let key = (0..key.len()).step_by(2).map(pair).collect::<Option<_>>()?;
        Some(Self { sum, key })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.sum)?;
        self.key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Ranking {
    /// Leaves of totals those of a page, in order; true if more come after it.
    fn page(self, totals: &mut Vec<Total>, after: Option<&Place>, limit: usize) -> bool {
        let compare = |one: &Total, other: &Total| {
            self.compare((one.sum, one.key.as_bytes()), (other.sum, other.key.as_bytes()))
        };
        if let Some(Place { sum, key }) = after {
            let after = |total: &Total| self.compare((total.sum, total.key.as_bytes()), (*sum, key));
            totals.retain(|total| after(total) == Ordering::Greater);
        }
        let is_more = totals.len() > limit;
        if is_more {
            // Only what is shown has to be sorted.
            totals.select_nth_unstable_by(limit, compare);
            totals.truncate(limit);
        }
        totals.sort_unstable_by(compare);
        is_more
    }

    fn compare(self, one: (i64, &[u8]), other: (i64, &[u8])) -> Ordering {
        let by_key = || match self.key_type {
            KeyType::Integer => integer(one.1).cmp(&integer(other.1)),
            KeyType::Text => one.1.cmp(other.1),
        };
        match self.order {
            Order::Key => by_key(),
            Order::Sum => Reverse(one.0).cmp(&Reverse(other.0)).then_with(by_key),
        }
    }
}

/// A key that is a number; a cursor may hold anything.
fn integer(key: &[u8]) -> i64 {
    std::str::from_utf8(key).ok().and_then(|key| key.parse().ok()).unwrap_or_default()
}
