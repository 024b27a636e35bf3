//! Anomalies: looked for, looked at, and judged by people.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use manazir_ingest::findings::{Feedback, Finding, FindingFilter, Opinion};
use manazir_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::events::ReasonJson;
use crate::extract::{self, Path, Query};
use crate::page::Page;
use crate::search::{ITEMS, Wanted};
use crate::{App, Problem};

/// Characters of a comment.
const COMMENT_CHARS_MAX: usize = 10_000;

/// What a person says of an anomaly.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeedbackJson {
    /// `confirmed` or `rejected`.
    verdict: &'static str,
    /// In the person's words.
    comment: String,
    /// Name of the token that said so.
    by: String,
    /// RFC 3339.
    at: String,
}

/// An anomaly.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnomalyJson {
    /// Grows in the order in which anomalies were found.
    number: u64,
    /// `event` or `series`.
    kind: &'static str,
    /// Who sent it.
    source: String,
    /// Identity of the event within the source.
    event_id: String,
    /// The request that it belongs to.
    request_id: String,
    /// The role that did it.
    actor: String,
    /// The type of the event: what was done.
    action: String,
    /// The affected assets, each as it came.
    resources: Vec<String>,
    /// When it happened or began, RFC 3339.
    at: String,
    /// When it ended, if it has a length and an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// When it was first seen here.
    first_seen_at: String,
    /// When its data arrived.
    received_at: String,
    /// Strangeness, 0 or more.
    score: f64,
    /// The detector of the first reason.
    detector: String,
    /// The expectations that it broke, the most surprising first.
    reasons: Vec<ReasonJson>,
    /// All of it as one sentence.
    sentence: String,
    /// The series it lies in, if it lies in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<String>,
    /// What a person says of it, once one has.
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<FeedbackJson>,
}

impl From<Finding> for AnomalyJson {
    fn from(Finding { number, what, feedback }: Finding) -> Self {
        Self {
            number,
            kind: what.kind.word(),
            detector: what.detector().to_owned(),
            source: what.source,
            event_id: what.event_id,
            request_id: what.request_id,
            actor: what.actor,
            action: what.action,
            resources: what.resources,
            at: what.at.to_string(),
            ended_at: what.ended_at.map(|at| at.to_string()),
            first_seen_at: what.first_seen_at.to_string(),
            received_at: what.received_at.to_string(),
            score: what.score,
            reasons: what.reasons.into_iter().map(ReasonJson::from).collect(),
            sentence: what.sentence,
            series: what.series,
            feedback: feedback.map(|feedback| FeedbackJson {
                verdict: feedback.verdict.word(),
                comment: feedback.comment,
                by: feedback.by,
                at: feedback.at.to_string(),
            }),
        }
    }
}

/// Which anomalies; what is not given lets all pass.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnomalyQuery {
    /// `event` or `series`.
    #[param(pattern = "^(event|series)$")]
    kind: Option<String>,
    /// Exactly this source.
    source: Option<String>,
    /// Exactly this event.
    event_id: Option<String>,
    /// Exactly this request.
    request_id: Option<String>,
    /// Exactly this role.
    actor: Option<String>,
    /// Exactly this type of event.
    action: Option<String>,
    /// Exactly this one is among the affected assets.
    resource: Option<String>,
    /// The detector of the first reason.
    detector: Option<String>,
    /// At this time or later, RFC 3339.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Before this time, RFC 3339.
    #[param(format = DateTime)]
    until: Option<String>,
    /// At least so strange.
    score_min: Option<f64>,
    /// `confirmed`, `rejected`, or `none` for those that nobody has judged.
    #[param(pattern = "^(confirmed|rejected|none)$")]
    feedback: Option<String>,
    /// These words are in the sentence, in capitals or not; up to 1000 characters.
    #[param(max_length = 1000)]
    q: Option<String>,
    /// At most so many items, 1 to 1000; 50 if it is not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[param(maximum = 9223372036854775807_u64)]
    cursor: Option<u64>,
}

