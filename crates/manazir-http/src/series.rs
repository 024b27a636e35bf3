//! Series, their samples with verdicts, and the episodes in them.

use axum::Json;
use axum::extract::State;
use manazir_ingest::lake::{KnownSeries, SampleQuery, SeriesFilter, series_id};
use manazir_model::{Direction, EpisodeState, HeldBack, JudgedSample, SeriesFinding, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Path, Query};
use crate::search::{SAMPLES, SERIES, Wanted};
use crate::{App, Problem};

/// Which series.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesQuery {
    /// Only those of this metric.
    metric: Option<String>,
    /// Only those with this label, as `name=value`.
    #[param(pattern = "^[^=]+=")]
    label: Option<String>,
    /// At most so many, 1 to 1000; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{16}$")]
    cursor: Option<String>,
}

/// A series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesJson {
    /// Its number, sixteen hexadecimal digits.
    id: String,
    /// The metric's name.
    metric: String,
    /// Labels with their values, by name.
    labels: Vec<LabelJson>,
    /// Both in one, as `orders{country=BR}`.
    name: String,
}

/// A label of a series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LabelJson {
    /// The label.
    name: String,
    /// Its value.
    value: String,
}

impl From<KnownSeries> for SeriesJson {
    fn from(KnownSeries { id, key }: KnownSeries) -> Self {
        let name = key.to_string();
        let labels = key.labels.into_iter().map(|(name, value)| LabelJson { name, value }).collect();
        Self { id: written(id), metric: key.metric, labels, name }
    }
}

/// A page of series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesPage {
    /// By number.
    items: Vec<SeriesJson>,
    /// Ask with it for what comes after; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which samples.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplesQuery {
    /// The first event time, RFC 3339; the beginning if it is not given.
    #[param(format = DateTime)]
    from: Option<String>,
    /// The event time before which they end; the end if it is not given.
    #[param(format = DateTime)]
    until: Option<String>,
    /// What was known then: only what had arrived by this time.
    #[param(format = DateTime)]
    as_of: Option<String>,
    /// True for every revision, false for the last of each event time.
    revisions: Option<bool>,
    /// At most so many event times, 1 to 20000; 1440 if it is not given.
    #[param(minimum = 1, maximum = 20000)]
    limit: Option<usize>,
}

/// A sample with its verdict. Fields of the verdict are null where there was none: while the series was learnt, or
/// without a number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleJson {
    /// Event time, RFC 3339.
    at: String,
    /// When it arrived.
    received_at: String,
    /// 0 for the first of its event time, 1 for the first that corrects it.
    revision: u16,
    /// True if it came after a later one: it was judged by the expectation of its slot.
    late: bool,
    /// As it came; null for a slot without a number.
    value: Option<f64>,
    /// Growth a second, for a counter: what was judged.
    rate: Option<f32>,
    /// What was expected.
    expected: Option<f32>,
    /// Lower end of the expected band.
    lower: Option<f32>,
    /// Upper end of the expected band.
    upper: Option<f32>,
    /// Strangeness, 0 or more.
    score: Option<f32>,
    /// Probability of a sample at least as strange if nothing has changed.
    p_value: Option<f32>,
    /// Which detector found it strangest.
    detector: Option<String>,
    /// True while it belongs to an open alarm.
    alarm: bool,
    /// Why it opened no alarm: `alarm_open`, `small_effect`, `low_traffic`.
    held_back: Option<&'static str>,
}

impl From<JudgedSample> for SampleJson {
    fn from(row: JudgedSample) -> Self {
        let single = |value: f32| value.is_finite().then_some(value);
        Self {
            at: row.at.to_string(),
            received_at: row.received_at.to_string(),
            revision: row.revision,
            late: row.late,
            value: row.value.is_finite().then_some(row.value),
            rate: single(row.rate),
            expected: single(row.expected),
            lower: single(row.lower),
            upper: single(row.upper),
            score: single(row.score),
            p_value: single(row.p_value),
            detector: (!row.detector.is_empty()).then(|| row.detector.into_owned()),
            alarm: row.alarm,
            held_back: row.held_back.map(|why| match why {
                HeldBack::AlarmOpen => "alarm_open",
                HeldBack::SmallEffect => "small_effect",
                HeldBack::LowTraffic => "low_traffic",
            }),
        }
    }
}

/// Samples of a series.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SamplesJson {
    /// The series.
    series: SeriesJson,
    /// By event time, revisions by arrival.
    items: Vec<SampleJson>,
    /// Ask for what comes after with this as `from`; absent if this is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_from: Option<String>,
}

/// Which episodes.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpisodesQuery {
    /// Only those that began before, RFC 3339.
    #[param(format = DateTime)]
    before: Option<String>,
    /// At most so many, 1 to 1000; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{32}$")]
    cursor: Option<String>,
}

/// A page of episodes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EpisodesPage {
    /// The one that began last first.
    items: Vec<EpisodeJson>,
    /// Ask with it for what comes after; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An episode of a series, as it was last told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EpisodeJson {
    /// The series.
    series: SeriesJson,
    /// `opened`, `peaked`, `closed`, or `late` of a single sample that came late.
    state: &'static str,
    /// First strange sample, RFC 3339.
    start_at: String,
    /// Last strange sample so far.
    end_at: String,
    /// The strangest one.
    peak_at: String,
    /// `up` or `down`, where it has a direction.
    direction: Option<&'static str>,
    /// What was judged at the peak.
    observed: Option<f64>,
    /// What was expected there.
    expected: Option<f64>,
    /// Strangeness of the peak.
    score: f64,
    /// Probability of a sample at least as strange if nothing has changed.
    p_value: f64,
    /// Which detector found it.
    detector: String,
    /// All of it in one sentence.
    sentence: String,
}

