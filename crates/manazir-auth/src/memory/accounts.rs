//! Accounts in memory: the twin of the relational store.

mod identities;
mod keys;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::audit::{AUDIT_PAGE_MAX, AuditEntry, AuditKind, Audited, Occasion};
use crate::identity::{Identity, IdentityId, Linked};
use crate::keys::KeyRecord;
use crate::link::{INVITATIONS_MAX, Invitation, InvitationId, Link, Purpose};
use crate::revocation::{REVOCATIONS_KEPT, REVOCATIONS_PAGE_MAX, Revocation, Revocations};
use crate::session::{
    Device, EndedBy, Family, Presented, RefreshToken, Session, SessionId, SessionRules, Successor,
};
use crate::span::later;
use crate::store::{AccountError, AccountStore, Changed, Created, Linking, NewAccount, Refreshed, Unlinked};
use crate::{Account, AccountId, Credentials, Email, PasswordHash, Role, TokenHash};

/// See [`AccountStore`] and [`crate::keys::SigningKeyStore`].
#[derive(Debug, Default)]
pub struct Accounts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<AccountId, Credentials>,
    families: HashMap<SessionId, Family>,
    links: HashMap<TokenHash, Link>,
    pub(super) identities: Vec<(AccountId, Linked)>,
    pub(super) spent: HashMap<TokenHash, Timestamp>,
    revocations: Vec<(u64, Timestamp, Revocation)>,
    revocation_last: u64,
    audit: Vec<Audited>,
    audit_last: u64,
    keys: Vec<KeyRecord>,
}

impl State {
    fn note(&mut self, entry: AuditEntry) {
        self.audit_last += 1;
        self.audit.push(Audited { number: self.audit_last, entry });
    }

    fn noted(&mut self, kind: AuditKind, account: AccountId, on: &Occasion, detail: &str) {
        self.note(AuditEntry::new(kind, Some(account), on, detail));
    }

    fn revoke(&mut self, at: Timestamp, what: Revocation) {
        self.revocation_last += 1;
        self.revocations.push((self.revocation_last, at, what));
    }

    /// Raises the version of an account after something else of it was changed.
    fn raised(&mut self, id: AccountId, on: &Occasion) -> Option<Account> {
        let account = &mut self.accounts.get_mut(&id)?.account;
        account.version += 1;
        let account = account.clone();
        self.revoke(on.at, Revocation::Account(id, account.version));
        Some(account)
    }

    fn living(&self, account: AccountId, now: Timestamp) -> Vec<&Family> {
        let mut living: Vec<&Family> =
            self.families.values().filter(|family| family.account == account && family.lives(now)).collect();
        living.sort_by_key(|family| (std::cmp::Reverse(family.used_at), family.id));
        living
    }

    fn end(&mut self, id: SessionId, by: EndedBy, on: &Occasion) {
        let Some(family) = self.families.get_mut(&id) else { return };
        let account = family.account;
        if family.end(by, on.at) {
            self.revoke(on.at, Revocation::Session(id));
            self.noted(AuditKind::SessionEnded, account, on, by.word());
        }
    }

    fn end_all(&mut self, account: AccountId, but: Option<SessionId>, by: EndedBy, on: &Occasion) -> usize {
        let ids: Vec<SessionId> = self.living(account, on.at).iter().map(|family| family.id).collect();
        let ended: Vec<SessionId> = ids.into_iter().filter(|id| Some(*id) != but).collect();
        ended.iter().for_each(|id| self.end(*id, by, on));
        ended.len()
    }

    fn good_link(&self, hash: TokenHash, now: Timestamp) -> Option<&Link> {
        self.links.get(&hash).filter(|link| now < link.expires_at)
    }

    fn invitations(&self, now: Timestamp) -> Vec<Invitation> {
        let open = self.links.iter().filter(|(_, link)| now < link.expires_at);
        let mut open: Vec<Invitation> = open.filter_map(|(hash, link)| Invitation::of(*hash, link)).collect();
        open.sort_by_key(|invitation| (invitation.expires_at, invitation.id));
        open
    }

