//! An account and its person are one: they are made together and end together, in one transaction.
//!
//! The identity of the account is the public identifier of the person. Whoever was brought in by another system and has
//! no account yet gets theirs by an invitation to their own address, and keeps connections and recommendations.

use manazir_auth::audit::{Actor, Occasion};
use manazir_auth::store::{Changed, Created, NewAccount};
use manazir_auth::{AccountId, Email};
use manazir_model::Timestamp;
use manazir_people::{Error, NewProfile, PersonState, Profile, Refusal};
use uuid::Uuid;

use super::change::{leave, set_banned};
use super::log::Log;
use crate::failure::failed_people;
use crate::people::SqlPeople;
use crate::statement::Connection;

/// The identity of the person of a new account, who joins unless they are there. `is_theirs` says that whoever makes
/// the account was invited at its address: without that, nobody becomes somebody who is known.
pub(super) async fn of(
    connection: &mut Connection<'_>,
    people: &SqlPeople,
    new: &NewAccount,
    is_theirs: bool,
    at: Timestamp,
) -> Result<Result<AccountId, Created>, sqlx::Error> {
    let person = match is_theirs {
        true => known(connection, people, new, &new.email, at).await,
        false => Ok(None),
    };
    let person = match person {
        Ok(None) => people.join(connection, &joining(new, at)).await,
        Ok(Some(person)) => Ok(person),
        Err(error) => Err(error),
    };
    match person {
        Ok(person) => Ok(Ok(AccountId(*person.public_id.as_bytes()))),
        Err(Error::Refused(Refusal::Taken { field })) => {
            let username = field == "username";
            Ok(Err(Created::Taken { username, email: !username }))
        }
        Err(error) => Err(as_sql(error)),
    }
}

/// Whoever has this address already, with the user name of the account from now on.
async fn known(
    connection: &mut Connection<'_>,
    people: &SqlPeople,
    new: &NewAccount,
    email: &Email,
    at: Timestamp,
) -> Result<Option<Profile>, Error> {
    people.rename(connection, &email.address().to_lowercase(), new.username.as_str(), at).await
}

fn joining(new: &NewAccount, at: Timestamp) -> NewProfile {
    NewProfile {
        public_id: Uuid::from_bytes(new.id.0),
        username: Some(new.username.as_str().to_owned()),
        name: None,
        email: new.email.address().to_owned(),
        affiliation: None,
        at,
    }
}

/// What a person's new state does to their account, if they have one: it goes with the erased, lets nobody in while they
/// are deactivated, and does again when they come back.
pub(crate) async fn follow(connection: &mut Connection<'_>, person: &Profile) -> Result<(), Error> {
    let id = AccountId(*person.public_id.as_bytes());
    let on = Occasion { by: Actor::System, address: None, at: person.changed_at };
    let mut log = Log::default();
    let changed = match person.state {
        PersonState::Active => set_banned(connection, id, false, &on, &mut log).await,
        PersonState::Deactivated => leave(connection, id, false, &on, &mut log).await,
        PersonState::Erased => leave(connection, id, true, &on, &mut log).await,
    };
    match changed.map_err(failed_people)? {
        Changed::LastAdmin => Err(Refusal::LastAdmin.into()),
        Changed::Done(_) | Changed::Unknown => log.write(connection).await.map_err(failed_people),
    }
}

/// An error of the store of people as one of the database, which it was.
fn as_sql(error: Error) -> sqlx::Error {
    match error {
        Error::Away(what, source) => match source.downcast::<sqlx::Error>() {
            Ok(source) => *source,
            Err(source) => sqlx::Error::Decode(Error::Away(what, source).into()),
        },
        error => sqlx::Error::Decode(error.into()),
    }
}
