//! Recommendations that other systems supply: added, listed, taken back.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::{RECOMMENDATIONS_MAX, Rank, Recommendation, Refusal, UserId, Which};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::People;
use super::answer::Answer;
use super::paging::{next_link, numbers};
use super::parameters::OfUser;
use super::suggestions::cursor;
use super::user::{UserJson, called};
use super::who::identifier;
use crate::access::Caller;
use crate::extract::{self, Path, Query};
use crate::search::Wanted;
use crate::{App, Problem};

/// Characters of the name of a system.
const SOURCE_CHARS_MAX: usize = 100;

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;

/// Which page.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecommendationQuery {
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// What comes after this place; `links.next` of the page before has it.
    #[param(pattern = "^[0-9]{1,9}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    cursor: Option<String>,
    /// In place of a cursor: passes by so many.
    #[param(maximum = 16777216)]
    offset: Option<usize>,
}

/// Somebody who is recommended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecommendationJson {
    /// Who.
    #[serde(flatten)]
    user: UserJson,
    /// Higher is first; its unit is the system's own.
    score: u32,
    /// Which system says so.
    source: String,
    /// Why, in its words.
    reason: String,
    /// When it said so, RFC 3339.
    since: String,
}

/// What a system recommends to a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRecommendations {
    /// Which system says so, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")]
    source: String,
    /// 1 to 1000 people. One that is there already is replaced.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<NewRecommendation>,
}

/// One of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRecommendation {
    /// Who, by identifier.
    #[schema(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    id: String,
    /// Higher is first; 0 if it is not given.
    #[serde(default)]
    #[schema(maximum = 999999999)]
    score: u32,
    /// Why; up to 500 characters.
    #[serde(default)]
    #[schema(max_length = 500, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    reason: String,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenJson {
    /// Who.
    id: String,
    /// It is kept.
    kept: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Which are taken back: all, if neither is given.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Withdrawn {
    /// Those of this system.
    #[param(max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    source: Option<String>,
    /// That of this person.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    user: Option<String>,
}

/// Scores beyond are refused: they are to fit a cursor.
const SCORE_MAX: u32 = 999_999_999;

/// People that other systems recommend to a user, the highest score first
#[utoipa::path(get, path = "/api/v1/users/{user}/recommendations", tag = "people", params(OfUser, RecommendationQuery),
    responses((status = 200, body = Answer<Vec<RecommendationJson>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    Query(query): Query<RecommendationQuery>,
) -> Result<Json<Answer<Vec<RecommendationJson>>>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let (limit, offset) = numbers(query.limit, query.offset, query.cursor.is_some())?;
    let after = app.people.rank(query.cursor.as_deref()).await?;
    // There are never more than the most that one may have.
    let passed = offset.unwrap_or(0).min(RECOMMENDATIONS_MAX);
    let found = app.people.graph.recommendations(user.id, after, passed + limit + 1).await;
    let mut found = found.map_err(|error| Problem::of_people(error, &[&user]))?;
    let mut page = found.split_off(passed.min(found.len()));
    let has_more = page.len() > limit;
    page.truncate(limit);
    let users: Vec<UserId> = page.iter().map(|one| one.recommended).collect();
    let profiles = app.people.by_number(&users).await?;
    let rank = |one: &Recommendation| Rank { score: one.score, user: one.recommended };
    let last = page.last().filter(|_| has_more).and_then(|last| cursor(rank(last), &profiles));
    let next = last.map(|cursor| next_link(&uri, limit, offset, &cursor));
    let json = |one: Recommendation| {
        Some(RecommendationJson {
            user: UserJson::public(profiles.get(&one.recommended)?),
            score: one.score,
            source: one.source,
            reason: one.reason,
            since: one.at.to_string(),
        })
    };
    let items: Vec<RecommendationJson> = page.into_iter().filter_map(json).collect();
    let description = format!("{} people who are recommended to {}", items.len(), called(&user));
    Ok(Json(Answer::new(&uri, items, description).with_next(next)))
}

/// Recommend people to a user; one that cannot be kept stops no other
#[utoipa::path(post, path = "/api/v1/users/{user}/recommendations", tag = "people", params(OfUser),
    request_body = NewRecommendations, responses((status = 200, body = Answer<Vec<TakenJson>>)))]