impl AnomalyQuery {
    fn filter(self, wanted: &mut Wanted) -> FindingFilter {
        let feedback = match self.feedback.as_deref() {
            Some("none") => Some(None),
            word => wanted.parsed::<Opinion>("feedback", word).map(Some),
        };
        FindingFilter {
            kind: wanted.parsed("kind", self.kind.as_deref()),
            from: wanted.time("from", self.from.as_deref()),
            until: wanted.time("until", self.until.as_deref()),
            words: wanted.words("q", self.q),
            feedback,
            source: self.source,
            event_id: self.event_id,
            request_id: self.request_id,
            actor: self.actor,
            action: self.action,
            resource: self.resource,
            detector: self.detector,
            score_min: self.score_min,
        }
    }
}

/// Anomalies, the newest first
#[utoipa::path(get, path = "/api/v1/anomalies", tag = "anomalies", params(AnomalyQuery),
    responses((status = 200, body = Page<AnomalyJson>), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    Query(query): Query<AnomalyQuery>,
) -> Result<Json<Page<AnomalyJson>>, Problem> {
    let mut wanted = Wanted::default();
    let (limit, before) = (wanted.limit(query.limit, ITEMS), wanted.cursor(query.cursor));
    let filter = query.filter(&mut wanted);
    let found = app.findings.page(&wanted.or_refuse(filter)?, before, limit).await?;
    let items = found.into_iter().map(AnomalyJson::from).collect();
    Ok(Json(Page::new(items, limit, |anomaly: &AnomalyJson| anomaly.number)))
}

/// One anomaly
#[utoipa::path(get, path = "/api/v1/anomalies/{number}", tag = "anomalies", params(("number" = u64, Path)),
    responses((status = 200, body = AnomalyJson), (status = 404, body = Problem)))]
pub(crate) async fn one(
    State(app): State<App>,
    Path(number): Path<u64>,
) -> Result<Json<AnomalyJson>, Problem> {
    let found = app.findings.get(number).await?;
    found.map(|finding| Json(finding.into())).ok_or_else(|| missing(number))
}

fn missing(number: u64) -> Problem {
    Problem::not_found(format!("there is no anomaly {number}"))
}

/// What a person says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFeedback {
    /// `confirmed` or `rejected`.
    #[schema(pattern = "^(confirmed|rejected)$")]
    verdict: String,
    /// Up to 10000 characters.
    #[serde(default)]
    #[schema(max_length = 10000)]
    comment: String,
}

/// Confirm or reject an anomaly, in place of what was said before
#[utoipa::path(put, path = "/api/v1/anomalies/{number}/feedback", tag = "anomalies",
    params(("number" = u64, Path)), request_body = NewFeedback,
    responses((status = 200, body = AnomalyJson), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn judge(
    State(app): State<App>,
    Extension(Caller { name: by, .. }): Extension<Caller>,
    Path(number): Path<u64>,
    extract::Json(said): extract::Json<NewFeedback>,
) -> Result<Json<AnomalyJson>, Problem> {
    let mut wanted = Wanted::default();
    let verdict = wanted.parsed("verdict", Some(said.verdict.as_str()));
    if said.comment.chars().count() > COMMENT_CHARS_MAX {
        wanted.refuse(format!("comment has more than {COMMENT_CHARS_MAX} characters"));
    }
    let Some(verdict) = wanted.or_refuse(verdict)? else { return Err(missing(number)) };
    let at: Timestamp = (app.now)();
    let feedback = Feedback { verdict, comment: said.comment, by, at };
    if !app.findings.set_feedback(number, Some(&feedback)).await? {
        return Err(missing(number));
    }
    one(State(app), Path(number)).await
}

/// Take back what was said of an anomaly
#[utoipa::path(delete, path = "/api/v1/anomalies/{number}/feedback", tag = "anomalies",
    params(("number" = u64, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn undo(State(app): State<App>, Path(number): Path<u64>) -> Result<StatusCode, Problem> {
    let there = app.findings.set_feedback(number, None).await?;
    if there { Ok(StatusCode::NO_CONTENT) } else { Err(missing(number)) }
}
