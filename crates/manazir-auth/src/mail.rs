//! Letters about accounts: the port only. Whoever has no mail hands the links over otherwise.

use async_trait::async_trait;

use crate::Email;
use crate::link::LinkSecret;

/// What a letter is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// An invitation.
    Invitation(LinkSecret),
    /// The way to a new password.
    Reset(LinkSecret),
    /// A token of a session was used twice; the session was ended.
    TokenReused,
    /// The password was changed.
    PasswordChanged,
}

/// Why a letter did not go.
#[derive(Debug, thiserror::Error)]
#[error("the letter could not be sent")]
pub struct MailError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Sends letters. It is called after the answer is given, or the time that it takes would tell whether there is such
/// an account.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Sends a letter to an address that the store holds.
    async fn send(&self, to: &Email, letter: &Letter) -> Result<(), MailError>;
}
