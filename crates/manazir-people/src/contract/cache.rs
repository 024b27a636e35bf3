//! What every cache must keep, and what a store behind one must.

use std::sync::Arc;
use std::time::Duration;

use super::People;
use crate::Limits;
use crate::cache::{Cache, Cached};

/// Longer than any test.
const LIFE: Duration = Duration::from_secs(600);

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

async fn put(cache: &dyn Cache, key: &str, value: &[u8], life: Duration) {
    cache.put(vec![(key.to_owned(), value.to_vec())], life).await;
}

/// Checks all that a cache promises while it works. `open` gives one that holds nothing.
///
/// # Panics
/// If a cache breaks the contract.
pub async fn check_cache<C: Cache>(open: impl AsyncFn() -> C) {
    let cache = open().await;
    assert_eq!(cache.get(&keys(&["a", "b"])).await, [None, None]);
    assert!(cache.get(&[]).await.is_empty());
    cache.put(Vec::new(), LIFE).await;
    assert!(cache.forget(&[]).await && cache.forget(&keys(&["a"])).await);

    let (odd, all) = ("ä b\r\n{x}*", (0..=255).collect::<Vec<u8>>());
    cache.put(vec![("a".to_owned(), b"1".to_vec()), (odd.to_owned(), all.clone())], LIFE).await;
    put(&cache, "empty", b"", LIFE).await;
    let found = cache.get(&keys(&[odd, "none", "a", "a", "empty"])).await;
    let expected = [Some(all), None, Some(b"1".to_vec()), Some(b"1".to_vec()), Some(Vec::new())];
    assert_eq!(found, expected);

    put(&cache, "a", b"2", LIFE).await;
    assert_eq!(cache.get(&keys(&["a"])).await, [Some(b"2".to_vec())]);
    assert!(cache.forget(&keys(&["a", "none"])).await);
    assert_eq!(cache.get(&keys(&["a", "empty"])).await, [None, Some(Vec::new())]);

    // What lives for no time is not there, nor what it took the place of.
    put(&cache, "empty", b"3", Duration::ZERO).await;
    assert_eq!(cache.get(&keys(&["empty"])).await, [None]);
}

/// Checks that a store keeps the contract of stores behind this cache. `open` gives a truth of nobody with these limits,
/// `cache` a cache that holds nothing of it.
///
/// # Panics
/// If an answer is not the truth's.
pub async fn check_cached<P: People, C: Cache + 'static>(
    open: impl AsyncFn(Limits) -> P,
    cache: impl AsyncFn() -> C,
) {
    super::check(async |limits| Cached::new(open(limits).await, Arc::new(cache().await), LIFE, 1)).await;
}
