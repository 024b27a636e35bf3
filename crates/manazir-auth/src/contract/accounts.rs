//! What every store of accounts and of signing keys must do.

use std::pin::Pin;
use std::sync::Arc;

use manazir_model::Timestamp;

use super::{identities, sessions};
use crate::audit::{Actor, AuditEntry, AuditKind, Occasion};
use crate::keys::{KeyRecord, SIGNING_KEYS_MAX, ServerSecret, SigningKeyStore};
use crate::link::{INVITATIONS_MAX, Invitation, InvitationId, Link, LinkSecret, Purpose};
use crate::revocation::REVOCATIONS_KEPT;
use crate::session::{Device, EndedBy, Family, RefreshToken, SessionRules};
use crate::span::later;
use crate::store::{AccountStore, Changed, Created, NewAccount};
use crate::{Account, AccountId, Email, PasswordHash, Role, Username};

/// One of many that run at once; it says in words what came of it.
pub type Racer = Pin<Box<dyn Future<Output = String> + Send>>;

/// When the suite plays.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// `seconds` after [`NOW`].
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(NOW.micros() + seconds * 1_000_000)
}

/// The service itself does something, `seconds` after [`NOW`].
pub fn on(seconds: i64) -> Occasion {
    Occasion { by: Actor::System, address: Some([192, 0, 2, 1].into()), at: at(seconds) }
}

/// A hash of a password as it looks.
pub fn hash(digit: char) -> PasswordHash {
    let filled = digit.to_string().repeat(42);
    PasswordHash::stored(&format!("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA${filled}A")).unwrap()
}

/// An account to be made, all of its fields from one letter and digit.
pub fn new_account(name: &str, id: u8) -> NewAccount {
    NewAccount {
        id: AccountId([id; 16]),
        username: Username::parse(name).unwrap(),
        email: Email::parse(&format!("{name}@Example.org")).unwrap(),
        role: Role::Member,
        avatar_seed: format!("{name} ☂"),
        password: Some(hash('A')),
        identity: None,
    }
}

/// An account that was made.
pub async fn made(store: &dyn AccountStore, name: &str, id: u8) -> Account {
    match store.create(&new_account(name, id), None, &on(0)).await.unwrap() {
        Created::Done(account) => account,
        other => panic!("{other:?}"),
    }
}

/// A session of an account that was opened `seconds` after [`NOW`], and its first token.
pub async fn opened(
    store: &dyn AccountStore,
    account: &Account,
    id: u8,
    seconds: i64,
) -> (Family, RefreshToken) {
    let (rules, device) = (SessionRules::default(), Device::new("a browser", None));
    let (family, token) = Family::open(account.id, device, [id; 64], &rules, at(seconds));
    let version = store.account(account.id).await.unwrap().unwrap().account.version;
    assert!(store.open_session(&family, version, rules.sessions_max, &on(seconds)).await.unwrap());
    (family, token)
}

/// Checks all of it. `open` gives an empty store each time; `race` runs futures at once, each on a thread or task of
/// its own, and says what came of them.
///
/// # Panics
/// If the store breaks the contract.
pub async fn check<S: AccountStore + SigningKeyStore + 'static>(
    open: impl AsyncFn() -> Arc<S>,
    race: impl AsyncFn(Vec<Racer>) -> Vec<String>,
) {
    an_account_comes_back_and_is_unique(&*open().await).await;
    a_link_is_good_once_and_for_what_it_says(&*open().await).await;
    open_invitations_are_listed_and_withdrawn(&*open().await).await;
    passwords_are_set_by_whoever_saw_the_last_one(&*open().await).await;
    a_banned_account_is_out_and_one_administrator_stays(&*open().await).await;
    the_audit_log_is_read_backwards_and_what_is_over_goes(&*open().await).await;
    keys_follow_each_other(&*open().await).await;
    sessions::sessions_are_listed_and_ended(&*open().await).await;
    sessions::tokens_follow_each_other_in_the_store(&*open().await).await;
    sessions::what_is_over_is_in_the_log(&*open().await).await;
    sessions::a_thousand_refreshes_at_once_have_one_successor(open().await, &race).await;
    one_of_many_gets_it(open().await, &race).await;
    identities::an_identity_belongs_to_one_account(&*open().await).await;
    identities::the_last_way_in_stays(&*open().await).await;
    identities::a_state_is_spent_once(open().await, &race).await;
    identities::first_sign_ins_at_once_make_one_account(open().await, &race).await;
}

