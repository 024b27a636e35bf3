//! The profiles of the truth in memory.

use async_trait::async_trait;
use manazir_model::Timestamp;
use uuid::Uuid;

use super::{InMemoryPeople, Inside};
use crate::{
    Change, Error, NewProfile, PeopleStore, PersonState, Profile, ProfileKey, ProfilePatch, Refusal,
    SearchRank, UserId, search_rank,
};

/// What a profile is found by besides its number, and what each is called when another has it.
fn keys(profile: &Profile) -> Vec<(ProfileKey, &'static str)> {
    let email = profile.email.clone().map(|email| (ProfileKey::Email(email), "email"));
    let username =
        profile.username.as_deref().map(|name| (ProfileKey::Username(name.to_lowercase()), "username"));
    let public = (ProfileKey::Public(profile.public_id), "public_id");
    [Some(public), email, username].into_iter().flatten().collect()
}

impl Inside {
    fn join(&mut self, new: NewProfile) -> Result<Profile, Error> {
        let last = self.profiles.last_key_value().map_or(0, |(user, _)| user.0);
        let profile = new.joined(UserId(last + 1));
        let keys = keys(&profile);
        if let Some((_, field)) = keys.iter().find(|(key, _)| self.keys.contains_key(key)) {
            return Err(Refusal::Taken { field }.into());
        }
        self.commit(Change::Person { user: profile.id, state: profile.state })?;
        self.keys.extend(keys.into_iter().map(|(key, _)| (key, profile.id)));
        self.profiles.insert(profile.id, profile.clone());
        Ok(profile)
    }

    /// Whoever is not erased.
    fn known(&self, user: UserId) -> Result<&Profile, Refusal> {
        let known = self.profiles.get(&user).filter(|profile| profile.state != PersonState::Erased);
        known.ok_or(Refusal::UnknownUser(user))
    }

    fn erase(&mut self, profile: &Profile, at: Timestamp) -> Profile {
        for (key, _) in keys(profile) {
            if !matches!(key, ProfileKey::Public(_)) {
                self.keys.remove(&key);
            }
        }
        self.recommendations.remove(&profile.id);
        self.recommendations.values_mut().for_each(|theirs| drop(theirs.remove(&profile.id)));
        profile.erased(at)
    }
}

#[async_trait]
impl PeopleStore for InMemoryPeople {
    async fn create(&self, new: &NewProfile) -> Result<Profile, Error> {
        let new = new.sound()?;
        self.change().join(new)
    }

    async fn update(&self, user: UserId, patch: &ProfilePatch, at: Timestamp) -> Result<Profile, Error> {
        let mut inside = self.change();
        let changed = patch.applied(inside.known(user)?, at)?;
        inside.profiles.insert(user, changed.clone());
        Ok(changed)
    }

    async fn profile(&self, key: &ProfileKey) -> Result<Option<Profile>, Error> {
        let inside = self.read();
        let user = match key {
            ProfileKey::Id(user) => Some(*user),
            ProfileKey::Public(_) => inside.keys.get(key).copied(),
            ProfileKey::Username(name) => {
                inside.keys.get(&ProfileKey::Username(name.to_lowercase())).copied()
            }
            ProfileKey::Email(email) => inside.keys.get(&ProfileKey::Email(email.to_lowercase())).copied(),
        };
        Ok(user.and_then(|user| inside.profiles.get(&user)).cloned())
    }

    async fn numbers(&self, public_ids: &[Uuid]) -> Result<Vec<Option<UserId>>, Error> {
        let inside = self.read();
        let number = |id: &Uuid| {
            let user = inside.keys.get(&ProfileKey::Public(*id))?;
            inside.known(*user).ok().map(|found| found.id)
        };
        Ok(public_ids.iter().map(number).collect())
    }

    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        let inside = self.read();
        Ok(users.iter().filter_map(|user| inside.profiles.get(user)).cloned().collect())
    }

    async fn set_state(&self, user: UserId, state: PersonState, at: Timestamp) -> Result<Profile, Error> {
        let mut inside = self.change();
        let before = inside.profiles.get(&user).cloned().ok_or(Refusal::UnknownUser(user))?;
        if before.state == state {
            return Ok(before);
        }
        inside.known(user)?;
        let after = match state {
            PersonState::Erased => inside.erase(&before, at),
            PersonState::Active | PersonState::Deactivated => Profile { state, changed_at: at, ..before },
        };
        inside.commit(Change::Person { user, state })?;
        inside.profiles.insert(user, after.clone());
        Ok(after)
    }

    async fn search(&self, query: &str, max: usize) -> Result<Vec<Profile>, Error> {
        let inside = self.read();
        let ranked = inside.profiles.values().filter_map(|one| Some((search_rank(query, one)?, one)));
        let mut found: Vec<(SearchRank, &Profile)> = ranked.collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(found.into_iter().take(max).map(|(_, profile)| profile.clone()).collect())
    }
}
