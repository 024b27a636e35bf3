//! Profiles, from the cache where it has them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use manazir_model::Timestamp;
use uuid::Uuid;

use super::Cached;
use super::cached::Look;
use super::kept::Kept;
use super::scope::{Entry, Scope, alias, bears};
use crate::{Error, NewProfile, PeopleStore, PersonState, Profile, ProfileKey, ProfilePatch, UserId};

/// Profiles that are looked up at once.
const PROFILES: usize = 500;

impl<P: PeopleStore> Cached<P> {
    /// Nobody is not kept: whoever joins next would be nobody for a while.
    async fn by_number(&self, user: UserId) -> Result<Option<Profile>, Error> {
        let key = ProfileKey::Id(user);
        self.answer(Entry::profile(user), self.people.profile(&key), Option::is_some).await
    }

    /// Where it is kept who has this key. Their profile tells whether they still do.
    async fn by_alias(&self, key: &ProfileKey, alias: String) -> Result<Option<Profile>, Error> {
        let number = self.plain(&alias).await.and_then(|bytes| bytes.try_into().ok());
        if let Some(user) = number.map(|bytes| UserId(u32::from_le_bytes(bytes)))
            && let Some(profile) = self.by_number(user).await?
            && bears(&profile, key)
        {
            return Ok(Some(profile));
        }
        let flight = Entry { key: alias.clone(), scopes: Vec::new() };
        let keep = |found: &Option<Profile>| {
            found.iter().map(|profile| (alias.clone(), profile.id.0.to_le_bytes().to_vec())).collect()
        };
        self.fly(&flight, self.people.profile(key), keep).await
    }

    async fn some(&self, users: &[UserId], found: &mut BTreeMap<UserId, Profile>) -> Result<(), Error> {
        let entries: Vec<Entry> = users.iter().copied().map(Entry::profile).collect();
        let looks = self.look(&entries).await.unwrap_or_default();
        let mut places: BTreeMap<UserId, (String, Look)> = BTreeMap::new();
        for ((user, entry), look) in users.iter().zip(&entries).zip(looks) {
            match look.found.as_deref().and_then(Option::<Profile>::read).flatten() {
                Some(profile) => drop(found.insert(*user, profile)),
                None => drop(places.insert(*user, (entry.key.clone(), look))),
            }
        }
        self.hit(found.len());
        let missing: Vec<UserId> = users.iter().copied().filter(|user| !found.contains_key(user)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let key = missing.iter().map(UserId::to_string).collect::<Vec<_>>().join(",");
        let scopes = missing.iter().copied().map(Scope::Person).chain([Scope::All]).collect();
        let keep = |loaded: &Vec<Profile>| {
            let kept = |profile: &Profile| {
                let (key, look) = places.get(&profile.id)?;
                Some((key.clone(), look.stamped(&Some(profile.clone()).written()?)))
            };
            loaded.iter().filter_map(kept).collect()
        };
        let loaded = self.fly(&Entry { key, scopes }, self.people.profiles(&missing), keep).await?;
        found.extend(loaded.into_iter().map(|profile| (profile.id, profile)));
        Ok(())
    }
}

#[async_trait]
impl<P: PeopleStore> PeopleStore for Cached<P> {
    /// Nothing is kept of whoever is not there yet; but somebody may just be told that there is nobody.
    async fn create(&self, new: &NewProfile) -> Result<Profile, Error> {
        let _grounded = self.flights().grounded();
        self.people.create(new).await
    }

    async fn update(&self, user: UserId, patch: &ProfilePatch, at: Timestamp) -> Result<Profile, Error> {
        let writing = self.writing(vec![Scope::Person(user)]);
        let updated = self.people.update(user, patch, at).await;
        self.written(writing).await;
        updated
    }

    async fn profile(&self, key: &ProfileKey) -> Result<Option<Profile>, Error> {
        match (key, alias(key)) {
            (ProfileKey::Id(user), _) => self.by_number(*user).await,
            (_, Some(alias)) => self.by_alias(key, alias).await,
            (_, None) => self.people.profile(key).await,
        }
    }

    async fn numbers(&self, public_ids: &[Uuid]) -> Result<Vec<Option<UserId>>, Error> {
        self.people.numbers(public_ids).await
    }

    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        let mut all = Vec::with_capacity(users.len());
        for users in users.chunks(PROFILES) {
            let mut found = BTreeMap::new();
            self.some(users, &mut found).await?;
            all.extend(users.iter().filter_map(|user| found.get(user)).cloned());
        }
        Ok(all)
    }

    /// Whoever leaves or comes back is on pages of others.
    async fn set_state(&self, user: UserId, state: PersonState, at: Timestamp) -> Result<Profile, Error> {
        let writing = self.writing(vec![Scope::Person(user), Scope::States]);
        let changed = self.people.set_state(user, state, at).await;
        self.written(writing).await;
        changed
    }

    async fn search(&self, query: &str, max: usize) -> Result<Vec<Profile>, Error> {
        self.people.search(query, max).await
    }
}
