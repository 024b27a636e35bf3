//! Who is meant, and whom a caller may act for.

use manazir_people::{PersonState, Profile, ProfileKey};
use uuid::Uuid;

use super::People;
use crate::Problem;
use crate::access::Caller;

/// What whoever has signed in may call themselves.
const ME: &str = "me";

/// An identifier as it is written in paths and bodies: with hyphens, or as 32 digits.
pub(crate) fn identifier(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| matches!(text.len(), 32 | 36))
}

/// The identifier of the person that calls; a program is none.
pub(super) fn caller_id(caller: &Caller) -> Option<Uuid> {
    caller.person.as_ref().map(|person| Uuid::from_bytes(person.account.0))
}

/// True if a person calls for themselves.
pub(super) fn is_own(caller: &Caller, user: &Profile) -> bool {
    caller_id(caller) == Some(user.public_id)
}

/// True if all that is known of somebody is for this caller.
pub(super) fn sees_all(caller: &Caller, user: &Profile) -> bool {
    caller.acts_for_all || is_own(caller, user)
}

fn meant(caller: &Caller, named: &str) -> Result<Uuid, Problem> {
    if named == ME {
        let none =
            || Problem::not_found("`me` is a person who has signed in; a token names the user by identifier");
        return caller_id(caller).ok_or_else(none);
    }
    let why = || {
        format!("`{named}` is neither `me` nor an identifier such as 0193a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d")
    };
    identifier(named).ok_or_else(|| Problem::invalid(why(), Vec::new()))
}

impl People {
    /// Somebody, whoever asks.
    pub(crate) async fn anyone(&self, caller: &Caller, named: &str) -> Result<Profile, Problem> {
        self.known(meant(caller, named)?).await
    }

    /// Somebody whom the caller may act for. Whether there are others is not told by who is refused.
    pub(super) async fn own(&self, caller: &Caller, named: &str) -> Result<Profile, Problem> {
        let meant = meant(caller, named)?;
        if !caller.acts_for_all && caller_id(caller) != Some(meant) {
            let detail = "a person acts for themselves alone: use `me`, or a token with the scope `people`";
            return Err(Problem::forbidden(detail));
        }
        self.known(meant).await
    }

    /// Somebody whom the caller may act for, and somebody else.
    pub(super) async fn own_and_other(
        &self,
        caller: &Caller,
        user: &str,
        other: &str,
    ) -> Result<(Profile, Profile), Problem> {
        let user = self.own(caller, user).await?;
        Ok((user, self.anyone(caller, other).await?))
    }

    /// Whoever a key finds.
    pub(crate) async fn found(&self, key: &ProfileKey) -> Result<Option<Profile>, Problem> {
        let found = self.store.profile(key).await.map_err(|error| Problem::of_people(error, &[]))?;
        Ok(found.filter(|user| user.state != PersonState::Erased))
    }

    async fn known(&self, id: Uuid) -> Result<Profile, Problem> {
        let found = self.found(&ProfileKey::Public(id)).await?;
        found.ok_or_else(|| {
            Problem::not_found(format!("there is no user {id}; `GET /api/v1/users?search=` finds people"))
        })
    }
}
