//! API tokens: what a program shows to be let in.

use std::fmt;

use async_trait::async_trait;
use manazir_model::Timestamp;
use sha2::{Digest, Sha256};

use crate::Scope;
use crate::hex::hex;

/// What a program shows. It is told once, when it is made; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one from 32 random bytes: `mz_` and 64 hexadecimal digits. The prefix lets scanners of code find
    /// a secret that was committed by mistake.
    pub fn from_entropy(entropy: [u8; 32]) -> Self {
        Self(format!("mz_{}", hex(&entropy)))
    }

    /// One that somebody shows.
    pub fn shown(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, to be told to whom it belongs.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it. A plain SHA-256 is enough: 256 random bits cannot be guessed, so that there is
    /// nothing that a slow hash would protect.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// SHA-256 of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// One that a store kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its identity, which may be seen by all who may list tokens.
    pub id: String,
    /// What it is for, in the words of whoever made it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None` while it is good.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// A new token and its secret, from 40 random bytes.
    pub fn new(
        name: impl Into<String>,
        scopes: Vec<Scope>,
        created_at: Timestamp,
        entropy: [u8; 40],
    ) -> (Self, Secret) {
        let (id, secret) = entropy.split_at(8);
        let secret = secret.try_into().expect("32 of the 40 bytes are left");
        let token = Self { id: hex(id), name: name.into(), scopes, created_at, revoked_at: None };
        (token, Secret::from_entropy(secret))
    }
}

/// Why a token store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database does not answer; it may later.
    #[error("the store of tokens cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed.
    #[error("the store of tokens failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Keeps the hashes of tokens.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Keeps a token. The same identity again changes nothing.
    async fn add(&self, hash: TokenHash, token: &Token) -> Result<(), Error>;

    /// The token with this hash, revoked or not; `None` if there is none.
    async fn find(&self, hash: TokenHash) -> Result<Option<Token>, Error>;

    /// All tokens, the oldest first.
    async fn list(&self) -> Result<Vec<Token>, Error>;

    /// Refuses a token from `at` on; true if there is such a token. Once revoked it stays so.
    async fn revoke(&self, id: &str, at: Timestamp) -> Result<bool, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_its_secret_share_no_randomness() {
        let mut entropy = [1; 40];
        entropy[..8].fill(2);
        let (token, secret) = Token::new("ci", vec![Scope::Ingest], Timestamp(5), entropy);
        assert_eq!((token.id.as_str(), secret), ("0202020202020202", Secret::from_entropy([1; 32])));
    }

    #[test]
    fn a_secret_is_told_once_and_never_printed() {
        let secret = Secret::from_entropy([7; 32]);
        assert_eq!(secret.reveal().len(), 67);
        assert!(secret.reveal().starts_with("mz_0707"));
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(Secret::shown(secret.reveal()).hash(), secret.hash());
        assert_ne!(Secret::from_entropy([8; 32]).hash(), secret.hash());
    }
}
