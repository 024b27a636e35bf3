//! Identities at a provider: who comes by one, and which belong to an account.

mod naming;

use super::{AVATAR_SEED_CHARACTERS_MAX, Accounts};
use crate::access::AccessClaims;
use crate::audit::{AuditEntry, AuditKind, Occasion};
use crate::identity::{Claimed, IdentityId, Linked};
use crate::limit::Place;
use crate::link::LinkSecret;
use crate::provider::{ProviderRefused, ProviderRules};
use crate::service::{SignInRefused, SignedIn};
use crate::session::{Device, SessionId};
use crate::store::{Created, Linking, NewAccount, Unlinked};
use crate::{Account, AccountError, AccountId, Email, Role, TokenHash, Username};
use naming::{fitting, numbered};

use manazir_model::Timestamp;

/// So many numbers are tried behind a name, one after the other, and then one at random.
const NUMBERS: u32 = 9;

impl Accounts {
    /// Signs in whoever a provider says it is; of whom nobody knows, an account is made if that is allowed. `entropy`
    /// is 80 random bytes.
    pub(crate) async fn sign_in_as(
        &self,
        who: &Claimed,
        rules: &ProviderRules,
        invitation: Option<&LinkSecret>,
        device: Device,
        entropy: [u8; 80],
        on: &Occasion,
    ) -> Result<SignedIn, ProviderRefused> {
        let account = match self.store.owner(&who.identity).await? {
            Some(account) => account,
            None => match self.newcomer(who, rules, invitation, part(entropy, 64), on).await {
                Ok(account) => account,
                // Another request of theirs may have been faster, with the address, the name and the invitation.
                Err(refused) => match self.store.owner(&who.identity).await? {
                    Some(account) => account,
                    None => return Err(self.noted(who, refused, on).await?),
                },
            },
        };
        if account.banned_at.is_some() {
            return Err(ProviderRefused::Banned);
        }
        self.open(&account, device, part(entropy, 0), on).await.map_err(|refused| match refused {
            SignInRefused::NoKey => ProviderRefused::NoKey,
            SignInRefused::Store(error) => error.into(),
            // It is about the version, since no password is compared.
            _ => ProviderRefused::Changed,
        })
    }

    async fn noted(
        &self,
        who: &Claimed,
        refused: ProviderRefused,
        on: &Occasion,
    ) -> Result<ProviderRefused, AccountError> {
        let detail = format!("identity {}: {refused}", who.identity.id());
        self.store.note(&AuditEntry::new(AuditKind::SignInFailed, None, on, &detail)).await?;
        Ok(refused)
    }

    /// The account of somebody whose identity nobody has: one with their address, where that is enough, or a new one.
    async fn newcomer(
        &self,
        who: &Claimed,
        rules: &ProviderRules,
        invitation: Option<&LinkSecret>,
        id: [u8; 16],
        on: &Occasion,
    ) -> Result<Account, ProviderRefused> {
        let email = who.email.as_deref().and_then(|text| Email::parse(text).ok());
        let email = email.ok_or(ProviderRefused::NoEmail)?;
        if let Some(known) = self.store.credentials(&email).await? {
            return self.owner_by_address(known.account, who, rules, on).await;
        }
        if invitation.is_none() {
            rules.let_in(who)?;
        }
        self.held(on, |limits, place| limits.register(place, on.at)).map_err(ProviderRefused::Limited)?;
        let first = fitting(who.username.as_deref(), &email);
        let random = u32::from_be_bytes([id[0], id[1], id[2], id[3]]) % 900_000 + 100_000;
        let numbers = (2..=NUMBERS).chain([random]).filter_map(|number| numbered(&first, number));
        for username in std::iter::once(first.clone()).chain(numbers) {
            let new = self.new_account(who, username, email.clone(), id, on);
            let created = self.store.create(&new, invitation.map(LinkSecret::hash), on).await?;
            match created {
                Created::Done(account) => return Ok(account),
                Created::LinkRefused => return Err(ProviderRefused::Link),
                Created::Taken { email: true, .. } => return Err(ProviderRefused::Known),
                Created::Taken { .. } => {}
            }
        }
        Err(ProviderRefused::Names)
    }

    fn new_account(
        &self,
        who: &Claimed,
        username: Username,
        email: Email,
        id: [u8; 16],
        on: &Occasion,
    ) -> NewAccount {
        let avatar_seed = username.as_str().chars().take(AVATAR_SEED_CHARACTERS_MAX).collect();
        let identity = Some(linked(who, on));
        NewAccount {
            id: AccountId(id),
            username,
            email,
            role: Role::Member,
            avatar_seed,
            password: None,
            identity,
        }
    }

    async fn owner_by_address(
        &self,
        account: Account,
        who: &Claimed,
        rules: &ProviderRules,
        on: &Occasion,
    ) -> Result<Account, ProviderRefused> {
        if !(rules.link_by_email && who.email_verified) {
            return Err(ProviderRefused::Known);
        }
        if account.banned_at.is_some() {
            return Err(ProviderRefused::Banned);
        }
        self.linking(account.id, who, on).await?;
        Ok(account)
    }

    async fn linking(&self, account: AccountId, who: &Claimed, on: &Occasion) -> Result<(), ProviderRefused> {
        match self.store.link_identity(account, &linked(who, on), on).await? {
            Linking::Done => Ok(()),
            Linking::Taken => Err(ProviderRefused::Taken),
            Linking::Crowd => Err(ProviderRefused::Crowd),
            Linking::Unknown => Err(ProviderRefused::Changed),
        }
    }

    /// Links an identity to the account of a session that is still there.
    pub(crate) async fn link_identity(
        &self,
        account: AccountId,
        session: SessionId,
        who: &Claimed,
        on: &Occasion,
    ) -> Result<(), ProviderRefused> {
        let living = self.store.sessions(account, on.at).await?;
        if !living.iter().any(|one| one.id == session) {
            return Err(ProviderRefused::SignedOut);
        }
        let on = Occasion { by: crate::audit::Actor::Account(account), ..*on };
        self.linking(account, who, &on).await
    }

    /// One's own identities, the oldest first.
    pub async fn identities(&self, account: AccountId) -> Result<Vec<Linked>, AccountError> {
        self.store.identities(account).await
    }

    /// Unlinks one of one's own identities.
    pub async fn unlink_identity(
        &self,
        claims: &AccessClaims,
        id: IdentityId,
        on: &Occasion,
    ) -> Result<Unlinked, AccountError> {
        self.store.unlink_identity(claims.account, id, &claims.occasion(on)).await
    }

    /// True the first time that a state comes back.
    pub(crate) async fn spend(&self, state: TokenHash, until: Timestamp) -> Result<bool, AccountError> {
        self.store.spend(state, until).await
    }

    /// Lets somebody come back from a provider, or says how long to wait.
    pub(crate) async fn may_try_elsewhere(&self, on: &Occasion) -> Result<(), ProviderRefused> {
        if let Err(wait) = self.held(on, |limits, place| limits.elsewhere(place, on.at)) {
            self.tell_held(on).await?;
            return Err(ProviderRefused::Limited(wait));
        }
        Ok(())
    }

    /// Whoever the provider knows did not guess.
    pub(crate) fn came_in_elsewhere(&self, place: Place) {
        self.limits().came_in_elsewhere(place);
    }
}

fn linked(who: &Claimed, on: &Occasion) -> Linked {
    Linked { identity: who.identity.clone(), label: who.label(), at: on.at }
}

fn part<const N: usize>(entropy: [u8; 80], from: usize) -> [u8; N] {
    std::array::from_fn(|index| entropy[from + index])
}
