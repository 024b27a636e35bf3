//! Refresh tokens: what a browser keeps to stay signed in.

use std::fmt;

use sha2::{Digest, Sha256};

use super::SessionId;
use crate::TokenHash;
use crate::hex::{hex, unhex};
use crate::seal::seal;

/// A refresh token: the session, a proof that is the same in all tokens of the session, and a secret of its own.
///
/// The proof lets a store tell a token of the session that was replaced long ago from one that somebody made up,
/// without keeping every token that ever was: only who once held a token of the session knows it. `Debug` prints
/// nothing but the session.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    session: SessionId,
    proof: [u8; 16],
    secret: [u8; 32],
}

/// A successor's secret, closed under the secret of the token that it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed(pub [u8; 32]);

/// A token that could follow another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Hash of its secret.
    pub hash: TokenHash,
    /// Its secret, under the one that it follows.
    pub sealed: Sealed,
}

impl RefreshToken {
    /// The first of a session, from random bytes.
    pub(crate) fn first(session: SessionId, proof: [u8; 16], secret: [u8; 32]) -> Self {
        Self { session, proof, secret }
    }

    /// One that somebody shows: `mzr_`, then the three parts as 32, 32 and 64 hexadecimal digits. `None` for every
    /// other text, an access token or API token among them.
    pub fn shown(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("mzr_").filter(|digits| digits.is_ascii() && digits.len() == 128)?;
        let (session, proof, secret) = (&digits[..32], &digits[32..64], &digits[64..]);
        Some(Self { session: SessionId(unhex(session)?), proof: unhex(proof)?, secret: unhex(secret)? })
    }

    /// The text, for whom it belongs to.
    pub fn reveal(&self) -> String {
        format!("mzr_{}{}{}", hex(&self.session.0), hex(&self.proof), hex(&self.secret))
    }

    /// The session that it says to be of.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What is kept of the proof.
    pub fn proof_hash(&self) -> TokenHash {
        hashed(b"manazir refresh proof", &self.session, &self.proof)
    }

    /// What is kept of the secret.
    pub fn hash(&self) -> TokenHash {
        hashed(b"manazir refresh secret", &self.session, &self.secret)
    }

    /// What could follow this one, from 32 random bytes.
    pub fn successor(&self, entropy: [u8; 32]) -> Successor {
        let next = Self { secret: entropy, ..self.clone() };
        Successor { hash: next.hash(), sealed: Sealed(seal(&self.secret, &[b"manazir successor"], entropy)) }
    }

    /// The token at the end of a chain of successors that begins here; `None` if its hash is not `hash`, which means
    /// that the store does not hold what was written to it.
    pub fn follow(&self, chain: &[Sealed], hash: TokenHash) -> Option<Self> {
        let last = chain.iter().fold(self.clone(), |token, sealed| {
            let secret = seal(&token.secret, &[b"manazir successor"], sealed.0);
            Self { secret, ..token }
        });
        (last.hash() == hash).then_some(last)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({})", self.session)
    }
}

/// A plain SHA-256 is enough, see [`crate::Secret::hash`].
fn hashed(purpose: &[u8], session: &SessionId, secret: &[u8]) -> TokenHash {
    let hash = Sha256::new().chain_update(purpose).chain_update(session.0).chain_update(secret);
    TokenHash::from_bytes(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_text_and_nothing_else_does() {
        let token = RefreshToken::first(SessionId([1; 16]), [2; 16], [3; 32]);
        assert_eq!(RefreshToken::shown(&token.reveal()), Some(token.clone()));
        let text = token.reveal();
        for wrong in [
            "",
            "mzr_",
            "mz_00",
            &text[1..],
            &text.to_uppercase(),
            &format!("{text}0"),
            &text.replace("03", "é"),
        ] {
            assert_eq!(RefreshToken::shown(wrong), None, "{wrong}");
        }
        assert_eq!(format!("{token:?}"), format!("RefreshToken({})", token.session()));
    }

    #[test]
    fn a_chain_is_followed_by_who_holds_its_beginning_only() {
        let first = RefreshToken::first(SessionId([1; 16]), [2; 16], [3; 32]);
        let one = first.successor([4; 32]);
        let second = first.follow(&[one.sealed], one.hash).unwrap();
        let two = second.successor([5; 32]);
        let third = first.follow(&[one.sealed, two.sealed], two.hash).unwrap();
        assert_eq!(third, RefreshToken::first(SessionId([1; 16]), [2; 16], [5; 32]));
        assert_eq!(second.follow(&[one.sealed], one.hash), None);
        assert_ne!(one.sealed.0, [4; 32]);
    }
}
