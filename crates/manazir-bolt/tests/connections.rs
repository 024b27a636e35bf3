//! The connection graph on a real graph database: ArcadeDB, or whatever `MANAZIR_TEST_BOLT_URL` names. Everything in that
//! one is deleted.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::sync::Arc;

use manazir_bolt::{BoltConnections, BoltGraph};
use manazir_explain::EventGraphStore as _;
use manazir_explain::contract::{all_events, dependency, event};
use manazir_model::{Random, Timestamp};
use manazir_people::contract::population::Population;
use manazir_people::contract::{self, act, does, join};
use manazir_people::memory::InMemoryPeople;
use manazir_people::{
    Act, Action, ConnectionLog as _, Error, Evidence, GraphStore, Limits, List, NewProfile, Page,
    PeopleStore as _, PersonState, Relation, Start, SuggestionQuery, UserId,
};
use manazir_testkit::arcadedb::ArcadeDb;
use neo4rs::query;

use crate::client::client;
use crate::server::Server;

#[path = "bolt/client.rs"]
mod client;
#[path = "bolt/server.rs"]
mod server;

type Copy = BoltConnections<InMemoryPeople>;

/// A copy that has come to the end of the log.
async fn open(url: &str, truth: &InMemoryPeople) -> Copy {
    let copy = BoltConnections::new(url, truth.clone()).unwrap();
    copy.catch_up().await.unwrap();
    copy
}

/// A truth with a population and everybody's ties.
async fn populated(people: usize) -> InMemoryPeople {
    let truth = InMemoryPeople::default();
    join(&truth, people as u32).await;
    let population =
        Population { people, mean_contacts: 8.0, hubs: 2, contacts_max: 60, ..Population::default() };
    let import = |(one, other)| Act { by: one, to: other, action: Action::Import, at: Timestamp(0) };
    let acts: Vec<Act> = population.connections().into_iter().map(import).collect();
    assert!(truth.write(&acts).await.unwrap().iter().all(Result::is_ok));
    truth
}

/// Some things that people do, allowed or not.
async fn something(graph: &impl contract::People, random: &mut Random, people: usize) {
    let actions = [
        Action::Connect,
        Action::Ask,
        Action::Accept,
        Action::Disconnect,
        Action::Block,
        Action::Unblock,
        Action::Dismiss,
        Action::Ask,
    ];
    let mut user = || 1 + random.below(people) as u32;
    let acts: Vec<Act> = (0..40).map(|number| act(user(), actions[number % actions.len()], user())).collect();
    graph.write(&acts).await.unwrap();
    let states = [PersonState::Deactivated, PersonState::Active, PersonState::Erased];
    let _ = graph.set_state(UserId(user()), states[random.below(3)], Timestamp(5)).await;
}

/// Everything that one can ask of some people.
async fn answers(graph: &impl GraphStore, seed: u64, people: usize) -> Vec<String> {
    const LISTS: [List; 5] = [List::Contacts, List::AskedTo, List::AskedBy, List::Blocked, List::Dismissed];
    let mut random = Random::new(seed);
    let mut answers = Vec::new();
    for _ in 0..12 {
        let mut user = || UserId(1 + random.below(people) as u32);
        let (one, other, after) = (user(), user(), user());
        let evidence = Evidence { services: 1, incidents: 1, ..Evidence::default() };
        let told = SuggestionQuery {
            evidence: vec![(user(), evidence), (user(), Evidence::default())],
            after: None,
            max: 5,
        };
        let start = [Start::After(after), Start::Offset(random.below(4))][random.below(2)];
        let page = Page::new(start, 1 + random.below(6)).unwrap();
        for list in LISTS {
            answers.push(format!("{list:?} of {one}: {:?}", graph.list(one, list, &page).await));
        }
        answers.push(format!("{one} to {other}: {:?}", graph.relation(one, other).await));
        answers.push(format!("{one} and {other}: {:?}", graph.mutual(one, other, &page).await));
        let first = graph.suggestions(one, &told).await;
        let last = first.as_ref().ok().and_then(|first| first.items.last());
        let next = SuggestionQuery { after: last.map(|last| last.rank), ..told };
        answers.push(format!("for {one}: {first:?}"));
        answers.push(format!("then for {one}: {:?}", graph.suggestions(one, &next).await));
    }
    answers
}

#[tokio::test]
async fn the_connection_graph_needs_arcadedb() {
    let server = Server::start();
    let open = async |limits: Limits| {
        Box::pin(open(&server.empty().await, &InMemoryPeople::new(limits, 10_000))).await
    };
    Box::pin(contract::check(open)).await;
}

#[tokio::test]
async fn it_answers_as_the_graph_in_memory_does_needs_arcadedb() {
    const PEOPLE: usize = 150;
    let server = Server::start();
    let truth = populated(PEOPLE).await;
    let copy = open(&server.empty().await, &truth).await;
    let mut random = Random::new(7);
    for round in 0..12 {
        assert_eq!(answers(&copy, round, PEOPLE).await, answers(&truth, round, PEOPLE).await, "{round}");
        something(&copy, &mut random, PEOPLE).await;
    }
}

