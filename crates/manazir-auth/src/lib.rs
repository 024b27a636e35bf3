//! Who may do what: API tokens with scopes, and the one table of permissions.
//!
//! The default is to deny: a route without a line in [`permission::RULES`] answers nobody.

mod cached;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod memory;
pub mod permission;
mod token;

pub use cached::Cached;
pub use permission::{Access, Scope};
pub use token::{Error, Secret, Token, TokenHash, TokenStore};
