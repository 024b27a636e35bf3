//! Slow hashes of passwords: argon2id, how many at a time, and the same work for an account that does not exist.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;

use crate::Password;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashingCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes that could be worked on at once.
    pub lanes: u32,
}

impl HashingCost {
    /// The least that OWASP's Password Storage Cheat Sheet asks of argon2id: 19 MiB, two passes, one lane. About 30 ms
    /// of one core.
    pub const OWASP: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// The cheapest that argon2 allows, for tests of what is around the hash.
    pub const CHEAPEST: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
}

/// Why a password cannot be hashed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// The cost is out of argon2's range.
    #[error("argon2id cannot be run with {0:?}")]
    Cost(HashingCost),
    /// What the store holds is no hash of ours.
    #[error("the stored hash of a password cannot be read")]
    Stored,
    /// The function failed, which happens when memory is short.
    #[error("argon2id failed")]
    Failed,
}

/// An argon2id hash as a PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// One that a store kept.
    pub fn stored(text: &str) -> Result<Self, HashingError> {
        let phc = Phc::new(text).map_err(|_| HashingError::Stored)?;
        let whole = phc.algorithm.as_str() == "argon2id" && phc.salt.is_some() && phc.hash.is_some();
        if whole { Ok(Self(text.to_owned())) } else { Err(HashingError::Stored) }
    }

    /// The PHC string, to be stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// What a comparison came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Not the password, or no such account.
    Wrong,
    /// The password.
    Right {
        /// True if the hash was made at another cost and is to be made anew now that the password is at hand.
        rehash: bool,
    },
}

/// Hashes and compares.
#[derive(Clone, Debug)]
pub struct Hasher {
    argon2: Argon2<'static>,
    nobody: PasswordHash,
}

impl Hasher {
    /// One at a cost.
    pub fn new(cost: HashingCost) -> Result<Self, HashingError> {
        let refused = || HashingError::Cost(cost);
        let output = Params::DEFAULT_OUTPUT_LEN;
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(output)).map_err(|_| refused())?;
        let nobody = Phc {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(|_| refused())?,
            salt: Some(Salt::new(&[0; 16]).map_err(|_| refused())?),
            hash: Some(Output::new(&[0; Params::DEFAULT_OUTPUT_LEN]).map_err(|_| refused())?),
        };
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { argon2, nobody: PasswordHash(nobody.to_string()) })
    }

    /// The hash of a password with a salt of random bytes.
    pub fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, HashingError> {
        let hashed: Phc = self
            .argon2
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(|_| HashingError::Failed)?;
        Ok(PasswordHash(hashed.to_string()))
    }

    /// Compares a password with the stored hash. Without one, as when nobody has the name, the same work is done
    /// against the hash of nobody, so that the time tells nothing.
    pub fn verify(
        &self,
        password: &Password,
        stored: Option<&PasswordHash>,
    ) -> Result<Verified, HashingError> {
        let against = stored.unwrap_or(&self.nobody);
        let phc = Phc::new(against.as_str()).map_err(|_| HashingError::Stored)?;
        let same = self.argon2.verify_password(password.as_bytes(), &phc).is_ok();
        if !same || stored.is_none() {
            return Ok(Verified::Wrong);
        }
        let params = Params::try_from(&phc).map_err(|_| HashingError::Stored)?;
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost(), params.output_len());
        Ok(Verified::Right { rehash: cost(&params) != cost(self.argon2.params()) })
    }

    /// The hash that stands for nobody's: as costly as any new one.
    pub fn nobody(&self) -> &PasswordHash {
        &self.nobody
    }
}

