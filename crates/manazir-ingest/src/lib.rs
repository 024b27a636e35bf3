//! What comes in: messages, the queue they wait in, and the workers that judge them.
//!
//! The crate says what it needs of a queue and of a store in two traits, [`Queue`] and [`EventStore`], and
//! knows no runtime, no database and no broker. How nothing is lost follows from three rules:
//!
//! 1. a message is acknowledged to its sender when the queue has it on disk;
//! 2. a worker commits verdicts, the identities of the events and how far it has read in one step;
//! 3. only then is the message acknowledged to the queue, and the caller told.
//!
//! Whatever dies between two of these, the message is read again, and its identity shows that it was judged.

pub mod answers;
mod archive;
pub mod backoff;
pub mod dead_letters;
pub mod decode;
mod error;
pub mod findings;
pub mod jobs;
pub mod lake;
pub mod memory;
mod message;
pub mod outbox;
pub mod parts;
pub mod projection;
mod queue;
mod store;
pub mod truth;
pub mod worker;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use archive::{Archive, Places};
pub use error::Error;
pub use message::{EventId, Format, Message, PARTITIONS, ReplyTo, partition_of};
pub use queue::{Consumer, Delivery, Queue};
pub use store::{Commit, DeadLetter, EventStore, Held, Judged, Lease, Sampled, Snapshot, Standing, Stored};

#[cfg(test)]
mod tests;
