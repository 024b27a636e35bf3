//! An identity provider in memory: the twin of a real one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::identity::{Claimed, IdentityProvider, ProviderError, Secrets, TokenFault};

/// A provider at which whoever [`Provider::signs_in`] has signed in.
#[derive(Debug)]
pub struct Provider {
    issuer: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_away: bool,
    begun: HashMap<String, Secrets>,
    /// Codes that were ever given.
    given: u64,
    /// By code: the state for which it was given, and who came.
    codes: HashMap<String, (String, Claimed)>,
}

impl Provider {
    /// One of this address.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), state: Mutex::default() }
    }

    /// Somebody signs in there for the sign-in with this state; the code with which the browser goes back.
    pub fn signs_in(&self, state: &str, who: &Claimed) -> String {
        let mut known = self.lock();
        known.given += 1;
        let code = format!("code{}", known.given);
        known.codes.insert(code.clone(), (state.to_owned(), who.clone()));
        code
    }

    /// It goes away, or comes back.
    pub fn set_away(&self, is_away: bool) {
        self.lock().is_away = is_away;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn there(&self) -> Result<MutexGuard<'_, State>, ProviderError> {
        let state = self.lock();
        if state.is_away { Err(ProviderError::Away("it is away".into())) } else { Ok(state) }
    }
}

#[async_trait]
impl IdentityProvider for Provider {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    async fn begin(&self, secrets: &Secrets) -> Result<String, ProviderError> {
        self.there()?.begun.insert(secrets.state.clone(), secrets.clone());
        Ok(format!("{}/authorize?state={}", self.issuer, secrets.state))
    }

    async fn finish(&self, code: &str, secrets: &Secrets) -> Result<Claimed, ProviderError> {
        let mut state = self.there()?;
        let refused = || ProviderError::Code("invalid_grant".to_owned());
        let (of, who) = state.codes.remove(code).ok_or_else(refused)?;
        let begun = state.begun.get(&of).filter(|begun| begun.verifier == secrets.verifier);
        if begun.ok_or_else(refused)?.nonce != secrets.nonce {
            return Err(TokenFault::Nonce.into());
        }
        Ok(who)
    }
}
