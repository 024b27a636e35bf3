//! Keys that sign access tokens: how one follows another, and how they are stored.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use ed25519_dalek::{Signature, Signer, SigningKey};
use manazir_model::Timestamp;
use sha2::{Digest, Sha256};

use crate::access::{ACCESS_LIFETIME, LEEWAY};
use crate::hex::{hex, unhex};
use crate::seal::seal;
use crate::span::later;
use crate::store::AccountError;

/// Random bytes have about 30 different values among 32; whatever has fewer than these was typed.
const DIFFERENT_BYTES_MIN: usize = 16;
/// More keys are not kept: at one a month they last for years, and tokens for a quarter of an hour.
pub const SIGNING_KEYS_MAX: usize = 16;

/// The secret of an installation: 32 random bytes, made at its first start and kept outside the database. There is no
/// default. Who has the database but not this cannot sign.
#[derive(Clone)]
pub struct ServerSecret([u8; 32]);

/// Bytes that nobody drew at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server's secret is 32 random bytes, written as 64 hexadecimal digits; this one can be guessed")]
pub struct WeakSecret;

impl ServerSecret {
    /// One from 32 random bytes.
    pub fn from_entropy(entropy: [u8; 32]) -> Result<Self, WeakSecret> {
        let mut seen = [false; 256];
        entropy.iter().for_each(|byte| seen[usize::from(*byte)] = true);
        let different = seen.into_iter().filter(|seen| *seen).count();
        if different < DIFFERENT_BYTES_MIN { Err(WeakSecret) } else { Ok(Self(entropy)) }
    }

    /// One that a file holds as 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, WeakSecret> {
        unhex(text.trim()).ok_or(WeakSecret).and_then(Self::from_entropy)
    }

    /// A key for a purpose of its own: whoever has it comes neither to the secret nor to another key.
    pub(crate) fn derived(&self, purpose: &[u8]) -> [u8; 32] {
        seal(&self.0, &[b"derived", purpose], [0; 32])
    }
}

impl fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSecret")
    }
}

/// A key's name in the header of a token: the first 16 hexadecimal digits of SHA-256 of its public half.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub String);

/// A key as a store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its name.
    pub id: KeyId,
    /// What checks a signature.
    pub public: [u8; 32],
    /// What signs, sealed under the server's secret.
    pub sealed: [u8; 32],
    /// When it was made.
    pub made_at: Timestamp,
}

impl KeyRecord {
    /// A new key from 32 random bytes.
    pub fn new(entropy: [u8; 32], secret: &ServerSecret, made_at: Timestamp) -> Self {
        let public = SigningKey::from_bytes(&entropy).verifying_key().to_bytes();
        let id = KeyId(hex(&Sha256::digest(public)[..8]));
        let sealed = seal(&secret.0, &[b"manazir signing key", &public], entropy);
        Self { id, public, sealed, made_at }
    }

    /// The key, if it was sealed with this secret. One that somebody wrote into the database is not.
    fn open(&self, secret: &ServerSecret) -> Option<SigningKey> {
        let seed = seal(&secret.0, &[b"manazir signing key", &self.public], self.sealed);
        let key = SigningKey::from_bytes(&seed);
        (key.verifying_key().to_bytes() == self.public).then_some(key)
    }
}

/// How long keys sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRules {
    /// A key is followed by a new one after this time.
    pub followed_after: Duration,
    /// A new key is in the store for so long before it signs: every node has read it by then.
    pub known_before: Duration,
}

impl Default for KeyRules {
    fn default() -> Self {
        Self { followed_after: Duration::from_secs(30 * 24 * 3_600), known_before: Duration::from_secs(600) }
    }
}

struct Key {
    id: KeyId,
    key: SigningKey,
    made_at: Timestamp,
    signs_from: Timestamp,
    /// From when on its signature counts for nothing; `None` while no key follows.
    refused_from: Option<Timestamp>,
}

/// The key that signs at a moment.
pub(crate) struct KeySigner<'a> {
    /// Its name.
    pub(crate) id: &'a KeyId,
    key: &'a SigningKey,
}

impl KeySigner<'_> {
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// The keys of a moment.
pub struct KeyRing {
    keys: Vec<Key>,
    strangers: Vec<KeyId>,
    /// Of all records, strangers among them: it is what the store compares with.
    newest: Option<KeyId>,
    rules: KeyRules,
}

impl KeyRing {
    /// The keys of a store. Those that the secret does not open sign nothing and check nothing; see
    /// [`KeyRing::strangers`].
    pub fn open(mut records: Vec<KeyRecord>, secret: &ServerSecret, rules: KeyRules) -> Self {
        records.sort_by(|a, b| (a.made_at, &a.id).cmp(&(b.made_at, &b.id)));
        let newest = records.last().map(|record| record.id.clone());
        let (mut keys, mut strangers) = (Vec::<Key>::new(), Vec::new());
        for record in records {
            let Some(key) = record.open(secret) else {
                strangers.push(record.id);
                continue;
            };
            let known_at = later(record.made_at, rules.known_before);
            let signs_from = if keys.is_empty() { Timestamp(i64::MIN) } else { known_at };
            if let Some(before) = keys.last_mut() {
                before.refused_from = Some(later(signs_from, ACCESS_LIFETIME + LEEWAY));
            }
            keys.push(Key { id: record.id, key, made_at: record.made_at, signs_from, refused_from: None });
        }
        Self { keys, strangers, newest, rules }
    }

