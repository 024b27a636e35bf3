//! The changing parts of the paths.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::Problem;
use crate::people::identifier;

/// One team.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfTeam {
    /// A team, by identifier.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    team: String,
}

/// One team and somebody.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfMember {
    /// A team, by identifier.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    team: String,
    /// A person, by identifier; `me` is whoever has signed in.
    #[param(pattern = "^(me|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$")]
    pub(super) user: String,
}

/// One service.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfService {
    /// A service, by identifier.
    #[param(pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    service: String,
}

impl OfTeam {
    pub(crate) fn id(&self) -> Result<Uuid, Problem> {
        read(&self.team)
    }
}

impl OfMember {
    pub(super) fn id(&self) -> Result<Uuid, Problem> {
        read(&self.team)
    }
}

impl OfService {
    pub(crate) fn id(&self) -> Result<Uuid, Problem> {
        read(&self.service)
    }
}

/// An identifier.
pub(super) fn read(text: &str) -> Result<Uuid, Problem> {
    identifier(text).ok_or_else(|| {
        let detail = format!("`{text}` is no identifier such as 0193a3c4-5e6f-7a8b-9c0d-1e2f3a4b5c6d");
        Problem::invalid(detail, Vec::new())
    })
}
