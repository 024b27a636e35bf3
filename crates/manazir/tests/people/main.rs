//! People and their connections through the router, over databases: the scenarios are those of the tests of
//! `manazir-http`, which may not know of any database.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]
#![allow(dead_code, reason = "the helpers are there for the tests of `manazir-http` too")]

#[path = "../../../manazir-http/tests/common/mod.rs"]
mod common;

#[macro_use]
#[path = "../../../manazir-http/tests/people/scenarios.rs"]
mod scenarios;

#[path = "../../../manazir-http/tests/people/batch.rs"]
mod batch;
#[path = "../../../manazir-http/tests/people/connections.rs"]
mod connections;
#[path = "../../../manazir-http/tests/people/dying.rs"]
mod dying;
#[path = "../../../manazir-http/tests/people/profiles.rs"]
mod profiles;
#[path = "../../../manazir-http/tests/people/requests.rs"]
mod requests;
#[path = "../../../manazir-http/tests/people/suggestions.rs"]
mod suggestions;
#[path = "../../../manazir-http/tests/people/teams.rs"]
mod teams;
#[path = "../../../manazir-http/tests/people/world.rs"]
mod world;

mod databases;
