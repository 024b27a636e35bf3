//! Tokens that were seen a moment ago, so that not every request asks the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::{Error, Token, TokenHash, TokenStore};

/// More tokens are not remembered at a time: with them all are forgotten, and asked for anew.
const KNOWN_MAX: usize = 10_000;

/// A store in front of another. What it finds it believes for a short time: so long may a token that is refused
/// through another process still be let in. One that is refused through this one is refused at once, but for requests
/// that are under way.
pub struct Cached {
    store: Arc<dyn TokenStore>,
    believed: Duration,
    known: Mutex<HashMap<TokenHash, (Instant, Token)>>,
}

impl std::fmt::Debug for Cached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached").field("believed", &self.believed).finish_non_exhaustive()
    }
}

impl Cached {
    /// A store in front of `store` that believes what it found for `believed`.
    pub fn new(store: Arc<dyn TokenStore>, believed: Duration) -> Self {
        Self { store, believed, known: Mutex::default() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<TokenHash, (Instant, Token)>> {
        // A map is whole after every statement: a panic elsewhere cannot have broken it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStore for Cached {
    async fn add(&self, hash: TokenHash, token: &Token) -> Result<(), Error> {
        self.store.add(hash, token).await
    }

    async fn find(&self, hash: TokenHash) -> Result<Option<Token>, Error> {
        let now = Instant::now();
        if let Some((_, token)) = self.known().get(&hash).filter(|(at, _)| now - *at < self.believed) {
            return Ok(Some(token.clone()));
        }
        // Only what is there is remembered: secrets that are guessed at cost no memory.
        let found = self.store.find(hash).await?;
        if let Some(token) = &found {
            let mut known = self.known();
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(hash, (now, token.clone()));
        }
        Ok(found)
    }

    async fn list(&self) -> Result<Vec<Token>, Error> {
        self.store.list().await
    }

    async fn revoke(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        let revoked = self.store.revoke(id, at).await?;
        self.known().retain(|_, (_, token)| token.id != id);
        Ok(revoked)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::memory::InMemory;
    use crate::{Scope, contract};

    #[test]
    fn it_keeps_the_contract_however_long_it_believes() {
        for believed in [Duration::ZERO, Duration::from_secs(1_000)] {
            block_on(contract::check(&Cached::new(Arc::new(InMemory::default()), believed)));
        }
    }

    #[test]
    fn a_token_refused_elsewhere_is_let_in_no_longer_than_it_is_believed() {
        let store = Arc::new(InMemory::default());
        let (token, secret) = Token::new("ci", vec![Scope::Read], Timestamp(0), [7; 40]);
        let cached = Cached::new(Arc::clone(&store) as Arc<dyn TokenStore>, Duration::from_millis(20));
        let good =
            || block_on(cached.find(secret.hash())).unwrap().is_some_and(|token| token.revoked_at.is_none());
        block_on(store.add(secret.hash(), &token)).unwrap();
        assert!(good());
        block_on(store.revoke(&token.id, Timestamp(1))).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        assert!(!good());
    }
}
