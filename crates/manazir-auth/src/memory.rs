//! Tokens and accounts in memory: the twins of the real stores.

mod accounts;
mod letters;
mod provider;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use manazir_model::Timestamp;

pub use accounts::Accounts;
pub use letters::Letters;
pub use provider::Provider;

use crate::{Error, Token, TokenHash, TokenStore};

/// See [`TokenStore`].
#[derive(Debug, Default)]
pub struct InMemory {
    tokens: Mutex<Vec<(TokenHash, Token)>>,
}

impl InMemory {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(TokenHash, Token)>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStore for InMemory {
    async fn add(&self, hash: TokenHash, token: &Token) -> Result<(), Error> {
        let mut tokens = self.lock();
        if tokens.iter().all(|(_, known)| known.id != token.id) {
            tokens.push((hash, token.clone()));
        }
        Ok(())
    }

    async fn find(&self, hash: TokenHash) -> Result<Option<Token>, Error> {
        Ok(self.lock().iter().find(|(known, _)| *known == hash).map(|(_, token)| token.clone()))
    }

    async fn list(&self) -> Result<Vec<Token>, Error> {
        let mut tokens: Vec<Token> = self.lock().iter().map(|(_, token)| token.clone()).collect();
        tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(tokens)
    }

    async fn revoke(&self, id: &str, at: Timestamp) -> Result<bool, Error> {
        let mut tokens = self.lock();
        let Some((_, token)) = tokens.iter_mut().find(|(_, token)| token.id == id) else { return Ok(false) };
        token.revoked_at.get_or_insert(at);
        Ok(true)
    }
}
