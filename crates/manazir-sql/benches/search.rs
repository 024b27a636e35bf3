//! How long it takes to find people among a million, for what people type.
//!
//! `cargo bench -p manazir-sql --bench search`

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a benchmark ends at the first surprise as tests do")]

use std::time::{Duration, Instant};

use manazir_model::Random;
use manazir_people::PeopleStore as _;
use manazir_sql::{SqlPeople, Truth};
use manazir_testkit::postgres::Postgres;
use sqlx::AssertSqlSafe;

const PEOPLE: usize = 1_000_000;

/// Questions of each kind.
const QUERIES: usize = 300;

const SYLLABLES: [&str; 40] = [
    "an", "na", "ma", "ri", "el", "ja", "jo", "ha", "ka", "le", "li", "lu", "mi", "mo", "ne", "ni", "no",
    "ra", "re", "ro", "sa", "se", "so", "ta", "te", "ti", "to", "vi", "wa", "ya", "chen", "son", "berg",
    "ström", "müll", "gar", "cia", "ez", "ov", "ski",
];

/// Names of a few thousand first and many last names, both with a few that are common.
fn name(random: &mut Random) -> (String, String) {
    let mut word = |first: usize, syllables: usize| -> String {
        let skewed = |random: &mut Random| random.below(40).min(random.below(40));
        (0..syllables).map(|_| SYLLABLES[(first + skewed(random)) % 40]).collect()
    };
    (word(0, 2), word(20, 3))
}

fn rows(first: usize, count: usize, random: &mut Random, names: &mut Vec<(String, String)>) -> String {
    let row = |id: usize| {
        let (one, other) = name(random);
        let username = format!("{}.{}.{id}", one.replace('ü', "u").replace('ö', "o"), id % 97);
        let full = format!("{one} {other}");
        if id.is_multiple_of(100) {
            names.push((username.clone(), full.clone()));
        }
        format!(
            "({id}, '00000000-0000-0000-0000-{id:012}', '{username}', '{username}', '{full}', '{full}', '{username}', 'u{id}@example.com', 0, 0, 0)"
        )
    };
    let rows: Vec<String> = (first..first + count).map(row).collect();
    format!(
        "INSERT INTO people (id, public_id, username, username_folded, name, name_folded, sorted, email, state, \
         joined_at, changed_at) VALUES {}",
        rows.join(", ")
    )
}

async fn run(truth: &Truth, sql: String) {
    match truth {
        Truth::Sqlite { writer, .. } => {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(writer).await.map(drop).unwrap();
        }
        Truth::Postgres(pool) => sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.map(drop).unwrap(),
    }
}

#[tokio::main]
async fn main() {
    let server = Postgres::start_with(&["fsync=on", "shared_buffers=512MB"]);
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}", folder.path().join("truth.db").display());
    for (database, url) in [("PostgreSQL", server.url()), ("SQLite", file)] {
        let people = SqlPeople::new(Truth::open(&url).await.unwrap());
        let (mut random, mut names) = (Random::new(1), Vec::new());
        let begun = Instant::now();
        for first in (1..=PEOPLE).step_by(10_000) {
            run(&people.truth, rows(first, 10_000, &mut random, &mut names)).await;
        }
        run(&people.truth, "ANALYZE".to_owned()).await;
        println!("{database}: {PEOPLE} people in {:.0?}", begun.elapsed());
        ask(database, &people, &names).await;
    }
}

/// Of the texts of random people.
async fn ask(database: &str, people: &SqlPeople, names: &[(String, String)]) {
    let part =
        |text: &str, from: usize, length: usize| text.chars().skip(from).take(length).collect::<String>();
    type Query<'q> = &'q dyn Fn(&mut Random, &(String, String)) -> String;
    let kinds: [(&str, Query<'_>); 7] = [
        ("first character typed", &|_, (username, _)| part(username, 0, 1)),
        ("2 to 8 first characters of a username", &|random, (username, _)| {
            part(username, 0, 2 + random.below(7))
        }),
        ("2 to 8 first characters of a name", &|random, (_, name)| part(name, 0, 2 + random.below(7))),
        ("2 characters inside", &|random, (_, name)| part(name, 1 + random.below(6), 2)),
        ("3 characters inside", &|random, (_, name)| part(name, 1 + random.below(6), 3)),
        ("5 characters inside", &|random, (_, name)| part(name, 1 + random.below(6), 5)),
        ("what nobody has", &|random, _| {
            format!("{}q{}", part("xyzw", random.below(4), 1), random.below(1_000))
        }),
    ];
    for (what, query) in kinds {
        let mut random = Random::new(3);
        let mut times: Vec<(Duration, String)> = Vec::new();
        for _ in 0..QUERIES {
            let of = &names[random.below(names.len())];
            let query = query(&mut random, of);
            let begun = Instant::now();
            people.search(&query, 10).await.unwrap();
            times.push((begun.elapsed(), query));
        }
        times.sort_unstable();
        let [(p50, _), (p99, _), (most, slowest)] =
            [50, 99, 100].map(|percent| &times[(QUERIES - 1) * percent / 100]);
        println!("{database}: {what}: p50 {p50:.1?}, p99 {p99:.1?}, slowest {most:.1?} ({slowest:?})");
    }
    for query in ["%", "_", "\\", "é", "qx", "q", "xqz"] {
        let begun = Instant::now();
        let found = people.search(query, 10).await.unwrap().len();
        println!("{database}: {query:?}: {found} found in {:.1?}", begun.elapsed());
    }
}
