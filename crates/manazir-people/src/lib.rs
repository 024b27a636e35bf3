//! People: their profiles, and the connection graph between them.
//!
//! Words and rules only. What a person may do to another is decided by one pure function, [`decide`], from what holds
//! between the two; every store asks it inside the transaction that writes. What it grants are [`Change`]s, which say
//! what holds from now on and are numbered without a gap. [`ConnectionGraph`] is what they add up to, in memory: it is
//! loaded from any [`ConnectionLog`] and follows it ([`Following`]).
//!
//! Users are numbers here ([`UserId`]), given in the order of joining; what the world sees of them is in [`Profile`].

mod act;
mod change;
pub mod connections;
mod contacts;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
mod error;
mod following;
mod graph_store;
pub mod memory;
mod page;
mod people_store;
mod profile;
mod recommendation;
mod search;
mod suggestion;
mod user;

pub use act::{Act, Action, Facts, Limits, Pair, Relation, Side, decide};
pub use change::{Change, TieKind};
pub use connections::ConnectionGraph;
pub use contacts::Contacts;
pub use error::{Error, Refusal};
pub use following::Following;
pub use graph_store::{ConnectionLog, GraphStore, List, Numbered, Written};
pub use page::{Listed, Listing, PAGE_MAX, Page, Start};
pub use people_store::{PeopleStore, ProfileKey};
pub use profile::{NewProfile, Profile, ProfilePatch};
pub use recommendation::{RECOMMENDATIONS_MAX, Recommendation, Which};
pub use search::{QUERY_CHARACTERS_MAX, SearchRank, folded, folded_query, search_rank};
pub use suggestion::{Evidence, Rank, SHOWN_CONTACTS_MAX, Suggestion, SuggestionQuery, Suggestions};
pub use user::{PersonState, USERS_MAX, UserId};
