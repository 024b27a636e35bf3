//! Counters in Cassandra.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::FutureExt;
use futures_util::stream::{self, StreamExt};
use manazir_rollup::Error;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::Consistency;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{Counter, CqlValue, Row};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::address::Address;
use crate::counters::{Addition, Counters, Standing};
use crate::passing::Passing;
use crate::tables::{Id, Tables};

/// A cluster that has not let us in by then is away.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// Replicas give up after five seconds; whoever has not answered then will not.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Statements that are under way at once: each is of one partition, and waits for a majority of its replicas.
const AT_ONCE: usize = 64;

/// The tables of one rollup in a cluster.
pub(crate) struct Node {
    address: Address,
    tables: Arc<Tables>,
    session: OnceCell<Session>,
    statements: OnceCell<Statements>,
    /// That all nodes know a new table is waited for.
    wait_for_schema: bool,
}

/// A statement and its values.
type Bound<'s> = (&'s PreparedStatement, Vec<CqlValue>);

/// Prepared, as the server wants values to be bound.
struct Statements {
    /// For each table of counters.
    read: Vec<PreparedStatement>,
    add: Vec<PreparedStatement>,
    /// If names are kept.
    read_name: Option<PreparedStatement>,
    write_name: Option<PreparedStatement>,
}

impl Node {
    /// Connects when it must.
    pub(crate) fn new(address: Address, tables: Arc<Tables>) -> Self {
        let (session, statements) = (OnceCell::new(), OnceCell::new());
        Self { address, tables, session, statements, wait_for_schema: true }
    }

    fn failed<E: Passing>(&self, error: E) -> Error {
        let place = self.address.place.clone();
        if error.passes() { Error::Away(place, error.into()) } else { Error::Refused(place, error.into()) }
    }

    async fn session(&self) -> Result<&Session, Error> {
        let connect = async {
            let connecting = timeout(CONNECT_MAX, self.builder().build()).await;
            let late = |elapsed: tokio::time::error::Elapsed| {
                Error::Away(self.address.place.clone(), elapsed.into())
            };
            connecting.map_err(late)?.map_err(|error| self.failed(error))
        };
        self.session.get_or_try_init(|| connect).await
    }

    fn builder(&self) -> SessionBuilder {
        // Read and added to at a majority: so a reading sees every addition that was answered. A majority of one data
        // centre is one only for those who ask nobody else.
        let mut policy = DefaultPolicy::builder();
        let mut consistency = Consistency::Quorum;
        if let Some(name) = &self.address.datacenter {
            policy = policy.prefer_datacenter(name.clone()).permit_dc_failover(false);
            consistency = Consistency::LocalQuorum;
        }
        // An addition whose answer was lost must not be sent again; whoever counts reads first.
        let profile = ExecutionProfile::builder()
            .consistency(consistency)
            .request_timeout(Some(ANSWER_MAX))
            .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
            .load_balancing_policy(policy.build())
            .build();
        let builder = SessionBuilder::new()
            .known_nodes(&self.address.hosts)
            .keyspaces_to_fetch([&self.tables.keyspace])
            .fetch_full_schema_metadata(false)
            .auto_await_schema_agreement(self.wait_for_schema)
            .default_execution_profile_handle(profile.into_handle());
        match &self.address.login {
            Some((user, password)) => builder.user(user, password),
            None => builder,
        }
    }

    async fn statements(&self) -> Result<&Statements, Error> {
        self.statements.get_or_try_init(|| self.prepare()).await
    }

    async fn prepare(&self) -> Result<Statements, Error> {
        let session = self.session().await?;
        let prepare = async |text: String| session.prepare(text).await.map_err(|error| self.failed(error));
        let (mut read, mut add) = (Vec::new(), Vec::new());
        for table in &self.tables.counters {
            read.push(prepare(self.tables.read(table)).await?);
            add.push(prepare(self.tables.add(table)).await?);
        }
        let mut names = [None, None];
        for (name, text) in names.iter_mut().zip([self.tables.read_name(), self.tables.write_name()]) {
            if let Some(text) = text {
                *name = Some(prepare(text).await?);
            }
        }
        let [read_name, write_name] = names;
        Ok(Statements { read, add, read_name, write_name })
    }

