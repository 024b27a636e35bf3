//! What every store of accounts must do with sessions and their tokens.

use std::sync::Arc;

use super::accounts::{Racer, at, made, on, opened};
use crate::audit::AuditKind;
use crate::revocation::{REVOCATIONS_PAGE_MAX, Revocation};
use crate::session::{Device, EndedBy, Family, Presented, RefreshToken, SessionId, SessionRules};
use crate::store::{AccountStore, Refreshed};
use crate::{Account, AccountId};

fn device() -> Device {
    Device::new("another ☂", Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()))
}

async fn shown(store: &dyn AccountStore, token: &RefreshToken, byte: u8, seconds: i64) -> Refreshed {
    let next = token.successor([byte; 32]);
    store.refresh(token, next, &device(), &SessionRules::default(), &on(seconds)).await.unwrap()
}

fn successor(token: &RefreshToken, byte: u8) -> RefreshToken {
    let next = token.successor([byte; 32]);
    token.follow(&[next.sealed], next.hash).unwrap()
}

async fn ids(store: &dyn AccountStore, account: &Account, seconds: i64) -> Vec<SessionId> {
    store.sessions(account.id, at(seconds)).await.unwrap().iter().map(|session| session.id).collect()
}

pub(super) async fn sessions_are_listed_and_ended(store: &dyn AccountStore) {
    let (ada, bob) = (made(store, "ada", 1).await, made(store, "bob", 2).await);
    let (one, _) = opened(store, &ada, 1, 0).await;
    let (two, _) = opened(store, &ada, 2, 10).await;
    let (other, _) = opened(store, &bob, 3, 10).await;
    assert_eq!(ids(store, &ada, 20).await, [two.id, one.id], "the one used last first");
    assert_eq!(store.sessions(ada.id, at(20)).await.unwrap()[0], two.session());
    assert!(!store.end_session(ada.id, other.id, EndedBy::Owner, &on(20)).await.unwrap(), "another's");
    assert!(store.end_session(ada.id, one.id, EndedBy::Owner, &on(20)).await.unwrap());
    assert!(!store.end_session(ada.id, one.id, EndedBy::Owner, &on(21)).await.unwrap());
    assert_eq!(ids(store, &ada, 21).await, [two.id]);

    let (three, _) = opened(store, &ada, 4, 30).await;
    assert_eq!(store.end_sessions(ada.id, Some(two.id), EndedBy::Owner, &on(31)).await.unwrap(), 1);
    assert_eq!(store.end_sessions(ada.id, Some(two.id), EndedBy::Owner, &on(32)).await.unwrap(), 0);
    assert!(!ids(store, &ada, 32).await.contains(&three.id));
    assert_eq!(ids(store, &ada, 15 * 24 * 3_600).await, [], "two weeks unused");
    assert_eq!(ids(store, &bob, 32).await, [other.id]);

    let rules = SessionRules::default();
    for (id, seconds) in [(5, 40), (6, 41)] {
        let (family, _) = Family::open(ada.id, device(), [id; 64], &rules, at(seconds));
        assert!(store.open_session(&family, 0, 2, &on(seconds)).await.unwrap());
    }
    assert_eq!(ids(store, &ada, 42).await, [SessionId([6; 16]), SessionId([5; 16])], "the third gave way");
}

pub(super) async fn tokens_follow_each_other_in_the_store(store: &dyn AccountStore) {
    let ada = made(store, "ada", 1).await;
    let (family, first) = opened(store, &ada, 1, 0).await;
    let rotated = shown(store, &first, 2, 100).await;
    assert_eq!((rotated.presented, rotated.account.as_ref()), (Presented::Rotated, Some(&ada)));
    let session = store.sessions(ada.id, at(100)).await.unwrap().remove(0);
    assert_eq!((session.device, session.used_at, session.opened_at), (device(), at(100), at(0)));
    let second = successor(&first, 2);
    assert_eq!(shown(store, &second, 3, 110).await.presented, Presented::Rotated);
    let third = successor(&second, 3);
    for (token, seconds) in [(&first, 130), (&second, 140)] {
        let Presented::Replayed(chain, hash) = shown(store, token, 9, seconds).await.presented else {
            panic!("it was replaced a moment ago")
        };
        assert_eq!(token.follow(&chain, hash), Some(third.clone()), "it leads to the current one");
    }
    assert_eq!(shown(store, &first, 9, 130).await.account, Some(ada.clone()));

    let made_up =
        RefreshToken::shown(&format!("mzr_{}{}{}", family.id, "07".repeat(16), "08".repeat(32))).unwrap();
    assert_eq!(shown(store, &made_up, 9, 140).await.presented, Presented::Unknown);
    let nowhere = RefreshToken::shown(&format!("mzr_{}", "09".repeat(64))).unwrap();
    let unknown = Refreshed { presented: Presented::Unknown, account: None };
    assert_eq!(shown(store, &nowhere, 9, 140).await, unknown);
    assert_eq!(ids(store, &ada, 140).await, [family.id], "what was made up ends nothing");

    assert_eq!(shown(store, &first, 9, 141).await.presented, Presented::Reused);
    for token in [&first, &second, &third] {
        assert_eq!(shown(store, token, 9, 141).await.presented, Presented::Ended(EndedBy::Reuse));
    }
    assert_eq!(ids(store, &ada, 141).await, []);
    assert_eq!(store.audit(None, 1).await.unwrap()[0].entry.kind, AuditKind::TokenReused);
}

