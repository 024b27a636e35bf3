//! Suggestions: contacts of contacts, counted by the database, and ranked with what else is known.
//!
//! The database walks two steps at most, and never checks one relationship for each of many people: some databases walk
//! all of a person's for that. Who must not be suggested is asked for once and left out here.

use std::collections::{BTreeMap, BTreeSet};

use manazir_people::{
    ConnectionLog, Error, Evidence, PAGE_MAX, Rank, Refusal, SHOWN_CONTACTS_MAX, Suggestion, SuggestionQuery,
    Suggestions, UserId,
};
use serde::Deserialize;

use super::BoltConnections;
use super::read::{CONTACTS_OF, Id, bounded, numbers};
use crate::link::query;

/// Contacts of contacts that one question walks through. Past it, contacts with few contacts go first, the best of what they
/// give are counted in full, and the answer says that it is not complete: as in
/// [`manazir_people::connections::PATHS_MAX`], of which a database walks fewer in the time that people wait.
const PATHS_MAX: u64 = 1 << 19;

/// How many candidates are counted in full for each that is asked for when not all paths are walked.
const OVERSAMPLED: usize = 4;

/// People of one statement.
const PEOPLE_A_STATEMENT: usize = 500;

const CONTACTS: &str = "MATCH (:Person {id: $user})-[:CONNECTED]-(p:Person) \
    RETURN p.id AS id, COUNT { (p)-[:CONNECTED]-() } AS contacts ORDER BY contacts, id";

const KEPT: &str = "MATCH (:Person {id: $user})-[:ASKED|BLOCKED]-(p:Person) RETURN p.id AS id";

const DISMISSED: &str = "MATCH (:Person {id: $user})-[:DISMISSED]->(p:Person) RETURN p.id AS id";

const CANDIDATES: &str = "UNWIND $contacts AS contact MATCH (:Person {id: contact})-[:CONNECTED]-(p:Person) \
    WHERE p.state = 'active' WITH p, count(*) AS common \
    WHERE common < $score OR (common = $score AND p.id > $after) \
    RETURN p.id AS id, common ORDER BY common DESC, id LIMIT $max";

const ACTIVE: &str =
    "UNWIND $users AS user MATCH (p:Person {id: user}) WHERE p.state = 'active' RETURN p.id AS id";

/// A contact, and how many contacts they have.
#[derive(Deserialize)]
struct Contact {
    id: i64,
    contacts: u64,
}

/// What is known of who asks.
struct Around {
    contacts: BTreeSet<UserId>,
    /// Contacts through whom others are looked for.
    walked: Vec<UserId>,
    /// True if these are all.
    is_complete: bool,
    /// Who must not be suggested, but for those who are not active.
    kept: BTreeSet<UserId>,
}

impl Around {
    /// Contacts come in the order in which they are walked.
    fn new(user: UserId, contacts: Vec<Contact>, ties: Vec<Id>) -> Self {
        let mut paths = 0_u64;
        let all: Vec<UserId> = contacts.iter().map(|contact| Id { id: contact.id }.into()).collect();
        let fits = |contact: &&Contact| {
            paths = paths.saturating_add(contact.contacts);
            paths <= PATHS_MAX
        };
        let walked = contacts.iter().take_while(fits).count();
        let kept = all.iter().copied().chain(ties.into_iter().map(UserId::from)).chain([user]).collect();
        Self {
            walked: all[..walked].to_vec(),
            is_complete: walked == all.len(),
            contacts: all.into_iter().collect(),
            kept,
        }
    }

    /// All numbers of one who is suggested.
    fn explained(&self, other: UserId, contacts: &BTreeSet<UserId>, evidence: Evidence) -> Suggestion {
        let through: Vec<UserId> = self.contacts.intersection(contacts).copied().collect();
        let common = u32::try_from(through.len()).unwrap_or(u32::MAX);
        let rank = Rank { score: evidence.weight().saturating_add(common), user: other };
        Suggestion { rank, common, through: through.into_iter().take(SHOWN_CONTACTS_MAX).collect(), evidence }
    }
}