    /// Runs statements with their values, many at once; the row that each of them found, in their order. None is left
    /// under way: the next who reads would not see it.
    async fn run(&self, statements: Vec<Bound<'_>>) -> Result<Vec<Option<Row>>, Error> {
        let session = self.session().await?;
        let mut all = Vec::with_capacity(statements.len());
        for (statement, values) in statements {
            all.push(self.run_one(session, statement, values).boxed());
        }
        stream::iter(all).buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn run_one(
        &self,
        session: &Session,
        statement: &PreparedStatement,
        values: Vec<CqlValue>,
    ) -> Result<Option<Row>, Error> {
        let done = session.execute_unpaged(statement, values).await.map_err(|error| self.failed(error))?;
        if !done.is_rows() {
            return Ok(None);
        }
        let rows = done.into_rows_result().map_err(|why| self.damaged(&why))?;
        rows.maybe_first_row().map_err(|why| self.damaged(&why))
    }

    fn damaged(&self, why: &dyn std::error::Error) -> Error {
        Error::Damaged { what: format!("a row of {}", self.address.place), why: why.to_string() }
    }

    /// A counter that was never added to is null, and counts as 0.
    fn counters(&self, row: Row) -> Result<Vec<i64>, Error> {
        let counter = |value: Option<CqlValue>| match value {
            None => Ok(0),
            Some(CqlValue::Counter(Counter(number))) => Ok(number),
            Some(_) => Err(Error::Damaged {
                what: format!("a row of {}", self.address.place),
                why: "a column is no counter".to_owned(),
            }),
        };
        row.columns.into_iter().map(counter).collect()
    }
}

fn bound(id: &Id) -> CqlValue {
    match id {
        Id::Integer(number) => CqlValue::BigInt(*number),
        Id::Text(text) => CqlValue::Text(text.to_string()),
    }
}

#[async_trait]
impl Counters for Node {
    async fn make(&self) -> Result<(), Error> {
        let session = self.session().await?;
        for statement in self.tables.create() {
            session.query_unpaged(statement, ()).await.map_err(|error| self.failed(error))?;
        }
        // Refused now if counting would be refused later, as by a table of other columns.
        self.statements().await.map(drop)
    }

    async fn read(&self, ids: &[Id]) -> Result<Vec<Standing>, Error> {
        let statements = self.statements().await?;
        let mut asked = Vec::new();
        for id in ids {
            asked.extend(statements.read.iter().map(|read| (read, vec![bound(id)])));
        }
        let rows = self.run(asked).await?;
        let rows = rows.into_iter().map(|row| row.map(|row| self.counters(row)).transpose());
        let rows: Vec<Option<Vec<i64>>> = rows.collect::<Result<_, _>>()?;
        Ok(rows.chunks(statements.read.len()).map(<[_]>::to_vec).collect())
    }

    async fn add(&self, additions: &[Addition]) -> Result<(), Error> {
        let statements = self.statements().await?;
        let add = |addition: &Addition| {
            let mut values: Vec<CqlValue> =
                addition.by.iter().map(|by| CqlValue::Counter(Counter(*by))).collect();
            values.push(bound(&addition.id));
            (&statements.add[addition.table], values)
        };
        self.run(additions.iter().map(add).collect()).await.map(drop)
    }

    async fn write_names(&self, names: &[(Id, &str)]) -> Result<(), Error> {
        let Some(write) = &self.statements().await?.write_name else { return Ok(()) };
        let each = |(id, name): &(Id, &str)| (write, vec![bound(id), CqlValue::Text((*name).to_owned())]);
        self.run(names.iter().map(each).collect()).await.map(drop)
    }

    async fn read_names(&self, ids: &[Id]) -> Result<Vec<String>, Error> {
        let Some(read) = &self.statements().await?.read_name else {
            return Ok(vec![String::new(); ids.len()]);
        };
        let rows = self.run(ids.iter().map(|id| (read, vec![bound(id)])).collect()).await?;
        let name = |row: Option<Row>| match row.and_then(|row| row.columns.into_iter().next().flatten()) {
            Some(CqlValue::Text(name)) => name,
            _ => String::new(),
        };
        Ok(rows.into_iter().map(name).collect())
    }
}
