//! User names that were looked up: they never change.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{AccountId, Username};

/// More are not remembered at a time: with them all are forgotten, and asked for anew.
const KNOWN_MAX: usize = 100_000;

/// Names by account.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Mutex<HashMap<AccountId, Username>>,
}

impl Names {
    pub(super) fn known(&self, id: AccountId) -> Option<Username> {
        self.lock().get(&id).cloned()
    }

    pub(super) fn learn(&self, id: AccountId, name: &Username) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(id, name.clone());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Username>> {
        // It is whole after every statement: a panic elsewhere cannot have broken it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
