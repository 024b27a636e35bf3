//! The family of refresh tokens of one session, as a state machine: one token is current, those just replaced lead to
//! it, and every other one that was once given out ends the session.

use std::time::Duration;

use manazir_model::Timestamp;

use super::{Device, RefreshToken, Sealed, Session, SessionId, Successor};
use crate::limit::{Bucket, Rate};
use crate::span::{later, until};
use crate::{AccountId, TokenHash};

/// No more tokens that were just replaced are kept; the rate of rotations keeps it from being reached.
pub const SUCCESSIONS_MAX: usize = 16;

/// How long sessions last and how their tokens follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRules {
    /// A session ends if it is not used for so long.
    pub idle: Duration,
    /// And after so long in any case.
    pub absolute: Duration,
    /// A token that was replaced so lately leads to the one that is current: its holder has only raced.
    pub replay: Duration,
    /// How often the tokens of a session may be replaced.
    pub rotations: Rate,
    /// So many sessions an account may have; the one unused for longest gives way.
    pub sessions_max: usize,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(14 * 24 * 3_600),
            absolute: Duration::from_secs(90 * 24 * 3_600),
            replay: Duration::from_secs(30),
            rotations: Rate::per_minute(10),
            sessions_max: 50,
        }
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndedBy {
    /// Its owner signed out of it or ended it from elsewhere.
    Owner,
    /// An administrator ended it or banned the account.
    Admin,
    /// A token that had been replaced was shown: two have it.
    Reuse,
    /// The password was changed or set anew.
    Password,
    /// The account opened too many others.
    Crowd,
}

impl EndedBy {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Reuse, Self::Password, Self::Crowd];

    /// Its word in a store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Reuse => "reuse",
            Self::Password => "password",
            Self::Crowd => "crowd",
        }
    }
}

/// When and why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub by: EndedBy,
}

/// A token that was replaced a moment ago. The one after it in the list, or the current one, is its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its hash.
    pub hash: TokenHash,
    /// When it was replaced.
    pub at: Timestamp,
    /// Its successor's secret under its own.
    pub sealed: Sealed,
}

/// A session as a store keeps it: one row, whatever its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The session.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// Hash of what all of its tokens share.
    pub proof: TokenHash,
    /// Hash of the current token.
    pub current: TokenHash,
    /// Tokens that were replaced within the time of replay, the oldest first; at most [`SUCCESSIONS_MAX`].
    pub replaced: Vec<Replaced>,
    /// On what it was last used.
    pub device: Device,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its token was last replaced.
    pub used_at: Timestamp,
    /// When it ends unless it is used before.
    pub expires_at: Timestamp,
    /// How often its tokens were replaced lately.
    pub rotations: Bucket,
    /// When and why it ended; `None` while it lives.
    pub ended: Option<Ended>,
}

/// What showing a refresh token comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// It was current; the successor that was offered is now.
    Rotated,
    /// It was replaced a moment ago: this chain leads from it to the current token, whose hash is the second.
    Replayed(Vec<Sealed>, TokenHash),
    /// It was replaced before that. The session is over from now on.
    Reused,
    /// The session is over.
    Ended(EndedBy),
    /// The session was not used for too long, or has lasted as long as any may.
    Expired,
    /// Tokens of this session are replaced too often; this one stays good. Wait.
    TooFast(Duration),
    /// There is no such token.
    Unknown,
}

impl Family {
    /// A new session and its first token, from random bytes: 16 for the identity, 16 for the proof, 32 for the secret.
    pub fn open(
        account: AccountId,
        device: Device,
        entropy: [u8; 64],
        rules: &SessionRules,
        now: Timestamp,
    ) -> (Self, RefreshToken) {
        let part = |from: usize| std::array::from_fn(|index| entropy[from + index]);
        let id = SessionId(part(0));
        let token = RefreshToken::first(id, part(16), std::array::from_fn(|index| entropy[32 + index]));
        let family = Self {
            id,
            account,
            proof: token.proof_hash(),
            current: token.hash(),
            replaced: Vec::new(),
            device,
            opened_at: now,
            used_at: now,
            expires_at: later(now, rules.idle.min(rules.absolute)),
            rotations: Bucket::FULL,
            ended: None,
        };
        (family, token)
    }