async fn an_account_comes_back_and_is_unique(store: &dyn AccountStore) {
    let ada = made(store, "Ian-Möbius", 1).await;
    assert_eq!((ada.version, ada.role, ada.created_at, ada.banned_at), (0, Role::Member, NOW, None));
    let known = store.credentials(&Email::parse("ian-MÖBIUS@example.org").unwrap()).await.unwrap().unwrap();
    assert_eq!((known.account.clone(), known.password.clone()), (ada.clone(), Some(hash('A'))));
    assert_eq!(store.account(ada.id).await.unwrap(), Some(known));
    assert_eq!(store.account(AccountId([9; 16])).await.unwrap(), None);
    let other_email = Email::parse("other@example.org").unwrap();
    for (name, email, taken) in [
        ("ian-möbius", None, (true, true)),
        ("lan-Möbius", Some(&other_email), (true, false)),
        ("somebody", Some(&ada.email), (false, true)),
    ] {
        let mut new = new_account(name, 2);
        new.email = email.unwrap_or(&new.email).clone();
        let (username, email) = taken;
        assert_eq!(
            store.create(&new, None, &on(0)).await.unwrap(),
            Created::Taken { username, email },
            "{name}"
        );
    }
    let same = NewAccount { id: ada.id, ..new_account("another", 2) };
    let taken = Created::Taken { username: false, email: true };
    assert_eq!(store.create(&same, None, &on(0)).await.unwrap(), taken, "nobody is overwritten");
    let without = NewAccount { password: None, ..new_account("nobody", 3) };
    store.create(&without, None, &on(0)).await.unwrap();
    let ids =
        |accounts: Vec<Account>| accounts.into_iter().map(|account| account.id.0[0]).collect::<Vec<_>>();
    assert_eq!(ids(store.accounts(None, 10).await.unwrap()), [1, 3]);
    assert_eq!(ids(store.accounts(None, 1).await.unwrap()), [1]);
    assert_eq!(ids(store.accounts(Some(ada.id), 10).await.unwrap()), [3]);
}

async fn a_link_is_good_once_and_for_what_it_says(store: &dyn AccountStore) {
    let secret = |byte| LinkSecret::from_entropy([byte; 32]);
    let ada = new_account("ada", 1);
    let email = Some(Email::parse("ADA@example.org").unwrap());
    let invitation = Link { purpose: Purpose::Invitation { role: Role::Admin, email }, expires_at: at(60) };
    let linked = |new: NewAccount, seconds| async move {
        store.create(&new, Some(LinkSecret::from_entropy([1; 32]).hash()), &on(seconds)).await.unwrap()
    };
    assert_eq!(linked(ada.clone(), 0).await, Created::LinkRefused);
    assert!(store.keep_link(secret(1).hash(), &invitation, &on(0)).await.unwrap());
    assert_eq!(store.link(secret(1).hash(), at(59)).await.unwrap(), Some(invitation.clone()));
    assert_eq!(store.link(secret(1).hash(), at(60)).await.unwrap(), None);
    assert_eq!(linked(new_account("eve", 2), 1).await, Created::LinkRefused, "it is for another");
    assert_eq!(linked(ada.clone(), 60).await, Created::LinkRefused, "its time is over");
    made(store, "bob", 3).await;
    let taken = NewAccount { username: Username::parse("BOB").unwrap(), ..ada.clone() };
    assert_eq!(linked(taken, 1).await, Created::Taken { username: true, email: false });
    assert_eq!(store.reset_password(secret(1).hash(), &hash('B'), &on(1)).await.unwrap(), None);
    let Created::Done(account) = linked(ada, 1).await else { panic!("the link stays good until it is used") };
    assert_eq!(account.role, Role::Admin, "the invitation says it");
    assert_eq!(linked(new_account("ada2", 4), 2).await, Created::LinkRefused, "it was used");

    let reset = Link { purpose: Purpose::Reset(account.id), expires_at: at(60) };
    for byte in [2, 3] {
        assert!(store.keep_link(secret(byte).hash(), &reset, &on(1)).await.unwrap());
    }
    let nobody = Link { purpose: Purpose::Reset(AccountId([9; 16])), ..reset };
    assert!(!store.keep_link(secret(4).hash(), &nobody, &on(1)).await.unwrap());
    let set =
        |byte| async move { store.reset_password(secret(byte).hash(), &hash('B'), &on(2)).await.unwrap() };
    assert_eq!(set(2).await, None, "the later one is good");
    assert_eq!(set(3).await.map(|account| account.version), Some(1));
    assert_eq!(set(3).await, None);
    assert_eq!(store.account(account.id).await.unwrap().unwrap().password, Some(hash('B')));
}

