//! Changes are made to hold in the database.

use manazir_people::{PersonState, UserId};
use neo4rs::{BoltType, Txn};
use serde::Deserialize;

use super::net::{Kind, Net};
use crate::events::run;
use crate::link::{Said, query, row, rows};

/// Rows of one statement.
const ROWS_A_STATEMENT: usize = 500;

/// Relationships, or people, that are taken away at a time: a database takes a millisecond or two for one.
const GONE_AT_A_TIME: i64 = 2_000;

const PEOPLE: &str = "UNWIND $rows AS row MERGE (p:Person {id: row.id}) SET p.state = row.state";

const ERASE: &str =
    "UNWIND $users AS user MATCH (p:Person {id: user})-[r]-(:Person) WITH DISTINCT r DELETE r";

const EMPTY_EDGES: &str = "MATCH (:Person)-[r]->(:Person) WITH r LIMIT $max DELETE r RETURN count(*) AS gone";

const EMPTY_PEOPLE: &str = "MATCH (p:Person) WITH p LIMIT $max DETACH DELETE p RETURN count(*) AS gone";

/// The statements that delete and create relationships of a type. Not MERGE: under ArcadeDB 26.10 many of them to one node
/// in one transaction are refused.
macro_rules! statements {
    ($edge:literal, $properties:literal) => {
        (
            concat!(
                "UNWIND $rows AS row MATCH (a:Person {id: row.from})-[r:",
                $edge,
                "]->(b:Person {id: row.to}) DELETE r"
            ),
            concat!(
                "UNWIND $rows AS row MATCH (a:Person {id: row.from}) MATCH (b:Person {id: row.to}) CREATE (a)-[:",
                $edge,
                $properties,
                "]->(b)"
            ),
        )
    };
}

impl Kind {
    const ALL: [Self; 4] = [Self::Connected, Self::Asked, Self::Blocked, Self::Dismissed];

    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::Connected => statements!("CONNECTED", ""),
            Self::Asked => statements!("ASKED", " {at: row.at}"),
            Self::Blocked => statements!("BLOCKED", " {at: row.at}"),
            Self::Dismissed => statements!("DISMISSED", " {at: row.at}"),
        }
    }
}

/// Makes hold what changes come to. `is_load` says that no connection of them can be there yet.
pub(super) async fn take(transaction: &mut Txn, net: &Net, is_load: bool) -> Said<()> {
    let people: Vec<BoltType> = net.people.iter().map(|(user, state)| person(*user, *state)).collect();
    for some in people.chunks(ROWS_A_STATEMENT) {
        run(transaction, PEOPLE, some.to_vec()).await?;
    }
    if !net.erased.is_empty() {
        let erased: Vec<i64> = net.erased.iter().map(|user| i64::from(user.0)).collect();
        transaction.run(query(ERASE).param("users", erased)).await?;
    }
    for kind in Kind::ALL {
        let of_kind = net.edges.iter().filter(|((one, ..), _)| *one == kind);
        let edge = |((_, from, to), at): (&(Kind, UserId, UserId), &Option<_>)| edge(*from, *to, *at);
        let (delete, create) = kind.statements();
        if !(is_load && kind == Kind::Connected) {
            let all: Vec<BoltType> = of_kind.clone().map(edge).collect();
            for some in all.chunks(ROWS_A_STATEMENT) {
                run(transaction, delete, some.to_vec()).await?;
            }
        }
        let held: Vec<BoltType> = of_kind.filter(|(_, at)| at.is_some()).map(edge).collect();
        for some in held.chunks(ROWS_A_STATEMENT) {
            run(transaction, create, some.to_vec()).await?;
        }
    }
    Ok(())
}

/// Takes some of all people and relationships away; how many. Nothing is left once it is none.
pub(super) async fn empty(transaction: &mut Txn) -> Said<u64> {
    #[derive(Deserialize)]
    struct Gone {
        gone: i64,
    }
    for statement in [EMPTY_EDGES, EMPTY_PEOPLE] {
        let gone: Vec<Gone> = rows(transaction, query(statement).param("max", GONE_AT_A_TIME)).await?;
        let gone = gone.first().map_or(0, |row| row.gone.unsigned_abs());
        if gone > 0 {
            return Ok(gone);
        }
    }
    Ok(0)
}

fn person(user: UserId, state: PersonState) -> BoltType {
    let state = match state {
        PersonState::Active => "active",
        PersonState::Deactivated => "deactivated",
        PersonState::Erased => "erased",
    };
    row([("id", i64::from(user.0).into()), ("state", state.into())])
}

fn edge(from: UserId, to: UserId, at: Option<manazir_model::Timestamp>) -> BoltType {
    let number = |user: UserId| BoltType::from(i64::from(user.0));
    let at = at.map_or(0, manazir_model::Timestamp::micros);
    row([("from", number(from)), ("to", number(to)), ("at", at.into())])
}
