//! What was done to accounts, by whom, and from where.

use std::net::IpAddr;

use manazir_model::Timestamp;

use crate::AccountId;

/// Most characters of an entry's detail.
const DETAIL_CHARACTERS_MAX: usize = 200;
/// Of each kind so many entries are kept if nothing else is said: a flood of one kind pushes out no other.
pub const AUDIT_KEPT_PER_KIND: usize = 50_000;
/// Most entries of one answer.
pub const AUDIT_PAGE_MAX: usize = 500;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who is not signed in.
    Nobody,
    /// Somebody who is.
    Account(AccountId),
    /// The service itself, or whoever sits at its machine.
    System,
}

/// Who does something, from where, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// Who.
    pub by: Actor,
    /// From where, as far as it is known.
    pub address: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// What was done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditKind { $($(#[$doc])* $kind,)* }

        impl AuditKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its word on the wire and in a store.
            pub fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)* }
            }
        }
    };
}

kinds! {
    /// An account was made.
    Registered = "registered",
    /// Somebody signed in.
    SignedIn = "signed_in",
    /// Somebody showed a wrong password.
    SignInFailed = "sign_in_failed",
    /// Somebody tried too often.
    SignInHeld = "sign_in_held",
    /// A session was ended by its owner, an administrator, a new password or too many others.
    SessionEnded = "session_ended",
    /// A refresh token was used a second time: the session was ended.
    TokenReused = "token_reused",
    /// A password was changed by its owner.
    PasswordChanged = "password_changed",
    /// A password was set by a link.
    PasswordReset = "password_reset",
    /// An account got another role.
    RoleGiven = "role_given",
    /// An account was banned.
    Banned = "banned",
    /// A banned account was let in again.
    LetIn = "let_in",
    /// Somebody was invited.
    Invited = "invited",
    /// An invitation was withdrawn before anybody used it.
    InvitationWithdrawn = "invitation_withdrawn",
    /// A link for a new password was made.
    ResetLinked = "reset_linked",
    /// An identity at a provider was linked to an account.
    IdentityLinked = "identity_linked",
    /// An identity was unlinked.
    IdentityUnlinked = "identity_unlinked",
    /// An account was erased, with what the audit log said of it before.
    Erased = "erased",
}

/// An entry to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// What was done.
    pub kind: AuditKind,
    /// To whose account, as far as there is one.
    pub account: Option<AccountId>,
    /// Who did it, from where, when.
    pub on: Occasion,
    /// A word more: a role, why a session ended. Never a secret.
    pub detail: String,
}

impl AuditEntry {
    /// An entry; its detail is cut to what a list can show.
    pub fn new(kind: AuditKind, account: Option<AccountId>, on: &Occasion, detail: &str) -> Self {
        let detail = detail.chars().filter(|character| !character.is_control()).take(DETAIL_CHARACTERS_MAX);
        Self { kind, account, on: *on, detail: detail.collect() }
    }
}

/// An entry that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Its number; later entries have greater ones.
    pub number: u64,
    /// What it says.
    pub entry: AuditEntry,
}
