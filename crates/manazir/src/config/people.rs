//! `[people]`: where the connections between people are read, and how much one may ask for.

use manazir_auth::limit::Rate;
use manazir_http::PeopleLimits;
use serde::Deserialize;

/// Where the connections between people are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphPlace {
    /// In the memory of this process, which follows the truth.
    #[default]
    Memory,
    /// In the truth: slower, and nothing to load at the start.
    Truth,
}

/// Where the connections between people are read, and how much one may have and ask for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// `memory` or `truth`.
    pub graph: GraphPlace,
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
            graph: GraphPlace::Memory,
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
