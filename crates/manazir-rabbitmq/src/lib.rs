//! RabbitMQ as the queue of several machines, as the way of the answers back, and as a [fan-out](fanout) of a stream.
//!
//! | what | name | kind |
//! |---|---|---|
//! | exchange | `manazir` | direct, durable |
//! | queue of a partition | `manazir.00` … `manazir.63`, bound under its name | durable; classic, or quorum on a cluster |
//! | inbox of a process whose callers wait | given at its start | exclusive, gone with the process |
//!
//! Of these queues one AMQP message holds many of ours, packed: what waits together for a partition is sent, confirmed and
//! acknowledged together. Connections come back by themselves, after a pause that grows and is never twice the
//! same; what was on its way then comes again, and is known by its identity.

mod answers;
mod backoff;
mod confirms;
mod consumer;
pub mod fanout;
mod link;
mod packed;
mod publisher;
mod source;

pub use answers::{RabbitAnswers, inbox};
pub use consumer::{RabbitConsumer, Stop};
pub use link::{Address, AddressError};
pub use publisher::{Config, RabbitQueue};
pub use source::{HandIn, Source, follow};