    /// Shows a token, with what is to follow it if it is current. A store calls this on the locked row and writes the
    /// row back in the same transaction; what then holds, whatever is shown in which order:
    ///
    /// - one token is current at any time, and each has one successor for ever;
    /// - who shows the current token or one that was replaced within `rules.replay` gets the current one;
    /// - who shows one that was replaced earlier ends the session; one that was never given out changes nothing.
    pub fn present(
        &mut self,
        shown: &RefreshToken,
        next: Successor,
        device: &Device,
        rules: &SessionRules,
        now: Timestamp,
    ) -> Presented {
        // Of hashes, not of secrets: how long the comparison takes tells nothing that can be turned into a token.
        if shown.session() != self.id || shown.proof_hash() != self.proof {
            return Presented::Unknown;
        }
        if let Some(ended) = self.ended {
            return Presented::Ended(ended.by);
        }
        if self.expires_at <= now {
            return Presented::Expired;
        }
        let hash = shown.hash();
        if hash == self.current {
            return self.rotate(next, device, rules, now);
        }
        let lately = |replaced: &Replaced| now <= later(replaced.at, rules.replay);
        match self.replaced.iter().position(|replaced| replaced.hash == hash && lately(replaced)) {
            Some(from) => {
                let chain = self.replaced[from..].iter().map(|replaced| replaced.sealed).collect();
                Presented::Replayed(chain, self.current)
            }
            None => {
                self.end(EndedBy::Reuse, now);
                Presented::Reused
            }
        }
    }

    /// Ends the session; false if it was over. No secret is kept of it.
    pub fn end(&mut self, by: EndedBy, now: Timestamp) -> bool {
        let lives = self.ended.is_none();
        if lives {
            self.ended = Some(Ended { at: now, by });
            self.replaced.clear();
        }
        lives
    }

    /// True if its token lets anybody in.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires_at
    }

    /// From when on the row may go: its answers are then the same as those of no row, and no access token is left.
    pub fn outlived(&self, now: Timestamp) -> bool {
        let over_at = self.ended.map_or(self.expires_at, |ended| ended.at.min(self.expires_at));
        later(over_at, crate::access::ACCESS_LIFETIME + crate::access::LEEWAY) <= now && !self.lives(now)
    }

    /// The session as its owner sees it.
    pub fn session(&self) -> Session {
        Session {
            id: self.id,
            device: self.device.clone(),
            opened_at: self.opened_at,
            used_at: self.used_at,
            expires_at: self.expires_at,
        }
    }

    fn rotate(
        &mut self,
        next: Successor,
        device: &Device,
        rules: &SessionRules,
        now: Timestamp,
    ) -> Presented {
        self.replaced.retain(|replaced| now <= later(replaced.at, rules.replay));
        if let Err(wait) = self.rotations.take(rules.rotations, now) {
            return Presented::TooFast(wait);
        }
        if let Some(oldest) = self.replaced.first().filter(|_| self.replaced.len() >= SUCCESSIONS_MAX) {
            return Presented::TooFast(until(later(oldest.at, rules.replay), now));
        }
        // Not before those in front of it, or a clock that lags would cut the chain behind a token that still counts.
        let at = self.replaced.last().map_or(now, |last| last.at.max(now));
        self.replaced.push(Replaced { hash: self.current, at, sealed: next.sealed });
        self.current = next.hash;
        self.device = device.clone();
        self.used_at = now;
        self.expires_at = later(now, rules.idle).min(later(self.opened_at, rules.absolute));
        Presented::Rotated
    }
}
