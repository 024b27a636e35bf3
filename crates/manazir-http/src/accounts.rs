//! Accounts of people: registering, signing in, sessions, links, and what administrators see to.

pub(crate) mod administration;
pub(crate) mod audit;
pub(crate) mod devices;
pub(crate) mod elsewhere;
pub(crate) mod identities;
pub(crate) mod invitations;
mod json;
pub(crate) mod own;
mod post;
mod refusals;
pub(crate) mod registration;
pub(crate) mod resets;
pub(crate) mod sessions;
mod settings;
mod visit;

pub use elsewhere::CALLBACK;
pub use json::{AccountJson, InvitationJson, LinkJson, SessionJson};
pub use post::{Delivery, Post};
pub use settings::{AccountSettings, Registration};

pub(crate) use refusals::entropy;
