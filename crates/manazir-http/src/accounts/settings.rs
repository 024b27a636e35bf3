//! What an installation decides about how people get in.

use std::sync::Arc;

use manazir_auth::link::LinkSecret;
use manazir_auth::provider::Elsewhere;

use super::Post;
use crate::Proxies;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Whoever comes.
    Open,
    /// Whoever was invited.
    #[default]
    Invited,
}

/// What an installation decides about how people get in.
#[derive(Clone, Debug, Default)]
pub struct AccountSettings {
    /// Who may make an account.
    pub registration: Registration,
    /// Where people find this installation, as `https://manazir.example.org`: links begin with it.
    pub address: String,
    /// Whose word counts for where somebody is.
    pub proxies: Proxies,
    /// Where letters are left.
    pub post: Post,
    /// A provider at which people sign in, beside a password.
    pub elsewhere: Option<Arc<Elsewhere>>,
}

impl AccountSettings {
    /// The address of the page where a person uses a link.
    pub fn page(&self, name: &str, link: &LinkSecret) -> String {
        link.page(&self.address, name)
    }
}