impl From<SeriesFinding> for EpisodeJson {
    fn from(finding: SeriesFinding) -> Self {
        let id = series_id(&finding.series);
        Self {
            series: KnownSeries { id, key: finding.series }.into(),
            state: match finding.state {
                EpisodeState::Opened => "opened",
                EpisodeState::Peaked => "peaked",
                EpisodeState::Closed => "closed",
                EpisodeState::Late => "late",
            },
            start_at: finding.start_at.to_string(),
            end_at: finding.end_at.to_string(),
            peak_at: finding.peak_at.to_string(),
            direction: finding.direction.map(|direction| match direction {
                Direction::Up => "up",
                Direction::Down => "down",
            }),
            observed: finding.observed.is_finite().then_some(finding.observed),
            expected: finding.expected.is_finite().then_some(finding.expected),
            score: finding.score,
            p_value: finding.p_value,
            detector: finding.detector,
            sentence: finding.sentence,
        }
    }
}

/// Series that are known
#[utoipa::path(get, path = "/api/v1/series", tag = "series", params(SeriesQuery),
    responses((status = 200, body = SeriesPage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<SeriesPage>, Problem> {
    let mut wanted = Wanted::default();
    let limit = wanted.limit(query.limit, SERIES);
    let after = wanted.written_cursor(query.cursor.as_deref(), number);
    let label = query.label.as_deref().and_then(|text| {
        let pair = text.split_once('=');
        if pair.is_none() {
            wanted.refuse("label is written `name=value`".to_owned());
        }
        pair
    });
    let labels = label.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let filter = wanted.or_refuse(SeriesFilter { metric: query.metric, labels })?;
    let found = app.lake.series(&filter, after, limit).await?;
    let next_cursor = (found.len() == limit).then(|| found.last().map(|last| written(last.id))).flatten();
    Ok(Json(SeriesPage { items: found.into_iter().map(SeriesJson::from).collect(), next_cursor }))
}

/// Samples of a series with their verdicts
#[utoipa::path(get, path = "/api/v1/series/{id}/samples", tag = "series",
    params(("id" = String, Path, pattern = "^[0-9a-f]{16}$", description = "As the list of series has it"), SamplesQuery),
    responses((status = 200, body = SamplesJson), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn samples(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<SamplesQuery>,
) -> Result<Json<SamplesJson>, Problem> {
    let lake = &app.lake;
    let no_number = || Problem::invalid("the number of a series is sixteen hexadecimal digits", Vec::new());
    let series = number(&id).ok_or_else(no_number)?;
    let mut wanted = Wanted::default();
    let asked = SampleQuery {
        series,
        from: wanted.time("from", query.from.as_deref()).unwrap_or(Timestamp(i64::MIN)),
        until: wanted.time("until", query.until.as_deref()).unwrap_or(Timestamp(i64::MAX)),
        as_of: wanted.time("as_of", query.as_of.as_deref()),
        revisions: query.revisions.unwrap_or(false),
        max: wanted.limit(query.limit, SAMPLES),
    };
    let asked = wanted.or_refuse(asked)?;
    let missing = || Problem::not_found(format!("no series has the number {id}; /api/v1/series lists them"));
    let key = lake.series_of(series).await?.ok_or_else(missing)?;
    let found = lake.samples(&asked).await?;
    let times = found.chunk_by(|one, other| one.at == other.at).count();
    let after = |last: &JudgedSample| Timestamp(last.at.micros().saturating_add(1)).to_string();
    let next_from = (times == asked.max).then(|| found.last().map(after)).flatten();
    let items = found.into_iter().map(SampleJson::from).collect();
    Ok(Json(SamplesJson { series: KnownSeries { id: series, key }.into(), items, next_from }))
}

/// Episodes in series, the newest first
#[utoipa::path(get, path = "/api/v1/episodes", tag = "series", params(EpisodesQuery),
    responses((status = 200, body = EpisodesPage), (status = 400, body = Problem)))]
pub(crate) async fn episodes(
    State(app): State<App>,
    Query(query): Query<EpisodesQuery>,
) -> Result<Json<EpisodesPage>, Problem> {
    let mut wanted = Wanted::default();
    let limit = wanted.limit(query.limit, SERIES);
    let before = wanted.time("before", query.before.as_deref()).map(|before| (before, 0));
    let cursor = wanted.written_cursor(query.cursor.as_deref(), place);
    // Whichever comes first: a page after another one lies before both.
    let before = wanted.or_refuse(before.into_iter().chain(cursor).min())?;
    let found = app.lake.episodes(before, limit).await?;
    let last = found.last().filter(|_| found.len() == limit);
    let next_cursor = last.map(|last| written_place(last.start_at, series_id(&last.series)));
    Ok(Json(EpisodesPage { items: found.into_iter().map(EpisodeJson::from).collect(), next_cursor }))
}

fn written(id: u64) -> String {
    format!("{id:016x}")
}

fn number(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// The place of an episode in the list: when it began, and its series, for many begin together.
fn written_place(start_at: Timestamp, series: u64) -> String {
    format!("{}{}", written(start_at.micros().cast_unsigned()), written(series))
}

fn place(text: &str) -> Option<(Timestamp, u64)> {
    let (start_at, series) = text.split_at_checked(16)?;
    Some((Timestamp(number(start_at)?.cast_signed()), number(series)?))
}
