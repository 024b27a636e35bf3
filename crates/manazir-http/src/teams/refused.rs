//! What the rules of teams refuse, as problems that say what to do.

use manazir_people::teams::{TeamError, TeamRefusal};

use crate::Problem;

impl From<TeamError> for Problem {
    fn from(error: TeamError) -> Self {
        match error {
            TeamError::Refused(refusal) => Self::from(&refusal),
            TeamError::Away(source) => {
                tracing::warn!("teams are not to be reached");
                manazir_ingest::Error::Unreachable { what: "database", source }.into()
            }
            TeamError::Failed(_) | TeamError::Damaged { .. } => Self::internal(&error),
        }
    }
}

impl From<&TeamRefusal> for Problem {
    /// Numbers of people mean nothing out there, so nobody is named.
    fn from(refusal: &TeamRefusal) -> Self {
        match refusal {
            TeamRefusal::UnknownTeam => no_team(),
            TeamRefusal::UnknownService => no_service(),
            TeamRefusal::NotAllowed { .. } => Self::forbidden(refusal.to_string()),
            TeamRefusal::LastOwner => {
                Self::conflict("last-owner", "Nobody would own the team", refusal.to_string())
            }
            TeamRefusal::NotAMember(_) => {
                Self::not_found("that person is not in the team: `GET` its members lists who is")
            }
            TeamRefusal::Inactive(_) => {
                let detail = "somebody who is named is deactivated: bring them back first, or name another";
                Self::conflict("deactivated", "Somebody is deactivated", detail)
            }
            TeamRefusal::Taken { field } => {
                let detail = format!("another has this {field}: choose another, or look it up by that");
                Self::conflict("taken", "It is taken", detail)
            }
            TeamRefusal::TooMany { .. } => Self::conflict("full", "No room for more", refusal.to_string()),
            TeamRefusal::Invalid { .. } => {
                let said = refusal.to_string();
                Self::invalid(said.clone(), vec![said])
            }
        }
    }
}

pub(super) fn no_team() -> Problem {
    Problem::not_found("there is no such team, or no longer: `GET /api/v1/teams` lists those there are")
}

pub(super) fn no_service() -> Problem {
    Problem::not_found("there is no such service, or no longer: `GET /api/v1/services` lists those there are")
}
