//! Signing in at an identity provider: from the question to the answer, and what an installation lets in.

mod attempt;
mod back;

use std::sync::Arc;
use std::time::Duration;

use manazir_model::Timestamp;

pub use attempt::{ATTEMPT_LIFETIME, Wish};
pub use back::LocalPath;

use crate::audit::Occasion;
use crate::identity::{Claimed, IdentityProvider, ProviderError};
use crate::keys::ServerSecret;
use crate::limit::Place;
use crate::service::SignedIn;
use crate::session::Device;
use crate::{AccountError, Accounts};
use attempt::Attempt;

/// Whom a provider may bring that nobody knows yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderRules {
    /// Whoever the provider lets in gets an account; else whoever has an invitation.
    pub open: bool,
    /// If there are any, without an invitation only whoever the provider says has an address at one of them.
    pub domains: Vec<String>,
    /// Whoever the provider says has the address of an account is its owner. Without it an account is linked by
    /// whoever has signed in to it.
    pub link_by_email: bool,
}

/// Why nobody is signed in by a provider, or no identity linked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderRefused {
    /// It was not begun in this browser, too long ago, or it has ended already.
    #[error("this sign-in was not begun in this browser, or is over")]
    Over,
    /// The provider sends somebody back without saying who, for a reason that has this word.
    #[error("the identity provider says no: {0}")]
    Denied(String),
    /// See [`ProviderError`].
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Nobody knows them, and they were not invited.
    #[error("nobody here knows this identity, and accounts are made by invitation")]
    Closed,
    /// Nobody knows them, and they have no address at one of the domains.
    #[error("nobody here knows this identity, and its address is of no domain that is let in")]
    Domain,
    /// An account needs an address, and the provider tells none.
    #[error("the identity provider tells no e-mail address that could be one")]
    NoEmail,
    /// There is an account with the address, which is not linked.
    #[error("an account with this address exists, and is not linked to this identity")]
    Known,
    /// The invitation is not good, or for another address.
    #[error("the invitation is not good")]
    Link,
    /// No name was free that is like theirs.
    #[error("no user name was free")]
    Names,
    /// The account is banned.
    #[error("the account is banned")]
    Banned,
    /// The account was changed meanwhile.
    #[error("the account was changed meanwhile")]
    Changed,
    /// The identity belongs to another account.
    #[error("the identity belongs to another account")]
    Taken,
    /// The account has as many identities as one may have.
    #[error("the account has too many identities")]
    Crowd,
    /// Whoever wanted to link it has signed out meanwhile.
    #[error("the session in which this was begun is over")]
    SignedOut,
    /// Too many tries; wait.
    #[error("too many tries to sign in")]
    Limited(Duration),
    /// There is no key to sign with.
    #[error("there is no key to sign access tokens with")]
    NoKey,
    /// See [`AccountError`].
    #[error(transparent)]
    Store(#[from] AccountError),
}

/// A sign-in that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Where the browser is to go.
    pub address: String,
    /// What it keeps until it comes back, for [`ATTEMPT_LIFETIME`].
    pub kept: String,
}

/// What the browser brings back from the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer<'a> {
    /// The state that was sent there.
    pub state: &'a str,
    /// The code for which the provider says who it is.
    pub code: Option<&'a str>,
    /// Why there is none.
    pub error: Option<&'a str>,
    /// Who answers (RFC 9207), if the provider says it.
    pub issuer: Option<&'a str>,
}

/// A sign-in that has ended well.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The page where it goes on.
    pub back: LocalPath,
    /// Who has signed in; `None` where an identity was linked.
    pub signed_in: Option<SignedIn>,
}

/// A provider, and whom this installation lets in by it.
pub struct Elsewhere {
    provider: Arc<dyn IdentityProvider>,
    name: String,
    rules: ProviderRules,
    key: [u8; 32],
}

