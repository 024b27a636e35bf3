//! The HTTP edge of the service: one router, one file a resource.
//!
//! A handler extracts, asks the domain, and shapes the answer. Who may call it says
//! `manazir_auth::permission`; a route without a line there answers nobody. Errors are RFC 9457 problems.

mod access;
mod app;
mod docs;
mod document;
mod edge;
mod etag;
mod events;
mod extract;
mod health;
mod ingest;
#[allow(dead_code, reason = "the lists of findings and dead letters come with their store")]
mod page;
mod problem;
mod router;
mod series;
mod tokens;

pub use app::{App, Limits};
pub use problem::Problem;
pub use router::{guarded, openapi, operation_router, router, serve};
