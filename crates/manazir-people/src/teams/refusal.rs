//! What can go wrong with teams and services.

use crate::UserId;

/// What the rules do not allow. The same again is refused again until something else changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeamRefusal {
    /// There is no such team, or no longer.
    #[error("there is no such team")]
    UnknownTeam,
    /// There is no such service, or no longer.
    #[error("there is no such service")]
    UnknownService,
    /// Whoever asks may not do it.
    #[error("only {who} may do that")]
    NotAllowed {
        /// Who may.
        who: &'static str,
    },
    /// A team that has members keeps an owner.
    #[error("the last owner of a team cannot go while others are in it: name another owner first")]
    LastOwner,
    /// The person is not in the team.
    #[error("user {0} is not in the team")]
    NotAMember(UserId),
    /// A deactivated or erased person gets nothing new.
    #[error("user {0} does not take part any more")]
    Inactive(UserId),
    /// Another has it.
    #[error("{field} is taken")]
    Taken {
        /// Which field.
        field: &'static str,
    },
    /// There are as many as there may be.
    #[error("there are {max} {what}, and there may be no more: remove some first")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// A value is not what the field takes.
    #[error("{field} {why}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it, as the end of a sentence.
        why: &'static str,
    },
}

/// Why a store does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(#[from] TeamRefusal),
    /// It cannot be reached, or is busy: the same again may succeed.
    #[error("the store of teams is not to be reached")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It failed in a way that the same again does not mend.
    #[error("the store of teams failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is there is not what was written.
    #[error("{what} cannot be read: {why}")]
    Damaged {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}
