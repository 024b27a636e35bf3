//! What the rules refuse, as problems that say what to do.

use manazir_people::{Error, Profile, Refusal, UserId};

use super::user::called;
use crate::Problem;

impl Problem {
    /// Why a store did not do it. `people` are those whom it was about, for their names: numbers mean nothing out
    /// there.
    pub(crate) fn of_people(error: Error, people: &[&Profile]) -> Self {
        match error {
            Error::Refused(refusal) => Self::of_refusal(&refusal, people),
            Error::Away(what, source) => {
                tracing::warn!(what, "people or their graph are not to be reached");
                manazir_ingest::Error::Unreachable { what: "database", source }.into()
            }
            Error::Damaged { .. } | Error::Forgotten(_) => Self::internal(&error),
        }
    }

    /// See [`Problem::of_people`].
    pub(super) fn of_refusal(refusal: &Refusal, people: &[&Profile]) -> Self {
        let name = |user: UserId| {
            let known = people.iter().find(|one| one.id == user);
            known.map_or_else(|| "a user".to_owned(), |one| called(one))
        };
        match refusal {
            Refusal::UnknownUser(_) => Self::not_found("there is no such user, or no longer"),
            Refusal::Oneself => {
                let detail = "a user has no tie with themselves: name somebody else";
                Self::invalid(detail, Vec::new())
            }
            Refusal::AlreadyConnected => {
                let detail = "the two are connected already: there is nothing left to do";
                Self::conflict("already-connected", "They are connected", detail)
            }
            Refusal::NotConnected => Self::not_found("the two are not connected: there is nothing to remove"),
            Refusal::AlreadyAsked => {
                let detail = "the request waits for an answer: wait, or cancel it";
                Self::conflict("already-asked", "It was asked before", detail)
            }
            Refusal::NoRequest => {
                Self::not_found("no such request waits: it was answered or cancelled, or never sent")
            }
            Refusal::Blocked => {
                let detail =
                    "one of the two blocks the other: there is no connection until the block is taken back";
                Self::conflict("cannot-connect", "The two cannot be connected", detail)
            }
            Refusal::Deactivated(user) => {
                let detail = format!("{} is deactivated: bring them back first", name(*user));
                Self::conflict("deactivated", "Somebody is deactivated", detail)
            }
            Refusal::Full { user, max } => {
                let detail =
                    format!("{} has {max} contacts, the most there can be: remove one first", name(*user));
                Self::conflict("full", "No room for a contact", detail)
            }
            Refusal::TooMany { user, what, max } => {
                let detail =
                    format!("{} has {max} {what}, the most there can be: remove some first", name(*user));
                Self::conflict("full", "No room for more", detail)
            }
            Refusal::LastAdmin => {
                let detail = "the last administrator stays: give somebody else that role first";
                Self::conflict("last-administrator", "Nobody would run the place", detail)
            }
            Refusal::Taken { field } => {
                let detail =
                    format!("another user has this {field}: choose another, or look that user up by it");
                Self::conflict("taken", "It is taken", detail)
            }
            Refusal::Invalid { field, why } => {
                Self::invalid(format!("{field} {why}"), vec![format!("{field} {why}")])
            }
        }
    }
}

/// What is told to a person who asks another.
///
/// Whoever is blocked must not learn it: they get the very answer that they get where the other has no room or takes no
/// part.
pub(super) fn told_to_asker(refusal: &Refusal, by: &Profile, to: &Profile, blocks: bool) -> Problem {
    let is_of_other = match refusal {
        Refusal::Blocked => true,
        Refusal::Full { user, .. } | Refusal::TooMany { user, .. } | Refusal::Deactivated(user) => {
            *user == to.id
        }
        _ => false,
    };
    if !is_of_other {
        return Problem::of_refusal(refusal, &[by, to]);
    }
    let title = "The two cannot be connected";
    let detail = match blocks {
        true => "you block this user: take the block back first",
        false => {
            "this user takes no request at the moment: reach them in another way, or try again another day"
        }
    };
    Problem::conflict("cannot-connect", title, detail)
}
