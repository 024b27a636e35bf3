//! What every store of accounts must do with identities at a provider.

use std::sync::Arc;

use super::accounts::{NOW, Racer, at, made, new_account, on};
use crate::audit::AuditKind;
use crate::identity::{IDENTITIES_MAX, Identity, IdentityId, Linked};
use crate::link::{Link, LinkSecret, Purpose};
use crate::store::{AccountStore, Created, Linking, NewAccount, Unlinked};
use crate::{Account, AccountId, Role, TokenHash, Username};

fn linked(subject: &str, seconds: i64) -> Linked {
    let identity = Identity::new("https://login.example", subject).unwrap();
    Linked { identity, label: format!("{subject} ☂"), at: at(seconds) }
}

/// Somebody without a password.
fn newcomer(name: &str, id: u8, subject: &str) -> NewAccount {
    NewAccount { password: None, identity: Some(linked(subject, 0)), ..new_account(name, id) }
}

async fn owner(store: &dyn AccountStore, linked: &Linked) -> Option<AccountId> {
    store.owner(&linked.identity).await.unwrap().map(|account| account.id)
}

pub(super) async fn an_identity_belongs_to_one_account(store: &dyn AccountStore) {
    let (one, two) = (linked("one", 1), linked("two", 2));
    let Created::Done(ada) = store.create(&newcomer("ada", 1, "one"), None, &on(0)).await.unwrap() else {
        panic!("nobody has anything of it")
    };
    let bob = made(store, "bob", 2).await;
    assert_eq!(store.owner(&one.identity).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.account(ada.id).await.unwrap().unwrap().password, None);
    let log = store.audit(None, 9).await.unwrap();
    let kinds: Vec<_> = log.iter().map(|known| (known.entry.kind, known.entry.account)).collect();
    let (made, ada_linked) = (AuditKind::Registered, (AuditKind::IdentityLinked, Some(ada.id)));
    assert_eq!(kinds, [(made, Some(bob.id)), ada_linked, (made, Some(ada.id))]);
    assert_eq!(log[1].entry.detail, one.identity.id().to_string());

    let again = newcomer("eve", 3, "one");
    let taken = Created::Taken { username: false, email: true };
    assert_eq!(store.create(&again, None, &on(1)).await.unwrap(), taken, "an identity is not taken over");
    assert_eq!(store.account(AccountId([3; 16])).await.unwrap(), None);
    let link = async |account: &Account, linked: &Linked| {
        store.link_identity(account.id, linked, &on(3)).await.unwrap()
    };
    assert_eq!(link(&bob, &one).await, Linking::Taken);
    assert_eq!(link(&bob, &two).await, Linking::Done);
    assert_eq!(link(&bob, &two).await, Linking::Done, "it is so already");
    assert_eq!(link(&bob, &linked("older", 1)).await, Linking::Done);
    assert_eq!(
        link(&Account { id: AccountId([9; 16]), ..bob.clone() }, &linked("x", 1)).await,
        Linking::Unknown
    );
    assert_eq!(store.identities(bob.id).await.unwrap(), [linked("older", 1), two.clone()]);
    assert_eq!(store.identities(ada.id).await.unwrap(), [linked("one", 0)]);
    let other_issuer = Identity::new("https://other.example", "two").unwrap();
    assert_eq!(store.owner(&other_issuer).await.unwrap(), None, "a subject is one of its issuer");
    assert_eq!(store.owner(&linked("Two", 0).identity).await.unwrap(), None, "case counts");
    for number in 2..IDENTITIES_MAX {
        assert_eq!(link(&bob, &linked(&number.to_string(), 4)).await, Linking::Done);
    }
    assert_eq!(link(&bob, &linked("one more", 4)).await, Linking::Crowd);
    store.set_banned(ada.id, true, &on(5)).await.unwrap();
    assert!(store.owner(&one.identity).await.unwrap().unwrap().banned_at.is_some());
}

