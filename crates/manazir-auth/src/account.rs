//! Accounts: who people are.

mod email;
pub(crate) mod fold;
mod username;

use manazir_model::Timestamp;

pub use email::{EMAIL_BYTES_MAX, Email, EmailFault};
pub use username::{USERNAME_MAX, USERNAME_MIN, Username, UsernameFault};

use crate::hex::in_digits;
use crate::{PasswordHash, Role};

/// An account's identity: 16 random bytes, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub [u8; 16]);

in_digits!(AccountId);

/// What is known of an account, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identity, which never changes.
    pub id: AccountId,
    /// What others call its owner.
    pub username: Username,
    /// Where letters go.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// What the picture is made from.
    pub avatar_seed: String,
    /// Grows with each change of password, role or ban: an access token with an older one is refused.
    pub version: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on nobody can sign in; `None` while it is good.
    pub banned_at: Option<Timestamp>,
}

/// An account with what is needed to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// The hash of its password; `None` if it has none, as one that was made for another way to sign in.
    pub password: Option<PasswordHash>,
}