pub(crate) async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    extract::Json(new): extract::Json<NewRecommendations>,
) -> Result<Json<Answer<Vec<TakenJson>>>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    sound(&new)?;
    let at = (app.now)();
    let ids: Vec<String> = new.items.iter().map(|item| item.id.clone()).collect();
    let numbers = app.people.numbers(&ids).await?;
    let recommendation = |(item, recommended): (NewRecommendation, Option<UserId>)| {
        let NewRecommendation { score, reason, .. } = item;
        let (user, source) = (user.id, new.source.clone());
        recommended.map(|recommended| Recommendation { user, recommended, source, score, reason, at })
    };
    let known: Vec<_> = new.items.into_iter().zip(numbers).map(recommendation).collect();
    let kept: Vec<Recommendation> = known.iter().flatten().cloned().collect();
    let done = app.people.graph.recommend(&kept).await;
    let mut done = done.map_err(|error| Problem::of_people(error, &[&user]))?.into_iter();
    let outcomes = known.iter().map(|one| match one {
        Some(_) => done.next().unwrap_or(Ok(())),
        None => Err(Refusal::UnknownUser(user.id)),
    });
    let json = |(id, outcome): (String, Result<(), Refusal>)| {
        let reason = outcome.err().map(|why| Problem::of_refusal(&why, &[&user]).detail().to_owned());
        TakenJson { id, kept: reason.is_none(), reason }
    };
    let items: Vec<TakenJson> = ids.into_iter().zip(outcomes).map(json).collect();
    let count = items.iter().filter(|item| item.kept).count();
    let description = format!("{count} of {} are recommended to {}", items.len(), called(&user));
    Ok(Json(Answer::new(&uri, items, description)))
}

/// Every database keeps it as it is, and a list shows it on one line.
fn fits(text: &str, chars_max: usize) -> bool {
    text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}

/// All that is wrong with what a system says.
fn sound(new: &NewRecommendations) -> Result<(), Problem> {
    let mut wanted = Wanted::default();
    if new.source.is_empty() || !fits(&new.source, SOURCE_CHARS_MAX) {
        wanted.refuse(format!("source has 1 to {SOURCE_CHARS_MAX} characters without control characters"));
    }
    if !(1..=RECOMMENDATIONS_MAX).contains(&new.items.len()) {
        wanted.refuse(format!("items has 1 to {RECOMMENDATIONS_MAX} people"));
    }
    for (place, item) in new.items.iter().enumerate() {
        if identifier(&item.id).is_none() {
            wanted.refuse(format!("items[{place}].id is not an identifier of a user"));
        }
        if !fits(&item.reason, REASON_CHARS_MAX) {
            wanted.refuse(format!(
                "items[{place}].reason has at most {REASON_CHARS_MAX} characters on one line"
            ));
        }
        if item.score > SCORE_MAX {
            wanted.refuse(format!("items[{place}].score lies between 0 and {SCORE_MAX}"));
        }
    }
    wanted.or_refuse(())
}

/// Take recommendations back: all, those of a system, or that of one person
#[utoipa::path(delete, path = "/api/v1/users/{user}/recommendations", tag = "people", params(OfUser, Withdrawn),
    responses((status = 204)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfUser>,
    Query(which): Query<Withdrawn>,
) -> Result<StatusCode, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let which = match (which.source, which.user) {
        (None, None) => Which::All,
        (Some(source), None) if fits(&source, SOURCE_CHARS_MAX) => Which::Source(source),
        (Some(_), None) => {
            let detail = format!("source has up to {SOURCE_CHARS_MAX} characters without control characters");
            return Err(Problem::invalid(detail, Vec::new()));
        }
        (None, Some(other)) => {
            Which::Recommended(app.people.numbers(&[other]).await?.into_iter().flatten().collect())
        }
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("say one of `source=` and `user=`, or neither", Vec::new()));
        }
    };
    let done = app.people.graph.withdraw(user.id, &which).await;
    done.map_err(|error| Problem::of_people(error, &[&user]))?;
    Ok(StatusCode::NO_CONTENT)
}

impl People {
    /// Numbers of people; `None` where there is no such person.
    async fn numbers(&self, ids: &[String]) -> Result<Vec<Option<UserId>>, Problem> {
        let wrong = |id: &str| Problem::invalid(format!("`{id}` is not an identifier of a user"), Vec::new());
        let ids: Result<Vec<Uuid>, Problem> =
            ids.iter().map(|id| identifier(id).ok_or_else(|| wrong(id))).collect();
        self.store.numbers(&ids?).await.map_err(|error| Problem::of_people(error, &[]))
    }
}
