//! A truth that is filled with a population, through the store's own ports.
//!
//! The disk is not waited for meanwhile: what is measured later is not how this came about.

use std::time::Instant;

use manazir_model::Timestamp;
use manazir_people::contract::{self, population::Population};
use manazir_people::{
    Act, Action, Error, GraphStore as _, PeopleStore as _, Recommendation, Refusal, UserId,
};
use manazir_sql::{SqlPeople, Truth};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// Acts a call of the store.
const ACTS_A_CALL: usize = 10_000;

/// So many are recommended to each of the first tenth.
pub(crate) const RECOMMENDED: u32 = 10;

/// The population of so many people: that of the originals for 100,000, and as uneven for fewer.
pub(crate) fn population(people: usize) -> Population {
    let whole = Population::default();
    if people >= whole.people {
        return Population { people, ..whole };
    }
    Population {
        people,
        mean_contacts: whole.mean_contacts.min(people as f64 / 50.0),
        hubs: (people / 500).min(whole.hubs),
        contacts_max: whole.contacts_max.min(people / 4),
        ..whole
    }
}

/// The population that a truth holds, as it was when the truth was filled.
pub(crate) struct Filled {
    /// Numbered from 1; their identifiers are those of [`contract::person`].
    pub(crate) people: u32,
    /// Sorted, the smaller number first.
    pub(crate) connections: Vec<(UserId, UserId)>,
}

/// Fills the truth, unless it has the population; prints how fast.
pub(crate) async fn fill(url: &str, population: &Population) -> Filled {
    let filled = Filled { people: population.people as u32, connections: population.connections() };
    let store = SqlPeople::new(opened(url).await);
    let begun = Instant::now();
    // What is written last is there: so is everything else.
    let last = UserId(filled.recommended_to());
    let known = store.profile(&manazir_people::ProfileKey::Id(last)).await.unwrap();
    if known.is_some() && !store.recommendations(last, None, 1).await.unwrap().is_empty() {
        println!("{} people and {} connections are there", filled.people, filled.connections.len());
    } else {
        join(&store, filled.people).await;
        println!("{} people have joined in {:.1?}, one at a time", filled.people, begun.elapsed());
        import(&store, &filled.connections).await;
        recommend(&store, &filled).await;
    }
    store.truth.close().await;
    filled
}

impl Filled {
    /// The first so many have recommendations.
    pub(crate) fn recommended_to(&self) -> u32 {
        (self.people / 10).max(1)
    }
}

/// With the tables of the service, and connections that do not wait for the disk.
async fn opened(url: &str) -> Truth {
    Truth::open(url).await.unwrap().close().await;
    if !url.starts_with("sqlite:") {
        let hasty = PgPoolOptions::new().after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql("SET synchronous_commit = off").execute(connection).await.map(drop)
            })
        });
        return Truth::Postgres(hasty.connect(url).await.unwrap());
    }
    let hasty: SqliteConnectOptions = url.parse().unwrap();
    let hasty = hasty
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off)
        .pragma("cache_size", "-500000")
        .pragma("wal_autocheckpoint", "100000");
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(hasty.clone()).await.unwrap();
    let reader = SqlitePoolOptions::new().max_connections(1).connect_with(hasty).await.unwrap();
    Truth::Sqlite { writer, reader }
}

async fn join(store: &SqlPeople, people: u32) {
    for number in 1..=people {
        let named = manazir_people::NewProfile {
            name: Some(format!("Person {number}")),
            affiliation: Some(format!("Team {}", number % 1_000)),
            ..contract::person(number)
        };
        match store.create(&named).await {
            Ok(joined) => assert_eq!(joined.id, UserId(number), "the truth has other people"),
            // A filling that was stopped is gone on with.
            Err(Error::Refused(Refusal::Taken { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn import(store: &SqlPeople, connections: &[(UserId, UserId)]) {
    let begun = Instant::now();
    for some in connections.chunks(ACTS_A_CALL) {
        let import =
            |(by, to): &(UserId, UserId)| Act { by: *by, to: *to, action: Action::Import, at: Timestamp(0) };
        let acts: Vec<Act> = some.iter().map(import).collect();
        for done in store.write(&acts).await.unwrap() {
            assert!(matches!(done, Ok(_) | Err(Refusal::AlreadyConnected)), "{done:?}");
        }
    }
    let (count, took) = (connections.len(), begun.elapsed());
    let a_second = count as f64 / took.as_secs_f64();
    println!("{count} connections imported in {took:.1?}: {a_second:.0} edges/s, the disk not waited for");
}

async fn recommend(store: &SqlPeople, filled: &Filled) {
    let users: Vec<u32> = (1..=filled.recommended_to()).collect();
    for some in users.chunks(100) {
        let one = |user: u32, place: u32| Recommendation {
            user: UserId(user),
            recommended: UserId(recommended(user, place, filled.people)),
            source: "filling".to_owned(),
            score: 100 + place,
            reason: "worked on the same incident".to_owned(),
            at: Timestamp(0),
        };
        let many: Vec<Recommendation> =
            some.iter().flat_map(|user| (1..=RECOMMENDED).map(|place| one(*user, place))).collect();
        assert!(store.recommend(&many).await.unwrap().iter().all(Result::is_ok));
    }
}

/// Who is recommended to a user at a place from 1 to [`RECOMMENDED`].
pub(crate) fn recommended(user: u32, place: u32, people: u32) -> u32 {
    (user - 1 + place) % people + 1
}
