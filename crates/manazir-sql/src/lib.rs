//! The relational truth: the stores of the domains on SQLite and PostgreSQL, with one SQL text.
//!
//! `$1` is a placeholder in both. What differs between them stands in two migration folders and, where a
//! statement must differ, beside its twin.

mod accounts;
mod dead_letters;
mod event_graph;
mod events;
mod explanations;
mod failure;
mod findings;
mod jobs;
mod key;
mod lake;
mod name;
mod packed;
mod people;
mod projection;
mod rollup;
mod signing_keys;
mod statement;
mod teams;
mod text;
mod tokens;

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, PgPool, SqlitePool};

pub use events::PostgresEvents;
pub use lake::PostgresLake;
pub use people::SqlPeople;
pub use projection::Keeping;
pub use rollup::RollupTable;

/// Connections that read at a time; SQLite has one that writes.
const READERS: u32 = 4;

/// So many rows of SQLite wait for whoever reads them before its thread is stopped.
const ROWS_BUFFERED: usize = 1_024;

/// Connections of one process to a PostgreSQL: those of all processes together must stay below its
/// `max_connections`, which is 100 unless somebody changed it.
const POSTGRES_CONNECTIONS: u32 = 10;

/// How long a caller waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(10);

/// No statement of the service takes so long unless something is wrong, and none may wait for ever.
const POSTGRES_TIMEOUTS: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; \
    SET idle_in_transaction_session_timeout = '60s'";

/// Runs the same body on whichever pool there is.
macro_rules! on {
    ($truth:expr, $kind:ident, $pool:ident => $body:expr) => {
        match $truth {
            $crate::Truth::Sqlite { writer, reader } => {
                let $pool = $crate::on!(@ $kind writer reader);
                $body
            }
            $crate::Truth::Postgres($pool) => $body,
        }
    };
    (@ read $writer:ident $reader:ident) => {{ let _ = $writer; $reader }};
    (@ write $writer:ident $reader:ident) => {{ let _ = $reader; $writer }};
}
pub(crate) use on;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite://` nor `postgres://`. What it is instead may hold a password, and is not shown.
    #[error("what is given is no address of a database: it begins with sqlite:// or postgres://")]
    Scheme,
    /// It does not answer, or its tables could not be brought up to date.
    #[error("the database cannot be opened")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The database; clones share its connections.
#[derive(Clone, Debug)]
pub enum Truth {
    /// A file. One connection writes, so that no two writers wait for each other's lock; any number read.
    Sqlite {
        /// The one connection that writes.
        writer: SqlitePool,
        /// Those that read.
        reader: SqlitePool,
    },
    /// A server.
    Postgres(PgPool),
}

impl Truth {
    /// Opens `sqlite://PATH` or `postgres://…` and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let truth = Self::connect(url).await?;
        truth.migrate(url).await.map_err(|error| OpenError::Failed(error.into()))?;
        Ok(truth)
    }

    /// The same without the tables of the service: for a database of somebody else, in which a [`RollupTable`] is
    /// kept.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        if url.starts_with("sqlite:") {
            Self::sqlite(url).await.map_err(|error| OpenError::Failed(error.into()))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::postgres(url).await.map_err(|error| OpenError::Failed(error.into()))
        } else {
            Err(OpenError::Scheme)
        }
    }

    async fn sqlite(url: &str) -> Result<Self, sqlx::Error> {
        let options: SqliteConnectOptions = url.parse()?;
        let options = options
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // To wake the reader for every fiftieth row, as it is by default, costs more than the rows do.
            .row_buffer_size(ROWS_BUFFERED)
            // For whoever does not call `checkpoint`. By default 1,000 pages: a transaction that is spread over a large
            // table writes more, and each would wait until all of them were written twice.
            .pragma("wal_autocheckpoint", "16000")
            // What was answered with a 2xx is on disk.
            .synchronous(SqliteSynchronous::Full);
        // Kibibytes, if below zero. Only what is used is taken.
        let writing = options.clone().pragma("cache_size", "-32768");
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        let reader = SqlitePoolOptions::new().max_connections(READERS).connect_with(options).await?;
        Ok(Self::Sqlite { writer, reader })
    }

    async fn postgres(url: &str) -> Result<Self, sqlx::Error> {
        let options = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_MAX)
            .after_connect(|connection, _| {
                Box::pin(async move { sqlx::raw_sql(POSTGRES_TIMEOUTS).execute(connection).await.map(drop) })
            });
        Ok(Self::Postgres(options.connect(url).await?))
    }

    async fn migrate(&self, url: &str) -> Result<(), sqlx::Error> {
        if let Self::Sqlite { writer, .. } = self {
            return Ok(sqlx::migrate!("migrations/sqlite").run(writer).await?);
        }
        // A change of the tables may take longer than a statement of the service does.
        let mut migrating = PgConnection::connect(url).await?;
        sqlx::migrate!("migrations/postgres").run(&mut migrating).await?;
        migrating.close().await
    }

    /// Brings what is in SQLite's log into its file, as far as no reader needs it there, while others write; the writer
    /// does it itself, and keeps others waiting, once the log is long. To be called each second. PostgreSQL does it by
    /// itself.
    pub async fn checkpoint(&self) -> Result<(), manazir_ingest::Error> {
        let Self::Sqlite { reader, .. } = self else { return Ok(()) };
        let done = sqlx::raw_sql("PRAGMA wal_checkpoint(PASSIVE)").execute(reader).await;
        done.map(drop).map_err(failure::failed)
    }

    /// Finishes what runs and lets go of the database.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}
