//! People and the connections between them: profiles, contacts, requests, blocks, suggestions, recommendations.
//!
//! A token with the scope `people` and an administrator act for anyone. A person acts for themselves, and sees of
//! others what everybody may.

mod answer;
pub(crate) mod batch;
pub(crate) mod blocks;
pub(crate) mod connections;
pub(crate) mod finding;
mod held;
mod paging;
mod parameters;
pub(crate) mod profiles;
pub(crate) mod recommendations;
mod refused;
pub(crate) mod relations;
pub(crate) mod requests;
pub(crate) mod suggestions;
mod user;
mod who;

use std::sync::Arc;

use manazir_auth::limit::Rate;
use manazir_people::{GraphStore, PeopleStore};

pub(crate) use answer::{Answer, Made};
pub(crate) use paging::{ITEMS, unknown_cursor};
pub(crate) use parameters::OfUser;
pub(crate) use user::{UserJson, called};
pub(crate) use who::identifier;

use batch::known::KnownKeys;
use held::Held;

/// How much one may ask for.
#[derive(Clone, Copy, Debug)]
pub struct PeopleLimits {
    /// How often one person may search.
    pub search: Rate,
    /// How often one person may ask others to be a contact.
    pub ask: Rate,
    /// How often one person may accept, reject and cancel.
    pub answer: Rate,
    /// So many people are known by how often they asked.
    pub callers_max: usize,
    /// People that one request may connect to another.
    pub batch_max: usize,
    /// People of a batch between two words about its progress, which are done again after a crash; half of them are
    /// written at a time.
    pub batch_group: usize,
}

impl Default for PeopleLimits {
    /// The limits of the originals.
    fn default() -> Self {
        Self {
            search: Rate::per_second(10),
            ask: Rate::per_second(3),
            answer: Rate::per_second(5),
            callers_max: 65_536,
            batch_max: 5_000,
            batch_group: 2_500,
        }
    }
}

/// The ports of people and of the graph between them, with the bounds of what is asked of them; clones share them.
#[derive(Clone)]
pub struct People {
    store: Arc<dyn PeopleStore>,
    graph: Arc<dyn GraphStore>,
    limits: PeopleLimits,
    held: Arc<Held>,
    keys: Arc<KnownKeys>,
}

impl People {
    /// People of a truth, and the graph as this process reads it.
    pub fn new(store: Arc<dyn PeopleStore>, graph: Arc<dyn GraphStore>, limits: PeopleLimits) -> Self {
        let (held, keys) = (Arc::new(Held::new(&limits)), Arc::default());
        Self { store, graph, limits, held, keys }
    }
}

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("People").field("limits", &self.limits).finish_non_exhaustive()
    }
}
