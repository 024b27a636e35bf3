//! Sensors: messages of an MQTT broker as a source.
//!
//! The broker knows us by a name that stays, and keeps what arrives while we are away (MQTT 3.1.1, a session that is
//! not clean, quality of service 1). A message is acknowledged to it after it was handed in: whoever dies in between
//! gets it again.

mod address;
mod connection;
mod source;
mod topics;

pub use address::{Address, AddressError};
pub use connection::Received;
pub use source::{HandIn, follow};
pub use topics::{TopicError, Topics};

use std::fmt;

/// Which broker, and what of it.
#[derive(Clone)]
pub struct Source {
    /// The broker.
    pub address: Address,
    /// What is subscribed to.
    pub topics: Topics,
    /// Our name there. Of two clients of one name the broker throws the first out; a session is that of its name.
    pub client_id: String,
    /// Of a longer payload only the beginning is handed in.
    pub payload_bytes_max: usize,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} as {}", self.address, self.client_id)
    }
}
