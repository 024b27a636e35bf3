//! Access tokens: who somebody is for a quarter of an hour, signed, so that no store is asked at each request.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use manazir_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::{Actor, Occasion};
use crate::keys::KeyRing;
use crate::session::SessionId;
use crate::span::{later, micros};
use crate::{AccountId, Role};

/// How long an access token is good.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// So far may the clocks of two nodes be apart.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// A token of ours has some 450 bytes; more are not looked at.
const BYTES_MAX: usize = 2_048;
/// The one algorithm. A token does not choose it: it belongs to the key.
const ALGORITHM: &str = "EdDSA";
/// What tells an access token from every other signed text (RFC 9068 §2.1).
const KIND: &str = "at+jwt";

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who it is.
    pub account: AccountId,
    /// The session that it belongs to, and ends with.
    pub session: SessionId,
    /// What the account was when it was signed.
    pub role: Role,
    /// The account's version then; see [`crate::Account::version`].
    pub version: u32,
    /// When it was signed, in whole seconds.
    pub issued_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

impl AccessClaims {
    /// The occasion as whoever shows the token makes it.
    pub fn occasion(&self, on: &Occasion) -> Occasion {
        Occasion { by: Actor::Account(self.account), ..*on }
    }
}

/// Why a text does not let anybody in. All of them are one answer to whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessFault {
    /// Not an access token of this form.
    #[error("this is no access token")]
    Form,
    /// Signed with a key that does not count.
    #[error("the access token is signed with a key that is not known")]
    Key,
    /// The signature does not fit.
    #[error("the signature of the access token is wrong")]
    Signature,
    /// Made by, or for, somebody else.
    #[error("the access token was made for another service")]
    Elsewhere,
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// Its time has not come, or is longer than any that is given.
    #[error("the access token is not good at this time")]
    NotYet,
}

/// Who signs, and for whom: a token of another installation is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRules {
    /// `iss`: the address of this installation.
    pub issuer: String,
    /// `aud`: its API.
    pub audience: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    role: String,
    ver: u32,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl AccessRules {
    /// A signed token; `None` if there is no key to sign with.
    pub fn sign(
        &self,
        ring: &KeyRing,
        who: (AccountId, SessionId),
        role: Role,
        version: u32,
        now: Timestamp,
    ) -> Option<(String, AccessClaims)> {
        let signer = ring.signer(now)?;
        let issued = now.micros().div_euclid(1_000_000);
        let expires = issued.saturating_add(micros(ACCESS_LIFETIME) / 1_000_000);
        let payload = Payload {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: who.0.to_string(),
            sid: who.1.to_string(),
            role: role.word().to_owned(),
            ver: version,
            iat: issued,
            nbf: issued,
            exp: expires,
        };
        let header = serde_json::to_vec(&Header { alg: ALGORITHM, typ: KIND, kid: &signer.id.0 }).ok()?;
        let payload = serde_json::to_vec(&payload).ok()?;
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()));
        let claims = AccessClaims {
            account: who.0,
            session: who.1,
            role,
            version,
            issued_at: Timestamp::from_seconds(issued),
            expires_at: Timestamp::from_seconds(expires),
        };
        Some((format!("{signed}.{signature}"), claims))
    }

    /// What a token says, if it is one of ours and good at `now`. Whether its session was ended meanwhile is the
    /// question of [`crate::revocation::Revoked`].
    pub fn verify(&self, ring: &KeyRing, token: &str, now: Timestamp) -> Result<AccessClaims, AccessFault> {
        if token.len() > BYTES_MAX {
            return Err(AccessFault::Form);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(AccessFault::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(AccessFault::Form)?;
        let header = decode(header)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| AccessFault::Form)?;
        if (header.alg, header.typ) != (ALGORITHM, KIND) {
            return Err(AccessFault::Form);
        }
        let signature = decode(signature)?.try_into().map_err(|_| AccessFault::Form)?;
        match ring.verify(header.kid, signed.as_bytes(), &signature, now) {
            None => return Err(AccessFault::Key),
            Some(false) => return Err(AccessFault::Signature),
            Some(true) => {}
        }
        let payload: Payload = serde_json::from_slice(&decode(payload)?).map_err(|_| AccessFault::Form)?;
        self.check(&payload, now)
    }

    fn check(&self, payload: &Payload, now: Timestamp) -> Result<AccessClaims, AccessFault> {
        if payload.iss != self.issuer || payload.aud != self.audience {
            return Err(AccessFault::Elsewhere);
        }
        let (issued_at, expires_at) =
            (Timestamp::from_seconds(payload.iat), Timestamp::from_seconds(payload.exp));
        if later(expires_at, LEEWAY) <= now {
            return Err(AccessFault::Expired);
        }
        let begins = issued_at.max(Timestamp::from_seconds(payload.nbf));
        let too_long = expires_at > later(issued_at, ACCESS_LIFETIME);
        if begins > later(now, LEEWAY) || too_long {
            return Err(AccessFault::NotYet);
        }
        Ok(AccessClaims {
            account: AccountId::parse(&payload.sub).ok_or(AccessFault::Form)?,
            session: SessionId::parse(&payload.sid).ok_or(AccessFault::Form)?,
            role: payload.role.parse().map_err(|_| AccessFault::Form)?,
            version: payload.ver,
            issued_at,
            expires_at,
        })
    }
}

