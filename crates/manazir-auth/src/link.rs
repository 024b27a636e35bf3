//! Links that are good once and for a while: invitations, and ways to a new password.

use std::fmt;
use std::time::Duration;

use manazir_model::Timestamp;
use sha2::{Digest, Sha256};

use crate::hex::{hex, in_digits, unhex};
use crate::{AccountId, Email, Role, TokenHash};

/// How long an invitation is good.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How long a link for a new password is good: mail may be slow, but it lies in a mailbox.
pub const RESET_LIFETIME: Duration = Duration::from_secs(3_600);
/// So many invitations may be open at a time.
pub const INVITATIONS_MAX: usize = 1_000;

/// The secret of a link: `mzl_` and 64 hexadecimal digits. It is told once; only its hash is kept. `Debug` prints
/// nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret([u8; 32]);

impl LinkSecret {
    /// A new one from 32 random bytes.
    pub fn from_entropy(entropy: [u8; 32]) -> Self {
        Self(entropy)
    }

    /// One that somebody shows; `None` for any other text.
    pub fn shown(text: &str) -> Option<Self> {
        text.strip_prefix("mzl_").and_then(unhex).map(Self)
    }

    /// The text. See [`LinkSecret::page`].
    pub fn reveal(&self) -> String {
        format!("mzl_{}", hex(&self.0))
    }

    /// The address of the page `name` of an installation, where it is used: the secret stands behind the `#`, which
    /// browsers keep to themselves.
    pub fn page(&self, address: &str, name: &str) -> String {
        format!("{}/{name}#{}", address.trim_end_matches('/'), self.reveal())
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::from_bytes(
            Sha256::new().chain_update(b"manazir link").chain_update(self.0).finalize().into(),
        )
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkSecret")
    }
}

/// By which an invitation is named without its secret: the first 8 bytes of its hash, written as 16 hexadecimal digits.
/// Nobody comes from it to the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvitationId(pub [u8; 8]);

in_digits!(InvitationId);

impl InvitationId {
    /// The name of the invitation with this hash.
    pub fn of(hash: TokenHash) -> Self {
        Self(std::array::from_fn(|index| hash.as_bytes()[index]))
    }
}

/// An open invitation as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// By which it is withdrawn.
    pub id: InvitationId,
    /// What the account will be.
    pub role: Role,
    /// The only address that it may have, if the invitation was for one.
    pub email: Option<Email>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// A link as an administrator sees it; `None` if it is no invitation.
    pub fn of(hash: TokenHash, link: &Link) -> Option<Self> {
        let Purpose::Invitation { role, email } = &link.purpose else { return None };
        let id = InvitationId::of(hash);
        Some(Self { id, role: *role, email: email.clone(), expires_at: link.expires_at })
    }
}

/// What a link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To make an account.
    Invitation {
        /// Which it will be.
        role: Role,
        /// The only address that it may have, if the invitation was for one.
        email: Option<Email>,
    },
    /// To set a new password for this account.
    Reset(AccountId),
}

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is good for.
    pub purpose: Purpose,
    /// Until when.
    pub expires_at: Timestamp,
}
