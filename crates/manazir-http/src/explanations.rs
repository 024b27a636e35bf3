//! Explanations: why something happened, asked and answered, refreshed as evidence arrives, judged by people.

pub(crate) mod parts;
pub(crate) mod schema;
pub(crate) mod verdicts;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::{Extension, Json};
use manazir_explain::gather::Ask;
use manazir_explain::{Asking, ExplanationFilter, PersonsVerdict, StoredExplanation};
use manazir_rca::explanation::Explanation;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::page::Page;
use crate::search::{ITEMS, Wanted};
use crate::{App, Problem};

/// Characters of the name of an entity or metric.
const NAME_CHARS_MAX: usize = 1_000;

/// What is asked, as it is read: all that is wrong with it is told at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExplanation {
    anomaly: Option<Number>,
    metric: Option<String>,
    entity: Option<String>,
    at: Option<String>,
    as_of: Option<String>,
}

/// The same as it is documented: an anomaly, or a metric and a time.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it is there for the document alone")]
pub(crate) enum Question {
    /// Why this anomaly?
    Anomaly(AboutAnomaly),
    /// Why this metric at that time?
    Metric(AboutMetric),
}

/// Why this anomaly?
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is there for the document alone")]
pub(crate) struct AboutAnomaly {
    /// Its number.
    anomaly: u64,
    /// Whose it is, if not that of its series.
    #[schema(min_length = 1, max_length = 1000)]
    entity: Option<String>,
    /// Answer by what was known then, RFC 3339.
    #[schema(format = DateTime)]
    as_of: Option<String>,
}

/// Why this metric at that time?
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it is there for the document alone")]
pub(crate) struct AboutMetric {
    /// A metric, or a type of event.
    #[schema(min_length = 1, max_length = 1000)]
    metric: String,
    /// Whose; if it is not said, that of the series of the metric.
    #[schema(min_length = 1, max_length = 1000)]
    entity: Option<String>,
    /// When it began, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// Answer by what was known then, RFC 3339.
    #[schema(format = DateTime)]
    as_of: Option<String>,
}

/// An explanation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExplanationJson {
    /// Grows in the order in which explanations were asked for.
    number: u64,
    /// 0 for the first answer, one more for each that took its place.
    revision: u32,
    /// The anomaly, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<u64>,
    /// Who asked first.
    asked_by: String,
    /// When, RFC 3339.
    created_at: String,
    /// When this answer was given, RFC 3339.
    answered_at: String,
    /// What people said of its causes.
    verdicts: Vec<SaidJson>,
    /// Earlier explanations with the same likeliest cause.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    similar: Vec<SimilarJson>,
    /// The answer.
    #[schema(schema_with = schema::explanation)]
    answer: Explanation,
}

/// An explanation in a list: the answer in a sentence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedJson {
    /// Its number: `/api/v1/explanations/{number}` has the whole answer.
    number: u64,
    /// Of the last answer.
    revision: u32,
    /// The anomaly, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<u64>,
    /// The entity that was asked about.
    entity: String,
    /// The time that was asked about, RFC 3339.
    at: String,
    /// The answer in a sentence.
    summary: String,
    /// Where the likeliest cause is; absent if none was found.
    #[serde(skip_serializing_if = "String::is_empty")]
    cause_entity: String,
    /// Of what type it is; absent if none was found, or no event tells it.
    #[serde(skip_serializing_if = "String::is_empty")]
    cause_type: String,
    /// Who asked first.
    asked_by: String,
    /// When the last answer was given, RFC 3339.
    answered_at: String,
    /// What people said of its causes.
    verdicts: Vec<SaidJson>,
}

impl ListedJson {
    fn new(stored: StoredExplanation) -> Result<Self, Problem> {
        Ok(Self {
            summary: answer(&stored)?.summary,
            number: stored.number,
            revision: stored.revision,
            anomaly: stored.what.finding,
            entity: stored.what.entity,
            at: stored.what.at.to_string(),
            cause_entity: stored.what.cause_entity,
            cause_type: stored.what.cause_type,
            asked_by: stored.what.by,
            answered_at: stored.answered_at.to_string(),
            verdicts: stored.verdicts.into_iter().map(SaidJson::from).collect(),
        })
    }
}