fn decode(part: &str) -> Result<Vec<u8>, AccessFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| AccessFault::Form)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::keys::{KeyRecord, KeyRules, ServerSecret};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn ring() -> KeyRing {
        let secret = ServerSecret::from_entropy(std::array::from_fn(|index| index as u8)).unwrap();
        KeyRing::open(vec![KeyRecord::new([1; 32], &secret, NOW)], &secret, KeyRules::default())
    }

    fn rules() -> AccessRules {
        AccessRules { issuer: "https://manazir.example".into(), audience: "api".into() }
    }

    fn token() -> (String, AccessClaims) {
        rules().sign(&ring(), (AccountId([1; 16]), SessionId([2; 16])), Role::Member, 3, NOW).unwrap()
    }

    /// A token that is signed with the right key, whatever it says.
    fn forged(header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = SigningKey::from_bytes(&[1; 32]).sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn parts() -> (String, String) {
        let (token, _) = token();
        let part = |index| String::from_utf8(decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap();
        (part(0), part(1))
    }

    #[test]
    fn a_token_says_for_a_quarter_of_an_hour_who_somebody_is() {
        let (token, claims) = token();
        let at = |seconds| rules().verify(&ring(), &token, later(NOW, Duration::from_secs(seconds)));
        assert_eq!(at(0), Ok(claims.clone()));
        assert_eq!(at(15 * 60 + 4), Ok(claims));
        assert_eq!(at(15 * 60 + 5), Err(AccessFault::Expired));
        let before =
            |seconds: i64| rules().verify(&ring(), &token, Timestamp::from_seconds(1_800_000_000 - seconds));
        assert!(before(5).is_ok());
        assert_eq!(before(6), Err(AccessFault::NotYet));
        assert!(token.len() < 512, "{}", token.len());
    }

    #[test]
    fn a_token_of_another_place_is_refused() {
        let (token, _) = token();
        for other in
            [AccessRules { issuer: "x".into(), ..rules() }, AccessRules { audience: "x".into(), ..rules() }]
        {
            assert_eq!(other.verify(&ring(), &token, NOW), Err(AccessFault::Elsewhere));
        }
    }

    #[test]
    fn the_token_chooses_neither_algorithm_nor_key() {
        let (header, payload) = parts();
        assert!(rules().verify(&ring(), &forged(&header, &payload), NOW).is_ok());
        for (from, to) in [
            ("\"EdDSA\"", "\"none\""),
            ("\"EdDSA\"", "\"HS256\""),
            ("at+jwt", "JWT"),
            ("\"alg\"", "\"jku\":\"http://x\",\"alg\""),
            ("\"alg\"", "\"crit\":[\"exp\"],\"alg\""),
            ("\"alg\"", "\"alg\":\"none\",\"alg\""),
        ] {
            let token = forged(&header.replace(from, to), &payload);
            assert_eq!(rules().verify(&ring(), &token, NOW), Err(AccessFault::Form), "{to}");
        }
        let kid = header.rsplit('"').nth(1).unwrap();
        let token = forged(&header.replace(kid, "0011223344556677"), &payload);
        assert_eq!(rules().verify(&ring(), &token, NOW), Err(AccessFault::Key));
    }

    #[test]
    fn every_claim_is_needed_and_none_is_stretched() {
        let (header, payload) = parts();
        for (from, to, fault) in [
            ("\"exp\":1800000900", "\"exp\":1800000901", AccessFault::NotYet),
            ("\"nbf\":1800000000", "\"nbf\":1800000006", AccessFault::NotYet),
            ("\"nbf\":1800000000,", "", AccessFault::Form),
            ("\"exp\":1800000900", "\"exp\":1e30", AccessFault::Form),
            ("\"exp\":1800000900", "\"exp\":-9223372036854775808", AccessFault::Expired),
            ("\"member\"", "\"root\"", AccessFault::Form),
            ("\"ver\":3", "\"ver\":-3", AccessFault::Form),
            ("\"ver\":3", "\"ver\":3,\"ver\":4", AccessFault::Form),
            ("0101", "zz", AccessFault::Form),
        ] {
            let token = forged(&header, &payload.replace(from, to));
            assert_eq!(rules().verify(&ring(), &token, NOW), Err(fault), "{to}");
        }
    }

    #[test]
    fn whatever_is_changed_in_a_token_nobody_gets_in_and_nothing_breaks() {
        let (token, _) = token();
        for at in 0..token.len() {
            for with in ["A", "B", ".", "=", "é", ""] {
                let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
                assert!(changed == token || rules().verify(&ring(), &changed, NOW).is_err(), "{at} {with}");
            }
        }
        for text in ["", ".", "..", "...", "a.b.c", &".".repeat(9_000), &format!("{token}.")] {
            assert_eq!(rules().verify(&ring(), text, NOW), Err(AccessFault::Form), "{text}");
        }
    }
}
