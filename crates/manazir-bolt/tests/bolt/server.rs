//! ArcadeDB, or whatever `MANAZIR_TEST_BOLT_URL` names. Everything in that one is deleted.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_testkit::arcadedb::{self, ArcadeDb};
use neo4rs::query;

use crate::client::client;

/// The server of one test.
pub(crate) enum Server {
    Own(ArcadeDb),
    Given(String),
}

impl Server {
    pub(crate) fn start() -> Self {
        arcadedb::given().map_or_else(|| Self::Own(ArcadeDb::start()), Self::Given)
    }

    /// The address of an empty database.
    pub(crate) async fn empty(&self) -> String {
        match self {
            Self::Own(server) => server.database(),
            Self::Given(url) => {
                client(url).run(query("MATCH (n) DETACH DELETE n")).await.unwrap();
                url.clone()
            }
        }
    }
}