/// What a person said of a cause.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SaidJson {
    /// The cause, by its `id`.
    cause: String,
    /// `confirmed` or `rejected`.
    verdict: &'static str,
    /// In the person's words.
    comment: String,
    /// Who says so.
    by: String,
    /// When, RFC 3339.
    at: String,
}

/// An earlier explanation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimilarJson {
    /// Its number.
    number: u64,
    /// The entity that it was about.
    entity: String,
    /// When it began, RFC 3339.
    at: String,
    /// The likeliest cause.
    cause: String,
    /// True if a person confirmed it.
    confirmed: bool,
}

impl ExplanationJson {
    fn new(stored: StoredExplanation, similar: Vec<StoredExplanation>) -> Result<Self, Problem> {
        Ok(Self {
            answer: answer(&stored)?,
            number: stored.number,
            revision: stored.revision,
            anomaly: stored.what.finding,
            asked_by: stored.what.by,
            created_at: stored.what.created_at.to_string(),
            answered_at: stored.answered_at.to_string(),
            verdicts: stored.verdicts.into_iter().map(SaidJson::from).collect(),
            similar: similar.into_iter().map(SimilarJson::from).collect(),
        })
    }
}

impl From<PersonsVerdict> for SaidJson {
    fn from(said: PersonsVerdict) -> Self {
        Self {
            cause: said.cause,
            verdict: if said.confirmed { "confirmed" } else { "rejected" },
            comment: said.comment,
            by: said.by,
            at: said.at.to_string(),
        }
    }
}

impl From<StoredExplanation> for SimilarJson {
    fn from(stored: StoredExplanation) -> Self {
        let cause = [stored.what.cause_entity, stored.what.cause_type];
        Self {
            number: stored.number,
            entity: stored.what.entity,
            at: stored.what.at.to_string(),
            cause: cause.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "),
            confirmed: stored.verdicts.iter().any(|verdict| verdict.confirmed),
        }
    }
}

/// The answer as it was written.
pub(super) fn answer(stored: &StoredExplanation) -> Result<Explanation, Problem> {
    serde_json::from_str(&stored.what.answer).map_err(|error| {
        let what = format!("the answer of explanation {}", stored.number);
        manazir_ingest::Error::Damaged { what, why: error.to_string() }.into()
    })
}

/// Ask why: for an anomaly, or for a metric and a time
#[utoipa::path(post, path = "/api/v1/explanations", tag = "explanations", request_body = Question,
    responses((status = 201, body = ExplanationJson, headers(("Location" = String, description = "The explanation"))),
        (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<App>,
    Extension(Caller { name: by, .. }): Extension<Caller>,
    extract::Json(new): extract::Json<NewExplanation>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<ExplanationJson>), Problem> {
    let (finding, question) = question(&app, new).await?;
    let stored = app.explainer.ask(&question, Asking { finding, by }, (app.now)()).await?;
    let similar = app.explainer.similar(&stored).await?;
    let place = format!("/api/v1/explanations/{}", stored.number);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(ExplanationJson::new(stored, similar)?)))
}

/// The number of the finding that is asked about, if it is one, and the question.
async fn question(app: &App, new: NewExplanation) -> Result<(Option<u64>, Ask), Problem> {
    let mut wanted = Wanted::default();
    let at = wanted.time("at", new.at.as_deref());
    let as_of = wanted.time("as_of", new.as_of.as_deref());
    for (name, text) in [("metric", &new.metric), ("entity", &new.entity)] {
        let length = text.as_ref().map_or(1, |text| text.chars().count());
        if !(1..=NAME_CHARS_MAX).contains(&length) {
            wanted.refuse(format!("{name} has 1 to {NAME_CHARS_MAX} characters"));
        }
    }
    let anomaly = new.anomaly.as_ref().map(|number| {
        let whole = whole(number);
        if whole.is_none() {
            wanted.refuse("anomaly is a whole number".to_owned());
        }
        whole.unwrap_or_default()
    });
    match anomaly {
        Some(number) => {
            if new.metric.is_some() || new.at.is_some() {
                wanted.refuse("an anomaly says metric and at itself".to_owned());
            }
            wanted.or_refuse(())?;
            let found = match i64::try_from(number) {
                Ok(_) => app.findings.get(number).await?,
                Err(_) => None,
            };
            let found = found.ok_or_else(|| Problem::not_found(format!("there is no anomaly {number}")))?;
            let asked = Ask::about(found.what, &*app.lake).await?;
            Ok((anomaly, Ask { entity: new.entity.or(asked.entity), as_of, ..asked }))
        }
        None => {
            if new.metric.is_none() || new.at.is_none() {
                wanted.refuse("either anomaly, or metric and at, are needed".to_owned());
            }
            let at = wanted.or_refuse(at)?.unwrap_or_default();
            let metric = new.metric.unwrap_or_default();
            Ok((None, Ask { entity: new.entity, metric, at, event_id: None, as_of }))
        }
    }
}

