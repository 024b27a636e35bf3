//! Answers of a copy that is whole, and knows of all that was written through this object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use manazir_people::{ConnectionLog, Error, Refusal, USERS_MAX, UserId};
use neo4rs::{Query, Row};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::place::{self, PLACE, Phase, Place};
use super::{BoltConnections, error};
use crate::failure::failed;
use crate::link::{limit, query, typed};

const KNOWN: &str =
    "UNWIND $users AS user MATCH (p:Person {id: user}) WHERE p.state <> 'erased' RETURN p.id AS id";

/// All contacts of some people.
pub(super) const CONTACTS_OF: &str = "UNWIND $users AS user MATCH (p:Person {id: user})-[:CONNECTED]-(c:Person) \
    RETURN p.id AS id, collect(c.id) AS contacts";

/// A number of a person.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Id {
    pub(super) id: i64,
}

impl From<Id> for UserId {
    /// Whoever wrote what is no number of a person is nobody.
    fn from(id: Id) -> Self {
        Self(u32::try_from(id.id).unwrap_or_default())
    }
}

/// As the database counts.
pub(super) fn numbers(users: &[UserId]) -> Vec<i64> {
    users.iter().map(|user| i64::from(user.0)).collect()
}

/// No list is longer. ArcadeDB 26.10 counts with 32 bits, and takes larger numbers for negative ones.
pub(super) fn bounded(number: usize) -> i64 {
    limit(number).min(i64::from(USERS_MAX))
}

/// What the database says to several statements.
pub(super) struct Answers<'a> {
    place: &'a str,
    answers: std::vec::IntoIter<Vec<Row>>,
    /// The last change that they know of.
    pub(super) seq: u64,
}

impl Answers<'_> {
    /// The rows of the next statement.
    pub(super) fn rows<R: DeserializeOwned>(&mut self) -> Result<Vec<R>, Error> {
        let rows = self.answers.next().unwrap_or_default();
        typed(&rows).map_err(|said| error(failed(self.place, said)))
    }

    /// Those of the next statement, which is [`CONTACTS_OF`]; who has none is not among them.
    pub(super) fn contacts(&mut self) -> Result<BTreeMap<UserId, BTreeSet<UserId>>, Error> {
        #[derive(Deserialize)]
        struct ContactsOf {
            id: i64,
            contacts: Vec<i64>,
        }
        let rows: Vec<ContactsOf> = self.rows()?;
        let all = |contacts: Vec<i64>| contacts.into_iter().map(|id| Id { id }.into()).collect();
        Ok(rows.into_iter().map(|row| (Id { id: row.id }.into(), all(row.contacts))).collect())
    }

    fn standing(&mut self) -> Result<Place, Error> {
        let places: Vec<place::Row> = self.rows()?;
        Ok(places.into_iter().next().map(Place::from).unwrap_or_default())
    }
}

impl<T: ConnectionLog> BoltConnections<T> {
    /// Asks in one transaction. Refuses who is unknown or erased.
    pub(super) async fn ask(&self, users: &[UserId], questions: &[Query]) -> Result<Answers<'_>, Error> {
        loop {
            let needed = self.needed.load(Ordering::Acquire);
            // Looked at before and after: a load may begin meanwhile.
            let mut queries = vec![query(PLACE), query(KNOWN).param("users", numbers(users))];
            queries.extend_from_slice(questions);
            queries.push(query(PLACE));
            let mut answers = self.link.read_all(queries).await.map_err(error)?;
            let after = self.answers(answers.pop().into_iter().collect()).standing()?;
            let mut answers = self.answers(answers);
            let before = answers.standing()?;
            if [before, after].iter().any(|place| place.phase != Phase::Following)
                || before.loads != after.loads
            {
                return Err(loading());
            }
            if before.seq < needed {
                self.reach(needed).await?;
                continue;
            }
            let known: Vec<Id> = answers.rows()?;
            let known: Vec<UserId> = known.into_iter().map(UserId::from).collect();
            if let Some(unknown) = users.iter().find(|user| !known.contains(user)) {
                return Err(Refusal::UnknownUser(*unknown).into());
            }
            answers.seq = before.seq;
            return Ok(answers);
        }
    }

    fn answers(&self, answers: Vec<Vec<Row>>) -> Answers<'_> {
        Answers { place: self.link.place(), answers: answers.into_iter(), seq: 0 }
    }
}

/// There is a part of the graph only.
pub(super) fn loading() -> Error {
    let why = "the connection graph is being loaded into it";
    Error::Away("the graph database".to_owned(), why.into())
}
