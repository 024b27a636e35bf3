//! What others see of accounts that were looked up: it never changes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Account, AccountId, Username};

/// More are not remembered at a time: with them all are forgotten, and asked for anew.
const KNOWN_MAX: usize = 100_000;

/// What others see of an account.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// What they call its owner.
    pub(super) username: Username,
    /// What its picture is made from.
    pub(super) avatar_seed: String,
}

impl From<Account> for Seen {
    fn from(account: Account) -> Self {
        Self { username: account.username, avatar_seed: account.avatar_seed }
    }
}

/// Names and pictures by account.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Mutex<HashMap<AccountId, Seen>>,
}

impl Names {
    pub(super) fn known(&self, id: AccountId) -> Option<Seen> {
        self.lock().get(&id).cloned()
    }

    pub(super) fn learn(&self, id: AccountId, seen: &Seen) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(id, seen.clone());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Seen>> {
        // It is whole after every statement: a panic elsewhere cannot have broken it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
