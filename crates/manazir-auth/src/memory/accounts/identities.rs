//! Identities at a provider, in memory.

use super::State;
use crate::AccountId;
use crate::audit::{AuditKind, Occasion};
use crate::identity::{IDENTITIES_MAX, Identity, IdentityId, Linked};
use crate::store::{Linking, Unlinked};

impl State {
    pub(super) fn owner(&self, identity: &Identity) -> Option<AccountId> {
        let mut known = self.identities.iter();
        known.find(|(_, linked)| linked.identity == *identity).map(|(account, _)| *account)
    }

    pub(super) fn identities_of(&self, account: AccountId) -> impl Iterator<Item = &Linked> {
        let of_account = self.identities.iter().filter(move |(owner, _)| *owner == account);
        of_account.map(|(_, linked)| linked)
    }

    /// Links one that nobody has.
    pub(super) fn link(&mut self, account: AccountId, linked: &Linked, on: &Occasion) {
        self.identities.push((account, linked.clone()));
        self.noted(AuditKind::IdentityLinked, account, on, &linked.identity.id().to_string());
    }

    pub(super) fn linked(&mut self, account: AccountId, linked: &Linked, on: &Occasion) -> Linking {
        match self.owner(&linked.identity) {
            _ if !self.accounts.contains_key(&account) => Linking::Unknown,
            Some(owner) if owner == account => Linking::Done,
            Some(_) => Linking::Taken,
            None if self.identities_of(account).count() >= IDENTITIES_MAX => Linking::Crowd,
            None => {
                self.link(account, linked, on);
                Linking::Done
            }
        }
    }

    pub(super) fn unlinked(&mut self, account: AccountId, id: IdentityId, on: &Occasion) -> Unlinked {
        let is_it = |(owner, linked): &(AccountId, Linked)| *owner == account && linked.identity.id() == id;
        let Some(place) = self.identities.iter().position(is_it) else { return Unlinked::Unknown };
        let has_password = self.accounts.get(&account).is_some_and(|known| known.password.is_some());
        if !has_password && self.identities_of(account).count() == 1 {
            return Unlinked::Last;
        }
        self.identities.remove(place);
        self.noted(AuditKind::IdentityUnlinked, account, on, &id.to_string());
        Unlinked::Done
    }
}
