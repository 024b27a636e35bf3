//! Keys that sign access tokens: opened at the start, followed by new ones while the service runs.

use std::sync::Arc;

use anyhow::{Result, bail};
use manazir_auth::keys::{KeyRecord, KeyRing, KeyRules, ServerSecret, SigningKeyStore};
use manazir_auth::{AccountError, Accounts};
use manazir_model::Timestamp;
use manazir_sql::Truth;
use tokio::sync::watch;

use super::{KEYS_EVERY, after};

/// The keys of the truth, as the secret opens them.
pub(super) struct Keys {
    pub(super) store: Truth,
    pub(super) secret: ServerSecret,
    pub(super) now: fn() -> Timestamp,
}

impl Keys {
    /// The keys at the start. Those of another secret are a mistake of whoever set the nodes up, told before anybody
    /// is signed out by it.
    pub(super) async fn first(&self) -> Result<KeyRing> {
        let ring = self.read().await?;
        if !ring.strangers().is_empty() {
            bail!(
                "the truth holds signing keys that another secret seals: nodes that share a truth share a secret. Give \
                 each of them the same one, by MANAZIR_SECRET or `accounts.secret_file`; the first node keeps its own in \
                 the file `secret` of its data directory. If that secret is lost, `manazir account new-keys` removes the \
                 keys, and everybody refreshes"
            );
        }
        if !ring.wants_next((self.now)()) {
            return Ok(ring);
        }
        self.follow(&ring).await?;
        // Another node may have been faster, with another secret.
        let ring = self.read().await?;
        if !ring.strangers().is_empty() {
            bail!(
                "another node made signing keys under another secret at this moment: give both the same secret"
            );
        }
        Ok(ring)
    }

    /// Reads the keys each minute, makes the next when it is time, and removes those that count for nothing.
    pub(super) async fn kept(self, accounts: Arc<Accounts>, stopped: watch::Receiver<bool>) {
        while after(KEYS_EVERY, &stopped).await {
            match self.round().await {
                Ok(ring) => {
                    if !ring.strangers().is_empty() {
                        tracing::warn!(
                            keys = ?ring.strangers(),
                            "there are signing keys that our secret does not open; they count for nothing here"
                        );
                    }
                    accounts.set_keys(ring);
                }
                Err(error) => tracing::warn!(?error, "the signing keys cannot be read; it is tried again"),
            }
        }
    }

    async fn round(&self) -> Result<KeyRing, AccountError> {
        let ring = self.read().await?;
        if ring.wants_next((self.now)()) {
            self.follow(&ring).await?;
            return self.read().await;
        }
        for outlived in ring.outlived((self.now)()) {
            self.store.remove_signing_key(outlived).await?;
        }
        Ok(ring)
    }

    async fn read(&self) -> Result<KeyRing, AccountError> {
        Ok(KeyRing::open(self.store.signing_keys().await?, &self.secret, KeyRules::default()))
    }

    /// Adds the next key. If another node does so at the same time, one of the two keys is added.
    async fn follow(&self, ring: &KeyRing) -> Result<(), AccountError> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).map_err(|error| AccountError::Store(Box::new(error)))?;
        let next = KeyRecord::new(entropy, &self.secret, (self.now)());
        self.store.add_signing_key(ring.newest(), &next).await.map(drop)
    }
}
