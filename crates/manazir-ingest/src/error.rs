//! What can go wrong with a queue or a store, as far as a caller can do something about it.

/// Why a message was not taken or a commit not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue holds as much as it may: come back later.
    #[error("the queue is full: {waiting} messages wait")]
    Full {
        /// Messages that wait to be written.
        waiting: usize,
    },
    /// The broker or the database does not answer; it is looked for again.
    #[error("the {what} cannot be reached")]
    Unreachable {
        /// Which one.
        what: &'static str,
        /// What the client says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The queue or store has been closed.
    #[error("the queue is closed")]
    Closed,
    /// The store holds something that cannot be read.
    #[error("{what} in the store cannot be read: {why}")]
    Damaged {
        /// Which entry.
        what: String,
        /// What was wrong with it.
        why: String,
    },
    /// The disk, the broker or the database failed.
    #[error("the store failed")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps an error of a connection.
    pub fn unreachable(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unreachable { what, source: source.into() }
    }

    /// Wraps an error of a client library.
    pub fn store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(source.into())
    }
}
