//! What people say of causes: kept, and learnt from.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use manazir_explain::PersonsVerdict;
use manazir_ingest::findings::Opinion;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AsOf, ExplanationJson, answer, find, missing};
use crate::access::Caller;
use crate::extract::{self, Path};
use crate::search::Wanted;
use crate::{App, Problem};

/// Characters of a comment.
const COMMENT_CHARS_MAX: usize = 10_000;

/// What a person says of a cause.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVerdict {
    /// `confirmed` or `rejected`.
    #[schema(pattern = "^(confirmed|rejected)$")]
    verdict: String,
    /// Up to 10000 characters.
    #[serde(default)]
    #[schema(max_length = 10000)]
    comment: String,
}

/// Confirm or reject a cause, in place of what the same caller said before; later rankings learn from it
#[utoipa::path(put, path = "/api/v1/explanations/{number}/causes/{cause}/verdict", tag = "explanations",
    params(("number" = u64, Path), ("cause" = String, Path, description = "`id` of the cause")),
    request_body = NewVerdict,
    responses((status = 200, body = ExplanationJson), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn judge(
    State(app): State<App>,
    Extension(Caller { name: by, .. }): Extension<Caller>,
    Path((number, cause)): Path<(u64, String)>,
    extract::Json(said): extract::Json<NewVerdict>,
) -> Result<Json<ExplanationJson>, Problem> {
    let mut wanted = Wanted::default();
    let opinion = wanted.parsed::<Opinion>("verdict", Some(said.verdict.as_str()));
    if said.comment.chars().count() > COMMENT_CHARS_MAX {
        wanted.refuse(format!("comment has more than {COMMENT_CHARS_MAX} characters"));
    }
    let opinion = wanted.or_refuse(opinion)?;
    let told = answer(&find(&app, number, AsOf { as_of: None }).await?)?;
    let judged = told.causes.iter().find(|known| known.id == cause);
    let judged = judged.ok_or_else(|| no_cause(number, &cause))?;
    let lesson = judged.lesson.as_ref().map(serde_json::to_string).transpose();
    let verdict = PersonsVerdict {
        explanation: number,
        confirmed: opinion == Some(Opinion::Confirmed),
        comment: said.comment,
        by,
        at: (app.now)(),
        lesson: lesson.map_err(manazir_ingest::Error::store)?.unwrap_or_default(),
        cause,
    };
    if !app.explainer.kept().set_verdict(&verdict).await? {
        return Err(missing(number));
    }
    let stored = find(&app, number, AsOf { as_of: None }).await?;
    Ok(Json(ExplanationJson::new(stored, Vec::new())?))
}

/// Take back what the caller said of a cause
#[utoipa::path(delete, path = "/api/v1/explanations/{number}/causes/{cause}/verdict", tag = "explanations",
    params(("number" = u64, Path), ("cause" = String, Path, description = "`id` of the cause")),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn undo(
    State(app): State<App>,
    Extension(Caller { name: by, .. }): Extension<Caller>,
    Path((number, cause)): Path<(u64, String)>,
) -> Result<StatusCode, Problem> {
    if i64::try_from(number).is_err() || !app.explainer.kept().take_back(number, &cause, &by).await? {
        return Err(Problem::not_found(format!("nothing was said of cause {cause} of explanation {number}")));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn no_cause(number: u64, cause: &str) -> Problem {
    Problem::not_found(format!("explanation {number} has no cause {cause}, or no longer"))
}
