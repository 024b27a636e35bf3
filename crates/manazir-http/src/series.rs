//! Series, their samples with verdicts, and the episodes in them.

use axum::Json;
use axum::extract::State;
use manazir_ingest::lake::{KnownSeries, SampleQuery, SeriesFilter};
use manazir_model::{Direction, EpisodeState, HeldBack, JudgedSample, SeriesFinding, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Path, Query};
use crate::{App, Problem, search};

/// Items of a page unless it says otherwise, and at most.
const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// Event times of one answer unless it says otherwise, and at most.
const SAMPLES: usize = 1_440;
const SAMPLES_MAX: usize = 20_000;

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
    /// Only those that began before, RFC 3339: `start_at` of the last one of the page before.
    #[param(format = DateTime)]
    before: Option<String>,
    /// At most so many, 1 to 1000; 100 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
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
        let id = manazir_ingest::lake::series_id(&finding.series);
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
    let limit = search::limit_of(query.limit, LIMIT, LIMIT_MAX)?;
    let after = query.cursor.as_deref().map(number).transpose()?;
    let label = |text: String| {
        let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.ok_or_else(|| Problem::invalid("`label` is written `name=value`", Vec::new()))
    };
    let labels = query.label.map(label).transpose()?.into_iter().collect();
    let filter = SeriesFilter { metric: query.metric, labels };
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
    let series = number(&id)?;
    let missing = || Problem::not_found(format!("no series has the number {id}; /api/v1/series lists them"));
    let key = lake.series_of(series).await?.ok_or_else(missing)?;
    let max = search::limit_of(query.limit, SAMPLES, SAMPLES_MAX)?;
    let found = lake
        .samples(&SampleQuery {
            series,
            from: instant("from", query.from.as_deref())?.unwrap_or(Timestamp(i64::MIN)),
            until: instant("until", query.until.as_deref())?.unwrap_or(Timestamp(i64::MAX)),
            as_of: instant("as_of", query.as_of.as_deref())?,
            revisions: query.revisions.unwrap_or(false),
            max,
        })
        .await?;
    let times = found.chunk_by(|one, other| one.at == other.at).count();
    let after = |last: &JudgedSample| Timestamp(last.at.micros().saturating_add(1)).to_string();
    let next_from = (times == max).then(|| found.last().map(after)).flatten();
    let items = found.into_iter().map(SampleJson::from).collect();
    Ok(Json(SamplesJson { series: KnownSeries { id: series, key }.into(), items, next_from }))
}

/// Episodes in series, the newest first
#[utoipa::path(get, path = "/api/v1/episodes", tag = "series", params(EpisodesQuery),
    responses((status = 200, body = [EpisodeJson]), (status = 400, body = Problem)))]
pub(crate) async fn episodes(
    State(app): State<App>,
    Query(query): Query<EpisodesQuery>,
) -> Result<Json<Vec<EpisodeJson>>, Problem> {
    let limit = search::limit_of(query.limit, LIMIT, LIMIT_MAX)?;
    let before = instant("before", query.before.as_deref())?;
    let found = app.lake.episodes(before, limit).await?;
    Ok(Json(found.into_iter().map(EpisodeJson::from).collect()))
}

fn written(id: u64) -> String {
    format!("{id:016x}")
}

fn number(text: &str) -> Result<u64, Problem> {
    let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| Problem::invalid("the number of a series is sixteen hexadecimal digits", Vec::new()))
}

fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Ok(Some(at.into())),
        Err(_) => Err(Problem::invalid(
            format!("`{name}` is no instant; write it like 2026-03-01T12:00:00Z"),
            Vec::new(),
        )),
    }
}
