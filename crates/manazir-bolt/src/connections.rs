//! The connection graph in a graph database: a copy that follows the truth, and answers from it.
//!
//! | what | properties |
//! |---|---|
//! | `(:Person)` | `id`, which is unique; `state`: `active`, `deactivated` or `erased` |
//! | `(:Person)-[:CONNECTED]->(:Person)` | from the smaller number to the larger; it has no direction that means anything |
//! | `(:Person)-[:ASKED]->(:Person)`, `BLOCKED`, `DISMISSED` | `at`: since when, microseconds since 1970, UTC |
//! | `(:ManazirCopy)` | `key`: `connection graph`; `seq`: the number of the last change; `phase`: `following` when it is whole |
//!
//! Only numbers come into it: names, addresses and all other texts of people stay in the truth.

mod answers;
mod follow;
mod net;
mod people;
mod place;
mod read;
mod suggest;
mod take;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use manazir_people::Error;
use tokio::sync::Mutex;

use crate::address::Address;
use crate::link::Link;

/// What must be there before anything is written.
const SCHEMA: &[&str] = &[
    "CREATE CONSTRAINT manazir_copy_key IF NOT EXISTS FOR (c:ManazirCopy) REQUIRE c.key IS UNIQUE",
    "CREATE CONSTRAINT manazir_person_id IF NOT EXISTS FOR (p:Person) REQUIRE p.id IS UNIQUE",
];

/// Of one process: those who ask share them, and wait for one if they must.
const CONNECTIONS_MAX: usize = 16;

/// The connection graph of `truth` in a graph database.
///
/// Reads are answered by the database; writes, profiles and recommendations by the truth, which needs no graph database:
/// while it is away writes go on and reads are [`Error::Away`]. What was written through this object is seen by the reads
/// that follow it, which catch up first if they must. What others wrote is seen after [`catch_up`](Self::catch_up),
/// which whoever owns it calls at the beginning, when told of a change, and every now and then. Any number of processes
/// may do so at once: a change is taken over by one of them.
pub struct BoltConnections<T> {
    link: Link,
    truth: T,
    /// Reads are answered once the copy has come so far.
    needed: AtomicU64,
    /// Of one process one at a time goes on.
    following: Mutex<()>,
}

impl<T> BoltConnections<T> {
    /// Reads `bolt://user:password@host:7687/database` and connects to it at the first need, as
    /// [`BoltGraph::new`](crate::BoltGraph::new) does.
    pub fn new(url: &str, truth: T) -> Result<Self, Error> {
        let address = Address::parse(url)
            .map_err(|why| Error::Damaged { what: "the address".to_owned(), why: why.to_string() })?;
        let link = Link::new(address, SCHEMA, CONNECTIONS_MAX).map_err(error)?;
        Ok(Self { link, truth, needed: AtomicU64::new(0), following: Mutex::default() })
    }

    /// What it follows.
    pub fn truth(&self) -> &T {
        &self.truth
    }

    /// Reads from now on know of this change.
    fn need(&self, seq: u64) {
        self.needed.fetch_max(seq, Ordering::AcqRel);
    }
}

impl<T> fmt::Debug for BoltConnections<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection graph in the {}", self.link.place())
    }
}

/// What went wrong, in the words of the port.
fn error(error: manazir_explain::Error) -> Error {
    match error {
        manazir_explain::Error::Unreachable { what, source } => Error::Away(format!("the {what}"), source),
        manazir_explain::Error::Store(source) => {
            Error::Damaged { what: "the graph database".to_owned(), why: source.to_string() }
        }
        other => Error::Damaged { what: "the graph database".to_owned(), why: other.to_string() },
    }
}
