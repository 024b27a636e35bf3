//! Whom a person may know, with the reason; and what they do not want to see again.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use manazir_people::teams::shared_evidence;
use manazir_people::{
    Action, Evidence, PAGE_MAX, Profile, Rank, Suggestion, SuggestionQuery, Suggestions, UserId,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::People;
use super::answer::Answer;
use super::paging::{next_link, numbers, unknown_cursor};
use super::parameters::{OfTwo, OfUser};
use super::user::{UserJson, called};
use crate::access::Caller;
use crate::extract::{Path, Query};
use crate::{App, Problem};

/// Which page of a ranking.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankQuery {
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// What comes after this place; `links.next` of the page before has it.
    #[param(pattern = "^[0-9]{1,9}_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    cursor: Option<String>,
}

/// Somebody who is suggested.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SuggestionJson {
    /// Who.
    #[serde(flatten)]
    user: UserJson,
    /// Contacts in common, and two for each service in common; higher is first.
    score: u32,
    /// Contacts in common.
    mutual_contacts: u32,
    /// Why, as half a sentence.
    reason: String,
}

/// People a user may know, the best first: contacts of contacts, and who works on the same services
#[utoipa::path(get, path = "/api/v1/users/{user}/suggestions", tag = "people", params(OfUser, RankQuery),
    responses((status = 200, body = Answer<Vec<SuggestionJson>>)))]
pub(crate) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Path(of): Path<OfUser>,
    Query(query): Query<RankQuery>,
) -> Result<Json<Answer<Vec<SuggestionJson>>>, Problem> {
    let user = app.people.own(&caller, &of.user).await?;
    let (limit, _) = numbers(query.limit, None, false)?;
    let after = app.people.rank(query.cursor.as_deref()).await?;
    let shared = shared_evidence(app.teams.shared_services(user.id).await?);
    let (found, has_more) = app.people.suggested(&user, &shared, after, limit).await?;
    let profiles = app.people.by_number(&named(&found)).await?;
    let last = found.items.last().filter(|_| has_more).and_then(|last| cursor(last.rank, &profiles));
    let next = last.map(|cursor| next_link(&uri, limit, None, &cursor));
    let items: Vec<SuggestionJson> = found.items.iter().filter_map(|one| json(one, &profiles)).collect();
    let bounded = if found.is_complete {
        ""
    } else {
        "; there was too much to look through, and others may fit better"
    };
    let description = format!("{} people whom {} may know{bounded}", items.len(), called(&user));
    Ok(Json(Answer::new(&uri, items, description).with_next(next)))
}

/// Never suggest somebody again
#[utoipa::path(delete, path = "/api/v1/users/{user}/suggestions/{other}", tag = "people", params(OfTwo),
    responses((status = 204), (status = 409, body = Problem)))]
pub(crate) async fn dismiss(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(of): Path<OfTwo>,
) -> Result<StatusCode, Problem> {
    app.people.ended(&app, &caller, &of, Action::Dismiss).await
}

/// Profiles by number.
pub(super) type ByNumber = HashMap<UserId, Profile>;

/// A place of a ranking, as the next page shows it.
pub(super) fn cursor(rank: Rank, profiles: &ByNumber) -> Option<String> {
    profiles.get(&rank.user).map(|user| format!("{}_{}", rank.score, user.public_id))
}

fn named(found: &Suggestions) -> Vec<UserId> {
    let all = |one: &Suggestion| one.through.iter().copied().chain([one.rank.user]).collect::<Vec<_>>();
    let mut users: Vec<UserId> = found.items.iter().flat_map(all).collect();
    users.sort();
    users.dedup();
    users
}

fn json(suggestion: &Suggestion, profiles: &ByNumber) -> Option<SuggestionJson> {
    let name = |user: UserId| profiles.get(&user).map_or_else(|| "somebody".to_owned(), called);
    Some(SuggestionJson {
        user: UserJson::public(profiles.get(&suggestion.rank.user)?),
        score: suggestion.rank.score,
        mutual_contacts: suggestion.common,
        reason: suggestion.reason(name),
    })
}

impl People {
    pub(super) async fn by_number(&self, users: &[UserId]) -> Result<ByNumber, Problem> {
        Ok(self.profiles(users).await?.into_iter().map(|user| (user.id, user)).collect())
    }

    /// The place that a cursor stands for.
    pub(super) async fn rank(&self, cursor: Option<&str>) -> Result<Option<Rank>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        let (score, user) = cursor.split_once('_').ok_or_else(unknown_cursor)?;
        let score = score.parse().map_err(|_| unknown_cursor())?;
        Ok(Some(Rank { score, user: self.cursor(user).await? }))
    }

    /// A page of suggestions, and whether there are more.
    async fn suggested(
        &self,
        user: &Profile,
        evidence: &[(UserId, Evidence)],
        after: Option<Rank>,
        limit: usize,
    ) -> Result<(Suggestions, bool), Problem> {
        let ask = async |after, max| {
            let query = SuggestionQuery { evidence: evidence.to_vec(), after, max };
            let found = self.graph.suggestions(user.id, &query).await;
            found.map_err(|error| Problem::of_people(error, &[user]))
        };
        // One more than asked for tells whether there is a next page; of the longest page it is asked for apart.
        let mut found = ask(after, (limit + 1).min(PAGE_MAX)).await?;
        let mut has_more = found.items.len() > limit;
        found.items.truncate(limit);
        if limit == PAGE_MAX
            && let Some(last) = found.items.get(limit - 1)
        {
            has_more = !ask(Some(last.rank), 1).await?.items.is_empty();
        }
        Ok((found, has_more))
    }
}
