//! On whose authority something is done to accounts of others.

use super::DeedRefused;
use crate::Deed;
use crate::access::AccessClaims;
use crate::audit::{Actor, Occasion};

/// Who stands behind a deed.
#[derive(Clone, Debug)]
pub enum Authority {
    /// A person, as far as the role goes.
    Person(AccessClaims),
    /// Whoever runs the installation: at its machine, or by an API token with the scope `admin`. It may do everything.
    Installation,
}

impl Authority {
    /// Refuses a deed that the role does not allow.
    pub fn may(&self, deed: Deed) -> Result<(), DeedRefused> {
        match self {
            Self::Person(claims) if !claims.role.may(deed) => Err(DeedRefused::Forbidden),
            Self::Person(_) | Self::Installation => Ok(()),
        }
    }

    /// The occasion as the audit log keeps it, if the deed is allowed.
    pub(super) fn allowed(&self, deed: Deed, on: &Occasion) -> Result<Occasion, DeedRefused> {
        self.may(deed)?;
        Ok(match self {
            Self::Person(claims) => claims.occasion(on),
            Self::Installation => Occasion { by: Actor::System, ..*on },
        })
    }
}

impl From<&AccessClaims> for Authority {
    fn from(claims: &AccessClaims) -> Self {
        Self::Person(claims.clone())
    }
}
