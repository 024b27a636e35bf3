//! What is over before its time, and how every process knows it within a second.

use std::collections::HashMap;
use std::time::Duration;

use manazir_model::Timestamp;

use crate::AccountId;
use crate::access::{ACCESS_LIFETIME, AccessClaims, LEEWAY};
use crate::session::SessionId;
use crate::span::{later, micros};

/// A process asks the log so often what is new; the bus may tell it to look at once.
pub const FOLLOWED_EVERY: Duration = Duration::from_millis(500);
/// Entries stay in the log for so long: a process that starts reads all of them, and what is older concerns no access
/// token that is still good.
pub const REVOCATIONS_KEPT: Duration = Duration::from_secs(3_600);
/// Most entries of one answer.
pub const REVOCATIONS_PAGE_MAX: usize = 1_000;
/// More are not remembered: instead of them, every access token of the time before is refused, which costs each
/// browser one refresh.
const REMEMBERED_MAX: usize = 200_000;

/// What an entry of the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// A session is over.
    Session(SessionId),
    /// Access tokens of the account with a version below this one are over: its role, password or ban changed.
    Account(AccountId, u32),
}

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Number, time and content, in the order of numbers, which have no gaps.
    pub entries: Vec<(u64, Timestamp, Revocation)>,
    /// The greatest number that was ever given; 0 if none was.
    pub last: u64,
}

/// The access tokens that a process refuses although their signature is good and their time is not over.
#[derive(Clone, Debug)]
pub struct Revoked {
    sessions: HashMap<SessionId, Timestamp>,
    accounts: HashMap<AccountId, (u32, Timestamp)>,
    /// Number of the last entry that was read; `None` before the first page.
    read: Option<u64>,
    /// Everything that was signed up to here is refused.
    floor: Timestamp,
    followed_at: Timestamp,
    max: usize,
}

impl Default for Revoked {
    fn default() -> Self {
        let never = Timestamp(i64::MIN);
        let (sessions, accounts) = (HashMap::new(), HashMap::new());
        Self { sessions, accounts, read: None, floor: never, followed_at: never, max: REMEMBERED_MAX }
    }
}

impl Revoked {
    /// After which number to read on.
    pub fn place(&self) -> u64 {
        self.read.unwrap_or(0)
    }

    /// Takes in the page that was read after a number; true if there is more to be read at once. A page that was asked
    /// for before another one was taken in is passed by.
    pub fn follow(&mut self, after: u64, page: &Revocations, now: Timestamp) -> bool {
        if after != self.place() {
            return true;
        }
        if self.has_gap(page) {
            self.floor = self.floor.max(now);
        }
        for (_, at, what) in &page.entries {
            // A token that was signed in the moment before, by a clock that is behind.
            let until = later(*at, ACCESS_LIFETIME + 2 * LEEWAY);
            match *what {
                Revocation::Session(id) => drop(self.sessions.insert(id, until)),
                Revocation::Account(id, version) => {
                    let known = self.accounts.entry(id).or_insert((version, until));
                    *known = (known.0.max(version), known.1.max(until));
                }
            }
        }
        let read = page.entries.last().map_or(page.last, |(number, ..)| *number);
        self.read = Some(read);
        self.forget(now);
        if read >= page.last {
            self.followed_at = self.followed_at.max(now);
        }
        read < page.last
    }

    /// True if a token whose signature and times are good lets nobody in any more.
    pub fn refuses(&self, claims: &AccessClaims) -> bool {
        let older = self.accounts.get(&claims.account).is_some_and(|(version, _)| claims.version < *version);
        self.sessions.contains_key(&claims.session) || older || claims.issued_at <= self.floor
    }

    /// When the end of the log was last seen: as far back may a ban be unknown here.
    pub fn followed_at(&self) -> Timestamp {
        self.followed_at
    }

    /// True if entries are missing between what was read and the page: this process slept for longer than the log
    /// reaches back, or the log is of another time, as after a restore.
    fn has_gap(&self, page: &Revocations) -> bool {
        let Some(read) = self.read else { return false };
        let next = page.entries.first().map_or(page.last, |(number, ..)| number.saturating_sub(1));
        next != read
    }