pub(super) async fn the_last_way_in_stays(store: &dyn AccountStore) {
    let (one, two) = (linked("one", 1), linked("two", 2));
    store.create(&newcomer("ada", 1, "one"), None, &on(0)).await.unwrap();
    let (ada, bob) = (AccountId([1; 16]), made(store, "bob", 2).await.id);
    let unlink = async |id, one: &Linked| store.unlink_identity(id, one.identity.id(), &on(3)).await.unwrap();
    assert_eq!(unlink(ada, &one).await, Unlinked::Last, "there is no password");
    assert_eq!(unlink(ada, &two).await, Unlinked::Unknown);
    assert_eq!(unlink(bob, &one).await, Unlinked::Unknown, "another's");
    assert_eq!(store.unlink_identity(ada, IdentityId([0; 8]), &on(3)).await.unwrap(), Unlinked::Unknown);
    store.link_identity(ada, &two, &on(2)).await.unwrap();
    assert_eq!(unlink(ada, &one).await, Unlinked::Done);
    let newest = store.audit(None, 1).await.unwrap().remove(0).entry;
    assert_eq!((newest.kind, newest.detail), (AuditKind::IdentityUnlinked, one.identity.id().to_string()));
    assert_eq!((owner(store, &one).await, owner(store, &two).await), (None, Some(ada)));
    assert_eq!(unlink(ada, &two).await, Unlinked::Last);
    store.link_identity(bob, &one, &on(3)).await.unwrap();
    assert_eq!(unlink(bob, &one).await, Unlinked::Done, "there is a password");
}

pub(super) async fn a_state_is_spent_once<S: AccountStore + 'static>(
    store: Arc<S>,
    race: &impl AsyncFn(Vec<Racer>) -> Vec<String>,
) {
    let state = TokenHash::from_bytes([1; 32]);
    let spend = || -> Racer {
        let store = Arc::clone(&store);
        Box::pin(async move { store.spend(state, at(60)).await.unwrap().to_string() })
    };
    let said = race((0..8).map(|_| spend()).collect()).await;
    assert_eq!(said.iter().filter(|said| *said == "true").count(), 1);
    assert!(store.spend(TokenHash::from_bytes([2; 32]), at(61)).await.unwrap(), "another one");
    assert_eq!(store.purge(at(60), 9).await.unwrap(), 1);
    assert!(!store.spend(TokenHash::from_bytes([2; 32]), at(61)).await.unwrap());
}

/// Two tabs, or somebody who clicks twice: each makes an account of its own, and one gets it; with one invitation, and
/// under names that differ.
pub(super) async fn first_sign_ins_at_once_make_one_account<S: AccountStore + 'static>(
    store: Arc<S>,
    race: &impl AsyncFn(Vec<Racer>) -> Vec<String>,
) {
    let hash = LinkSecret::from_entropy([1; 32]).hash();
    let link = Link { purpose: Purpose::Invitation { role: Role::Viewer, email: None }, expires_at: at(60) };
    store.keep_link(hash, &link, &on(0)).await.unwrap();
    for (round, link) in [(0u8, None), (1, Some(hash))] {
        let subject = format!("subject {round}");
        let create = |number: u8| -> Racer {
            let (store, id) = (Arc::clone(&store), round * 100 + number + 1);
            let mut new = newcomer(&format!("ada{round}"), id, &subject);
            if number % 2 == 1 {
                // Also where neither name nor address are the same.
                new.username = Username::parse(&format!("eve{id}")).unwrap();
                new.email = crate::Email::parse(&format!("eve{id}@example.org")).unwrap();
            }
            Box::pin(async move {
                let created = store.create(&new, link, &on(1)).await.unwrap();
                let identity = new.identity.unwrap().identity;
                let owner = store.owner(&identity).await.unwrap().map(|account| account.id);
                format!("{} {owner:?}", matches!(created, Created::Done(_)))
            })
        };
        let said = race((0..16).map(create).collect()).await;
        let made: Vec<&String> = said.iter().filter(|said| said.starts_with("true")).collect();
        assert_eq!(made.len(), 1, "{said:?}");
        let owner = made[0].split_once(' ').unwrap().1;
        assert!(said.iter().all(|said| said.ends_with(owner)), "whoever lost finds whoever won: {said:?}");
    }
    let accounts = store.accounts(None, 99).await.unwrap();
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[1].role, Role::Viewer, "the invitation says it");
    assert!(accounts.iter().all(|account| account.created_at > NOW));
}
