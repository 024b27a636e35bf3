//! A client that is none of ours.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use neo4rs::{ConfigBuilder, Graph};

/// Speaks to the database at an address.
pub(crate) fn client(url: &str) -> Graph {
    let (login, place) = url.strip_prefix("bolt://").unwrap().rsplit_once('@').unwrap();
    let (user, password) = login.split_once(':').unwrap();
    let password = password.replace("%20", " ").replace("%3A", ":").replace("%2F", "/");
    let (server, database) = place.split_once('/').unwrap();
    let config = ConfigBuilder::default().uri(format!("bolt://{server}")).user(user).password(password);
    Graph::connect(config.db(database).build().unwrap()).unwrap()
}
