//! The HTTP edge of the service: one router, one file a resource.
//!
//! A handler extracts, asks the domain, and shapes the answer. Who may call it says
//! `manazir_auth::permission`; a route without a line there answers nobody. Errors are RFC 9457 problems.

mod access;
mod accounts;
mod address;
mod anomalies;
mod app;
mod avatars;
mod dead_letters;
mod docs;
mod document;
mod edge;
mod etag;
mod events;
mod explanations;
mod extract;
mod health;
mod ingest;
mod jobs;
mod keys;
mod page;
mod people;
mod problem;
mod replay;
mod resuming;
mod rollups;
mod router;
mod search;
mod series;
mod serve;
mod tasks;
mod teams;
mod tokens;
mod topology;

pub use accounts::{
    AccountJson, AccountSettings, CALLBACK, Delivery, InvitationJson, LinkJson, Post, Registration,
    SessionJson,
};
pub use address::{ForwardedBy, Network, Peer, Proxies};
pub use anomalies::AnomalyJson;
pub use app::{App, Limits};
pub use avatars::{AvatarLimits, Avatars};
pub use dead_letters::DeadLetterJson;
pub use jobs::JobJson;
pub use keys::Keys;
pub use people::{People, PeopleLimits};
pub use problem::Problem;
pub use resuming::resume;
pub use router::{guarded, openapi, operation_router, router};
pub use serve::serve;
pub use tasks::Tasks;
