//! Answers as bytes. What cannot be read is as if it were not there.

use manazir_model::Timestamp;
use uuid::Uuid;

use crate::{PersonState, Profile, Recommendation, UserId};

/// An answer that can be kept.
pub(super) trait Kept: Sized + Send {
    fn written(&self) -> Option<Vec<u8>>;
    fn read(bytes: &[u8]) -> Option<Self>;
}

type ProfileRow = (u32, u128, Option<String>, Option<String>, Option<String>, Option<String>, u8, i64, i64);

fn row(profile: &Profile) -> ProfileRow {
    let Profile { id, public_id, username, name, email, affiliation, state, joined_at, changed_at } =
        profile.clone();
    let state = match state {
        PersonState::Active => 0,
        PersonState::Deactivated => 1,
        PersonState::Erased => 2,
    };
    (id.0, public_id.as_u128(), username, name, email, affiliation, state, joined_at.0, changed_at.0)
}

fn profile(row: ProfileRow) -> Option<Profile> {
    let (id, public_id, username, name, email, affiliation, state, joined_at, changed_at) = row;
    let state = match state {
        0 => PersonState::Active,
        1 => PersonState::Deactivated,
        2 => PersonState::Erased,
        _ => return None,
    };
    let (joined_at, changed_at) = (Timestamp(joined_at), Timestamp(changed_at));
    let (id, public_id) = (UserId(id), Uuid::from_u128(public_id));
    Some(Profile { id, public_id, username, name, email, affiliation, state, joined_at, changed_at })
}

impl Kept for Vec<Profile> {
    fn written(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&self.iter().map(row).collect::<Vec<_>>()).ok()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let rows: Vec<ProfileRow> = postcard::from_bytes(bytes).ok()?;
        rows.into_iter().map(profile).collect()
    }
}

impl Kept for Option<Profile> {
    fn written(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&self.as_ref().map(row)).ok()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        match postcard::from_bytes::<Option<ProfileRow>>(bytes).ok()? {
            Some(row) => profile(row).map(Some),
            None => Some(None),
        }
    }
}

type RecommendationRow = (u32, u32, String, u32, String, i64);

impl Kept for Vec<Recommendation> {
    fn written(&self) -> Option<Vec<u8>> {
        let rows = self.iter().cloned().map(|one| {
            let Recommendation { user, recommended, source, score, reason, at } = one;
            (user.0, recommended.0, source, score, reason, at.0)
        });
        postcard::to_stdvec(&rows.collect::<Vec<RecommendationRow>>()).ok()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let rows: Vec<RecommendationRow> = postcard::from_bytes(bytes).ok()?;
        let one = |(user, recommended, source, score, reason, at)| {
            let (user, recommended, at) = (UserId(user), UserId(recommended), Timestamp(at));
            Recommendation { user, recommended, source, score, reason, at }
        };
        Some(rows.into_iter().map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_profile() -> impl Strategy<Value = Profile> {
        let text = || proptest::option::of(".{0,12}");
        let states = [PersonState::Active, PersonState::Deactivated, PersonState::Erased];
        let state = proptest::sample::select(states.to_vec());
        let ids = (any::<u32>(), any::<u128>());
        let texts = (text(), text(), text(), text());
        (ids, texts, state, any::<(i64, i64)>()).prop_map(|(ids, texts, state, times)| Profile {
            id: UserId(ids.0),
            public_id: Uuid::from_u128(ids.1),
            username: texts.0,
            name: texts.1,
            email: texts.2,
            affiliation: texts.3,
            state,
            joined_at: Timestamp(times.0),
            changed_at: Timestamp(times.1),
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(profiles in proptest::collection::vec(any_profile(), 0..4)) {
            prop_assert_eq!(Vec::read(&profiles.written().unwrap()), Some(profiles.clone()));
            let one = profiles.into_iter().next();
            prop_assert_eq!(Option::<Profile>::read(&one.written().unwrap()), Some(one));
        }

        #[test]
        fn damage_is_no_answer_or_another_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = Vec::<Profile>::read(&bytes);
            let _ = Option::<Profile>::read(&bytes);
            let _ = Vec::<Recommendation>::read(&bytes);
        }
    }
}