    /// True if nobody who may run the place would be left without this account.
    fn is_last_admin(&self, id: AccountId) -> bool {
        let is_admin = |account: &Account| account.role == Role::Admin && account.banned_at.is_none();
        let mut admins =
            self.accounts.values().map(|known| &known.account).filter(|account| is_admin(account));
        admins.next().is_some_and(|admin| admin.id == id) && admins.next().is_none()
    }
}

impl Accounts {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AccountStore for Accounts {
    async fn create(
        &self,
        new: &NewAccount,
        link: Option<TokenHash>,
        on: &Occasion,
    ) -> Result<Created, AccountError> {
        let mut state = self.lock();
        let mut role = new.role;
        if let Some(hash) = link {
            match state.good_link(hash, on.at).map(|link| &link.purpose) {
                Some(Purpose::Invitation { role: given, email })
                    if email.as_ref().is_none_or(|email| email.key() == new.email.key()) =>
                {
                    role = *given;
                }
                _ => return Ok(Created::LinkRefused),
            }
        }
        let accounts = || state.accounts.values().map(|known| &known.account);
        let alike = |account: &Account| {
            let (one, other) = (&account.username, &new.username);
            one.folded() == other.folded() || one.look() == other.look()
        };
        let same = |account: &Account| account.email.key() == new.email.key() || account.id == new.id;
        let known = new.identity.as_ref().is_some_and(|linked| state.owner(&linked.identity).is_some());
        let (username, email) = (accounts().any(alike), known || accounts().any(same));
        if username || email {
            return Ok(Created::Taken { username, email });
        }
        link.map(|hash| state.links.remove(&hash));
        let account = Account {
            id: new.id,
            username: new.username.clone(),
            email: new.email.clone(),
            role,
            avatar_seed: new.avatar_seed.clone(),
            version: 0,
            created_at: on.at,
            banned_at: None,
        };
        let known = Credentials { account: account.clone(), password: new.password.clone() };
        state.accounts.insert(new.id, known);
        state.noted(AuditKind::Registered, new.id, on, role.word());
        if let Some(linked) = &new.identity {
            state.link(new.id, linked, on);
        }
        Ok(Created::Done(account))
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, AccountError> {
        let has = |known: &&Credentials| known.account.email.key() == email.key();
        Ok(self.lock().accounts.values().find(has).cloned())
    }

    async fn account(&self, id: AccountId) -> Result<Option<Credentials>, AccountError> {
        Ok(self.lock().accounts.get(&id).cloned())
    }

    async fn accounts(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<Account>, AccountError> {
        let state = self.lock();
        let later = state.accounts.iter().filter(|(id, _)| after.is_none_or(|after| after < **id));
        Ok(later.take(limit).map(|(_, known)| known.account.clone()).collect())
    }

    async fn owner(&self, identity: &Identity) -> Result<Option<Account>, AccountError> {
        let state = self.lock();
        let owner = state.owner(identity).and_then(|id| state.accounts.get(&id));
        Ok(owner.map(|known| known.account.clone()))
    }

    async fn identities(&self, account: AccountId) -> Result<Vec<Linked>, AccountError> {
        let mut linked: Vec<Linked> = self.lock().identities_of(account).cloned().collect();
        linked.sort_by(|one, other| (one.at, &one.identity).cmp(&(other.at, &other.identity)));
        Ok(linked)
    }

    async fn link_identity(
        &self,
        account: AccountId,
        linked: &Linked,
        on: &Occasion,
    ) -> Result<Linking, AccountError> {
        Ok(self.lock().linked(account, linked, on))
    }

    async fn unlink_identity(
        &self,
        account: AccountId,
        id: IdentityId,
        on: &Occasion,
    ) -> Result<Unlinked, AccountError> {
        Ok(self.lock().unlinked(account, id, on))
    }

    async fn spend(&self, state: TokenHash, until: Timestamp) -> Result<bool, AccountError> {
        Ok(self.lock().spent.insert(state, until).is_none())
    }

    async fn rehash(
        &self,
        id: AccountId,
        from: &PasswordHash,
        to: &PasswordHash,
    ) -> Result<bool, AccountError> {
        let mut state = self.lock();
        let known = state.accounts.get_mut(&id).filter(|known| known.password.as_ref() == Some(from));
        Ok(known.map(|known| known.password = Some(to.clone())).is_some())
    }

    async fn set_password(
        &self,
        id: AccountId,
        version: u32,
        password: &PasswordHash,
        but: Option<SessionId>,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        let mut state = self.lock();
        let Some(known) = state.accounts.get_mut(&id).filter(|known| known.account.version == version) else {
            return Ok(false);
        };
        known.password = Some(password.clone());
        state.raised(id, on);
        state.noted(AuditKind::PasswordChanged, id, on, "");
        state.end_all(id, but, EndedBy::Password, on);
        Ok(true)
    }

    async fn give_role(&self, id: AccountId, role: Role, on: &Occasion) -> Result<Changed, AccountError> {
        let mut state = self.lock();
        let last_admin = state.is_last_admin(id);
        let Some(known) = state.accounts.get_mut(&id) else { return Ok(Changed::Unknown) };
        if known.account.role == role {
            return Ok(Changed::Done(known.account.clone()));
        }
        if last_admin {
            return Ok(Changed::LastAdmin);
        }
        known.account.role = role;
        state.noted(AuditKind::RoleGiven, id, on, role.word());
        Ok(state.raised(id, on).map_or(Changed::Unknown, Changed::Done))
    }

    async fn set_banned(&self, id: AccountId, banned: bool, on: &Occasion) -> Result<Changed, AccountError> {
        let mut state = self.lock();
        let last_admin = state.is_last_admin(id);
        let Some(known) = state.accounts.get_mut(&id) else { return Ok(Changed::Unknown) };
        if known.account.banned_at.is_some() == banned {
            return Ok(Changed::Done(known.account.clone()));
        }
        if last_admin && banned {
            return Ok(Changed::LastAdmin);
        }
        known.account.banned_at = banned.then_some(on.at);
        if banned {
            state.end_all(id, None, EndedBy::Admin, on);
        }
        state.noted(if banned { AuditKind::Banned } else { AuditKind::LetIn }, id, on, "");
        Ok(state.raised(id, on).map_or(Changed::Unknown, Changed::Done))
    }

    async fn open_session(
        &self,
        family: &Family,
        version: u32,
        sessions_max: usize,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        let mut state = self.lock();
        let account = family.account;
        let good =
            |known: &Credentials| known.account.version == version && known.account.banned_at.is_none();
        if !state.accounts.get(&account).is_some_and(good) {
            return Ok(false);
        }
        let living = state.living(account, on.at);
        let crowd: Vec<SessionId> =
            living.iter().skip(sessions_max.saturating_sub(1)).map(|family| family.id).collect();
        crowd.into_iter().for_each(|id| state.end(id, EndedBy::Crowd, on));
        state.families.insert(family.id, family.clone());
        state.noted(AuditKind::SignedIn, account, on, &family.device.name);
        Ok(true)
    }

    async fn refresh(
        &self,
        shown: &RefreshToken,
        next: Successor,
        device: &Device,
        rules: &SessionRules,
        on: &Occasion,
    ) -> Result<Refreshed, AccountError> {
        let mut state = self.lock();
        let Some(family) = state.families.get_mut(&shown.session()) else {
            return Ok(Refreshed { presented: Presented::Unknown, account: None });
        };
        let presented = family.present(shown, next, device, rules, on.at);
        let owner = family.account;
        if presented == Presented::Reused {
            state.revoke(on.at, Revocation::Session(shown.session()));
            state.noted(AuditKind::TokenReused, owner, on, &device.name);
        }
        Ok(Refreshed { presented, account: state.accounts.get(&owner).map(|known| known.account.clone()) })
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<Session>, AccountError> {
        Ok(self.lock().living(account, now).into_iter().map(Family::session).collect())
    }

    async fn end_session(
        &self,
        account: AccountId,
        id: SessionId,
        by: EndedBy,
        on: &Occasion,
    ) -> Result<bool, AccountError> {
        let mut state = self.lock();
        let found =
            state.families.get(&id).is_some_and(|family| family.account == account && family.lives(on.at));
        if found {
            state.end(id, by, on);
        }
        Ok(found)
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        but: Option<SessionId>,
        by: EndedBy,
        on: &Occasion,
    ) -> Result<usize, AccountError> {
        Ok(self.lock().end_all(account, but, by, on))
    }

    async fn keep_link(&self, hash: TokenHash, link: &Link, on: &Occasion) -> Result<bool, AccountError> {
        let mut state = self.lock();
        match &link.purpose {
            Purpose::Invitation { role, .. } => {
                if state.invitations(on.at).len() >= INVITATIONS_MAX {
                    return Ok(false);
                }
                state.note(AuditEntry::new(AuditKind::Invited, None, on, role.word()));
            }
            Purpose::Reset(account) => {
                if !state.accounts.contains_key(account) {
                    return Ok(false);
                }
                state.links.retain(|_, known| known.purpose != link.purpose);
                state.noted(AuditKind::ResetLinked, *account, on, "");
            }
        }
        state.links.insert(hash, link.clone());
        Ok(true)
    }

    async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>, AccountError> {
        Ok(self.lock().invitations(now))
    }

    async fn withdraw_invitation(&self, id: InvitationId, on: &Occasion) -> Result<bool, AccountError> {
        let mut state = self.lock();
        let open = state.invitations(on.at).into_iter().find(|invitation| invitation.id == id);
        let Some(invitation) = open else { return Ok(false) };
        state.links.retain(|hash, _| InvitationId::of(*hash) != id);
        let role = invitation.role.word();
        state.note(AuditEntry::new(AuditKind::InvitationWithdrawn, None, on, role));
        Ok(true)
    }

    async fn link(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Link>, AccountError> {
        Ok(self.lock().good_link(hash, now).cloned())
    }

    async fn reset_password(
        &self,
        link: TokenHash,
        password: &PasswordHash,
        on: &Occasion,
    ) -> Result<Option<Account>, AccountError> {
        let mut state = self.lock();
        let Some(Purpose::Reset(id)) = state.good_link(link, on.at).map(|link| link.purpose.clone()) else {
            return Ok(None);
        };
        state.links.remove(&link);
        let Some(known) = state.accounts.get_mut(&id) else { return Ok(None) };
        known.password = Some(password.clone());
        state.noted(AuditKind::PasswordReset, id, on, "");
        state.end_all(id, None, EndedBy::Password, on);
        Ok(state.raised(id, on))
    }

    async fn revocations(&self, after: u64) -> Result<Revocations, AccountError> {
        let state = self.lock();
        let later = state.revocations.iter().filter(|(number, ..)| after < *number);
        let entries = later.take(REVOCATIONS_PAGE_MAX).copied().collect();
        Ok(Revocations { entries, last: state.revocation_last })
    }

    async fn note(&self, entry: &AuditEntry) -> Result<(), AccountError> {
        self.lock().note(entry.clone());
        Ok(())
    }

    async fn audit(&self, before: Option<u64>, limit: usize) -> Result<Vec<Audited>, AccountError> {
        let state = self.lock();
        let earlier =
            state.audit.iter().rev().filter(|known| before.is_none_or(|before| known.number < before));
        Ok(earlier.take(limit.min(AUDIT_PAGE_MAX)).cloned().collect())
    }

    async fn purge(&self, now: Timestamp, audit_kept: usize) -> Result<usize, AccountError> {
        let mut state = self.lock();
        let rows = |state: &State| {
            let of_people = state.families.len() + state.links.len() + state.spent.len();
            of_people + state.revocations.len() + state.audit.len()
        };
        let before = rows(&state);
        state.families.retain(|_, family| !family.outlived(now));
        state.links.retain(|_, link| now < link.expires_at);
        state.spent.retain(|_, until| now < *until);
        state.revocations.retain(|(_, at, _)| now < later(*at, REVOCATIONS_KEPT));
        let mut kept: HashMap<AuditKind, usize> = HashMap::new();
        let mut newest_first: Vec<Audited> = state.audit.drain(..).rev().collect();
        newest_first.retain(|known| {
            let kept = kept.entry(known.entry.kind).or_default();
            *kept += 1;
            *kept <= audit_kept
        });
        newest_first.reverse();
        state.audit = newest_first;
        Ok(before - rows(&state))
    }
}
