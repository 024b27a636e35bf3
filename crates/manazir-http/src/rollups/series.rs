//! What findings of a rollup come to in each hour, day or other span.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use manazir_model::Grain;
use manazir_rollup::aggregate::Aggregate;
use manazir_rollup::history::{By, Span, SpanQuery};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{as_of, history, named};
use crate::extract::{Path, Query};
use crate::search::Wanted;
use crate::{App, Problem};

/// Spans of an answer.
const SPANS_MAX: usize = 10_000;

/// Aggregates of each.
const AGGREGATES_MAX: usize = 20;

/// Digits of the length of a span: in days they are longer than any calendar, and in microseconds fit into 64 bits.
const EVERY_DIGITS_MAX: usize = 6;

/// Which series.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpansQuery {
    /// How long a span is: a whole number with `s`, `m`, `h` or `d`, as `15m`; `1h` if it is not given. Spans begin at
    /// whole numbers of it since 1970.
    #[param(pattern = "^[1-9][0-9]{0,5}[smhd]$")]
    every: Option<String>,
    /// `all`, which it is if it is not given, for one series; `category` or `key` for one of each.
    #[param(inline)]
    by: Option<ByWord>,
    /// Only findings of this key.
    key: Option<String>,
    /// Only those that happened at this time or later, RFC 3339.
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only those that had happened by this time.
    #[param(format = DateTime)]
    at: Option<String>,
    /// Only those that had been taken in by this time.
    #[param(format = DateTime)]
    known_at: Option<String>,
    /// Up to 20 of `count`, `sum`, `mean`, `min`, `max`, `distinct` and percentiles as `p95` or `p99.9`, with commas
    /// between; `count,sum,mean` if it is not given.
    #[param(
        pattern = r"^(count|sum|mean|min|max|distinct|p(100(\.0{1,3})?|[0-9]{1,2}(\.[0-9]{1,3})?))(,(count|sum|mean|min|max|distinct|p(100(\.0{1,3})?|[0-9]{1,2}(\.[0-9]{1,3})?))){0,19}$"
    )]
    aggregates: Option<String>,
}

/// What there is a series for each of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ByWord {
    /// One of everything.
    #[default]
    All,
    /// Of each category.
    Category,
    /// Of each key.
    Key,
}

/// A span in which something was counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpanJson {
    /// When it begins, RFC 3339.
    start_at: String,
    /// Of which key or category; null of everything.
    of: Option<String>,
    /// Each aggregate, in the unit of the value; null where it is not kept.
    values: BTreeMap<String, Option<f64>>,
}

/// Spans of a rollup.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpansJson {
    /// How long each is.
    every_seconds: u64,
    /// By time, and then by what they are of. Spans without findings are left out.
    items: Vec<SpanJson>,
}

/// Series of a rollup: what findings come to in each span of time
///
/// Worked out from the history; 409 if none is kept. At most 10,000 spans: 422 if there are more, for which longer
/// spans, or less time (`since` and `at`), are to be asked for.
#[utoipa::path(get, path = "/api/v1/rollups/{name}/series", tag = "rollups",
    params(("name" = String, Path), SpansQuery),
    responses((status = 200, body = SpansJson), (status = 400, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn spans(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(query): Query<SpansQuery>,
) -> Result<Json<SpansJson>, Problem> {
    let rollup = named(&app, &name)?;
    let mut wanted = Wanted::default();
    let aggregates = aggregates(&mut wanted, query.aggregates.as_deref().unwrap_or("count,sum,mean"));
    let asked = asked(&mut wanted, query, &aggregates);
    let asked = wanted.or_refuse(asked)?;
    let found = history(rollup)?.series(&asked).await?;
    if found.len() > SPANS_MAX {
        return Err(Problem::too_many_spans(format!(
            "there are {} spans, and {SPANS_MAX} are the most: ask for longer ones, for less time, or for one key",
            found.len()
        )));
    }
    let item = |Span { start, of, cell }: Span| SpanJson {
        start_at: start.to_string(),
        of: (asked.by != By::All).then(|| of.to_string()),
        values: aggregates.iter().map(|one| (one.to_string(), cell.value(*one, rollup.decimals))).collect(),
    };
    let every_seconds = (asked.every / Grain::SECOND.micros()).unsigned_abs();
    Ok(Json(SpansJson { every_seconds, items: found.into_iter().map(item).collect() }))
}

fn asked(wanted: &mut Wanted, query: SpansQuery, aggregates: &[Aggregate]) -> SpanQuery {
    let every = every(query.every.as_deref().unwrap_or("1h"));
    if every.is_none() {
        wanted.refuse("every is a whole number of at most 6 digits with s, m, h or d, like 15m".to_owned());
    }
    SpanQuery {
        every: every.unwrap_or_default(),
        by: match query.by.unwrap_or_default() {
            ByWord::All => By::All,
            ByWord::Category => By::Category,
            ByWord::Key => By::Key,
        },
        key: query.key.map(Into::into),
        since: wanted.time("since", query.since.as_deref()),
        as_of: as_of(wanted, query.at.as_deref(), query.known_at.as_deref()),
        wanted: aggregates.iter().copied().collect(),
    }
}

/// In microseconds.
fn every(text: &str) -> Option<i64> {
    let unit = match text.bytes().last()? {
        b's' => Grain::SECOND,
        b'm' => Grain::MINUTE,
        b'h' => Grain::HOUR,
        b'd' => Grain::DAY,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = digits.len() <= EVERY_DIGITS_MAX
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = is_number.then(|| digits.parse().ok()).flatten()?;
    number.checked_mul(unit.micros())
}

fn aggregates(wanted: &mut Wanted, text: &str) -> Vec<Aggregate> {
    let words: Vec<&str> = text.split(',').collect();
    if words.len() > AGGREGATES_MAX {
        wanted.refuse(format!("aggregates are {AGGREGATES_MAX} at most"));
        return Vec::new();
    }
    let read = |word: &str| word.parse().map_err(|why| wanted.refuse(format!("aggregates: {why}"))).ok();
    words.into_iter().filter_map(read).collect()
}
