//! The connection graph, answered from SQL. Each answer is one statement, and so of one time.

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_people::{
    Act, ConnectionLog as _, Error, GraphStore, List, Listed, Listing, Page, Pair, Rank, Recommendation,
    Refusal, Relation, Start, SuggestionQuery, Suggestions, UserId, Which, Written,
};

use super::{SqlPeople, code, failed, refuse_unknown};
use crate::statement::{Statement, signed, unsigned};

/// State of the person, how long the list is, and one of it.
type ListRow = (i64, i64, Option<i64>, Option<i64>);

/// Where the rows of a list are: the count of a person, the column of the other, the columns of one row, and its
/// condition but for the person.
struct ListTable {
    count: &'static str,
    other: &'static str,
    select: &'static str,
}

fn table(list: List) -> ListTable {
    let asked = "SELECT to_user AS listed, at FROM ties WHERE kind = 0 AND from_user = ";
    let asked_by = "SELECT from_user AS listed, at FROM ties WHERE kind = 0 AND to_user = ";
    let blocked = "SELECT to_user AS listed, at FROM ties WHERE kind = 1 AND from_user = ";
    let dismissed = "SELECT to_user AS listed, at FROM ties WHERE kind = 2 AND from_user = ";
    let contacts = "SELECT other AS listed, CAST(NULL AS BIGINT) AS at FROM connections WHERE one = ";
    let (count, other, select) = match list {
        List::Contacts => ("contacts", "other", contacts),
        List::AskedTo => ("asked", "to_user", asked),
        List::AskedBy => ("asked_by", "from_user", asked_by),
        List::Blocked => ("blocked", "to_user", blocked),
        List::Dismissed => ("dismissed", "to_user", dismissed),
    };
    ListTable { count, other, select }
}

/// Goes on with the condition, order and limits of a page; one more than it holds, which says whether there are more.
fn paged(statement: Statement, column: &'static str, page: &Page) -> Statement {
    let (after, offset) = match page.start() {
        Start::After(user) => (user.0.into(), 0),
        Start::Offset(offset) => (-1, signed(offset as u64)),
    };
    statement
        .then(" AND ")
        .then(column)
        .then(" > ")
        .number(after)
        .then(" ORDER BY ")
        .then(column)
        .then(" LIMIT ")
        .number(page.max() as i64 + 1)
        .then(" OFFSET ")
        .number(offset)
}

/// A page of a list of a person, with their state and how long it is.
fn listed(user: UserId, list: List, page: &Page) -> Statement {
    let table = table(list);
    let rows = Statement::new("SELECT state, ")
        .then(table.count)
        .then(", listed, at FROM people LEFT JOIN (")
        .then(table.select)
        .user(user);
    let rows = paged(rows, table.other, page).then(") AS page ON TRUE WHERE id = ").user(user);
    rows.then(" ORDER BY listed")
}

/// What holds between two, and their states.
fn between(user: UserId, other: UserId) -> Statement {
    let tied = |statement: Statement, kind: &'static str, from: UserId, to: UserId| {
        let statement = statement.then(", (SELECT count(*) FROM ties WHERE kind = ").then(kind);
        statement.then(" AND from_user = ").user(from).then(" AND to_user = ").user(to).then(")")
    };
    let pair = Statement::new("SELECT (SELECT count(*) FROM connections WHERE one = ")
        .user(user)
        .then(" AND other = ")
        .user(other)
        .then(")");
    let pair = tied(pair, "0", user, other);
    let pair = tied(pair, "0", other, user);
    tied(pair, "1", user, other)
        .then(", (SELECT state FROM people WHERE id = ")
        .user(user)
        .then("), (SELECT state FROM people WHERE id = ")
        .user(other)
        .then(")")
}