/// Work for a [`Hasher`], as a thing that can be carried to another thread.
#[derive(Clone, Debug)]
pub enum HashingWork {
    /// Make a hash.
    Hash {
        /// Of this.
        password: Password,
        /// With these random bytes.
        salt: [u8; 16],
    },
    /// Compare.
    Verify {
        /// This.
        password: Password,
        /// With this; `None` if there is no such account.
        stored: Option<PasswordHash>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashingDone {
    /// A hash.
    Hashed(PasswordHash),
    /// A comparison.
    Verified(Verified),
}

impl HashingWork {
    /// Does it, here and now; it takes tens of milliseconds of a core.
    pub fn perform(self, hasher: &Hasher) -> Result<HashingDone, HashingError> {
        match self {
            Self::Hash { password, salt } => hasher.hash(&password, salt).map(HashingDone::Hashed),
            Self::Verify { password, stored } => {
                hasher.verify(&password, stored.as_ref()).map(HashingDone::Verified)
            }
        }
    }
}

/// Why work was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashingRefused {
    /// Too many are at it or wait; try again soon.
    #[error("too many passwords are being checked at the moment")]
    Busy,
    /// It was tried.
    #[error(transparent)]
    Failed(#[from] HashingError),
}

/// Where hashing is done: a few at a time, away from the threads that answer, and never inside a transaction.
#[async_trait]
pub trait HashingGate: Send + Sync {
    /// Does the work when its turn comes, or refuses at once if too many wait.
    async fn run(&self, work: HashingWork) -> Result<HashingDone, HashingRefused>;
}

/// The places in front of a gate: of those who work and those who wait there are never more than a number.
#[derive(Clone, Debug)]
pub struct HashingPlaces {
    taken: Arc<AtomicUsize>,
    max: usize,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub struct HashingPlace(Arc<AtomicUsize>);

impl HashingPlaces {
    /// Places for `at_once` who work and `waiting` who wait.
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self { taken: Arc::default(), max: at_once + waiting }
    }

    /// A place, or none if all are taken.
    pub fn enter(&self) -> Option<HashingPlace> {
        let room = |taken| (taken < self.max).then_some(taken + 1);
        let entered = self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, room);
        entered.ok().map(|_| HashingPlace(Arc::clone(&self.taken)))
    }
}

impl Drop for HashingPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A gate without threads, which works where it is called: the twin of the real one.
#[derive(Debug)]
pub struct InPlace {
    hasher: Hasher,
    places: HashingPlaces,
}

impl InPlace {
    /// At most `at_once` callers at a time; nobody waits.
    pub fn new(hasher: Hasher, at_once: usize) -> Self {
        Self { hasher, places: HashingPlaces::new(at_once, 0) }
    }
}

#[async_trait]
impl HashingGate for InPlace {
    async fn run(&self, work: HashingWork) -> Result<HashingDone, HashingRefused> {
        let _place = self.places.enter().ok_or(HashingRefused::Busy)?;
        Ok(work.perform(&self.hasher)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::shown(text).unwrap()
    }

    #[test]
    fn a_hash_is_a_phc_string_at_the_cost_that_owasp_asks_for() {
        let hasher = Hasher::new(HashingCost::OWASP).unwrap();
        let hash = hasher.hash(&password("a quiet harbor"), [7; 16]).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_eq!(PasswordHash::stored(hash.as_str()), Ok(hash.clone()));
        assert_eq!(
            hasher.verify(&password("a quiet harbor"), Some(&hash)),
            Ok(Verified::Right { rehash: false })
        );
        assert_eq!(hasher.verify(&password("a quiet harbour"), Some(&hash)), Ok(Verified::Wrong));
        assert_eq!(format!("{hash:?}"), "PasswordHash");
    }

    #[test]
    fn a_hash_at_another_cost_is_right_and_to_be_made_anew() {
        let old = Hasher::new(HashingCost::CHEAPEST).unwrap();
        let new = Hasher::new(HashingCost { passes: 2, ..HashingCost::CHEAPEST }).unwrap();
        let hash = old.hash(&password("a quiet harbor"), [7; 16]).unwrap();
        assert_eq!(
            new.verify(&password("a quiet harbor"), Some(&hash)),
            Ok(Verified::Right { rehash: true })
        );
        assert_eq!(new.verify(&password("another"), Some(&hash)), Ok(Verified::Wrong));
    }

    #[test]
    fn what_is_no_hash_of_ours_is_not_taken_from_the_store() {
        for text in
            ["", "secret", "$2b$12$abc", "$argon2id$v=19$m=8,t=1,p=1", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA"]
        {
            assert_eq!(PasswordHash::stored(text), Err(HashingError::Stored), "{text}");
        }
        let none = HashingCost { memory_kib: 0, passes: 0, lanes: 0 };
        assert_eq!(Hasher::new(none).unwrap_err(), HashingError::Cost(none));
    }

    #[test]
    fn of_those_who_work_and_wait_there_are_never_more_than_places() {
        let places = HashingPlaces::new(2, 1);
        let taken: Vec<HashingPlace> = std::iter::from_fn(|| places.enter()).collect();
        assert_eq!(taken.len(), 3);
        drop(taken);
        assert!(places.enter().is_some());
        let full = InPlace::new(Hasher::new(HashingCost::CHEAPEST).unwrap(), 0);
        let work = HashingWork::Verify { password: password("x"), stored: None };
        assert_eq!(futures_executor::block_on(full.run(work)), Err(HashingRefused::Busy));
    }
}
