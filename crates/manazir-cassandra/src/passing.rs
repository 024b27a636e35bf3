//! Which errors mend themselves: the same again may succeed.

use std::error::Error;

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, PrepareError, RequestAttemptError, SchemaAgreementError,
};

/// An error of the client.
pub(crate) trait Passing: Error + Send + Sync + 'static {
    /// True if the cluster is away, or busy.
    fn passes(&self) -> bool;
}

impl Passing for NewSessionError {
    fn passes(&self) -> bool {
        match self {
            Self::FailedToResolveAnyHostname(_) => true,
            Self::MetadataError(error) => metadata(error),
            _ => false,
        }
    }
}

impl Passing for PrepareError {
    fn passes(&self) -> bool {
        match self {
            Self::ConnectionPoolError(error) => pool(error),
            Self::AllAttemptsFailed { first_attempt } => attempt(first_attempt),
            _ => false,
        }
    }
}

impl Passing for ExecutionError {
    fn passes(&self) -> bool {
        match self {
            // No node is known to be there now.
            Self::EmptyPlan | Self::RequestTimeout(_) => true,
            Self::PrepareError(error) => error.passes(),
            Self::ConnectionPoolError(error) => pool(error),
            Self::LastAttemptError(error) => attempt(error),
            Self::SchemaAgreementError(error) => schema(error),
            Self::MetadataError(error) => metadata(error),
            _ => false,
        }
    }
}

fn schema(error: &SchemaAgreementError) -> bool {
    match error {
        SchemaAgreementError::Timeout(_) | SchemaAgreementError::RequiredHostAbsent(_) => true,
        SchemaAgreementError::ConnectionPoolError(error) => pool(error),
        SchemaAgreementError::PrepareError(error) => error.passes(),
        SchemaAgreementError::RequestError(error) => attempt(error),
        _ => false,
    }
}

fn metadata(error: &MetadataError) -> bool {
    match error {
        MetadataError::ConnectionPoolError(error) => pool(error),
        // A node that starts or stops answers with half of it.
        MetadataError::FetchError(_) | MetadataError::Peers(_) => true,
        _ => false,
    }
}

fn pool(error: &ConnectionPoolError) -> bool {
    match error {
        ConnectionPoolError::Initializing => true,
        ConnectionPoolError::Broken { last_connection_error } => connection(last_connection_error),
        _ => false,
    }
}

fn connection(error: &ConnectionError) -> bool {
    match error {
        ConnectionError::ConnectTimeout
        | ConnectionError::IoError(_)
        | ConnectionError::BrokenConnection(_)
        | ConnectionError::NoSourcePortForShard(_) => true,
        ConnectionError::ConnectionSetupRequestError(error) => match &error.error {
            ConnectionSetupRequestErrorKind::DbError(said, _) => database(said),
            ConnectionSetupRequestErrorKind::BrokenConnection(_)
            | ConnectionSetupRequestErrorKind::UnableToAllocStreamId => true,
            _ => false,
        },
        _ => false,
    }
}

fn attempt(error: &RequestAttemptError) -> bool {
    match error {
        RequestAttemptError::UnableToAllocStreamId | RequestAttemptError::BrokenConnectionError(_) => true,
        RequestAttemptError::DbError(said, _) => database(said),
        _ => false,
    }
}

/// What a node says. An error of the server is what a node says whose disk is full or which is about to stop.
fn database(said: &DbError) -> bool {
    matches!(
        said,
        DbError::Unavailable { .. }
            | DbError::Overloaded
            | DbError::IsBootstrapping
            | DbError::ReadTimeout { .. }
            | DbError::WriteTimeout { .. }
            | DbError::ReadFailure { .. }
            | DbError::WriteFailure { .. }
            | DbError::ServerError
            | DbError::RateLimitReached { .. }
    )
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    use scylla::errors::{UseKeyspaceError, WriteType};
    use scylla::statement::Consistency;

    use super::*;

    fn said(said: DbError) -> ExecutionError {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(said, String::new()))
    }

    #[test]
    fn what_mends_itself_is_tried_again() {
        let consistency = Consistency::Quorum;
        let refused = ConnectionError::IoError(Arc::new(io::ErrorKind::ConnectionRefused.into()));
        let broken = ConnectionPoolError::Broken { last_connection_error: refused };
        for error in [
            said(DbError::Unavailable { consistency, required: 2, alive: 1 }),
            said(DbError::Overloaded),
            said(DbError::IsBootstrapping),
            said(DbError::WriteTimeout {
                consistency,
                received: 1,
                required: 2,
                write_type: WriteType::Counter,
            }),
            ExecutionError::RequestTimeout(Duration::from_secs(1)),
            ExecutionError::ConnectionPoolError(broken.clone()),
            ExecutionError::PrepareError(PrepareError::ConnectionPoolError(broken.clone())),
            ExecutionError::SchemaAgreementError(SchemaAgreementError::Timeout(Duration::from_secs(1))),
        ] {
            assert!(error.passes(), "{error}");
        }
        assert!(NewSessionError::MetadataError(MetadataError::ConnectionPoolError(broken)).passes());
        assert!(NewSessionError::FailedToResolveAnyHostname(vec!["db".to_owned()]).passes());
    }

    #[test]
    fn what_stays_as_it_is_is_refused() {
        for error in [
            said(DbError::SyntaxError),
            said(DbError::Invalid),
            said(DbError::Unauthorized),
            said(DbError::AuthenticationError),
            said(DbError::ConfigError),
            ExecutionError::UseKeyspaceError(UseKeyspaceError::RequestTimeout(Duration::from_secs(1))),
        ] {
            assert!(!error.passes(), "{error}");
        }
        assert!(!NewSessionError::EmptyKnownNodesList.passes());
    }
}
