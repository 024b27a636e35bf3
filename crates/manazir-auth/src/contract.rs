//! What every store of tokens, of accounts and of keys must do.

#![allow(clippy::unwrap_used, reason = "a suite of tests, which ends at the first surprise")]

pub mod accounts;
mod identities;
pub mod provider;
mod sessions;

use manazir_model::Timestamp;

use crate::{Scope, Secret, Token, TokenStore};

/// Checks a store of tokens that is empty.
pub async fn check(store: &dyn TokenStore) {
    let token = |id: &str, seconds: i64, scopes: &[Scope]| Token {
        id: id.to_owned(),
        name: "CI's \"own\" töken".to_owned(),
        scopes: scopes.to_owned(),
        created_at: Timestamp::from_seconds(seconds),
        revoked_at: None,
    };
    let (one, other) = (Secret::from_entropy([1; 32]), Secret::from_entropy([2; 32]));
    let (newer, older) = (token("b", 20, &[Scope::Ingest, Scope::Read]), token("a", 10, &[Scope::Admin]));
    assert_eq!(store.find(one.hash()).await.unwrap(), None);
    store.add(one.hash(), &newer).await.unwrap();
    store.add(other.hash(), &older).await.unwrap();
    store.add(Secret::from_entropy([3; 32]).hash(), &older).await.unwrap();
    assert_eq!(store.find(one.hash()).await.unwrap().as_ref(), Some(&newer));
    assert_eq!(store.list().await.unwrap(), [older.clone(), newer]);
    assert!(store.revoke("a", Timestamp::from_seconds(30)).await.unwrap());
    assert!(store.revoke("a", Timestamp::from_seconds(99)).await.unwrap());
    assert!(!store.revoke("c", Timestamp::from_seconds(30)).await.unwrap());
    let revoked = store.find(other.hash()).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(Timestamp::from_seconds(30)), "once revoked it stays so");
}

#[cfg(test)]
#[test]
fn the_twin_in_memory_keeps_the_contract() {
    futures_executor::block_on(check(&crate::memory::InMemory::default()));
}
