//! Signing keys in memory.

use async_trait::async_trait;

use super::Accounts;
use crate::keys::{KeyId, KeyRecord, SIGNING_KEYS_MAX, SigningKeyStore};
use crate::store::AccountError;

#[async_trait]
impl SigningKeyStore for Accounts {
    async fn signing_keys(&self) -> Result<Vec<KeyRecord>, AccountError> {
        Ok(self.lock().keys.clone())
    }

    async fn add_signing_key(&self, after: Option<&KeyId>, key: &KeyRecord) -> Result<bool, AccountError> {
        let mut state = self.lock();
        state.keys.sort_by(|a, b| (a.made_at, &a.id).cmp(&(b.made_at, &b.id)));
        if state.keys.last().map(|newest| &newest.id) != after {
            return Ok(false);
        }
        if state.keys.len() >= SIGNING_KEYS_MAX {
            state.keys.remove(0);
        }
        state.keys.push(key.clone());
        Ok(true)
    }

    async fn remove_signing_key(&self, id: &KeyId) -> Result<bool, AccountError> {
        let mut state = self.lock();
        let before = state.keys.len();
        state.keys.retain(|key| key.id != *id);
        Ok(state.keys.len() < before)
    }
}
