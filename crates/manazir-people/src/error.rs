//! What can go wrong: what the rules refuse, and what a store cannot do.

use crate::UserId;

/// What the rules do not allow. The same again is refused again until something else changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such person, or no longer.
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    /// A person can have no tie with themselves.
    #[error("a user can have no connection with themselves")]
    Oneself,
    /// They are connected.
    #[error("the two are already connected")]
    AlreadyConnected,
    /// They are not connected.
    #[error("the two are not connected")]
    NotConnected,
    /// The request is already there.
    #[error("a request is already waiting for an answer")]
    AlreadyAsked,
    /// There is no request to answer or to cancel.
    #[error("there is no request")]
    NoRequest,
    /// One of the two blocks the other. Whoever is told must not learn which.
    #[error("the two cannot be connected")]
    Blocked,
    /// A deactivated person gets nothing new.
    #[error("user {0} is deactivated")]
    Deactivated(UserId),
    /// A person has as many contacts as anyone may have.
    #[error("user {user} has {max} contacts or more, and gets no further ones: remove one first")]
    Full {
        /// Who.
        user: UserId,
        /// How many one may have.
        max: usize,
    },
    /// A list of a person other than the contacts is full.
    #[error("user {user} has {max} {what}, and gets no further ones: remove some first")]
    TooMany {
        /// Whose.
        user: UserId,
        /// Of what.
        what: &'static str,
        /// How many one may have.
        max: usize,
    },
    /// Nobody who may run the place would be left.
    #[error("the last administrator stays: make somebody else one first")]
    LastAdmin,
    /// Another profile has it.
    #[error("{field} is taken")]
    Taken {
        /// Which field.
        field: &'static str,
    },
    /// A value is not what the field takes.
    #[error("{field} {why}")]
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong with it, as the end of a sentence.
        why: &'static str,
    },
}

/// Why a store does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be reached, or is busy: the same again may succeed.
    #[error("{0} is not to be reached")]
    Away(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is there is not what was written.
    #[error("{what} cannot be read: {why}")]
    Damaged {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The log no longer reaches so far back: whoever follows it loads anew.
    #[error("changes up to {0} are no longer in the log")]
    Forgotten(u64),
}
