//! How often a person may ask for what costs much or bothers others.

use std::sync::{Mutex, PoisonError};

use manazir_auth::AccountId;
use manazir_auth::limit::Buckets;
use manazir_model::Timestamp;

use super::PeopleLimits;
use crate::Problem;
use crate::access::Caller;

/// What is held back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    /// To search.
    Search,
    /// To ask somebody to be a contact.
    Ask,
    /// To accept, reject or cancel.
    Answer,
}

/// Buckets of the people of this process.
#[derive(Debug)]
pub(super) struct Held(Mutex<[Buckets<AccountId>; 3]>);

impl Held {
    pub(super) fn new(limits: &PeopleLimits) -> Self {
        let rates = [limits.search, limits.ask, limits.answer];
        Self(Mutex::new(rates.map(|rate| Buckets::new(rate, limits.callers_max))))
    }

    /// Lets a person do it, or says how long to wait. Programs are let do it: they are few and were let in one by one.
    pub(super) fn take(&self, caller: &Caller, deed: Deed, now: Timestamp) -> Result<(), Problem> {
        let Some(person) = &caller.person else { return Ok(()) };
        // Buckets are whole after every statement: a panic elsewhere cannot have broken them.
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, what) = match deed {
            Deed::Search => (0, "a search"),
            Deed::Ask => (1, "a request to be a contact"),
            Deed::Answer => (2, "an answer to a request"),
        };
        buckets[place].take(&person.account, now).map_err(|wait| {
            let detail = format!("{what} was asked for too often: wait as long as `Retry-After` says");
            Problem::too_often("too-often", detail, wait)
        })
    }
}
