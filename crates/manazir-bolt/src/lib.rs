//! The event graph and the connection graph in a graph database that speaks Bolt; written for Neo4j.
//!
//! The connection graph is [`BoltConnections`]. The event graph is [`BoltGraph`]:
//!
//! | what | properties |
//! |---|---|
//! | `(:Entity)` | `name`; `key`, which is unique |
//! | `(:Event)` | `id`, `entity`, `event_type`, `target`, `source`, `sentence`, `severity`, `from`, `until`, `received_at`, `dim_names` and `dim_values` (lists, side by side); `key`, which is unique |
//! | `(:Event)-[:HAPPENED_TO]->(:Entity)` | |
//! | `(:Event)-[:NAMES]->(:Entity)` | to the target of an event that has one |
//! | `(:Entity)-[:DEPENDS_ON]->(:Entity)` | `source`, `from`, `until`; one for each span of time |
//! | `(:ManazirCopy)` | `events`, `dependencies`: how far the copy has come; `key`, which is unique |
//!
//! Times are whole microseconds since 1970, UTC; a dependency that still holds has the largest number as its `until`.
//! The key of an entity is its name, that of an event its identity, if it is no longer than 1,000 bytes, and else
//! `sha256:` with its hash: Neo4j refuses longer texts in an index.
//!
//! Whoever writes writes to the node of the copy first: on Neo4j the second waits for the first, a database that does not
//! lock refuses the one that commits last, which then begins anew.

mod address;
mod connections;
mod copy;
mod dependencies;
mod events;
mod failure;
mod graph;
mod key;
mod link;
mod writing;

use std::fmt;

pub use connections::BoltConnections;
use manazir_explain::Error;

use crate::link::Link;

/// An event graph in a graph database.
pub struct BoltGraph {
    link: Link,
}

impl BoltGraph {
    /// Reads `bolt://user:password@host:7687/database`, connects to it at the first need, makes the constraints and the
    /// indexes that are missing, and does so again whenever the server was away.
    pub fn new(url: &str) -> Result<Self, Error> {
        let address = address::Address::parse(url).map_err(Error::store)?;
        Ok(Self { link: Link::new(address, graph::SCHEMA, graph::CONNECTIONS_MAX)? })
    }

    /// The same, and looks now whether the server is there and lets us in.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let graph = Self::new(url)?;
        graph.link.prepare().await?;
        Ok(graph)
    }
}

impl fmt::Debug for BoltGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event graph in the {}", self.link.place())
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("bolt://ann:s3cr3t@{}", listener.local_addr().unwrap());
        (listener, url)
    }

    /// The clock runs ahead while everybody waits.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_away() {
        let (_silent, url) = listener();
        let begun = tokio::time::Instant::now();
        let away = BoltGraph::open(&url).await.unwrap_err();
        assert!(matches!(away, Error::Unreachable { .. }), "{away:?}");
        assert!(begun.elapsed().as_secs() <= 30, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn another_server_is_told_as_such() {
        let (web, url) = listener();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = web.accept().unwrap();
            stream.read_exact(&mut [0; 20]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        let wrong = BoltGraph::open(&url).await.unwrap_err();
        assert!(matches!(wrong, Error::Store(_)), "{wrong:?}");
        let why = wrong.source().unwrap().to_string();
        assert!(why.contains("Protocol mismatch"), "{why}");
        served.join().unwrap();
    }

    /// With TLS there is more to go wrong before anybody is spoken to.
    #[tokio::test]
    async fn nobody_is_told_the_password() {
        for url in ["bolt://ann:s3cr3t@127.0.0.1:1/graph", "bolt+s://ann:s3cr3t@127.0.0.1:1"] {
            let graph = BoltGraph::new(url).unwrap();
            let away = graph.link.prepare().await.unwrap_err();
            assert!(matches!(away, Error::Unreachable { .. }), "{away:?}");
            let shown = format!("{graph:?} {away:?}");
            assert!(!shown.contains("s3cr3t") && shown.contains("graph database at 127.0.0.1:1"), "{shown}");
        }
        let refused = BoltGraph::new("bolt://ann:s3cr3t").unwrap_err();
        assert!(!format!("{refused:?}").contains("s3cr3t"));
    }
}
