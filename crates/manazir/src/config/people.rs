//! `[people]`: where the connections between people are read, and how much one may ask for.

use manazir_auth::limit::Rate;
use manazir_http::PeopleLimits;
use serde::Deserialize;

/// Where the connections between people are read.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum GraphPlace {
    /// In the memory of this process, which follows the truth.
    #[default]
    Memory,
    /// In the truth: slower, and nothing to load at the start.
    Truth,
    /// In a graph database of this address, which follows the truth.
    Bolt(String),
}

impl TryFrom<String> for GraphPlace {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "memory" => Ok(Self::Memory),
            "truth" => Ok(Self::Truth),
            address if address.starts_with("bolt") => Ok(Self::Bolt(text)),
            // What it is instead may hold a password, and is not shown.
            _ => Err("it is `memory`, `truth`, or `bolt://NAME:PASSWORD@HOST`"),
        }
    }
}

impl std::fmt::Debug for GraphPlace {
    /// Without the address, which holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Truth => "truth",
            Self::Bolt(_) => "bolt",
        })
    }
}

/// Where profiles that were looked up are kept for a while.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum CachePlace {
    /// In the memory of this process.
    #[default]
    Memory,
    /// In a Redis of this address, which several processes share. It is none that messages need.
    Redis(String),
}

impl TryFrom<String> for CachePlace {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "memory" => Ok(Self::Memory),
            address if address.starts_with("redis") => Ok(Self::Redis(text)),
            _ => Err("it is `memory` or `redis://HOST`"),
        }
    }
}

impl std::fmt::Debug for CachePlace {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Memory { "memory" } else { "redis" })
    }
}

/// Where the connections between people are read, and how much one may have and ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// `memory`, `truth`, or `bolt://NAME:PASSWORD@HOST`: a graph database.
    pub graph: GraphPlace,
    /// `memory`, or `redis://HOST`: where profiles and recommendations are kept for half a minute.
    pub cache: CachePlace,
    /// MiB that they take in memory at most.
    pub cache_mib: u32,
    /// What keys in a Redis begin with; another for each truth.
    pub cache_prefix: String,
    /// Contacts that one may have; the same in all processes.
    pub contacts_max: usize,
    /// Requests that wait, blocks and dismissed suggestions that one may have, each; the same in all processes.
    pub ties_max: usize,
    /// Searches of a person in a second.
    pub searches_a_second: u32,
    /// People whom a person may ask in a second.
    pub requests_a_second: u32,
    /// Requests that a person may answer or take back in a second.
    pub answers_a_second: u32,
    /// People that one request of a program may connect to another.
    pub batch_max: usize,
}

impl Default for People {
    fn default() -> Self {
        let manazir_people::Limits { contacts, ties } = manazir_people::Limits::default();
        let limits = PeopleLimits::default();
        Self {
            graph: GraphPlace::default(),
            cache: CachePlace::default(),
            cache_mib: 32,
            cache_prefix: "manazir".to_owned(),
            contacts_max: contacts,
            ties_max: ties,
            searches_a_second: limits.search.burst,
            requests_a_second: limits.ask.burst,
            answers_a_second: limits.answer.burst,
            batch_max: limits.batch_max,
        }
    }
}

impl People {
    /// What one may have.
    pub(crate) fn of_graph(&self) -> manazir_people::Limits {
        manazir_people::Limits { contacts: self.contacts_max, ties: self.ties_max }
    }

    /// What one may ask for.
    pub(crate) fn of_requests(&self) -> PeopleLimits {
        PeopleLimits {
            search: Rate::per_second(self.searches_a_second),
            ask: Rate::per_second(self.requests_a_second),
            answer: Rate::per_second(self.answers_a_second),
            batch_max: self.batch_max,
            ..PeopleLimits::default()
        }
    }
}