async fn open_invitations_are_listed_and_withdrawn(store: &dyn AccountStore) {
    let ada = made(store, "ada", 1).await;
    let hash = |number: u16| {
        let mut entropy = [1; 32];
        entropy[..2].copy_from_slice(&number.to_be_bytes());
        LinkSecret::from_entropy(entropy).hash()
    };
    let email = Some(Email::parse("Bob@example.org").unwrap());
    let link = |role, email: &Option<Email>, seconds| Link {
        purpose: Purpose::Invitation { role, email: email.clone() },
        expires_at: at(seconds),
    };
    let of_bob = link(Role::Viewer, &email, 60);
    let of_all = link(Role::Member, &None, 50);
    let reset = Link { purpose: Purpose::Reset(ada.id), expires_at: at(40) };
    for (number, link) in [(1, &of_bob), (2, &of_all), (3, &reset)] {
        assert!(store.keep_link(hash(number), link, &on(0)).await.unwrap());
    }
    let (bob, all) = (InvitationId::of(hash(1)), InvitationId::of(hash(2)));
    assert_eq!(InvitationId::parse(&bob.to_string()), Some(bob));
    let open = store.invitations(at(1)).await.unwrap();
    assert_eq!(open.iter().map(|invitation| invitation.id).collect::<Vec<_>>(), [all, bob]);
    assert_eq!(open[1], Invitation { id: bob, role: Role::Viewer, email, expires_at: at(60) });
    assert_eq!(store.invitations(at(50)).await.unwrap(), open[1..], "one is over");

    let withdrawn = |id, seconds| async move { store.withdraw_invitation(id, &on(seconds)).await.unwrap() };
    assert!(!withdrawn(InvitationId([9; 8]), 1).await && !withdrawn(InvitationId::of(hash(3)), 1).await);
    assert!(!withdrawn(bob, 60).await, "its time is over");
    assert!(withdrawn(bob, 2).await && !withdrawn(bob, 2).await);
    let newest = store.audit(None, 1).await.unwrap().remove(0).entry;
    assert_eq!((newest.kind, newest.detail.as_str()), (AuditKind::InvitationWithdrawn, "viewer"));
    assert_eq!(store.link(hash(1), at(2)).await.unwrap(), None);
    assert_eq!(store.link(hash(2), at(2)).await.unwrap(), Some(of_all.clone()), "another one stays");
    let bob = new_account("bob", 2);
    assert_eq!(store.create(&bob, Some(hash(1)), &on(3)).await.unwrap(), Created::LinkRefused);
    store.create(&bob, Some(hash(2)), &on(3)).await.unwrap();
    assert_eq!(store.invitations(at(3)).await.unwrap(), [], "it was used");

    for number in 10..10 + INVITATIONS_MAX as u16 {
        assert!(store.keep_link(hash(number), &of_all, &on(4)).await.unwrap());
    }
    assert!(!store.keep_link(hash(9_999), &of_all, &on(4)).await.unwrap(), "there are too many");
    assert_eq!(store.invitations(at(4)).await.unwrap().len(), INVITATIONS_MAX);
    assert!(store.keep_link(hash(9_999), &of_bob, &on(51)).await.unwrap(), "all others are over");
}

