//! What people do with accounts: the steps of the store, the hashing and the limits put together, with clock, random
//! bytes and address as arguments. Whoever answers requests calls these and shapes what they say.

mod administration;
mod authority;
mod identities;
mod names;
mod sign_in;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use manazir_model::Timestamp;

pub use administration::DeedRefused;
pub use authority::Authority;
pub use sign_in::{RefreshRefused, SignInRefused, SignedIn};

use crate::access::{AccessClaims, AccessFault, AccessRules};
use crate::audit::Occasion;
use crate::hashing::{HashingDone, HashingRefused, HashingWork};
use crate::keys::KeyRing;
use crate::limit::{Place, SignInLimits, SignInRates};
use crate::link::{LinkSecret, Purpose};
use crate::revocation::{Revocations, Revoked};
use crate::session::SessionRules;
use crate::store::{AccountError, Changed, Created, NewAccount};
use crate::{
    Account, AccountId, AccountStore, Email, EmailFault, HashingGate, Password, PasswordFault, PasswordHash,
    Role, Username, UsernameFault,
};
use names::{Names, Seen};

/// Most characters of an avatar's seed.
const AVATAR_SEED_CHARACTERS_MAX: usize = 64;

/// What an installation decides.
#[derive(Clone, Debug)]
pub struct AccountRules {
    /// Who signs access tokens, and for whom.
    pub access: AccessRules,
    /// How long sessions last.
    pub sessions: SessionRules,
    /// How often one may try.
    pub rates: SignInRates,
}

/// Accounts of an installation, as one process knows them.
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    gate: Arc<dyn HashingGate>,
    rules: AccountRules,
    keys: RwLock<Arc<KeyRing>>,
    revoked: RwLock<Revoked>,
    limits: Mutex<SignInLimits>,
    names: Names,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Somebody who registers.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// The user name.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// The password.
    pub password: &'a str,
    /// What the picture is made from; the user name if nothing is said, so that two people have two pictures.
    pub avatar_seed: Option<&'a str>,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum RegisterRefused {
    /// Some of what was said cannot be taken; all of it is named.
    #[error("the registration cannot be taken")]
    Faults(Faults),
    /// Somebody has the name, or one that looks like it, or the address.
    #[error("the user name or e-mail address is taken")]
    Taken {
        /// The name.
        username: bool,
        /// The address.
        email: bool,
    },
    /// The invitation is not good any more, or for another address.
    #[error("the invitation is not good")]
    Link,
    /// Too many accounts from this place; wait.
    #[error("too many accounts were made from this address")]
    Limited(Duration),
    /// See [`HashingRefused`].
    #[error(transparent)]
    Hashing(#[from] HashingRefused),
    /// See [`AccountError`].
    #[error(transparent)]
    Store(#[from] AccountError),
}

/// What is wrong with each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// With the user name.
    pub username: Option<UsernameFault>,
    /// With the e-mail address.
    pub email: Option<EmailFault>,
    /// With the password; it is compared with the names, and so looked at when both are good.
    pub password: Vec<PasswordFault>,
}

