//! Rows of accounts and sessions, and what they stand for.

use std::net::IpAddr;

use manazir_auth::session::{Device, Ended, EndedBy, Family, Replaced, Sealed, Session, SessionId};
use manazir_auth::{Account, AccountId, Credentials, Email, PasswordHash, TokenHash, Username};
use manazir_model::Timestamp;

use crate::statement::Value;
use crate::text::{came, kept};

/// Bytes of one that was replaced: its hash, when, and its sealed successor.
const REPLACED_BYTES: usize = 32 + 8 + 32;

pub(super) const ACCOUNT_COLUMNS: &str =
    "id, username, email, role, avatar_seed, password, version, created_at, banned_at";

#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    id: String,
    username: String,
    email: String,
    role: String,
    avatar_seed: String,
    password: Option<String>,
    version: i64,
    created_at: i64,
    banned_at: Option<i64>,
}

impl AccountRow {
    pub(super) fn credentials(self) -> Result<Credentials, sqlx::Error> {
        let damaged = |column| move || unreadable("accounts", column);
        let hash = |text: String| PasswordHash::stored(&text).ok().ok_or_else(damaged("password"));
        let account = Account {
            id: AccountId::parse(&self.id).ok_or_else(damaged("id"))?,
            username: Username::parse(&came(self.username)).ok().ok_or_else(damaged("username"))?,
            email: Email::parse(&came(self.email)).ok().ok_or_else(damaged("email"))?,
            role: self.role.parse().ok().ok_or_else(damaged("role"))?,
            avatar_seed: came(self.avatar_seed),
            version: self.version.try_into().ok().ok_or_else(damaged("version"))?,
            created_at: Timestamp(self.created_at),
            banned_at: self.banned_at.map(Timestamp),
        };
        Ok(Credentials { account, password: self.password.map(hash).transpose()? })
    }

    pub(super) fn account(self) -> Result<Account, sqlx::Error> {
        self.credentials().map(|known| known.account)
    }
}

pub(super) const FAMILY_COLUMNS: &str = "id, account, proof_hash, current_hash, replaced, device, address, opened_at, \
    used_at, expires_at, rotations_full_at, ended_at, ended_by";

#[derive(sqlx::FromRow)]
pub(super) struct FamilyRow {
    id: String,
    account: String,
    proof_hash: Vec<u8>,
    current_hash: Vec<u8>,
    replaced: Vec<u8>,
    device: String,
    address: Option<String>,
    opened_at: i64,
    used_at: i64,
    expires_at: i64,
    rotations_full_at: i64,
    ended_at: Option<i64>,
    ended_by: Option<String>,
}

impl FamilyRow {
    pub(super) fn family(self) -> Result<Family, sqlx::Error> {
        let damaged = |column| move || unreadable("account_sessions", column);
        Ok(Family {
            id: SessionId::parse(&self.id).ok_or_else(damaged("id"))?,
            account: AccountId::parse(&self.account).ok_or_else(damaged("account"))?,
            proof: hash(&self.proof_hash).ok_or_else(damaged("proof_hash"))?,
            current: hash(&self.current_hash).ok_or_else(damaged("current_hash"))?,
            replaced: replaced(&self.replaced).ok_or_else(damaged("replaced"))?,
            device: device(self.device, self.address).ok_or_else(damaged("address"))?,
            opened_at: Timestamp(self.opened_at),
            used_at: Timestamp(self.used_at),
            expires_at: Timestamp(self.expires_at),
            rotations: manazir_auth::limit::Bucket { full_at: Timestamp(self.rotations_full_at) },
            ended: ended(self.ended_at, self.ended_by).ok_or_else(damaged("ended_by"))?,
        })
    }
}

/// The values of a session in the order of [`FAMILY_COLUMNS`].
pub(super) fn family_values(family: &Family) -> Vec<Value> {
    let replaced = family.replaced.iter().flat_map(|replaced| {
        let at = replaced.at.micros().to_be_bytes();
        [replaced.hash.as_bytes().as_slice(), &at, &replaced.sealed.0].concat()
    });
    vec![
        text(&family.id.to_string()),
        text(&family.account.to_string()),
        Value::Bytes(family.proof.as_bytes().to_vec()),
        Value::Bytes(family.current.as_bytes().to_vec()),
        Value::Bytes(replaced.collect()),
        text(&family.device.name),
        maybe_text(family.device.address.map(|address| address.to_string())),
        number(family.opened_at.micros()),
        number(family.used_at.micros()),
        number(family.expires_at.micros()),
        number(family.rotations.full_at.micros()),
        Value::Number(family.ended.map(|ended| ended.at.micros())),
        maybe_text(family.ended.map(|ended| ended.by.word().to_owned())),
    ]
}

pub(super) const SESSION_COLUMNS: &str = "id, device, address, opened_at, used_at, expires_at";

#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    id: String,
    device: String,
    address: Option<String>,
    opened_at: i64,
    used_at: i64,
    expires_at: i64,
}

impl SessionRow {
    pub(super) fn session(self) -> Result<Session, sqlx::Error> {
        let damaged = |column| move || unreadable("account_sessions", column);
        Ok(Session {
            id: SessionId::parse(&self.id).ok_or_else(damaged("id"))?,
            device: device(self.device, self.address).ok_or_else(damaged("address"))?,
            opened_at: Timestamp(self.opened_at),
            used_at: Timestamp(self.used_at),
            expires_at: Timestamp(self.expires_at),
        })
    }
}

/// What a column holds that nobody wrote. It is not shown: it may be a secret's.
pub(crate) fn unreadable(table: &str, column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a value of {table}.{column} cannot be read").into())
}

pub(super) fn hash(bytes: &[u8]) -> Option<TokenHash> {
    bytes.try_into().ok().map(TokenHash::from_bytes)
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(Some(kept(text).into_owned()))
}

pub(super) fn maybe_text(text: Option<String>) -> Value {
    Value::Text(text.map(|text| kept(&text).into_owned()))
}

pub(super) fn number(number: i64) -> Value {
    Value::Number(Some(number))
}

/// `None` inside if there is no address, outside if it is none.
pub(super) fn address(text: Option<String>) -> Option<Option<IpAddr>> {
    text.map_or(Some(None), |text| text.parse().ok().map(Some))
}

fn device(name: String, at: Option<String>) -> Option<Device> {
    Some(Device { name: came(name), address: address(at)? })
}

fn replaced(bytes: &[u8]) -> Option<Vec<Replaced>> {
    let (parts, rest) = bytes.as_chunks::<REPLACED_BYTES>();
    let part = |part: &[u8; REPLACED_BYTES]| {
        let (sealed, at) = (part[40..].try_into().ok()?, part[32..40].try_into().ok()?);
        let at = Timestamp(i64::from_be_bytes(at));
        Some(Replaced { hash: hash(&part[..32])?, at, sealed: Sealed(sealed) })
    };
    if rest.is_empty() { parts.iter().map(part).collect() } else { None }
}

fn ended(at: Option<i64>, by: Option<String>) -> Option<Option<Ended>> {
    match (at, by) {
        (None, None) => Some(None),
        (Some(at), Some(word)) => {
            let by = EndedBy::ALL.into_iter().find(|by| by.word() == word)?;
            Some(Some(Ended { at: Timestamp(at), by }))
        }
        _ => None,
    }
}