async fn passwords_are_set_by_whoever_saw_the_last_one(store: &dyn AccountStore) {
    let ada = made(store, "ada", 1).await;
    let (kept, _) = opened(store, &ada, 1, 0).await;
    opened(store, &ada, 2, 0).await;
    assert!(!store.set_password(ada.id, 1, &hash('B'), None, &on(1)).await.unwrap());
    assert!(!store.rehash(ada.id, &hash('B'), &hash('C')).await.unwrap());
    assert!(store.rehash(ada.id, &hash('A'), &hash('C')).await.unwrap());
    assert_eq!(store.account(ada.id).await.unwrap().unwrap().account.version, 0);
    assert!(store.set_password(ada.id, 0, &hash('D'), Some(kept.id), &on(1)).await.unwrap());
    let known = store.account(ada.id).await.unwrap().unwrap();
    assert_eq!((known.account.version, known.password), (1, Some(hash('D'))));
    let sessions = store.sessions(ada.id, at(1)).await.unwrap();
    assert_eq!(sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [kept.id]);
}

async fn a_banned_account_is_out_and_one_administrator_stays(store: &dyn AccountStore) {
    let (ada, bob) = (made(store, "ada", 1).await, made(store, "bob", 2).await);
    let give = |id, role| async move { store.give_role(id, role, &on(1)).await.unwrap() };
    let ban = |id, banned| async move { store.set_banned(id, banned, &on(2)).await.unwrap() };
    assert_eq!(give(AccountId([9; 16]), Role::Admin).await, Changed::Unknown);
    let Changed::Done(admin) = give(ada.id, Role::Admin).await else { panic!("there are others") };
    assert_eq!((admin.role, admin.version), (Role::Admin, 1));
    assert_eq!(give(ada.id, Role::Admin).await, Changed::Done(admin.clone()), "nothing changes");
    assert_eq!(give(ada.id, Role::Member).await, Changed::LastAdmin);
    assert_eq!(ban(ada.id, true).await, Changed::LastAdmin);

    let (family, _) = opened(store, &bob, 1, 0).await;
    let Changed::Done(banned) = ban(bob.id, true).await else { panic!("bob is no administrator") };
    assert_eq!((banned.banned_at, banned.version), (Some(at(2)), 1));
    assert_eq!(ban(bob.id, true).await, Changed::Done(banned));
    assert!(store.sessions(bob.id, at(2)).await.unwrap().is_empty());
    // The password was compared before the ban, and the session would be opened after it.
    for version in [0, 1] {
        assert!(!store.open_session(&family, version, 50, &on(3)).await.unwrap());
    }
    let Changed::Done(free) = ban(bob.id, false).await else { panic!("there is bob") };
    assert_eq!((free.banned_at, free.version), (None, 2));
    assert!(store.sessions(bob.id, at(3)).await.unwrap().is_empty(), "what ended stays so");
}

