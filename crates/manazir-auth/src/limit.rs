//! How often somebody may try: token buckets, and the ones in front of signing in.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use manazir_model::Timestamp;

use crate::Email;
use crate::span::{later, micros, until};

/// So many at once, and one more each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Then one more after each such time.
    pub every: Duration,
}

impl Rate {
    /// `count` at once and in each second.
    pub const fn per_second(count: u32) -> Self {
        Self { burst: count, every: Duration::from_micros(1_000_000 / count as u64) }
    }

    /// `count` at once and in each minute.
    pub const fn per_minute(count: u32) -> Self {
        Self { burst: count, every: Duration::from_micros(60_000_000 / count as u64) }
    }
}

/// A token bucket in eight bytes: when it will be full again. (The generic cell rate algorithm, ITU-T I.371.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// From when on it is full.
    pub full_at: Timestamp,
}

impl Bucket {
    /// A full one.
    pub const FULL: Self = Self { full_at: Timestamp(i64::MIN) };

    /// Takes one, or says how long to wait for it.
    pub fn take(&mut self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let deepest = later(now, rate.every.saturating_mul(rate.burst));
        // Not beyond what an empty one needs: a clock that was set back must not keep anybody out for as long.
        let full_at = later(self.full_at.clamp(now, deepest), rate.every);
        if full_at > deepest {
            return Err(until(full_at, deepest));
        }
        self.full_at = full_at;
        Ok(())
    }

    /// Gives one back.
    pub fn give_back(&mut self, rate: Rate) {
        self.full_at = Timestamp(self.full_at.micros().saturating_sub(micros(rate.every)));
    }
}

/// Buckets by key, of which so many are kept at most.
#[derive(Clone, Debug)]
pub struct Buckets<K> {
    rate: Rate,
    max: usize,
    young: HashMap<K, Bucket>,
    old: HashMap<K, Bucket>,
}

impl<K: Clone + Eq + Hash> Buckets<K> {
    /// Full ones, of which `max` are kept.
    pub fn new(rate: Rate, max: usize) -> Self {
        Self { rate, max, young: HashMap::new(), old: HashMap::new() }
    }

