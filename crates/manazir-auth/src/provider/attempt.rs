//! A sign-in at a provider that has begun: what a browser keeps of it until it comes back.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use manazir_model::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::LocalPath;
use crate::identity::Secrets;
use crate::link::LinkSecret;
use crate::seal::seal;
use crate::session::SessionId;
use crate::span::later;
use crate::{AccountId, TokenHash};

/// How long somebody may take at the provider.
pub const ATTEMPT_LIFETIME: Duration = Duration::from_secs(600);
/// What a browser shows has some 900 bytes at most; more are not looked at.
const BYTES_MAX: usize = 2_048;

/// What somebody wants who goes to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To sign in, or to make an account, with an invitation where that is asked for.
    SignIn {
        /// The invitation.
        invitation: Option<LinkSecret>,
    },
    /// To link whoever they are there to the account by which they have signed in here.
    Link {
        /// The account.
        account: AccountId,
        /// The session in which it was asked for.
        session: SessionId,
    },
}

/// A sign-in that has begun. Its secrets come from a key of the installation and from what the browser keeps, so that
/// nothing is stored of the many that never come back, and every node can finish what another began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    drawn: [u8; 32],
    pub(super) wish: Wish,
    pub(super) back: LocalPath,
    pub(super) expires_at: Timestamp,
}

/// As the browser keeps it, signed; it cannot be changed there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    drawn: String,
    back: String,
    until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invitation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<(String, String)>,
}

impl Attempt {
    /// A new one from 32 random bytes.
    pub(super) fn new(wish: Wish, back: LocalPath, entropy: [u8; 32], now: Timestamp) -> Self {
        Self { drawn: entropy, wish, back, expires_at: later(now, ATTEMPT_LIFETIME) }
    }

    /// What binds its two steps together. Whoever has only what the browser keeps cannot make them.
    pub(super) fn secrets(&self, key: &[u8; 32]) -> Secrets {
        let secret =
            |what: &[u8]| URL_SAFE_NO_PAD.encode(seal(key, &[b"attempt", what, &self.drawn], [0; 32]));
        Secrets { state: secret(b"state"), nonce: secret(b"nonce"), verifier: secret(b"verifier") }
    }

    /// The text that the browser keeps.
    pub(super) fn written(&self, key: &[u8; 32]) -> String {
        let (invitation, link) = match &self.wish {
            Wish::SignIn { invitation } => (invitation.as_ref().map(LinkSecret::reveal), None),
            Wish::Link { account, session } => (None, Some((account.to_string(), session.to_string()))),
        };
        let written = Written {
            drawn: URL_SAFE_NO_PAD.encode(self.drawn),
            back: self.back.as_str().to_owned(),
            until: self.expires_at.micros(),
            invitation,
            link,
        };
        // Strings and a number always have a text.
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written).unwrap_or_default());
        let signature = URL_SAFE_NO_PAD.encode(signer(key, &body).finalize().into_bytes());
        format!("{body}.{signature}")
    }

    /// One that a browser shows; `None` if this installation did not write it, or if its time is over.
    pub(super) fn shown(key: &[u8; 32], text: &str, now: Timestamp) -> Option<Self> {
        let (body, signature) = text.split_once('.').filter(|_| text.len() <= BYTES_MAX)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        signer(key, body).verify_slice(&signature).ok()?;
        let written: Written = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let wish = match (written.invitation, written.link) {
            (invitation, None) => {
                let invitation = invitation.map(|text| LinkSecret::shown(&text).ok_or(()));
                Wish::SignIn { invitation: invitation.transpose().ok()? }
            }
            (None, Some((account, session))) => {
                Wish::Link { account: AccountId::parse(&account)?, session: SessionId::parse(&session)? }
            }
            _ => return None,
        };
        let drawn = URL_SAFE_NO_PAD.decode(written.drawn).ok()?.try_into().ok()?;
        let attempt = Self {
            drawn,
            wish,
            back: LocalPath::parse(&written.back)?,
            expires_at: Timestamp(written.until),
        };
        (now < attempt.expires_at).then_some(attempt)
    }
}

/// By which a state is known once it has come back.
pub(super) fn hash(state: &str) -> TokenHash {
    TokenHash::from_bytes(Sha256::new().chain_update(b"manazir state").chain_update(state).finalize().into())
}

fn signer(key: &[u8; 32], body: &str) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(&seal(key, &[b"attempt", b"signature"], [0; 32]));
    Hmac::<Sha256>::new(&block.into()).chain_update(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn attempt(wish: Wish) -> Attempt {
        Attempt::new(wish, LocalPath::parse("/teams?a=1").unwrap(), [9; 32], Timestamp::from_seconds(1_000))
    }

    #[test]
    fn it_comes_back_as_it_was_and_in_its_time() {
        let at = Timestamp::from_seconds;
        for wish in [
            Wish::SignIn { invitation: None },
            Wish::SignIn { invitation: Some(LinkSecret::from_entropy([1; 32])) },
            Wish::Link { account: AccountId([1; 16]), session: SessionId([2; 16]) },
        ] {
            let attempt = attempt(wish);
            let text = attempt.written(&KEY);
            assert!(text.len() < 500, "{text}");
            assert_eq!(Attempt::shown(&KEY, &text, at(1_599)), Some(attempt));
            assert_eq!(Attempt::shown(&KEY, &text, at(1_600)), None);
            assert_eq!(Attempt::shown(&[8; 32], &text, at(1_001)), None, "another installation's");
        }
    }

    #[test]
    fn whoever_changes_a_letter_of_it_has_nothing() {
        let text = attempt(Wish::SignIn { invitation: None }).written(&KEY);
        let now = Timestamp::from_seconds(1_001);
        for index in 0..text.len() {
            let mut other = text.clone().into_bytes();
            other[index] = if other[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(Attempt::shown(&KEY, &String::from_utf8(other).unwrap(), now), None, "{index}");
        }
        for wrong in ["", ".", "a.b", "eyJ9.", &text[..text.len() - 1]] {
            assert_eq!(Attempt::shown(&KEY, wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn secrets_hang_on_the_key_and_differ_from_each_other() {
        let attempt = attempt(Wish::SignIn { invitation: None });
        let Secrets { state, nonce, verifier } = attempt.secrets(&KEY);
        assert!(state != nonce && nonce != verifier && state != verifier && state.len() == 43);
        assert_ne!(attempt.secrets(&[8; 32]).state, state);
        assert!(!attempt.written(&KEY).contains(&state));
        assert_eq!(hash(&state), hash(&state.clone()));
    }
}
