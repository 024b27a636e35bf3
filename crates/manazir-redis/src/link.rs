//! The connection to the server, and what its errors mean.
//!
//! Not the client library's own manager of connections: that one keeps a connection which stopped answering, and if the
//! server said no to its greeting once, it never asks again.

use std::time::Duration;

use manazir_rollup::Error;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, FromRedisValue, Pipeline, RedisError, Script, ScriptInvocation};
use tokio::sync::Mutex;

/// A packet that is lost is sent again after one second and again after two; whoever has not answered then is away.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What we ask for takes milliseconds, and a disk that is slow to sync seconds. Whoever is asked again after this only
/// finds that it was done.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Codes of errors that mend themselves: the server is starting, runs somebody's long script, has no memory or no disk,
/// waits for a replica or for its primary, is a replica until the end of a failover, or forgot our script between two
/// commands.
const PASSING: [&str; 10] = [
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "NOREPLICAS",
    "NOSCRIPT",
    "OOM",
    "READONLY",
    "TRYAGAIN",
];

/// A connection that all callers share, and that comes back when it is asked for again.
pub(crate) struct Link {
    client: redis::Client,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    /// How many there were before it.
    number: u64,
}

impl Link {
    pub(crate) fn new(client: redis::Client) -> Self {
        Self { client, current: Mutex::default() }
    }

    /// The server, as messages call it.
    pub(crate) fn name(&self) -> String {
        format!("Redis at {}", self.client.get_connection_info().addr())
    }

    /// What we refuse ourselves.
    pub(crate) fn refused(&self, why: String) -> Error {
        Error::Refused(self.name(), why.into())
    }

    /// Sends commands and waits for all the answers.
    pub(crate) async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Error> {
        let (mut connection, number) = self.connection().await.map_err(|error| self.failed(error))?;
        let answer = commands.query_async(&mut connection).await;
        if let Err(error) = &answer
            && passes(error)
        {
            self.forget(number).await;
        }
        answer.map_err(|error| self.failed(error))
    }

    /// Runs a script some times in a row; the answer to each. It is sent along, for a server forgets it when it starts.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        runs: &[ScriptInvocation<'_>],
    ) -> Result<Vec<T>, Error> {
        let mut commands = redis::pipe();
        commands.load_script(script).ignore();
        for run in runs {
            commands.invoke_script(run);
        }
        self.ask(&commands).await
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), RedisError> {
        let mut current = self.current.lock().await;
        let connection = match &current.connection {
            Some(connection) => connection.clone(),
            None => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_MAX))
                    .set_response_timeout(Some(ANSWER_MAX));
                let new = self.client.get_multiplexed_async_connection_with_config(&config).await?;
                current.connection.insert(new).clone()
            }
        };
        Ok((connection, current.number))
    }

    /// The next who asks connects anew, unless somebody did so already.
    async fn forget(&self, number: u64) {
        let mut current = self.current.lock().await;
        if current.number == number {
            *current = Current { connection: None, number: number + 1 };
        }
    }

    fn failed(&self, error: RedisError) -> Error {
        let name = self.name();
        if passes(&error) { Error::Away(name, error.into()) } else { Error::Refused(name, error.into()) }
    }
}

/// True if the same again may work.
fn passes(error: &RedisError) -> bool {
    match error.clone().into_server_errors() {
        Some(said) => said.iter().all(|(_, error)| PASSING.contains(&error.code())),
        None => error.is_io_error(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use redis::{ErrorKind, ServerError};

    use super::*;

    /// What the server says, as the client library reads it.
    fn said(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    /// KP-W7: the errors are those of this store.
    #[test]
    fn what_mends_itself_is_tried_again() {
        for code in PASSING {
            assert!(passes(&said(&format!("{code} for now"))), "{code}");
        }
        assert!(passes(&io::Error::from(io::ErrorKind::ConnectionRefused).into()));
        assert!(passes(&io::Error::from(io::ErrorKind::TimedOut).into()));
    }

    #[test]
    fn what_stays_as_it_is_is_refused() {
        for line in ["WRONGTYPE a list", "NOAUTH first", "NOPERM never", "ERR unknown", "MANAZIR no"] {
            assert!(!passes(&said(line)), "{line}");
        }
        assert!(!passes(&(ErrorKind::AuthenticationFailed, "Password authentication failed").into()));
        let _: ServerError = said("ERR x").try_into().unwrap();
    }
}