    /// The key that signs now; `None` if there is no key.
    pub(crate) fn signer(&self, now: Timestamp) -> Option<KeySigner<'_>> {
        let key = self.keys.iter().rev().find(|key| key.signs_from <= now)?;
        Some(KeySigner { id: &key.id, key: &key.key })
    }

    /// True if the key of this name has signed the message; `None` if no such key counts at `now`.
    pub(crate) fn verify(
        &self,
        id: &str,
        message: &[u8],
        signature: &[u8; 64],
        now: Timestamp,
    ) -> Option<bool> {
        let counts = |key: &&Key| key.id.0 == id && key.refused_from.is_none_or(|from| now < from);
        let key = self.keys.iter().find(counts)?;
        let signature = Signature::from_bytes(signature);
        // Strict: the lax check accepts keys of small order, under which one signature fits many messages.
        Some(key.key.verifying_key().verify_strict(message, &signature).is_ok())
    }

    /// True if a new key is to be made: there is none, or the newest is old.
    pub fn wants_next(&self, now: Timestamp) -> bool {
        self.keys.last().is_none_or(|newest| later(newest.made_at, self.rules.followed_after) <= now)
    }

    /// The newest key that was read, after which the next is added.
    pub fn newest(&self) -> Option<&KeyId> {
        self.newest.as_ref()
    }

    /// Keys whose signatures count for nothing any more.
    pub fn outlived(&self, now: Timestamp) -> Vec<&KeyId> {
        let outlived = |key: &&Key| key.refused_from.is_some_and(|from| from <= now);
        self.keys.iter().filter(outlived).map(|key| &key.id).collect()
    }

    /// Keys that were sealed with another secret, or that somebody wrote into the database: say so and remove them.
    pub fn strangers(&self) -> &[KeyId] {
        &self.strangers
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id.0)).finish()
    }
}

/// Keeps signing keys, at most [`SIGNING_KEYS_MAX`].
#[async_trait]
pub trait SigningKeyStore: Send + Sync {
    /// All keys, in any order.
    async fn signing_keys(&self) -> Result<Vec<KeyRecord>, AccountError>;

    /// Adds a key if the newest by `(made_at, id)` is still `after`, `None` for no key at all; false if another node
    /// was faster, whose key is then as good. One step: two nodes never both add. With [`SIGNING_KEYS_MAX`] keys the
    /// oldest goes.
    async fn add_signing_key(&self, after: Option<&KeyId>, key: &KeyRecord) -> Result<bool, AccountError>;

    /// Forgets a key: what it signed is refused by every node that has read the keys since. True if it was there.
    async fn remove_signing_key(&self, id: &KeyId) -> Result<bool, AccountError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(first: u8) -> ServerSecret {
        ServerSecret::from_entropy(std::array::from_fn(|index| first.wrapping_add(index as u8))).unwrap()
    }

    fn ring(records: &[KeyRecord]) -> KeyRing {
        KeyRing::open(records.to_vec(), &secret(1), KeyRules::default())
    }

    #[test]
    fn a_key_is_known_before_it_signs_and_checks_until_its_last_token_ends() {
        let minutes = |minutes: i64| Timestamp::from_seconds(minutes * 60);
        let old = KeyRecord::new([1; 32], &secret(1), minutes(0));
        let new = KeyRecord::new([2; 32], &secret(1), minutes(100));
        let ring = ring(&[new.clone(), old.clone()]);
        let signs = |at| ring.signer(at).map(|signer| signer.id.clone());
        assert_eq!(signs(minutes(0)), Some(old.id.clone()), "the first key signs at once");
        assert_eq!(signs(minutes(109)), Some(old.id.clone()));
        assert_eq!(signs(minutes(110)), Some(new.id.clone()));
        let signature = old.open(&secret(1)).unwrap().sign(b"text").to_bytes();
        assert_eq!(ring.verify(&old.id.0, b"text", &signature, minutes(125)), Some(true));
        assert_eq!(ring.verify(&old.id.0, b"other", &signature, minutes(125)), Some(false));
        assert_eq!(ring.verify(&old.id.0, b"text", &signature, minutes(126)), None);
        assert_eq!(ring.verify(&new.id.0, b"text", &signature, minutes(0)), Some(false));
        assert_eq!((ring.outlived(minutes(125)), ring.outlived(minutes(126))), (vec![], vec![&old.id]));
        assert!(!ring.wants_next(minutes(101)));
        assert!(ring.wants_next(minutes(100 + 30 * 24 * 60)));
        assert_eq!(ring.newest(), Some(&new.id));
    }

    #[test]
    fn a_key_that_the_secret_does_not_open_signs_and_checks_nothing() {
        let other = KeyRecord::new([1; 32], &secret(2), Timestamp(0));
        let mine = SigningKey::from_bytes(&[5; 32]);
        let planted = KeyRecord {
            public: mine.verifying_key().to_bytes(),
            id: KeyId("planted".into()),
            ..other.clone()
        };
        let ring = ring(&[other.clone(), planted]);
        assert_eq!(ring.strangers().len(), 2);
        assert!(ring.signer(Timestamp(0)).is_none() && ring.wants_next(Timestamp(0)));
        let signature = mine.sign(b"text").to_bytes();
        assert_eq!(ring.verify("planted", b"text", &signature, Timestamp(0)), None);
    }

    #[test]
    fn a_secret_is_random_and_never_printed() {
        assert_eq!(ServerSecret::from_entropy([7; 32]).unwrap_err(), WeakSecret);
        assert!(ServerSecret::parse("secret").is_err());
        assert!(ServerSecret::parse(&format!("{}\n", hex(&secret(9).0))).is_ok());
        assert_eq!(format!("{:?}", secret(1)), "ServerSecret");
        assert!(
            !format!("{:?}", ring(&[KeyRecord::new([1; 32], &secret(1), Timestamp(0))])).contains("seed")
        );
    }
}
