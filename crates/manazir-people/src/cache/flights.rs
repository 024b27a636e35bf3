//! One asks the truth, all others who want the same wait for it (BB-W58).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::lock;

use super::scope::Scope;

/// What came of asking.
pub(super) enum Outcome {
    /// Nobody has an answer yet; whoever holds the lock asks.
    Open,
    /// The answer.
    Landed(Vec<u8>),
    /// Whoever asked got an error: each asks for themselves.
    Failed,
}

/// Questions that are being asked, by key; as many as there are callers at most.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<String, Flight>>);

struct Flight {
    scopes: Vec<Scope>,
    outcome: Arc<lock::Mutex<Outcome>>,
}

/// A place in a flight.
pub(super) struct Seat<'a> {
    flights: &'a Flights,
    key: String,
    pub(super) outcome: Arc<lock::Mutex<Outcome>>,
}

impl Flights {
    /// The flight of this key, or a new one. One without scopes is of anyone.
    pub(super) fn join(&self, key: &str, scopes: &[Scope]) -> Seat<'_> {
        let mut flights = self.lock();
        let new = || Flight { scopes: scopes.to_vec(), outcome: Arc::new(lock::Mutex::new(Outcome::Open)) };
        let outcome = Arc::clone(&flights.entry(key.to_owned()).or_insert_with(new).outcome);
        Seat { flights: self, key: key.to_owned(), outcome }
    }

    /// Whoever comes from now on must not get what those in the air will bring.
    pub(super) fn forget(&self, scopes: &[Scope]) {
        let concerns = |flight: &Flight| {
            let is_of = |scope: &Scope| flight.scopes.contains(scope);
            flight.scopes.is_empty() || scopes.iter().any(is_of)
        };
        self.lock().retain(|_, flight| !concerns(flight));
    }

    /// Once this is dropped nobody gets what those will bring that are in the air by then.
    pub(super) fn grounded(&self) -> Grounded<'_> {
        Grounded(self)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }
}

/// See [`Flights::grounded`].
pub(super) struct Grounded<'a>(&'a Flights);

impl Drop for Grounded<'_> {
    fn drop(&mut self) {
        self.0.lock().clear();
    }
}

impl Seat<'_> {
    /// There is an outcome: who comes later begins anew.
    pub(super) fn land(&self) {
        let mut flights = self.flights.lock();
        if flights.get(&self.key).is_some_and(|flight| Arc::ptr_eq(&flight.outcome, &self.outcome)) {
            flights.remove(&self.key);
        }
    }
}

impl Drop for Seat<'_> {
    /// The last who gives up takes the flight along; nothing is left of callers who went away.
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        let is_ours =
            flights.get(&self.key).is_some_and(|flight| Arc::ptr_eq(&flight.outcome, &self.outcome));
        // One is in the table, one is here.
        if is_ours && Arc::strong_count(&self.outcome) <= 2 {
            flights.remove(&self.key);
        }
    }
}
