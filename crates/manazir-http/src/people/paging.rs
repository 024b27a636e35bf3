//! Pages of lists of people: by cursor, or by offset as the original has it.

use axum::http::Uri;
use manazir_people::{Listing, Page, Profile, ProfileKey, Start, USERS_MAX, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::People;
use super::answer::Answer;
use super::user::UserJson;
use super::who::identifier;
use crate::Problem;
use crate::search::{Size, Wanted};

/// Items of a page.
pub(crate) const ITEMS: Size = Size::new(50, manazir_people::PAGE_MAX);

/// Which page.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// At most so many, 1 to 100; 50 if it is not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// What comes after this person, who was the last of the page before; `links.next` has it. Whoever joins or leaves
    /// the list meanwhile, nobody is missed or seen twice.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    cursor: Option<String>,
    /// In place of a cursor: passes by so many.
    #[param(maximum = 16777216)]
    offset: Option<usize>,
}

/// A page that can be asked for.
pub(super) struct Asked {
    pub(super) limit: usize,
    pub(super) offset: Option<usize>,
    pub(super) after: Option<UserId>,
}

impl Asked {
    /// The same for a store.
    pub(super) fn page(&self) -> Result<Page, Problem> {
        let start = self.after.map_or(Start::Offset(self.offset.unwrap_or(0)), Start::After);
        Page::new(start, self.limit).map_err(|refusal| Problem::of_refusal(&refusal, &[]))
    }
}

/// One of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedJson {
    /// Who.
    #[serde(flatten)]
    user: UserJson,
    /// Since when, RFC 3339; not kept of contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
}

/// People of a list.
pub(crate) type PeopleList = Answer<Vec<ListedJson>>;

/// How many it may be, and how many are passed by.
pub(super) fn numbers(
    limit: Option<usize>,
    offset: Option<usize>,
    has_cursor: bool,
) -> Result<(usize, Option<usize>), Problem> {
    let mut wanted = Wanted::default();
    let limit = wanted.limit(limit, ITEMS);
    if offset.is_some_and(|offset| offset > USERS_MAX as usize) {
        wanted.refuse(format!("offset lies between 0 and {USERS_MAX}"));
    }
    if offset.is_some() && has_cursor {
        wanted.refuse("a page begins at a cursor or at an offset: send one of them".to_owned());
    }
    wanted.or_refuse((limit, offset))
}

/// The page after this one, of a list that is found by the path alone.
pub(super) fn next_link(asked: &Uri, limit: usize, offset: Option<usize>, cursor: &str) -> String {
    let path = asked.path();
    match offset {
        Some(offset) => format!("{path}?limit={limit}&offset={}", offset.saturating_add(limit)),
        None => format!("{path}?limit={limit}&cursor={cursor}"),
    }
}

pub(crate) fn unknown_cursor() -> Problem {
    let detail =
        "the cursor is of no page: take `links.next` of the page before as it is, or begin without a cursor";
    Problem::invalid(detail, Vec::new())
}

impl People {
    /// What a request asks for.
    pub(super) async fn asked(&self, query: &PageQuery) -> Result<Asked, Problem> {
        let (limit, offset) = numbers(query.limit, query.offset, query.cursor.is_some())?;
        let after = match &query.cursor {
            Some(cursor) => Some(self.cursor(cursor).await?),
            None => None,
        };
        Ok(Asked { limit, offset, after })
    }

    /// Who a cursor stands for; also whoever was erased meanwhile.
    pub(crate) async fn cursor(&self, cursor: &str) -> Result<UserId, Problem> {
        let id = identifier(cursor).ok_or_else(unknown_cursor)?;
        let found = self.store.profile(&ProfileKey::Public(id)).await;
        let found = found.map_err(|error| Problem::of_people(error, &[]))?;
        found.map(|user| user.id).ok_or_else(unknown_cursor)
    }

    /// Those of these that there are, sorted by number.
    pub(crate) async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Problem> {
        let mut found = self.store.profiles(users).await.map_err(|error| Problem::of_people(error, &[]))?;
        found.sort_by_key(|user| user.id);
        Ok(found)
    }

    /// A page with names; `what` says what is listed.
    pub(super) async fn listed(
        &self,
        uri: &Uri,
        asked: &Asked,
        listing: Listing,
        what: &str,
    ) -> Result<PeopleList, Problem> {
        let users: Vec<UserId> = listing.items.iter().map(|item| item.user).collect();
        let profiles = self.profiles(&users).await?;
        let json = |user: &Profile| {
            let item = listing.items.iter().find(|item| item.user == user.id);
            let since = item.and_then(|item| item.at).map(|at| at.to_string());
            ListedJson { user: UserJson::public(user), since }
        };
        let items: Vec<ListedJson> = profiles.iter().map(json).collect();
        let last = listing.next.and_then(|last| profiles.iter().find(|user| user.id == last));
        let next = last.map(|last| next_link(uri, asked.limit, asked.offset, &last.public_id.to_string()));
        let description = format!("{} of {} {what}", items.len(), listing.total);
        Ok(Answer::new(uri, items, description).with_next(next))
    }
}
