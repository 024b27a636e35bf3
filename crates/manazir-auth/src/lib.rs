//! Who may do what: accounts and their passwords, API tokens with scopes, roles, and the one table of permissions.
//!
//! The default is to deny: a route without a line in [`permission::RULES`] answers nobody. Time, random bytes and
//! secrets are arguments: nothing here asks a clock or makes up a number.

pub mod access;
pub mod account;
pub mod audit;
mod cached;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod hashing;
mod hex;
pub mod identity;
pub mod keys;
pub mod limit;
pub mod link;
pub mod mail;
pub mod memory;
pub mod password;
pub mod permission;
pub mod provider;
pub mod revocation;
mod role;
mod seal;
pub mod service;
pub mod session;
mod span;
pub mod store;
mod token;

pub use access::AccessClaims;
pub use account::{Account, AccountId, Credentials, Email, EmailFault, Username, UsernameFault};
pub use cached::Cached;
pub use hashing::{Hasher, HashingCost, HashingGate, PasswordHash};
pub use mail::Mailer;
pub use password::{Password, PasswordFault};
pub use permission::{Access, Scope};
pub use role::{Deed, Role};
pub use service::Accounts;
pub use store::{AccountError, AccountStore};
pub use token::{Error, Secret, Token, TokenHash, TokenStore};