    /// The bucket of a key. Half of the room is for those that were used lately: when it is full, those that were not
    /// are forgotten, which is to say full. Whoever has that many addresses is not held by any limit on them.
    fn bucket(&mut self, key: &K) -> &mut Bucket {
        if !self.young.contains_key(key) {
            let known = self.old.remove(key).unwrap_or(Bucket::FULL);
            if self.young.len() >= self.max / 2 {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(key.clone(), known);
        }
        self.young.entry(key.clone()).or_insert(Bucket::FULL)
    }

    /// Takes one from the bucket of a key, or says how long to wait for it.
    pub fn take(&mut self, key: &K, now: Timestamp) -> Result<(), Duration> {
        let rate = self.rate;
        self.bucket(key).take(rate, now)
    }

    fn give_back(&mut self, key: &K) {
        let rate = self.rate;
        self.bucket(key).give_back(rate);
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// Where somebody is, for limits: one IPv4 address, or the 64 bits of an IPv6 address that a household gets, in which
/// it may choose the rest at will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(IpAddr);

impl Place {
    /// The place of an address. The address must be the one of the connection, or what a proxy that is named in the
    /// configuration says of it; never what a client says of itself.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into()),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// How often one may try to sign in, register, or ask for a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInRates {
    /// For one account from one place.
    pub pair: Rate,
    /// From one place, whatever the account.
    pub place: Rate,
    /// New accounts from one place.
    pub register: Rate,
    /// New accounts from one place, one after the other.
    pub register_next: Rate,
    /// Links for a new password from one place.
    pub reset: Rate,
    /// So many buckets of each kind are kept.
    pub buckets_max: usize,
}

impl Default for SignInRates {
    fn default() -> Self {
        Self {
            pair: Rate::per_minute(5),
            place: Rate::per_minute(20),
            register: Rate::per_minute(10),
            register_next: Rate { burst: 1, every: Duration::from_secs(1) },
            reset: Rate::per_minute(5),
            buckets_max: 65_536,
        }
    }
}

/// The buckets in front of signing in, of one process.
///
/// None is for an account alone: whoever tries a thousand passwords from elsewhere must not keep the owner out, who is
/// at another place. An account that does not exist has the same buckets as one that does.
#[derive(Clone, Debug)]
pub struct SignInLimits {
    pairs: Buckets<(String, Place)>,
    places: Buckets<Place>,
    registers: Buckets<Place>,
    next_registers: Buckets<Place>,
    resets: Buckets<Place>,
    told: Buckets<Place>,
}

impl SignInLimits {
    /// Full buckets.
    pub fn new(rates: SignInRates) -> Self {
        let max = rates.buckets_max;
        Self {
            pairs: Buckets::new(rates.pair, max),
            places: Buckets::new(rates.place, max),
            registers: Buckets::new(rates.register, max),
            next_registers: Buckets::new(rates.register_next, max),
            resets: Buckets::new(rates.reset, max),
            told: Buckets::new(Rate::per_minute(1), max),
        }
    }

    /// Lets somebody try to sign in, or says how long to wait.
    pub fn sign_in(&mut self, email: &Email, place: Place, now: Timestamp) -> Result<(), Duration> {
        self.places.take(&place, now)?;
        self.pairs.take(&(email.key().to_owned(), place), now)
    }

    /// Whoever signed in did not guess: an office behind one address does not use it up by coming to work.
    pub fn signed_in(&mut self, email: &Email, place: Place) {
        self.places.give_back(&place);
        self.pairs.give_back(&(email.key().to_owned(), place));
    }

    /// Lets somebody come back from a provider, where they have signed in, or says how long to wait.
    pub fn elsewhere(&mut self, place: Place, now: Timestamp) -> Result<(), Duration> {
        self.places.take(&place, now)
    }

    /// See [`SignInLimits::signed_in`]; of whoever came from a provider.
    pub fn came_in_elsewhere(&mut self, place: Place) {
        self.places.give_back(&place);
    }

    /// Lets somebody register, or says how long to wait.
    pub fn register(&mut self, place: Place, now: Timestamp) -> Result<(), Duration> {
        self.next_registers.take(&place, now)?;
        self.registers.take(&place, now)
    }

    /// Lets somebody ask for a link, or says how long to wait.
    pub fn reset(&mut self, place: Place, now: Timestamp) -> Result<(), Duration> {
        self.resets.take(&place, now)
    }

    /// True if it is to be told that somebody at this place is held back: once a minute, however often they try.
    pub fn is_told(&mut self, place: Place, now: Timestamp) -> bool {
        self.told.take(&place, now).is_ok()
    }

    /// How many buckets are kept.
    pub fn len(&self) -> usize {
        let by_place = [&self.places, &self.registers, &self.next_registers, &self.resets, &self.told];
        self.pairs.len() + by_place.map(Buckets::len).iter().sum::<usize>()
    }

    /// True if nobody has tried yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn place(last: u8) -> Place {
        Place::of(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_one_each_time() {
        let (mut bucket, rate) = (Bucket::FULL, Rate::per_minute(3));
        (0..3).for_each(|_| bucket.take(rate, at(0)).unwrap());
        assert_eq!(bucket.take(rate, at(5)), Err(Duration::from_secs(15)));
        assert_eq!(bucket.take(rate, at(20)), Ok(()));
        assert_eq!(bucket.take(rate, at(20)), Err(Duration::from_secs(20)));
        bucket.give_back(rate);
        assert_eq!(bucket.take(rate, at(20)), Ok(()));
        assert_eq!(bucket.take(rate, at(-9_000)), Err(Duration::from_secs(20)), "a clock that was set back");
    }

    #[test]
    fn guessing_from_one_place_keeps_nobody_out_elsewhere() {
        let mut limits = SignInLimits::new(SignInRates::default());
        let ada = Email::parse("ada@example.org").unwrap();
        let tries = (0..1_000).filter(|_| limits.sign_in(&ada, place(1), at(0)).is_ok()).count();
        assert_eq!(tries, 5);
        for guesser in 2..200 {
            let tries = (0..9).filter(|_| limits.sign_in(&ada, place(guesser), at(0)).is_ok()).count();
            assert_eq!(tries, 5);
        }
        assert_eq!(limits.sign_in(&ada, place(250), at(0)), Ok(()), "the owner, at another place");
    }

    #[test]
    fn many_accounts_from_one_place_are_one_guesser_and_an_office_is_not() {
        let mut limits = SignInLimits::new(SignInRates::default());
        let email = |index: usize| Email::parse(&format!("p{index}@example.org")).unwrap();
        let tries =
            (0..1_000).filter(|index| limits.sign_in(&email(*index), place(1), at(0)).is_ok()).count();
        assert_eq!(tries, 20);
        for index in 0..1_000 {
            assert_eq!(limits.sign_in(&email(index), place(2), at(0)), Ok(()));
            limits.signed_in(&email(index), place(2));
        }
    }

    #[test]
    fn a_household_is_one_place_however_it_writes_its_address() {
        let of = |text: &str| Place::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn however_many_come_the_memory_is_bounded_and_the_busiest_are_remembered() {
        let mut limits = SignInLimits::new(SignInRates { buckets_max: 100, ..SignInRates::default() });
        let ada = Email::parse("ada@example.org").unwrap();
        for index in 0..10_000u32 {
            let elsewhere = Place::of(IpAddr::from(index.to_be_bytes()));
            assert!(limits.sign_in(&ada, elsewhere, at(0)).is_ok());
            assert_eq!(limits.sign_in(&ada, place(1), at(0)).is_ok(), index < 5);
        }
        assert!(limits.len() <= 200, "{}", limits.len());
        assert!(limits.sign_in(&ada, place(1), at(0)).is_err());
    }

    proptest! {
        #[test]
        fn in_no_span_are_there_more_than_burst_and_what_flows_in(
            steps in prop::collection::vec(0i64..30, 1..200), burst in 1u32..8,
        ) {
            let rate = Rate { burst, every: Duration::from_secs(10) };
            let (mut bucket, mut now, mut taken) = (Bucket::FULL, 0, Vec::new());
            for step in steps {
                now += step;
                if bucket.take(rate, at(now)).is_ok() {
                    taken.push(now);
                }
            }
            for (index, from) in taken.iter().enumerate() {
                for (count, to) in taken[index..].iter().enumerate() {
                    prop_assert!(count as i64 <= i64::from(burst) + (to - from) / 10);
                }
            }
        }
    }
}
