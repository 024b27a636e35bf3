//! Accounts and signing keys, on a file and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use manazir_auth::contract::accounts::{self, Racer, at, hash, made, on, opened};
use manazir_auth::link::{Link, LinkSecret, Purpose};
use manazir_auth::session::{Device, EndedBy, Family, SessionRules};
use manazir_auth::{Account, AccountStore, Role};
use manazir_sql::Truth;
use manazir_testkit::postgres::Postgres;
use tempfile::TempDir;

/// A file in the folder that is another one each time; the files of one that was closed are fewer.
async fn sqlite(folder: &TempDir) -> Arc<Truth> {
    static OPENED: AtomicU32 = AtomicU32::new(0);
    let file = folder.path().join(format!("{}.db", OPENED.fetch_add(1, Ordering::Relaxed)));
    Arc::new(Truth::open(&format!("sqlite://{}", file.display())).await.unwrap())
}

/// Each on a task of its own, on as many threads as there are processors. What many took is in the output of the test.
#[allow(clippy::print_stderr, reason = "a figure for whoever runs it with `--no-capture`")]
async fn race(racers: Vec<Racer>) -> Vec<String> {
    let (count, began) = (racers.len(), Instant::now());
    let tasks: Vec<_> = racers.into_iter().map(tokio::spawn).collect();
    let mut said = Vec::with_capacity(count);
    for task in tasks {
        said.push(task.await.unwrap());
    }
    eprintln!("{count} at once took {:?}", began.elapsed());
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    accounts::check(async || sqlite(&folder).await, race).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_needs_postgres() {
    let server = Postgres::start();
    accounts::check(async || Arc::new(Truth::open(&server.database()).await.unwrap()), race).await;
}

/// Everything at once to two accounts, as no two people would do it; what comes of each is no matter.
async fn everything(store: Arc<Truth>, own: Account, other: Account, number: u8) -> String {
    let rules = SessionRules::default();
    for turn in 0..10_u8 {
        let on = on(i64::from(turn));
        let version = store.account(own.id).await.unwrap().unwrap().account.version;
        let (family, token) =
            Family::open(own.id, Device::default(), [number * 10 + turn; 64], &rules, on.at);
        let secret = LinkSecret::from_entropy([number * 10 + turn; 32]).hash();
        let reset = Link { purpose: Purpose::Reset(other.id), expires_at: at(60) };
        match (turn + number) % 8 {
            0 => drop(store.set_banned(other.id, true, &on).await.unwrap()),
            1 => drop(store.set_banned(own.id, false, &on).await.unwrap()),
            2 => drop(store.give_role(other.id, Role::Admin, &on).await.unwrap()),
            3 => drop(store.give_role(own.id, Role::Member, &on).await.unwrap()),
            4 => drop(store.set_password(own.id, version, &hash('B'), None, &on).await.unwrap()),
            5 => drop(store.end_sessions(other.id, None, EndedBy::Admin, &on).await.unwrap()),
            // Late enough for sessions that ended and for links, too early for revocations.
            6 => drop(store.purge(at(3_000), 3).await.unwrap()),
            _ => drop(store.end_session(own.id, family.id, EndedBy::Owner, &on).await.unwrap()),
        }
        if store.open_session(&family, version, 2, &on).await.unwrap() {
            let next = token.successor([turn; 32]);
            store.refresh(&token, next, &Device::default(), &rules, &on).await.unwrap();
        }
        if store.keep_link(secret, &reset, &on).await.unwrap() {
            store.reset_password(secret, &hash('C'), &on).await.unwrap();
        }
    }
    String::new()
}

/// Transactions lock in one order: none is ended because it waits for one that waits for it, and no number is lost.
async fn all_at_once(store: Arc<Truth>) {
    let (ada, bob) = (made(&*store, "ada", 1).await, made(&*store, "bob", 2).await);
    opened(&*store, &ada, 250, 0).await;
    let racer = |number: u8| -> Racer {
        let (own, other) = if number.is_multiple_of(2) { (&ada, &bob) } else { (&bob, &ada) };
        Box::pin(everything(Arc::clone(&store), own.clone(), other.clone(), number))
    };
    race((0..24).map(racer).collect()).await;
    let mut read = 0;
    loop {
        let log = store.revocations(read).await.unwrap();
        let numbers: Vec<_> = log.entries.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, (read + 1..).take(numbers.len()).collect::<Vec<_>>(), "without gaps");
        read += numbers.len() as u64;
        if numbers.is_empty() {
            assert_eq!(read, log.last);
            assert!(read > 240, "something happened in most of the turns");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_in_a_circle_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    all_at_once(sqlite(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_in_a_circle_needs_postgres() {
    let server = Postgres::start();
    all_at_once(Arc::new(Truth::open(&server.url()).await.unwrap())).await;
}
