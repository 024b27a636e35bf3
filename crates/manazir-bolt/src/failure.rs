//! What went wrong with the database, as far as a caller can do something about it.

use manazir_explain::Error;
use neo4rs::Error as Said;

/// What a server says if a transaction lost against another one, or cannot be served now: the same again may work.
const TRANSIENT: &str = "Neo.TransientError.";

/// Why something failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It did not answer in time.
    #[error("there was no answer in time")]
    Silent,
    /// What the client says, or what the server says by it.
    #[error("{place}: {said}")]
    Said {
        /// Which server.
        place: String,
        /// What it is about.
        #[source]
        said: Box<Said>,
    },
    /// The login was refused.
    #[error("{place} refuses the name or the password: {why}")]
    Login {
        /// Which server.
        place: String,
        /// In the words of the server.
        why: String,
    },
}

/// What it says if two transactions made the same node, neither of which saw the other's.
const MADE_TWICE: &str = "Neo.ClientError.Schema.ConstraintValidationFailed";

/// True if a transaction lost against another one, which is over now: the same again at once may work.
pub(crate) fn lost(said: &Said) -> bool {
    passes(said) || matches!(said, Said::Neo4j(error) if error.code() == MADE_TWICE)
}

/// True if the server says that the same again may work.
fn passes(said: &Said) -> bool {
    matches!(said, Said::Neo4j(error) if error.code().starts_with(TRANSIENT))
}

/// True if the server is away, or the connection is broken: the next one is a new one.
fn away(said: &Said) -> bool {
    matches!(
        said,
        Said::IOError { .. }
            | Said::ConnectionError
            | Said::ConnectionTimedOut
            | Said::IncompleteBoltExchange
    )
}

/// Wraps an error of the client.
pub(crate) fn failed(place: &str, said: Said) -> Error {
    const WHAT: &str = "graph database";
    let place = place.to_owned();
    match said {
        Said::AuthenticationError(why) => Error::store(Failure::Login { place, why }),
        said if away(&said) || passes(&said) => {
            Error::unreachable(WHAT, Failure::Said { place, said: said.into() })
        }
        said => Error::store(Failure::Said { place, said: said.into() }),
    }
}

/// Nobody answered in time.
pub(crate) fn silent() -> Error {
    Error::unreachable("graph database", Failure::Silent)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_mends_itself_is_told_from_what_does_not() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused).into();
        for passing in [refused(), Said::ConnectionTimedOut, Said::ConnectionError] {
            assert!(matches!(failed("db", passing), Error::Unreachable { .. }));
        }
        for lasting in [Said::AuthenticationError("no".to_owned()), Said::ConversionError] {
            assert!(matches!(failed("db", lasting), Error::Store(_)));
        }
    }
}