async fn the_audit_log_is_read_backwards_and_what_is_over_goes(store: &dyn AccountStore) {
    let ada = made(store, "ada", 1).await;
    let note = AuditEntry::new(AuditKind::SignInFailed, Some(ada.id), &on(1), "wörd");
    store.note(&note).await.unwrap();
    let from_nowhere = Occasion { by: Actor::Account(ada.id), address: None, at: at(2) };
    store.note(&AuditEntry::new(AuditKind::SignInHeld, None, &from_nowhere, "")).await.unwrap();
    let log = store.audit(None, 10).await.unwrap();
    assert_eq!(log.iter().map(|known| known.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((&log[1].entry, log[2].entry.kind), (&note, AuditKind::Registered));
    assert_eq!(log[0].entry.on, from_nowhere);
    assert_eq!(store.audit(Some(3), 1).await.unwrap(), log[1..2]);

    let (family, _) = opened(store, &ada, 1, 0).await;
    let link = Link { purpose: Purpose::Reset(ada.id), expires_at: at(60) };
    store.keep_link(LinkSecret::from_entropy([1; 32]).hash(), &link, &on(0)).await.unwrap();
    store.end_session(ada.id, family.id, EndedBy::Owner, &on(1)).await.unwrap();
    assert_eq!(store.purge(at(2), 9).await.unwrap(), 0);
    let much_later = later(at(2), REVOCATIONS_KEPT);
    assert_eq!(store.purge(much_later, 9).await.unwrap(), 3, "session, link and revocation");
    let log = store.revocations(0).await.unwrap();
    assert_eq!((log.entries.len(), log.last), (0, 1), "its number is not given again");
    let kinds = async || {
        store.audit(None, 99).await.unwrap().into_iter().map(|known| known.entry.kind).collect::<Vec<_>>()
    };
    let before = kinds().await;
    for _ in 0..5 {
        store.note(&note).await.unwrap();
    }
    assert_eq!(store.purge(much_later, 2).await.unwrap(), 4, "six of a kind");
    let after = kinds().await;
    assert!(
        after.len() == before.len() + 1 && before.iter().all(|kind| after.contains(kind)),
        "and no other"
    );
}

async fn keys_follow_each_other(store: &dyn SigningKeyStore) {
    let secret = ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap();
    let key = |number: usize| KeyRecord::new([number as u8; 32], &secret, at(number as i64));
    assert!(!store.add_signing_key(Some(&key(0).id), &key(1)).await.unwrap());
    assert!(store.add_signing_key(None, &key(1)).await.unwrap());
    assert!(!store.add_signing_key(None, &key(2)).await.unwrap(), "another node was faster");
    for number in 2..=SIGNING_KEYS_MAX + 1 {
        assert!(store.add_signing_key(Some(&key(number - 1).id), &key(number)).await.unwrap());
    }
    let mut keys = store.signing_keys().await.unwrap();
    keys.sort_by_key(|key| key.made_at);
    assert_eq!(keys, (2..=SIGNING_KEYS_MAX + 1).map(key).collect::<Vec<_>>(), "the oldest went");
    assert!(store.remove_signing_key(&key(5).id).await.unwrap());
    assert!(!store.remove_signing_key(&key(5).id).await.unwrap());
    assert_eq!(store.signing_keys().await.unwrap().len(), SIGNING_KEYS_MAX - 1);
}

/// Of many that want the same at once one gets it: a link, a name, the last place among administrators.
async fn one_of_many_gets_it<S: AccountStore + 'static>(
    store: Arc<S>,
    race: &impl AsyncFn(Vec<Racer>) -> Vec<String>,
) {
    let link = Link { purpose: Purpose::Invitation { role: Role::Admin, email: None }, expires_at: at(60) };
    let hash = LinkSecret::from_entropy([1; 32]).hash();
    assert!(store.keep_link(hash, &link, &on(0)).await.unwrap());
    let create = |id: u8, name: String, link| -> Racer {
        let (store, new) = (Arc::clone(&store), new_account(&name, id));
        Box::pin(async move { format!("{:?}", store.create(&new, link, &on(1)).await.unwrap()) })
    };
    let done = |said: Vec<String>| said.iter().filter(|said| said.starts_with("Done")).count();
    assert_eq!(done(race((1..32).map(|id| create(id, format!("user{id}"), Some(hash))).collect()).await), 1);
    assert_eq!(done(race((40..72).map(|id| create(id, "same".into(), None)).collect()).await), 1);

    let accounts = store.accounts(None, 10).await.unwrap();
    for account in &accounts {
        store.give_role(account.id, Role::Admin, &on(2)).await.unwrap();
    }
    let demote = |account: &Account| -> Racer {
        let (store, id) = (Arc::clone(&store), account.id);
        Box::pin(async move { format!("{:?}", store.give_role(id, Role::Viewer, &on(3)).await.unwrap()) })
    };
    let said = race(accounts.iter().map(demote).collect()).await;
    assert_eq!((accounts.len(), done(said)), (2, 1), "an administrator stays");
}

#[cfg(test)]
pub(crate) async fn on_threads(racers: Vec<Racer>) -> Vec<String> {
    let run = |racer| std::thread::spawn(move || futures_executor::block_on(racer));
    let threads: Vec<_> = racers.into_iter().map(run).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[cfg(test)]
#[test]
fn the_twin_in_memory_keeps_the_contract() {
    futures_executor::block_on(check(async || Arc::<crate::memory::Accounts>::default(), on_threads));
}
