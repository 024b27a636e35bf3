//! Signing in, staying signed in, and signing out.

use std::time::Duration;

use manazir_model::Timestamp;

use super::Accounts;
use crate::access::AccessClaims;
use crate::audit::{AuditEntry, AuditKind, Occasion};
use crate::hashing::{HashingDone, HashingRefused, HashingWork, Verified};
use crate::limit::Place;
use crate::session::{Device, EndedBy, Family, Presented, RefreshToken, Session, SessionId};
use crate::store::AccountError;
use crate::{Account, AccountId, Credentials, Email, Password};

/// What a browser or program gets when it signs in or stays signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The access token.
    pub access: String,
    /// What it says.
    pub claims: AccessClaims,
    /// The refresh token, instead of the one before.
    pub refresh: RefreshToken,
    /// Whose.
    pub account: Account,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefused {
    /// No such account, or another password: nobody is told which.
    #[error("the e-mail address or the password is wrong")]
    Wrong,
    /// The password is right, but the account is banned.
    #[error("the account is banned")]
    Banned,
    /// Too many tries; wait.
    #[error("too many tries to sign in")]
    Limited(Duration),
    /// See [`HashingRefused`].
    #[error(transparent)]
    Hashing(#[from] HashingRefused),
    /// There is no key to sign with.
    #[error("there is no key to sign access tokens with")]
    NoKey,
    /// See [`AccountError`].
    #[error(transparent)]
    Store(#[from] AccountError),
}

/// Why somebody does not stay signed in.
#[derive(Debug, thiserror::Error)]
pub enum RefreshRefused {
    /// The session is over, or there never was one: sign in again. The cookie may go.
    #[error("the session is over")]
    Over(Presented),
    /// Two have the token, and the session was ended for it: its owner is to be told. For whoever showed it this is
    /// [`Self::Over`].
    #[error("a token of the session was used twice, and the session is over")]
    Reused(Box<Account>),
    /// Tokens of this session are replaced too often; the one that was shown stays good. The cookie stays.
    #[error("the session is refreshed too often")]
    TooFast(Duration),
    /// There is no key to sign with.
    #[error("there is no key to sign access tokens with")]
    NoKey,
    /// The store does not hold what was written to it.
    #[error("the successor of a refresh token cannot be read")]
    Broken,
    /// See [`AccountError`].
    #[error(transparent)]
    Store(#[from] AccountError),
}

impl Accounts {
    /// Signs in. Whether or not there is such an account the same is done, up to the answer: one look, one hash, one
    /// note. `entropy` is 80 random bytes.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        device: Device,
        entropy: [u8; 80],
        on: &Occasion,
    ) -> Result<SignedIn, SignInRefused> {
        let (Ok(email), Some(password)) = (Email::parse(email), Password::shown(password)) else {
            return Err(SignInRefused::Wrong);
        };
        if let Err(wait) = self.held(on, |limits, place| limits.sign_in(&email, place, on.at)) {
            self.tell_held(on).await?;
            return Err(SignInRefused::Limited(wait));
        }
        let known = self.store.credentials(&email).await?;
        let stored = known.as_ref().and_then(|known| known.password.clone());
        let work = HashingWork::Verify { password: password.clone(), stored };
        let rehash = match (self.gate.run(work).await?, &known) {
            (HashingDone::Verified(Verified::Right { rehash }), Some(_)) => rehash,
            _ => {
                let account = known.map(|known| known.account.id);
                self.store.note(&AuditEntry::new(AuditKind::SignInFailed, account, on, "")).await?;
                return Err(SignInRefused::Wrong);
            }
        };
        let Some(known) = known else { return Err(SignInRefused::Wrong) };
        if known.account.banned_at.is_some() {
            return Err(SignInRefused::Banned);
        }
        if let Some(address) = on.address {
            self.limits().signed_in(&email, Place::of(address));
        }
        let part = |from: usize| std::array::from_fn(|index| entropy[from + index]);
        let salt: [u8; 16] = part(64);
        let signed_in =
            self.open(&known.account, device, std::array::from_fn(|index| entropy[index]), on).await?;
        if rehash {
            self.rehash(&known, password, salt).await?;
        }
        Ok(signed_in)
    }

    /// Shows a refresh token and gets its successor, or, if it was replaced a moment ago, what is current now.
    /// `entropy` is 32 random bytes.
    pub async fn refresh(
        &self,
        shown: &str,
        device: &Device,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<SignedIn, RefreshRefused> {
        let shown = RefreshToken::shown(shown).ok_or(RefreshRefused::Over(Presented::Unknown))?;
        let next = shown.successor(entropy);
        let refreshed = self.store.refresh(&shown, next, device, &self.rules.sessions, on).await?;
        let refresh = match refreshed.presented {
            Presented::Rotated => shown.follow(&[next.sealed], next.hash),
            Presented::Replayed(chain, hash) => shown.follow(&chain, hash),
            Presented::TooFast(wait) => return Err(RefreshRefused::TooFast(wait)),
            Presented::Reused => {
                self.know(on).await;
                let owner = refreshed.account.ok_or(RefreshRefused::Broken)?;
                return Err(RefreshRefused::Reused(Box::new(owner)));
            }
            over => return Err(RefreshRefused::Over(over)),
        };
        let (Some(refresh), Some(account)) = (refresh, refreshed.account) else {
            return Err(RefreshRefused::Broken);
        };
        self.signed(account, refresh, on.at).ok_or(RefreshRefused::NoKey)
    }

    /// One's own sessions, the one used last first.
    pub async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<Session>, AccountError> {
        self.store.sessions(account, now).await
    }

    /// Signs out, or ends another of one's own sessions; false if there is no such one.
    pub async fn end_session(
        &self,
        claims: &AccessClaims,
        id: SessionId,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        let on = &claims.occasion(on);
        let ended = self.store.end_session(claims.account, id, EndedBy::Owner, on).await?;
        self.know(on).await;
        Ok(ended)
    }

    /// Signs out whoever has nothing but a refresh token left, as a browser that slept; false if the session was over.
    /// `entropy` is 32 random bytes.
    pub async fn sign_out(
        &self,
        shown: &str,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        let Some(shown) = RefreshToken::shown(shown) else { return Ok(false) };
        let (next, device) = (shown.successor(entropy), Device::default());
        let refreshed = self.store.refresh(&shown, next, &device, &self.rules.sessions, on).await?;
        let good = matches!(
            refreshed.presented,
            Presented::Rotated | Presented::Replayed(..) | Presented::TooFast(_)
        );
        let Some(account) = refreshed.account.filter(|_| good) else { return Ok(false) };
        let ended = self.store.end_session(account.id, shown.session(), EndedBy::Owner, on).await?;
        self.know(on).await;
        Ok(ended)
    }

    /// Ends all of one's own sessions but the one in use, and says how many.
    pub async fn end_others(&self, claims: &AccessClaims, on: &Occasion) -> Result<usize, AccountError> {
        let on = &claims.occasion(on);
        let ended = self.store.end_sessions(claims.account, Some(claims.session), EndedBy::Owner, on).await?;
        self.know(on).await;
        Ok(ended)
    }

    pub(super) async fn open(
        &self,
        account: &Account,
        device: Device,
        entropy: [u8; 64],
        on: &Occasion,
    ) -> Result<SignedIn, SignInRefused> {
        let rules = &self.rules.sessions;
        let (family, refresh) = Family::open(account.id, device, entropy, rules, on.at);
        let signed = self.signed(account.clone(), refresh, on.at).ok_or(SignInRefused::NoKey)?;
        // Refused if the password was changed or the account banned while the hash was computed.
        let opened = self.store.open_session(&family, account.version, rules.sessions_max, on).await?;
        if opened { Ok(signed) } else { Err(SignInRefused::Wrong) }
    }

    fn signed(&self, account: Account, refresh: RefreshToken, now: Timestamp) -> Option<SignedIn> {
        let who = (account.id, refresh.session());
        let (access, claims) =
            self.rules.access.sign(&self.keys(), who, account.role, account.version, now)?;
        Some(SignedIn { access, claims, refresh, account })
    }

    /// Makes the hash anew at today's cost; if too many are at it, at the next time.
    async fn rehash(
        &self,
        known: &Credentials,
        password: Password,
        salt: [u8; 16],
    ) -> Result<(), AccountError> {
        if let (Ok(to), Some(from)) = (self.hash(password, salt).await, &known.password) {
            self.store.rehash(known.account.id, from, &to).await?;
        }
        Ok(())
    }

    pub(super) async fn tell_held(&self, on: &Occasion) -> Result<(), AccountError> {
        let told = on.address.is_some_and(|address| self.limits().is_told(Place::of(address), on.at));
        if told {
            self.store.note(&AuditEntry::new(AuditKind::SignInHeld, None, on, "")).await?;
        }
        Ok(())
    }
}
