//! Who somebody is elsewhere: identities at a provider, and the port to it.

use std::fmt;

use async_trait::async_trait;
use manazir_model::Timestamp;
use sha2::{Digest, Sha256};

use crate::hex::in_digits;

/// An account may have so many identities: one is enough, and a list of them is shown whole.
pub const IDENTITIES_MAX: usize = 16;
/// Most bytes of an issuer and of a subject (OpenID Connect Core §2 says it of a subject).
const BYTES_MAX: usize = 255;
/// Most characters of what an identity is shown as.
const LABEL_CHARACTERS_MAX: usize = 128;

/// Who somebody is at a provider. Nothing else decides: an e-mail address changes hands, a subject never does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    issuer: String,
    subject: String,
}

impl Identity {
    /// The subject of an issuer; `None` if one of them is empty or longer than 255 bytes.
    pub fn new(issuer: &str, subject: &str) -> Option<Self> {
        let is_good = |text: &str| (1..=BYTES_MAX).contains(&text.len());
        (is_good(issuer) && is_good(subject))
            .then(|| Self { issuer: issuer.to_owned(), subject: subject.to_owned() })
    }

    /// The address of the provider.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What the provider calls somebody, for good.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// By which a path names it.
    pub fn id(&self) -> IdentityId {
        // With its length, so that two pairs are never one text.
        let length = (self.issuer.len() as u64).to_be_bytes();
        let hash = Sha256::new().chain_update(length).chain_update(&self.issuer).chain_update(&self.subject);
        let hash: [u8; 32] = hash.finalize().into();
        IdentityId(std::array::from_fn(|index| hash[index]))
    }
}

/// By which one of somebody's identities is named in a path: the first 8 bytes of a hash of it, as 16 hexadecimal
/// digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(pub [u8; 8]);

in_digits!(IdentityId);

/// An identity that belongs to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Which.
    pub identity: Identity,
    /// What the provider called its owner when it was linked, so that they know it again in a list; may be empty. It
    /// decides nothing.
    pub label: String,
    /// Since when.
    pub at: Timestamp,
}

/// What a provider says of whoever has signed in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Who it is.
    pub identity: Identity,
    /// An address, as the provider writes it.
    pub email: Option<String>,
    /// True if the provider says that letters to the address reach them.
    pub email_verified: bool,
    /// What they want to be called there.
    pub username: Option<String>,
    /// Their name among people.
    pub name: Option<String>,
}

impl Claimed {
    /// What the identity is shown as in a list.
    pub fn label(&self) -> String {
        let label = [&self.email, &self.username, &self.name].into_iter().flatten().next();
        let label = label.map(String::as_str).unwrap_or_default();
        label.chars().filter(|character| !character.is_control()).take(LABEL_CHARACTERS_MAX).collect()
    }
}

/// What binds the two steps of a sign-in together. Each is 32 bytes in base64url, which nobody can guess.
#[derive(Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Comes back by the browser: the answer belongs to this question.
    pub state: String,
    /// Comes back in the signed token: the token was made for this question.
    pub nonce: String,
    /// Is shown with the code, whose hash the provider got before (RFC 7636): whoever saw the code alone has nothing.
    pub verifier: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// Why a provider did not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It does not answer, not in time, or not in a way that can be used; it may later.
    #[error("the identity provider does not answer as one does")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not take the code: it was used before, is too old, or is not for this sign-in.
    #[error("the identity provider does not take the code: {0}")]
    Code(String),
    /// It says no to this installation, as when the client or its secret is wrong.
    #[error("the identity provider refuses this installation: {0}")]
    Client(String),
    /// What it says cannot be believed.
    #[error(transparent)]
    Token(#[from] TokenFault),
}

/// Why the token that says who somebody is cannot be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// There is none, or it cannot be read.
    #[error("there is no identity token that can be read")]
    Form,
    /// It is not signed, or by a method that is not allowed: one with a key that others know, for instance.
    #[error("the identity token is signed by a method that is not allowed, or not at all")]
    Algorithm,
    /// Signed with a key that the provider does not name.
    #[error("the identity token is signed with a key that the provider does not name")]
    Key,
    /// The signature does not fit.
    #[error("the signature of the identity token is wrong")]
    Signature,
    /// Made by somebody else.
    #[error("the identity token is of another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("the identity token is for another client")]
    Audience,
    /// Made for another question.
    #[error("the identity token belongs to another sign-in")]
    Nonce,
    /// Its time is over.
    #[error("the identity token has expired")]
    Expired,
    /// It names nobody, or two parts of the answer name two.
    #[error("the identity token names nobody, or somebody else than the rest of the answer")]
    Subject,
}

/// A service where people sign in, and which then says who they are.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// The address by which it signs; see [`Identity::issuer`].
    fn issuer(&self) -> &str;

    /// Where the browser is to go. State and nonce are in the address, and the SHA-256 of the verifier.
    async fn begin(&self, secrets: &Secrets) -> Result<String, ProviderError>;

    /// Who came back with this code, which is good once and with the verifier of its sign-in alone.
    async fn finish(&self, code: &str, secrets: &Secrets) -> Result<Claimed, ProviderError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_pair_and_its_name_hangs_on_both() {
        let of = |issuer, subject| Identity::new(issuer, subject).unwrap().id();
        assert_ne!(of("https://a", "b1"), of("https://ab", "1"));
        assert_eq!(IdentityId::parse(&of("https://a", "1").to_string()), Some(of("https://a", "1")));
        for (issuer, subject) in [("", "1"), ("a", ""), ("a", &*"1".repeat(256))] {
            assert_eq!(Identity::new(issuer, subject), None);
        }
    }
}