impl<T: ConnectionLog> BoltConnections<T> {
    /// As the port says.
    pub(super) async fn suggested(
        &self,
        user: UserId,
        asked: &SuggestionQuery,
    ) -> Result<Suggestions, Error> {
        let around = self.around(user).await?;
        if !(1..=PAGE_MAX).contains(&asked.max) {
            return Err(
                Refusal::Invalid { field: "limit".to_owned(), why: "is a number from 1 to 100" }.into()
            );
        }
        let evidence: BTreeMap<UserId, Evidence> = asked.evidence.iter().copied().collect();
        let candidates = self.candidates(&around, &evidence, asked).await?;
        let contacts = self.contacts_of(&candidates).await?;
        let none = BTreeSet::new();
        let explained = candidates.into_iter().map(|other| {
            let contacts = contacts.get(&other).unwrap_or(&none);
            around.explained(other, contacts, evidence.get(&other).copied().unwrap_or_default())
        });
        let is_meant =
            |one: &Suggestion| one.rank.score > 0 && asked.after.is_none_or(|after| one.rank > after);
        let mut items: Vec<Suggestion> = explained.filter(is_meant).collect();
        items.sort_by_key(|one| one.rank);
        items.truncate(asked.max);
        Ok(Suggestions { items, is_complete: around.is_complete })
    }

    async fn around(&self, user: UserId) -> Result<Around, Error> {
        let questions = [CONTACTS, KEPT, DISMISSED].map(|text| query(text).param("user", i64::from(user.0)));
        let mut answers = self.ask(&[user], &questions).await?;
        let contacts = answers.rows()?;
        let mut ties: Vec<Id> = answers.rows()?;
        ties.extend(answers.rows::<Id>()?);
        Ok(Around::new(user, contacts, ties))
    }

    /// The best by contacts in common, as far as they are walked, and all with evidence.
    async fn candidates(
        &self,
        around: &Around,
        evidence: &BTreeMap<UserId, Evidence>,
        asked: &SuggestionQuery,
    ) -> Result<BTreeSet<UserId>, Error> {
        // What is left out here must not take the place of others.
        let left_out = around.kept.len() + evidence.len();
        let (after, max) = match around.is_complete {
            true => (asked.after, asked.max),
            false => (None, OVERSAMPLED * asked.max),
        };
        let after = after.map_or((i64::MAX, 0), |after| (i64::from(after.score), i64::from(after.user.0)));
        let candidates = query(CANDIDATES)
            .param("contacts", numbers(&around.walked))
            .param("score", after.0)
            .param("after", after.1)
            .param("max", bounded(left_out + max));
        let told: Vec<UserId> = evidence.keys().copied().collect();
        let active = told.chunks(PEOPLE_A_STATEMENT).map(|some| query(ACTIVE).param("users", numbers(some)));
        let questions: Vec<_> = [candidates].into_iter().chain(active).collect();
        let mut answers = self.ask(&[], &questions).await?;
        let shown = |found: Vec<Id>| {
            let users = found.into_iter().map(UserId::from);
            users.filter(|user| !around.kept.contains(user)).collect::<Vec<_>>()
        };
        let best = shown(answers.rows()?).into_iter().filter(|user| !evidence.contains_key(user));
        let mut candidates: BTreeSet<UserId> = best.take(max).collect();
        for _ in told.chunks(PEOPLE_A_STATEMENT) {
            candidates.extend(shown(answers.rows()?));
        }
        Ok(candidates)
    }

    async fn contacts_of(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, BTreeSet<UserId>>, Error> {
        let users: Vec<UserId> = users.iter().copied().collect();
        let some = users.chunks(PEOPLE_A_STATEMENT);
        let questions: Vec<_> =
            some.clone().map(|some| query(CONTACTS_OF).param("users", numbers(some))).collect();
        let mut answers = self.ask(&[], &questions).await?;
        let mut contacts = BTreeMap::new();
        for _ in some {
            contacts.extend(answers.contacts()?);
        }
        Ok(contacts)
    }
}