impl std::fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Elsewhere")
            .field("name", &self.name)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl Elsewhere {
    /// By a provider with a name for people. All nodes have one `secret`, so that each finishes what another began.
    pub fn new(
        provider: Arc<dyn IdentityProvider>,
        name: impl Into<String>,
        rules: ProviderRules,
        secret: &ServerSecret,
    ) -> Self {
        Self { provider, name: name.into(), rules, key: secret.derived(b"sign-in at a provider") }
    }

    /// What people call the provider.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whom it lets in.
    pub fn rules(&self) -> &ProviderRules {
        &self.rules
    }

    /// Begins to sign in, or to link. `entropy` is 32 random bytes.
    pub async fn begin(
        &self,
        wish: Wish,
        back: LocalPath,
        entropy: [u8; 32],
        now: Timestamp,
    ) -> Result<Begun, ProviderError> {
        let attempt = Attempt::new(wish, back, entropy, now);
        let address = self.provider.begin(&attempt.secrets(&self.key)).await?;
        Ok(Begun { address, kept: attempt.written(&self.key) })
    }

    /// Ends it: `kept` is what the browser kept. `entropy` is 80 random bytes.
    ///
    /// An attempt is spent before the provider is asked, whatever comes of it. Everything but
    /// [`ProviderRefused::Over`] is about an attempt of this browser that is over now.
    pub async fn finish(
        &self,
        accounts: &Accounts,
        kept: Option<&str>,
        answer: Answer<'_>,
        device: Device,
        entropy: [u8; 80],
        on: &Occasion,
    ) -> Result<Finished, ProviderRefused> {
        let attempt = kept.and_then(|kept| Attempt::shown(&self.key, kept, on.at));
        let attempt = attempt.ok_or(ProviderRefused::Over)?;
        let secrets = attempt.secrets(&self.key);
        let state = attempt::hash(&secrets.state);
        // Hashes are compared: how long it takes tells nothing of the state.
        if attempt::hash(answer.state) != state {
            return Err(ProviderRefused::Over);
        }
        accounts.may_try_elsewhere(on).await?;
        if !accounts.spend(state, attempt.expires_at).await? {
            return Err(ProviderRefused::Over);
        }
        let code = self.code(answer)?;
        let who = self.provider.finish(code, &secrets).await?;
        let signed_in = match &attempt.wish {
            Wish::SignIn { invitation } => {
                let invitation = invitation.as_ref();
                Some(accounts.sign_in_as(&who, &self.rules, invitation, device, entropy, on).await?)
            }
            Wish::Link { account, session } => {
                accounts.link_identity(*account, *session, &who, on).await?;
                None
            }
        };
        if let Some(address) = on.address {
            accounts.came_in_elsewhere(Place::of(address));
        }
        Ok(Finished { back: attempt.back, signed_in })
    }

    /// The code in an answer of this provider.
    fn code<'a>(&self, answer: Answer<'a>) -> Result<&'a str, ProviderRefused> {
        if answer.issuer.is_some_and(|issuer| issuer != self.provider.issuer()) {
            return Err(ProviderError::from(crate::identity::TokenFault::Issuer).into());
        }
        match (answer.code, answer.error) {
            (Some(code), None) => Ok(code),
            (_, Some(error)) => Err(ProviderRefused::Denied(word(error))),
            (None, None) => Err(ProviderRefused::Denied("no code".to_owned())),
        }
    }
}

/// What may be shown of a word that came from outside.
fn word(text: &str) -> String {
    let is_good = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    text.chars().filter(is_good).take(40).collect()
}

impl ProviderRules {
    /// Whether a provider may bring somebody new who was not invited.
    pub(crate) fn let_in(&self, who: &Claimed) -> Result<(), ProviderRefused> {
        if !self.open {
            return Err(ProviderRefused::Closed);
        }
        if self.domains.is_empty() {
            return Ok(());
        }
        let domain = who.email.as_deref().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
        let is_named = domain
            .is_some_and(|domain| self.domains.iter().any(|named| named.eq_ignore_ascii_case(domain.trim())));
        if is_named && who.email_verified { Ok(()) } else { Err(ProviderRefused::Domain) }
    }
}