    fn forget(&mut self, now: Timestamp) {
        self.sessions.retain(|_, until| now < *until);
        self.accounts.retain(|_, (_, until)| now < *until);
        if self.sessions.len() + self.accounts.len() <= self.max {
            return;
        }
        let mut ends: Vec<Timestamp> = self.sessions.values().copied().collect();
        ends.extend(self.accounts.values().map(|(_, until)| *until));
        ends.sort_unstable();
        let cut = ends[ends.len() / 2];
        self.sessions.retain(|_, until| cut < *until);
        self.accounts.retain(|_, (_, until)| cut < *until);
        // What is forgotten ends here at the latest, and its tokens were signed so long before.
        let signed = cut.micros().saturating_sub(micros(ACCESS_LIFETIME + LEEWAY));
        self.floor = self.floor.max(Timestamp(signed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn claims(session: u8, account: u8, version: u32, seconds: i64) -> AccessClaims {
        AccessClaims {
            account: AccountId([account; 16]),
            session: SessionId([session; 16]),
            role: Role::Member,
            version,
            issued_at: at(seconds),
            expires_at: later(at(seconds), ACCESS_LIFETIME),
        }
    }

    fn page(entries: &[(u64, i64, Revocation)], last: u64) -> Revocations {
        let entry = |(number, seconds, what): &(u64, i64, Revocation)| (*number, at(*seconds), *what);
        Revocations { entries: entries.iter().map(entry).collect(), last }
    }

    fn take(revoked: &mut Revoked, page: &Revocations, now: Timestamp) -> bool {
        revoked.follow(revoked.place(), page, now)
    }

    #[test]
    fn a_page_that_another_look_has_overtaken_changes_nothing() {
        let mut revoked = Revoked::default();
        let (one, two) = (Revocation::Session(SessionId([1; 16])), Revocation::Session(SessionId([2; 16])));
        let slow = page(&[(1, 100, one)], 1);
        assert!(!take(&mut revoked, &page(&[(1, 100, one), (2, 100, two)], 2), at(101)));
        assert!(revoked.follow(0, &slow, at(102)), "to be read again");
        assert!(revoked.refuses(&claims(2, 9, 0, 99)) && !revoked.refuses(&claims(3, 9, 0, 99)));
        assert_eq!((revoked.place(), revoked.followed_at()), (2, at(101)));
    }

    #[test]
    fn what_the_log_names_is_refused_and_nothing_else() {
        let mut revoked = Revoked::default();
        let session = Revocation::Session(SessionId([1; 16]));
        assert!(take(&mut revoked, &page(&[(7, 100, session)], 8), at(100)));
        assert_eq!(revoked.place(), 7);
        assert!(!take(
            &mut revoked,
            &page(&[(8, 100, Revocation::Account(AccountId([5; 16]), 3))], 8),
            at(100)
        ));
        assert!(revoked.refuses(&claims(1, 9, 0, 99)) && revoked.refuses(&claims(2, 5, 2, 99)));
        assert!(!revoked.refuses(&claims(2, 5, 3, 99)) && !revoked.refuses(&claims(2, 9, 0, 99)));
        assert_eq!(revoked.followed_at(), at(100));
        // Once no token of before is good, nothing needs to be remembered.
        assert!(!take(&mut revoked, &page(&[], 8), at(100 + 911)));
        assert!(!revoked.refuses(&claims(1, 9, 0, 99)));
    }

    #[test]
    fn after_a_gap_everything_signed_before_is_refused() {
        let slept = |page: &Revocations| {
            let mut revoked = Revoked::default();
            take(&mut revoked, &self::page(&[], 4), at(100));
            take(&mut revoked, page, at(9_000));
            (revoked.refuses(&claims(1, 1, 0, 8_999)), revoked.refuses(&claims(1, 1, 0, 9_001)))
        };
        let entry = (6, 8_990, Revocation::Session(SessionId([7; 16])));
        assert_eq!(slept(&page(&[entry], 6)), (true, false), "the fifth was purged");
        assert_eq!(slept(&page(&[], 6)), (true, false), "all were purged");
        assert_eq!(slept(&page(&[], 2)), (true, false), "the log of a backup");
        assert_eq!(slept(&page(&[], 4)), (false, false), "nothing happened");
    }

    #[test]
    fn however_many_are_banned_the_memory_is_bounded_and_nobody_slips_through() {
        let mut revoked = Revoked { max: 10, ..Revoked::default() };
        for number in 1..=30 {
            let session = Revocation::Session(SessionId([number as u8; 16]));
            take(&mut revoked, &page(&[(number, 100, session)], number), at(100));
        }
        assert!(revoked.sessions.len() <= 10);
        assert!((1..=30).all(|number| revoked.refuses(&claims(number, 1, 0, 99))));
    }
}
