//! Connections to the server, and what is done by them: each in one transaction, and again if others were in the way.

use std::time::Duration;

use async_trait::async_trait;
use manazir_rollup::Error;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Executor as _, MySql, MySqlConnection, MySqlPool};
use tokio::time::{sleep, timeout};

use crate::address::Address;
use crate::failure::Failure;

/// Connections of one process: those of all together must stay below the `max_connections` of the server, which is
/// 151 unless somebody changed it.
const CONNECTIONS: u32 = 4;

/// How long a caller waits for a connection; a server that starts is waited for.
const ACQUIRE_MAX: Duration = Duration::from_secs(10);

/// Before an attempt is made again because another transaction was in the way.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(80),
    Duration::from_millis(320),
    Duration::from_millis(1_280),
];

/// What does not fit is refused and not cut; a read sees what others have committed, and takes no locks between rows;
/// nobody waits for a lock for ever.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', \
    innodb_lock_wait_timeout = 10, lock_wait_timeout = 10; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Something that is done in one transaction.
#[async_trait]
pub(crate) trait Work: Sync {
    /// What it comes to.
    type Done;

    /// No attempt takes so long unless the server stands still.
    const ATTEMPT_MAX: Duration = Duration::from_secs(120);

    /// Does it; if it fails, nothing of it stays.
    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<Self::Done, Failure>;
}

/// The server.
pub(crate) struct Server {
    pool: MySqlPool,
    place: String,
}

impl Server {
    /// Connects when it must.
    pub(crate) fn new(address: Address) -> Self {
        let pool = MySqlPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_MAX)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SESSION).await.map(drop) })
            })
            .connect_lazy_with(address.options);
        Self { pool, place: address.place }
    }

    /// What people are told of it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Does `work`, a few times if other transactions are in its way.
    pub(crate) async fn run<W: Work>(&self, work: &W) -> Result<W::Done, Error> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let attempt = timeout(W::ATTEMPT_MAX, self.attempt(work)).await;
            let failure = match attempt {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(failure)) => failure,
                Err(elapsed) => return Err(Error::Away(self.place.clone(), elapsed.into())),
            };
            match pauses.next() {
                Some(pause) if failure.lost_to_another() => sleep(pause).await,
                _ => return Err(failure.at(&self.place)),
            }
        }
    }

    async fn attempt<W: Work>(&self, work: &W) -> Result<W::Done, Failure> {
        let mut held = Held { connection: self.pool.acquire().await?, sound: false };
        let mut transaction = held.connection.begin().await?;
        let done = work.attempt(&mut transaction).await?;
        transaction.commit().await?;
        held.sound = true;
        Ok(done)
    }
}

/// A connection that is closed unless all went well. Whoever is not waited for any more leaves it in the middle of an
/// answer, and its transaction with all locks open: only its end is sure to let go of them.
struct Held {
    connection: PoolConnection<MySql>,
    sound: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.sound {
            self.connection.close_on_drop();
        }
    }
}
