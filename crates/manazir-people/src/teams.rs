//! Teams, the services they own, and where both come from.
//!
//! Rules only, as in the rest of the crate: [`decide`] says what becomes of a team that somebody changes,
//! [`decide_service`] the same of a service, and [`plan`] what becomes of both when files and labels tell of them. Every
//! store asks these in the transaction that writes.
//!
//! Each value knows who said it ([`Source`]), and what people entered is never overwritten by what is imported.

mod memory;
mod plan;
mod refusal;
mod rules;
mod service;
mod service_rules;
mod source;
mod store;
mod team;
mod text;
pub mod told;

pub use memory::InMemoryTeams;
pub use plan::{Holdings, Outcome, Plan, Step, What, plan};
pub use refusal::{TeamError, TeamRefusal};
pub use rules::{Caller, PersonFacts, TeamAct, decide, founded};
pub use service::{
    LABELS_MAX, NewService, OWNERS_MAX, Owner, SERVICES_MAX, Service, ServiceKey, ServicePatch,
};
pub use service_rules::{ServiceFacts, decide_new_service, decide_service, may_delete};
pub use source::{Source, Sourced};
pub use store::{
    Import, SHARED_LOOKED_AT_MAX, SHARED_SHOWN_MAX, TeamKey, TeamStore, TeamsPage, shared_evidence,
};
pub use team::{
    Held, Kept, MEMBERS_MAX, Member, NewTeam, Part, Standing, TEAMS_MAX, TEAMS_OF_PERSON_MAX, Team,
    TeamPatch, slug_of,
};
pub use told::{Fault, Told, ToldOwner, ToldService, ToldTeam};