pub(super) async fn what_is_over_is_in_the_log(store: &dyn AccountStore) {
    let (ada, bob) = (made(store, "ada", 1).await, made(store, "bob", 2).await);
    assert_eq!(store.revocations(0).await.unwrap().last, 0);
    let (one, first) = opened(store, &ada, 1, 0).await;
    let (two, _) = opened(store, &bob, 2, 0).await;
    shown(store, &first, 2, 10).await;
    shown(store, &first, 2, 100).await;
    store.set_banned(bob.id, true, &on(101)).await.unwrap();
    let log = store.revocations(0).await.unwrap();
    let what: Vec<_> = log.entries.iter().map(|(_, _, what)| *what).collect();
    let expected = [Revocation::Session(one.id), Revocation::Session(two.id), Revocation::Account(bob.id, 1)];
    assert_eq!(what, expected);
    let numbers: Vec<_> = log.entries.iter().map(|(number, ..)| *number).collect();
    assert_eq!((numbers, log.last), (vec![1, 2, 3], 3), "without gaps");
    assert_eq!((log.entries[0].1, log.entries[2].1), (at(100), at(101)));
    assert_eq!(store.revocations(2).await.unwrap().entries, log.entries[2..]);
    assert_eq!(store.revocations(3).await.unwrap().entries, []);

    for turn in 0..REVOCATIONS_PAGE_MAX / 2 {
        store.set_banned(bob.id, turn % 2 == 1, &on(102)).await.unwrap();
        store.set_banned(ada.id, turn % 2 == 0, &on(102)).await.unwrap();
    }
    assert!(store.revocations(0).await.unwrap().entries.len() <= REVOCATIONS_PAGE_MAX);
    assert_eq!(store.revocations(0).await.unwrap().last, store.revocations(900).await.unwrap().last);
    assert_eq!(store.end_sessions(AccountId([9; 16]), None, EndedBy::Admin, &on(103)).await.unwrap(), 0);
}

pub(super) async fn a_thousand_refreshes_at_once_have_one_successor<S: AccountStore + 'static>(
    store: Arc<S>,
    race: &impl AsyncFn(Vec<Racer>) -> Vec<String>,
) {
    let ada = made(&*store, "ada", 1).await;
    let (family, first) = opened(&*store, &ada, 1, 0).await;
    let racer = |number: u32| -> Racer {
        let (store, token) = (Arc::clone(&store), first.clone());
        let mut entropy = [7; 32];
        entropy[..4].copy_from_slice(&number.to_be_bytes());
        let next = token.successor(entropy);
        Box::pin(async move {
            let rules = SessionRules::default();
            let refreshed = store.refresh(&token, next, &device(), &rules, &on(100)).await.unwrap();
            match refreshed.presented {
                Presented::Rotated => format!("rotated {}", next.hash),
                Presented::Replayed(chain, hash) => {
                    format!(
                        "replayed {}",
                        token.follow(&chain, hash).map_or(String::new(), |next| next.hash().to_string())
                    )
                }
                other => format!("{other:?}"),
            }
        })
    };
    let mut said = race((0..1_000).map(racer).collect()).await;
    said.sort();
    said.dedup();
    assert_eq!(said.len(), 2, "one rotated, the others got the same: {said:?}");
    assert_eq!(said[0].strip_prefix("replayed "), said[1].strip_prefix("rotated "));
    assert_eq!(ids(&*store, &ada, 100).await, [family.id], "nobody is signed out");
    assert_eq!(store.audit(None, 9).await.unwrap()[0].entry.kind, AuditKind::SignedIn);
}