/// `7` and `7.0`, which are the same number in JSON.
fn whole(number: &Number) -> Option<u64> {
    let float = || number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..9e15).contains(float));
    number.as_u64().or_else(|| float().map(|float| float as u64))
}

/// Which explanations.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplanationQuery {
    /// Of this anomaly.
    #[param(maximum = 9223372036854775807_u64)]
    anomaly: Option<u64>,
    /// About this entity.
    entity: Option<String>,
    /// Whose likeliest cause is of this type.
    cause_type: Option<String>,
    /// Whose likeliest cause is at this entity.
    cause_entity: Option<String>,
    /// At most so many items, 1 to 1000; 50 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(maximum = 9223372036854775807_u64)]
    cursor: Option<u64>,
}

/// Explanations, the newest first
#[utoipa::path(get, path = "/api/v1/explanations", tag = "explanations", params(ExplanationQuery),
    responses((status = 200, body = Page<ListedJson>), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<ExplanationQuery>,
) -> Result<Json<Page<ListedJson>>, Problem> {
    let mut wanted = Wanted::default();
    let (limit, before) = (wanted.limit(query.limit, ITEMS), wanted.cursor(query.cursor));
    let finding = wanted.cursor(query.anomaly);
    let filter = ExplanationFilter {
        finding,
        entity: query.entity,
        cause_type: query.cause_type,
        cause_entity: query.cause_entity,
    };
    let found = app.explainer.kept().page(&wanted.or_refuse(filter)?, before, limit).await?;
    let items = found.into_iter().map(ListedJson::new).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::new(items, limit, |listed: &ListedJson| listed.number)))
}

/// Which answer.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AsOf {
    /// The answer that was the last at this time, RFC 3339.
    #[param(format = DateTime)]
    as_of: Option<String>,
}

/// One explanation, with its last answer or that of a time
#[utoipa::path(get, path = "/api/v1/explanations/{number}", tag = "explanations",
    params(("number" = u64, Path), AsOf),
    responses((status = 200, body = ExplanationJson), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    Path(number): Path<u64>,
    Query(as_of): Query<AsOf>,
) -> Result<Json<ExplanationJson>, Problem> {
    let stored = find(&app, number, as_of).await?;
    let similar = app.explainer.similar(&stored).await?;
    Ok(Json(ExplanationJson::new(stored, similar)?))
}

/// Ask again; a new answer takes the place of the last if it says something else
#[utoipa::path(post, path = "/api/v1/explanations/{number}/refresh", tag = "explanations",
    params(("number" = u64, Path)),
    responses((status = 200, body = ExplanationJson), (status = 404, body = Problem)))]
pub(crate) async fn refresh(
    State(app): State<App>,
    Path(number): Path<u64>,
) -> Result<Json<ExplanationJson>, Problem> {
    let stored = match i64::try_from(number) {
        Ok(_) => app.explainer.refresh(number, (app.now)()).await?,
        Err(_) => None,
    };
    let stored = stored.ok_or_else(|| missing(number))?;
    let similar = app.explainer.similar(&stored).await?;
    Ok(Json(ExplanationJson::new(stored, similar)?))
}

pub(super) async fn find(app: &App, number: u64, as_of: AsOf) -> Result<StoredExplanation, Problem> {
    let mut wanted = Wanted::default();
    let time = wanted.time("as_of", as_of.as_of.as_deref());
    let time = wanted.or_refuse(time)?;
    if i64::try_from(number).is_err() {
        return Err(missing(number));
    }
    app.explainer.kept().get(number, time).await?.ok_or_else(|| missing(number))
}

pub(super) fn missing(number: u64) -> Problem {
    Problem::not_found(format!("there is no explanation {number}, or there was none then"))
}
