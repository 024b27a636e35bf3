//! The connections to the server, transactions, and time-outs.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use manazir_explain::Error;
use manazir_model::Timestamp;
use neo4rs::{BoltType, ConfigBuilder, Graph, Query, Txn};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::address::Address;
use crate::failure::{failed, silent};

/// A packet that is lost is sent again after one second and again after two, four; whoever has not answered then is
/// away. A statement of ours takes milliseconds.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// For a connection with its greetings, or one statement with its connection. The client itself waits for the first answer
/// of a server without an end, and tries a statement again for a minute.
const BEGIN_MAX: Duration = Duration::from_secs(20);

/// For a transaction of several statements.
const WORK_MAX: Duration = Duration::from_secs(60);

/// Rows that are fetched at a time.
const ROWS_AT_A_TIME: usize = 1_000;

/// The connections to one database of a server.
pub(crate) struct Link {
    graph: Graph,
    place: String,
    /// What must be there before anything is written.
    schema: &'static [&'static str],
    /// True once the schema is known to be there, until the server was away.
    prepared: AtomicBool,
}

/// What the client says.
pub(crate) type Said<T> = Result<T, neo4rs::Error>;

impl Link {
    /// Connects to nobody yet.
    pub(crate) fn new(
        address: Address,
        schema: &'static [&'static str],
        connections_max: usize,
    ) -> Result<Self, Error> {
        let Address { uri, user, password, database, place } = address;
        let mut config = ConfigBuilder::default()
            .uri(uri)
            .user(user)
            .password(password)
            .max_connections(connections_max)
            .fetch_size(ROWS_AT_A_TIME)
            .connection_timeout(ANSWER_MAX)
            // This version of the client takes it for how long a caller waits for a connection.
            .max_lifetime(ANSWER_MAX);
        if let Some(database) = database {
            config = config.db(database);
        }
        let graph = config.build().and_then(Graph::connect).map_err(|said| failed(&place, said))?;
        Ok(Self { graph, place, schema, prepared: AtomicBool::new(false) })
    }

    /// The server, as messages call it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Makes what is missing of the schema, unless it is known to be there.
    pub(crate) async fn prepare(&self) -> Result<(), Error> {
        if self.prepared.load(Ordering::Acquire) {
            return Ok(());
        }
        self.within(async {
            for statement in self.schema.iter().copied() {
                // Not in a transaction: such a change is one of its own.
                soon(self.graph.run(query(statement))).await?;
            }
            Ok(())
        })
        .await?;
        self.prepared.store(true, Ordering::Release);
        Ok(())
    }

    /// Waits for work on the server, and translates what goes wrong.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = Said<T>>) -> Result<T, Error> {
        // On the heap: what the client awaits is large.
        let done = match timeout(WORK_MAX, Box::pin(work)).await {
            Ok(done) => done.map_err(|said| failed(&self.place, said)),
            Err(_) => Err(silent()),
        };
        if matches!(done, Err(Error::Unreachable { .. })) {
            // Whoever comes back may have been replaced by an empty one.
            self.prepared.store(false, Ordering::Release);
        }
        done
    }

    /// Begins a transaction. Dropped without a commit it changes nothing.
    pub(crate) async fn begin(&self) -> Said<Txn> {
        soon(self.graph.start_txn()).await
    }

    /// Reads rows.
    pub(crate) async fn read<R: DeserializeOwned>(&self, query: Query) -> Result<Vec<R>, Error> {
        self.prepare().await?;
        self.within(async {
            let mut transaction = self.begin().await?;
            let read = rows(&mut transaction, query).await;
            end(transaction, read).await
        })
        .await
    }

    /// Reads the rows of several statements in one transaction.
    pub(crate) async fn read_all(&self, queries: Vec<Query>) -> Result<Vec<Vec<neo4rs::Row>>, Error> {
        self.prepare().await?;
        self.within(async {
            let mut transaction = self.begin().await?;
            let read = all(&mut transaction, queries).await;
            end(transaction, read).await
        })
        .await
    }
}

async fn all(transaction: &mut Txn, queries: Vec<Query>) -> Said<Vec<Vec<neo4rs::Row>>> {
    let mut answers = Vec::new();
    for query in queries {
        let mut stream = transaction.execute(query).await?;
        let mut rows = Vec::new();
        while let Some(row) = stream.next(transaction.handle()).await? {
            rows.push(row);
        }
        answers.push(rows);
    }
    Ok(answers)
}

/// Rows as something that they are.
pub(crate) fn typed<R: DeserializeOwned>(rows: &[neo4rs::Row]) -> Said<Vec<R>> {
    rows.iter().map(|row| Ok(row.to()?)).collect()
}

/// Waits no longer than a connection and a statement may take.
async fn soon<T>(work: impl Future<Output = Said<T>>) -> Said<T> {
    timeout(BEGIN_MAX, Box::pin(work)).await.unwrap_or(Err(neo4rs::Error::ConnectionTimedOut))
}

/// Commits, or gives back what the transaction held.
pub(crate) async fn end<T>(transaction: Txn, done: Said<T>) -> Said<T> {
    match done {
        Ok(done) => transaction.commit().await.map(|()| done),
        Err(said) => {
            // What went wrong before says more than what goes wrong now.
            let _ = transaction.rollback().await;
            Err(said)
        }
    }
}

/// All rows of a statement within a transaction.
pub(crate) async fn rows<R: DeserializeOwned>(transaction: &mut Txn, query: Query) -> Said<Vec<R>> {
    let mut stream = transaction.execute(query).await?;
    let mut rows = Vec::new();
    while let Some(row) = stream.next(transaction.handle()).await? {
        rows.push(row.to()?);
    }
    Ok(rows)
}

/// What a statement deleted that takes `before` and `max` and says how much is `gone`.
pub(crate) async fn gone(
    transaction: &mut Txn,
    forget: &'static str,
    before: Timestamp,
    max: u64,
) -> Said<u64> {
    #[derive(Deserialize)]
    struct Gone {
        gone: i64,
    }
    let forget = query(forget).param("before", before.micros()).param("max", max as i64);
    let gone: Vec<Gone> = rows(transaction, forget).await?;
    Ok(gone.first().map_or(0, |row| row.gone.unsigned_abs()))
}

/// A statement; its values are parameters, never text.
pub(crate) fn query(text: &'static str) -> Query {
    Query::new(text.to_owned())
}

/// A row of a parameter.
pub(crate) fn row<const N: usize>(values: [(&str, BoltType); N]) -> BoltType {
    BoltType::Map(values.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// As many as the database can count to.
pub(crate) fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}