/// Why a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// The new one cannot be taken.
    #[error("the password cannot be taken")]
    Faults(Vec<PasswordFault>),
    /// The old password is wrong, or the account changed meanwhile.
    #[error("the present password is wrong")]
    Wrong,
    /// The link is not good any more.
    #[error("the link is not good")]
    Link,
    /// Too many tries; wait.
    #[error("too many tries")]
    Limited(Duration),
    /// See [`HashingRefused`].
    #[error(transparent)]
    Hashing(#[from] HashingRefused),
    /// See [`AccountError`].
    #[error(transparent)]
    Store(#[from] AccountError),
}

/// Why an access token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefused {
    /// It is no good token.
    #[error(transparent)]
    Fault(#[from] AccessFault),
    /// Its session is over, or its account changed: a refresh tells which.
    #[error("the session of the access token is over, or its account was changed")]
    Revoked,
}

impl Accounts {
    /// Accounts over a store. The keys come by [`Accounts::set_keys`] before anybody can sign in.
    pub fn new(
        store: Arc<dyn AccountStore>,
        gate: Arc<dyn HashingGate>,
        rules: AccountRules,
        keys: KeyRing,
    ) -> Self {
        let limits = Mutex::new(SignInLimits::new(rules.rates));
        let (keys, revoked, names) = (RwLock::new(Arc::new(keys)), RwLock::default(), Names::default());
        Self { store, gate, rules, keys, revoked, limits, names }
    }

    /// Takes the keys as they are in the store now; to be called each minute.
    pub fn set_keys(&self, keys: KeyRing) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Reads what was revoked; to be called each [`crate::revocation::FOLLOWED_EVERY`] and when the bus says so. What
    /// is revoked through this process it knows at once. `clock` is asked before each page, so that what was committed
    /// meanwhile is not thought to be seen.
    pub async fn follow(&self, clock: impl Fn() -> Timestamp + Send) -> Result<(), AccountError> {
        loop {
            let now = clock();
            let after = self.revoked.read().unwrap_or_else(PoisonError::into_inner).place();
            let page: Revocations = self.store.revocations(after).await?;
            if !self.revoked.write().unwrap_or_else(PoisonError::into_inner).follow(after, &page, now) {
                return Ok(());
            }
        }
    }

    /// When the end of the log of revocations was last seen.
    pub fn followed_at(&self) -> Timestamp {
        self.revoked.read().unwrap_or_else(PoisonError::into_inner).followed_at()
    }

    /// Who shows this access token. No store is asked.
    pub fn who(&self, access: &str, now: Timestamp) -> Result<AccessClaims, AccessRefused> {
        let claims = self.rules.access.verify(&self.keys(), access, now)?;
        let over = self.revoked.read().unwrap_or_else(PoisonError::into_inner).refuses(&claims);
        if over { Err(AccessRefused::Revoked) } else { Ok(claims) }
    }

    /// What others call the owner of an account; `None` if there is no such account.
    pub async fn username(&self, id: AccountId) -> Result<Option<Username>, AccountError> {
        Ok(self.seen(id).await?.map(|seen| seen.username))
    }

    /// What the picture of the owner of an account is made from; `None` if there is no such account.
    pub async fn avatar_seed(&self, id: AccountId) -> Result<Option<String>, AccountError> {
        Ok(self.seen(id).await?.map(|seen| seen.avatar_seed))
    }

    async fn seen(&self, id: AccountId) -> Result<Option<Seen>, AccountError> {
        if let Some(seen) = self.names.known(id) {
            return Ok(Some(seen));
        }
        let found = self.store.account(id).await?.map(|known| Seen::from(known.account));
        Ok(found.inspect(|seen| self.names.learn(id, seen)))
    }

    /// An account, for its owner; `None` if there is no such one.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>, AccountError> {
        Ok(self.store.account(id).await?.map(|known| known.account))
    }

    /// How long sessions last.
    pub fn session_rules(&self) -> &SessionRules {
        &self.rules.sessions
    }

    /// Makes an account; with an invitation where that is asked for. `entropy` is 32 random bytes.
    pub async fn register(
        &self,
        who: Registration<'_>,
        role: Role,
        invitation: Option<&LinkSecret>,
        entropy: [u8; 32],
        on: &Occasion,
    ) -> Result<Account, RegisterRefused> {
        self.held(on, |limits, place| limits.register(place, on.at)).map_err(RegisterRefused::Limited)?;
        let (username, email, password) = checked(who).map_err(RegisterRefused::Faults)?;
        let (id, salt) = halves(entropy);
        // Before anybody looks whether the name is taken: no transaction is open, and the time tells nothing.
        let password = Some(self.hash(password, salt).await?);
        let seed = who.avatar_seed.unwrap_or(username.as_str());
        let avatar_seed = seed.chars().take(AVATAR_SEED_CHARACTERS_MAX).collect();
        let new =
            NewAccount { id: AccountId(id), username, email, role, avatar_seed, password, identity: None };
        match self.store.create(&new, invitation.map(LinkSecret::hash), on).await? {
            Created::Done(account) => Ok(account),
            Created::Taken { username, email } => Err(RegisterRefused::Taken { username, email }),
            Created::LinkRefused => Err(RegisterRefused::Link),
        }
    }

    /// Changes one's own password; all other sessions end. `entropy` is 16 random bytes.
    pub async fn change_password(
        &self,
        claims: &AccessClaims,
        old: &str,
        new: &str,
        entropy: [u8; 16],
        on: &Occasion,
    ) -> Result<(), PasswordRefused> {
        let on = &claims.occasion(on);
        let Some(known) = self.store.account(claims.account).await? else {
            return Err(PasswordRefused::Wrong);
        };
        let Account { username, email, version, .. } = known.account;
        // Whoever found a browser open must not guess the password there.
        self.held(on, |limits, place| limits.sign_in(&email, place, on.at))
            .map_err(PasswordRefused::Limited)?;
        let right = match Password::shown(old) {
            Some(old) => self.is_right(old, known.password).await?,
            None => false,
        };
        if !right {
            return Err(PasswordRefused::Wrong);
        }
        let new = Password::new(new, &username, &email).map_err(PasswordRefused::Faults)?;
        let hash = self.hash(new, entropy).await?;
        let set = self.store.set_password(claims.account, version, &hash, Some(claims.session), on).await?;
        self.know(on).await;
        if set { Ok(()) } else { Err(PasswordRefused::Wrong) }
    }

    /// Sets a password by a link; every session ends. `entropy` is 16 random bytes.
    pub async fn reset_password(
        &self,
        link: &LinkSecret,
        new: &str,
        entropy: [u8; 16],
        on: &Occasion,
    ) -> Result<Account, PasswordRefused> {
        self.held(on, |limits, place| limits.reset(place, on.at)).map_err(PasswordRefused::Limited)?;
        let purpose = self.store.link(link.hash(), on.at).await?.map(|link| link.purpose);
        let Some(Purpose::Reset(id)) = purpose else { return Err(PasswordRefused::Link) };
        let Some(known) = self.store.account(id).await? else { return Err(PasswordRefused::Link) };
        let new = Password::new(new, &known.account.username, &known.account.email);
        let hash = self.hash(new.map_err(PasswordRefused::Faults)?, entropy).await?;
        let account = self.store.reset_password(link.hash(), &hash, on).await?;
        self.know(on).await;
        account.ok_or(PasswordRefused::Link)
    }

    /// Looks at the log after a change that was made here. If that fails, the next look is half a second away.
    async fn know(&self, on: &Occasion) {
        let at = on.at;
        drop(self.follow(move || at).await);
    }

    fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn limits(&self) -> MutexGuard<'_, SignInLimits> {
        // It is whole after every statement: a panic elsewhere cannot have broken it.
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a limit of the place that a request comes from; without an address, as on a socket of this machine, there
    /// is none.
    fn held(
        &self,
        on: &Occasion,
        ask: impl FnOnce(&mut SignInLimits, Place) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        on.address.map_or(Ok(()), |address| ask(&mut self.limits(), Place::of(address)))
    }

    async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<PasswordHash, HashingRefused> {
        match self.gate.run(HashingWork::Hash { password, salt }).await? {
            HashingDone::Hashed(hash) => Ok(hash),
            HashingDone::Verified(_) => Err(HashingRefused::Failed(crate::hashing::HashingError::Failed)),
        }
    }

    async fn is_right(
        &self,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<bool, HashingRefused> {
        let done = self.gate.run(HashingWork::Verify { password, stored }).await?;
        Ok(matches!(done, HashingDone::Verified(crate::hashing::Verified::Right { .. })))
    }
}

/// The fields of a registration, or everything that is wrong with them.
fn checked(who: Registration<'_>) -> Result<(Username, Email, Password), Faults> {
    let (username, email) = (Username::parse(who.username), Email::parse(who.email));
    match (username, email) {
        (Ok(username), Ok(email)) => match Password::new(who.password, &username, &email) {
            Ok(password) => Ok((username, email, password)),
            Err(password) => Err(Faults { password, ..Faults::default() }),
        },
        (username, email) => {
            Err(Faults { username: username.err(), email: email.err(), password: Vec::new() })
        }
    }
}

fn halves(entropy: [u8; 32]) -> ([u8; 16], [u8; 16]) {
    (std::array::from_fn(|index| entropy[index]), std::array::from_fn(|index| entropy[16 + index]))
}

/// What a change came to, for whoever asked for it.
fn done(changed: Changed) -> Result<Account, DeedRefused> {
    match changed {
        Changed::Done(account) => Ok(account),
        Changed::Unknown => Err(DeedRefused::Unknown),
        Changed::LastAdmin => Err(DeedRefused::LastAdmin),
    }
}