/// What others wrote is seen after catching up, what was written here at once.
#[tokio::test]
async fn several_follow_at_once_needs_arcadedb() {
    const PEOPLE: usize = 60;
    let server = Server::start();
    let (url, truth) = (server.empty().await, populated(PEOPLE).await);
    let copies: Vec<Arc<Copy>> =
        (0..3).map(|_| Arc::new(BoltConnections::new(&url, truth.clone()).unwrap())).collect();
    for round in 0..6 {
        let all = copies.iter().cloned().enumerate().map(|(number, copy)| {
            tokio::spawn(async move {
                something(&*copy, &mut Random::new(round * 3 + number as u64), PEOPLE).await;
                // One who lost too often is told that the same again may work.
                while let Err(error) = copy.catch_up().await {
                    assert!(matches!(error, Error::Away(..)), "{error:?}");
                }
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        let last = truth.last_change().await.unwrap();
        assert_eq!(copies[0].version().await.unwrap(), last);
        assert_eq!(answers(&*copies[1], round, PEOPLE).await, answers(&truth, round, PEOPLE).await);
    }
    // Nothing is there twice.
    let twice = "MATCH (a:Person)-[r]->(b:Person) WITH a, b, type(r) AS kind, count(r) AS count \
        WHERE count > 1 RETURN count(*) AS twice";
    let row = client(&url).execute(query(twice)).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(row.get::<i64>("twice").unwrap(), 0);
}

/// What people see who ask with a client of their own, and what they do to have it loaded anew.
#[tokio::test]
async fn the_reference_is_right_needs_arcadedb() {
    let server = Server::start();
    let (url, truth) = (server.empty().await, InMemoryPeople::default());
    join(&truth, 6).await;
    let copy = open(&url, &truth).await;
    let connected = [(1, 2), (2, 3), (1, 4), (4, 5), (5, 3), (1, 6), (6, 3)];
    let acts = connected.map(|(one, other)| act(one, Action::Connect, other));
    assert!(copy.write(&acts).await.unwrap().iter().all(Result::is_ok));
    copy.set_state(UserId(6), PersonState::Deactivated, Timestamp(9)).await.unwrap();
    copy.catch_up().await.unwrap();
    let page = include_str!("../../../docs/reference/connection-graph.md");
    let statements: Vec<&str> =
        page.split("```cypher\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let client = client(&url);
    let ways = query(statements[1]).param("one", 1).param("other", 3);
    let mut rows = client.execute(ways).await.unwrap();
    for way in [vec![1, 2, 3], vec![1, 4, 5, 3]] {
        let row = rows.next().await.unwrap().unwrap();
        assert_eq!(row.get::<Vec<i64>>("way").unwrap(), way);
    }
    assert!(rows.next().await.unwrap().is_none());
    client.run(query(statements[0])).await.unwrap();
    let away = copy.list(UserId(1), List::Contacts, &Page::default()).await.unwrap_err();
    assert!(matches!(away, Error::Away(..)), "{away:?}");
    copy.catch_up().await.unwrap();
    assert_eq!(contract::listed(&copy, 1, List::Contacts).await, [2, 4, 6]);
}

/// Its log always forgets what the copy has not seen, but for the last change.
#[tokio::test]
async fn a_log_that_forgets_is_loaded_anew_needs_arcadedb() {
    let server = Server::start();
    let truth = InMemoryPeople::new(Limits::default(), 1);
    join(&truth, 4).await;
    let copy = open(&server.empty().await, &truth).await;
    does(&truth, 1, Action::Connect, 2).await.unwrap();
    does(&truth, 1, Action::Ask, 3).await.unwrap();
    does(&truth, 1, Action::Block, 4).await.unwrap();
    assert_eq!(copy.relation(UserId(1), UserId(2)).await.unwrap(), Relation::None);
    assert_eq!(copy.catch_up().await.unwrap(), 7);
    for other in 2..=4 {
        let (one, other) = (UserId(1), UserId(other));
        assert_eq!(copy.relation(one, other).await.unwrap(), truth.relation(one, other).await.unwrap());
    }
    // Whoever reads what they wrote is not shown half of it.
    for (to, action) in [(2, Action::Disconnect), (3, Action::Cancel)] {
        does(&copy, 1, action, to).await.unwrap();
    }
    let away = copy.relation(UserId(1), UserId(2)).await.unwrap_err();
    assert!(matches!(away, Error::Away(..)), "{away:?}");
    copy.catch_up().await.unwrap();
    assert_eq!(copy.relation(UserId(1), UserId(2)).await.unwrap(), Relation::None);
}

#[tokio::test]
async fn a_load_that_is_interrupted_goes_on_needs_arcadedb() {
    const PEOPLE: usize = 800;
    let mut server = ArcadeDb::start();
    let truth = populated(PEOPLE).await;
    let url = server.url();
    let copy: Copy = BoltConnections::new(&url, truth.clone()).unwrap();
    // Somewhere in the middle of the snapshot, whose end has no part yet.
    let watch = client(&url);
    let half = "MATCH (:Person)-[r:CONNECTED]->(:Person) RETURN count(r) AS connections";
    {
        let mut loading = Box::pin(copy.catch_up());
        loop {
            tokio::select! {
                done = &mut loading => panic!("it was done before: {done:?}"),
                rows = watch.execute(query(half)) => {
                    let row = rows.unwrap().next().await.unwrap().unwrap();
                    if row.get::<i64>("connections").unwrap() > 0 {
                        break;
                    }
                }
            }
        }
        server.kill();
        let away = loading.await.unwrap_err();
        assert!(matches!(away, Error::Away(..)), "{away:?}");
    }
    // Writes need no graph database; reads do.
    does(&copy, 1, Action::Block, 2).await.unwrap();
    copy.set_state(UserId(3), PersonState::Erased, Timestamp(1)).await.unwrap();
    let away = copy.relation(UserId(1), UserId(2)).await.unwrap_err();
    assert!(matches!(away, Error::Away(..)), "{away:?}");
    server.restart();
    let away = copy.relation(UserId(1), UserId(2)).await.unwrap_err();
    assert!(matches!(away, Error::Away(..)), "a part is not shown: {away:?}");
    copy.catch_up().await.unwrap();
    assert_eq!(copy.relation(UserId(1), UserId(2)).await.unwrap(), Relation::Blocked);
    assert_eq!(answers(&copy, 1, PEOPLE).await, answers(&truth, 1, PEOPLE).await);
    let row = client(&url).execute(query(half)).await.unwrap().next().await.unwrap().unwrap();
    let connections = row.get::<i64>("connections").unwrap();
    let mut expected = 0;
    for user in 1..=PEOPLE as u32 {
        let contacts = truth.list(UserId(user), List::Contacts, &Page::default()).await;
        expected += contacts.map_or(0, |contacts| contacts.total as i64);
    }
    assert_eq!(2 * connections, expected);
}

/// BB-W2: a value that is a statement does nothing. Texts of people do not come into the database at all, and texts of
/// the event graph come into it as they are.
#[tokio::test]
async fn bb_w2_values_are_parameters_needs_arcadedb() {
    const EVIL: [&str; 4] = [
        "x'}) DETACH DELETE n //",
        "x\"}) MATCH (n) SET n.state = 'erased' //",
        "$user `1` OR true RETURN 1 //",
        "\\' OR 1=1 UNION MATCH (n) DETACH DELETE n RETURN 1 AS id //",
    ];
    let server = Server::start();
    let url = server.empty().await;
    let copy = open(&url, &InMemoryPeople::default()).await;
    let graph = BoltGraph::open(&url).await.unwrap();
    for (number, evil) in (1..).zip(EVIL) {
        let named = NewProfile {
            name: Some(evil.to_owned()),
            affiliation: Some(evil.to_owned()),
            ..contract::person(number)
        };
        copy.create(&named).await.unwrap();
        let event = manazir_model::GraphEvent {
            entity: evil.to_owned(),
            target: Some(evil.to_owned()),
            sentence: evil.to_owned(),
            ..event(evil, 1, 2)
        };
        graph.add_events(&[event]).await.unwrap();
        graph.add_dependencies(&[dependency(evil, "db", 0, 9)]).await.unwrap();
        copy.search(evil, 9).await.unwrap();
    }
    does(&copy, 1, Action::Connect, 2).await.unwrap();
    does(&copy, 2, Action::Connect, 3).await.unwrap();
    // All numbers, the largest among them, are numbers.
    for user in [0, 99, u32::MAX] {
        assert!(matches!(copy.relation(UserId(1), UserId(user)).await, Err(Error::Refused(_))));
    }
    let query_max = SuggestionQuery { max: 9, ..SuggestionQuery::default() };
    let suggested = copy.suggestions(UserId(1), &query_max).await.unwrap();
    assert_eq!(suggested.items.iter().map(|one| one.rank.user).collect::<Vec<_>>(), [UserId(3)]);
    assert_eq!(contract::listed(&copy, 2, List::Contacts).await, [1, 3]);
    // Everything is as it was given, and is still there.
    let mut ids: Vec<String> = all_events(&graph).await.into_iter().map(|event| event.id).collect();
    let mut evil = EVIL.map(str::to_owned);
    ids.sort();
    evil.sort();
    assert_eq!(ids, evil);
    let dependencies = graph.dependencies(Timestamp(0), Timestamp(i64::MAX), None, 99).await.unwrap();
    assert_eq!(dependencies.len(), EVIL.len());
    let people = "MATCH (p:Person) RETURN p.id AS id, p.state AS state, keys(p) AS keys ORDER BY id";
    let mut rows = client(&url).execute(query(people)).await.unwrap();
    for id in 1..=4_i64 {
        let row = rows.next().await.unwrap().unwrap();
        let mut keys = row.get::<Vec<String>>("keys").unwrap();
        keys.sort();
        assert_eq!(keys, ["id", "state"]);
        assert_eq!(
            (row.get::<i64>("id").unwrap(), row.get::<String>("state").unwrap()),
            (id, "active".to_owned())
        );
    }
    assert!(rows.next().await.unwrap().is_none());
}
