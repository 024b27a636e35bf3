//! Whom an entry is of, and what keys are called.

use manazir_model::hash::{fnv1a, mixed};

use crate::{Profile, ProfileKey, Rank, UserId};

/// Changes with what is stored under a key, so that processes of two versions may share a cache.
const FORMAT: u32 = 1;

/// What an entry depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scope {
    /// Everything there is.
    All,
    /// Who is active, among everyone.
    States,
    /// One person: their profile, and what they have to do with others.
    Person(UserId),
}

impl Scope {
    /// Where its generation is.
    pub(super) fn generation(self) -> String {
        match self {
            Self::All => format!("{FORMAT}:g:all"),
            Self::States => format!("{FORMAT}:g:states"),
            Self::Person(user) => format!("{FORMAT}:g:{user}"),
        }
    }

    /// Everything that goes with it. The generation is enough for answers to be right; that a profile is gone as well is
    /// for whoever was erased.
    pub(super) fn forgotten(self) -> Vec<String> {
        match self {
            Self::All | Self::States => vec![self.generation()],
            Self::Person(user) => vec![self.generation(), profile_key(user)],
        }
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) scopes: Vec<Scope>,
}

impl Entry {
    pub(super) fn profile(user: UserId) -> Self {
        Self { key: profile_key(user), scopes: vec![Scope::All, Scope::Person(user)] }
    }

    /// Cursor and limit are part of the question, and so of the key (BB-W20, BB-W21).
    pub(super) fn recommendations(user: UserId, after: Option<Rank>, max: usize) -> Self {
        let after = after.map_or_else(|| "start".to_owned(), |rank| format!("{}-{}", rank.score, rank.user));
        let key = format!("{FORMAT}:r:{user}:{after}:{max}");
        Self { key, scopes: vec![Scope::All, Scope::States, Scope::Person(user)] }
    }
}

fn profile_key(user: UserId) -> String {
    format!("{FORMAT}:p:{user}")
}

/// Where the number is of whoever has a name, an address, an identifier. The key shows nothing of it: what two share by
/// chance is found out by [`bears`].
pub(super) fn alias(key: &ProfileKey) -> Option<String> {
    let hashed = |kind: char, text: &str| {
        let hash = mixed(fnv1a(text.to_lowercase().bytes()));
        Some(format!("{FORMAT}:a:{kind}{hash:016x}"))
    };
    match key {
        ProfileKey::Id(_) => None,
        ProfileKey::Public(id) => Some(format!("{FORMAT}:a:p{:032x}", id.as_u128())),
        ProfileKey::Username(name) => hashed('u', name),
        ProfileKey::Email(email) => hashed('e', email),
    }
}

/// True if this is the profile that a key asks for.
pub(super) fn bears(profile: &Profile, key: &ProfileKey) -> bool {
    let same = |one: &Option<String>, other: &str| {
        one.as_ref().is_some_and(|one| one.to_lowercase() == other.to_lowercase())
    };
    match key {
        ProfileKey::Id(user) => profile.id == *user,
        ProfileKey::Public(id) => profile.public_id == *id,
        ProfileKey::Username(name) => same(&profile.username, name),
        ProfileKey::Email(email) => same(&profile.email, email),
    }
}