fn listing(
    page: &Page,
    total: i64,
    listed: impl Iterator<Item = (Option<i64>, Option<i64>)>,
) -> Result<Listing, Error> {
    let listed = listed.filter_map(|(user, at)| Some((user?, at)));
    let item = |(user, at): (i64, Option<i64>)| Ok(Listed { user: code::user(user)?, at: at.map(Timestamp) });
    let mut items: Vec<Listed> = listed.map(item).collect::<Result<_, Error>>()?;
    let has_more = items.len() > page.max();
    items.truncate(page.max());
    let next = items.last().filter(|_| has_more).map(|last| last.user);
    Ok(Listing { items, total: unsigned(total) as usize, next })
}

#[async_trait]
impl GraphStore for SqlPeople {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        self.write_all(acts).await
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        let rows: Vec<(i64, i64, i64, i64, Option<i64>, Option<i64>)> =
            between(user, other).fetch(&self.truth).await.map_err(failed)?;
        let (connected, asked, asked_by, blocked, state, state_of_other) =
            rows.into_iter().next().ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
        let states = [(user, state), (other, state_of_other)];
        let states: Vec<(i64, i64)> =
            states.into_iter().filter_map(|(user, state)| Some((user.0.into(), state?))).collect();
        refuse_unknown(&[user, other], &states)?;
        let pair = Pair {
            connected: connected > 0,
            asked: asked > 0,
            asked_by: asked_by > 0,
            blocked: blocked > 0,
            ..Pair::default()
        };
        Ok(if user == other { Relation::Oneself } else { pair.relation() })
    }

    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        let rows: Vec<ListRow> = listed(user, list, page).fetch(&self.truth).await.map_err(failed)?;
        let states: Vec<(i64, i64)> = rows.iter().take(1).map(|row| (user.0.into(), row.0)).collect();
        refuse_unknown(&[user], &states)?;
        let total = rows.first().map_or(0, |row| row.1);
        listing(page, total, rows.into_iter().map(|row| (row.2, row.3)))
    }

    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        self.known(&[one, other]).await?;
        let rows = Statement::new(
            "WITH mutual AS (SELECT theirs.other FROM connections AS theirs JOIN connections AS ours \
             ON ours.other = theirs.other WHERE theirs.one = ",
        )
        .user(one)
        .then(" AND ours.one = ")
        .user(other)
        .then(
            ") SELECT total, other FROM (SELECT count(*) AS total FROM mutual) AS counted LEFT JOIN \
             (SELECT other FROM mutual WHERE TRUE",
        );
        let rows = paged(rows, "other", page).then(") AS page ON TRUE ORDER BY other");
        let rows: Vec<(i64, Option<i64>)> = rows.fetch(&self.truth).await.map_err(failed)?;
        let total = rows.first().map_or(0, |row| row.0);
        listing(page, total, rows.into_iter().map(|row| (row.1, None)))
    }

    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        self.suggested(user, query).await
    }

    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        self.recommend_all(recommendations).await
    }

    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        self.recommended(user, after, max).await
    }

    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        self.withdrawn(user, which).await
    }

    async fn version(&self) -> Result<u64, Error> {
        self.last_change().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Truth;

    /// The original looked through the connections of everybody for each answer (CM-W13).
    #[tokio::test]
    async fn cm_w13_no_answer_about_a_person_looks_at_all_people_or_connections() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("truth.db").display());
        let truth = Truth::open(&url).await.unwrap();
        let (one, other) = (UserId(1), UserId(2));
        let lists = [List::Contacts, List::AskedTo, List::AskedBy, List::Blocked, List::Dismissed];
        let pages = [Start::After(UserId(7)), Start::Offset(20)].map(|start| Page::new(start, 10).unwrap());
        let pages = lists.iter().flat_map(|list| pages.iter().map(|page| listed(one, *list, page)));
        for statement in pages.chain([between(one, other)]) {
            for step in statement.plan(&truth).await {
                let of_what_was_found = step == "SCAN page LEFT-JOIN" || step == "SCAN CONSTANT ROW";
                assert!(!step.starts_with("SCAN") || of_what_was_found, "{step}");
            }
        }
    }
}
