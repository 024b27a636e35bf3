//! The port of the connection graph: reads are answered by the database, writes and recommendations by the truth.

use async_trait::async_trait;
use manazir_model::Timestamp;
use manazir_people::{
    Act, ConnectionLog, Error, GraphStore, List, Listed, Listing, Page, Pair, Rank, Recommendation, Refusal,
    Relation, Start, SuggestionQuery, Suggestions, UserId, Which, Written,
};
use neo4rs::Query;
use serde::Deserialize;

use super::BoltConnections;
use super::read::{Answers, CONTACTS_OF, Id, bounded, numbers};
use crate::link::query;

const BETWEEN: &str = "MATCH (a:Person {id: $user}) MATCH (b:Person {id: $other}) \
    MATCH (a)-[r:CONNECTED|ASKED|BLOCKED|DISMISSED]-(b) RETURN type(r) AS kind, startNode(r).id AS id";

/// How many a list holds, and a page of it.
type ListStatements = (&'static str, &'static str);

/// The statements of the list of what stands at the other end of some relationships.
macro_rules! listed {
    ($pattern:literal, $at:literal) => {
        (
            concat!("MATCH ", $pattern, " RETURN count(p) AS total"),
            concat!(
                "MATCH ",
                $pattern,
                " WHERE p.id > $after RETURN p.id AS id, ",
                $at,
                " AS at ORDER BY id SKIP $skipped LIMIT $max"
            ),
        )
    };
}

fn statements(list: List) -> ListStatements {
    match list {
        List::Contacts => listed!("(:Person {id: $user})-[r:CONNECTED]-(p:Person)", "null"),
        List::AskedTo => listed!("(:Person {id: $user})-[r:ASKED]->(p:Person)", "r.at"),
        List::AskedBy => listed!("(:Person {id: $user})<-[r:ASKED]-(p:Person)", "r.at"),
        List::Blocked => listed!("(:Person {id: $user})-[r:BLOCKED]->(p:Person)", "r.at"),
        List::Dismissed => listed!("(:Person {id: $user})-[r:DISMISSED]->(p:Person)", "r.at"),
    }
}

/// The two questions of a page. One more than it holds is asked for, to know whether it is the last one.
fn questions((total, items): ListStatements, user: UserId, page: &Page) -> [Query; 2] {
    let (after, skipped) = match page.start() {
        Start::After(user) => (i64::from(user.0), 0),
        Start::Offset(offset) => (-1, bounded(offset)),
    };
    let [total, items] = [total, items].map(|text| query(text).param("user", i64::from(user.0)));
    let items = items.param("after", after).param("skipped", skipped).param("max", bounded(page.max() + 1));
    [total, items]
}

/// What the database says to these.
fn listing(answers: &mut Answers<'_>, page: &Page) -> Result<Listing, Error> {
    #[derive(Deserialize)]
    struct Total {
        total: i64,
    }
    #[derive(Deserialize)]
    struct Item {
        id: i64,
        at: Option<i64>,
    }
    let total: Vec<Total> = answers.rows()?;
    let total = total.first().and_then(|row| usize::try_from(row.total).ok()).unwrap_or_default();
    let items: Vec<Item> = answers.rows()?;
    let has_more = items.len() > page.max();
    let item = |item: Item| Listed { user: Id { id: item.id }.into(), at: item.at.map(Timestamp) };
    let items: Vec<Listed> = items.into_iter().take(page.max()).map(item).collect();
    let next = items.last().filter(|_| has_more).map(|last| last.user);
    Ok(Listing { items, total, next })
}

/// What the relationships between two people say to the one.
fn pair(user: UserId, between: &[Between]) -> Pair {
    let mut pair = Pair::default();
    for Between { kind, id } in between {
        let is_own = UserId::from(Id { id: *id }) == user;
        match (kind.as_str(), is_own) {
            ("CONNECTED", _) => pair.connected = true,
            ("ASKED", true) => pair.asked = true,
            ("ASKED", false) => pair.asked_by = true,
            ("BLOCKED", true) => pair.blocked = true,
            ("BLOCKED", false) => pair.blocked_by = true,
            ("DISMISSED", true) => pair.dismissed = true,
            _ => {}
        }
    }
    pair
}

/// A relationship, and from whom it is.
#[derive(Deserialize)]
struct Between {
    kind: String,
    id: i64,
}

#[async_trait]
impl<T: ConnectionLog + GraphStore> GraphStore for BoltConnections<T> {
    async fn write(&self, acts: &[Act]) -> Result<Vec<Result<Written, Refusal>>, Error> {
        let written = self.truth.write(acts).await?;
        self.need(written.iter().flatten().map(|written| written.seq).max().unwrap_or_default());
        Ok(written)
    }

    async fn relation(&self, user: UserId, other: UserId) -> Result<Relation, Error> {
        let between = query(BETWEEN).param("user", i64::from(user.0)).param("other", i64::from(other.0));
        let mut answers = self.ask(&[user, other], &[between]).await?;
        if user == other {
            return Ok(Relation::Oneself);
        }
        Ok(pair(user, &answers.rows::<Between>()?).relation())
    }

    async fn list(&self, user: UserId, list: List, page: &Page) -> Result<Listing, Error> {
        let mut answers = self.ask(&[user], &questions(statements(list), user, page)).await?;
        listing(&mut answers, page)
    }

    async fn mutual(&self, one: UserId, other: UserId, page: &Page) -> Result<Listing, Error> {
        if one == other {
            return self.list(one, List::Contacts, page).await;
        }
        // Two lists, and not a pattern between them: some databases walk all contacts of contacts for that.
        let contacts = query(CONTACTS_OF).param("users", numbers(&[one, other]));
        let contacts = self.ask(&[one, other], &[contacts]).await?.contacts()?;
        let both: Vec<UserId> = match (contacts.get(&one), contacts.get(&other)) {
            (Some(one), Some(other)) => one.intersection(other).copied().collect(),
            _ => Vec::new(),
        };
        let rank = |user| both.partition_point(|one| *one <= user);
        let items = |offset| both.iter().skip(offset).map(|user| Listed::from(*user));
        Ok(Listing::of(page, both.len(), rank, items))
    }

    async fn suggestions(&self, user: UserId, query: &SuggestionQuery) -> Result<Suggestions, Error> {
        self.suggested(user, query).await
    }

    async fn recommend(&self, recommendations: &[Recommendation]) -> Result<Vec<Result<(), Refusal>>, Error> {
        self.truth.recommend(recommendations).await
    }

    async fn recommendations(
        &self,
        user: UserId,
        after: Option<Rank>,
        max: usize,
    ) -> Result<Vec<Recommendation>, Error> {
        self.truth.recommendations(user, after, max).await
    }

    async fn withdraw(&self, user: UserId, which: &Which) -> Result<u64, Error> {
        self.truth.withdraw(user, which).await
    }

    async fn version(&self) -> Result<u64, Error> {
        Ok(self.ask(&[], &[]).await?.seq)
    }
}
