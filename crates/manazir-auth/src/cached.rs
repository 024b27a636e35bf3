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
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    tokens: HashMap<TokenHash, (Instant, Token)>,
    /// Grows with each refusal: what was found before one is not remembered after it.
    refusals: u64,
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

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // It is whole after every statement: a panic elsewhere cannot have broken it.
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
        let refusals = {
            let known = self.known();
            if let Some((_, token)) = known.tokens.get(&hash).filter(|(at, _)| now - *at < self.believed) {
                return Ok(Some(token.clone()));
            }
            known.refusals
        };
        // Only what is there is remembered: secrets that are guessed at cost no memory.
        let found = self.store.find(hash).await?;
        if let Some(token) = &found {
            let mut known = self.known();
            if known.tokens.len() >= KNOWN_MAX {
                known.tokens.clear();
            }
            if known.refusals == refusals {
                known.tokens.insert(hash, (now, token.clone()));
            }
        }
        Ok(found)
    }

    async fn list(&self) -> Result<Vec<Token>, Error> {
        self.store.list().await
    }

    async fn revoke(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        let revoked = self.store.revoke(id, at).await?;
        let mut known = self.known();
        known.refusals += 1;
        known.tokens.retain(|_, (_, token)| token.id != id);
        drop(known);
        Ok(revoked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// Counts what it is asked, and can be told to do something between looking and answering.
    #[derive(Default)]
    struct Asked {
        store: InMemory,
        finds: AtomicUsize,
        meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    }

    #[async_trait]
    impl TokenStore for Asked {
        async fn add(&self, hash: TokenHash, token: &Token) -> Result<(), Error> {
            self.store.add(hash, token).await
        }

        async fn find(&self, hash: TokenHash) -> Result<Option<Token>, Error> {
            self.finds.fetch_add(1, Ordering::Relaxed);
            let found = self.store.find(hash).await;
            let meanwhile = self.meanwhile.lock().unwrap().take();
            if let Some(meanwhile) = meanwhile {
                meanwhile();
            }
            found
        }

        async fn list(&self) -> Result<Vec<Token>, Error> {
            self.store.list().await
        }

        async fn revoke(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
            self.store.revoke(id, at).await
        }
    }

    fn asked() -> (Arc<Asked>, Arc<Cached>, TokenHash, Token) {
        let store = Arc::<Asked>::default();
        let (token, secret) = Token::new("ci", vec![Scope::Read], Timestamp(0), [7; 40]);
        block_on(store.add(secret.hash(), &token)).unwrap();
        let cached = Cached::new(Arc::clone(&store) as Arc<dyn TokenStore>, Duration::from_secs(1_000));
        (store, Arc::new(cached), secret.hash(), token)
    }

    #[test]
    fn the_store_is_asked_once_for_what_is_there_and_each_time_for_what_is_not() {
        let (store, cached, hash, _) = asked();
        (0..3).for_each(|_| assert!(block_on(cached.find(hash)).unwrap().is_some()));
        assert_eq!(store.finds.load(Ordering::Relaxed), 1);
        let nobody = Token::new("x", Vec::new(), Timestamp(0), [8; 40]).1.hash();
        (0..3).for_each(|_| assert!(block_on(cached.find(nobody)).unwrap().is_none()));
        assert_eq!(store.finds.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn what_is_refused_while_it_is_looked_up_is_not_remembered_as_good() {
        let (store, cached, hash, token) = asked();
        let refuse = {
            let cached = Arc::clone(&cached);
            // On a thread of its own, as requests at the same time are.
            move || {
                let refused = std::thread::spawn(move || block_on(cached.revoke(&token.id, Timestamp(1))));
                assert!(refused.join().unwrap().unwrap());
            }
        };
        *store.meanwhile.lock().unwrap() = Some(Box::new(refuse));
        // The request under way is let in, as it would have been a moment before.
        assert!(block_on(cached.find(hash)).unwrap().unwrap().revoked_at.is_none());
        assert!(block_on(cached.find(hash)).unwrap().unwrap().revoked_at.is_some());
    }
}
