//! Connections to the broker.

use std::fmt;
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use manazir_ingest::{Error, PARTITIONS};
use tokio::time::timeout;

/// An answer of the broker takes no longer, or the connection is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Seconds between heartbeats unless the address says otherwise: a broker notices within twice that time that
/// a client is gone, and gives what it held to others.
const HEARTBEAT_SECONDS: u16 = 10;

pub(crate) const EXCHANGE: &str = "manazir";

/// Where the broker is, with the name and password to be shown to it.
#[derive(Clone)]
pub struct Address {
    uri: AMQPUri,
    quorum: bool,
}

/// Why an address is none.
#[derive(Debug, thiserror::Error)]
#[error("`{shown}` is no address of a broker, as amqp://USER:PASSWORD@HOST:5672/VHOST: {why}")]
pub struct AddressError {
    shown: String,
    why: String,
}

impl Address {
    /// Reads `amqp://user:password@host:port/vhost`.
    pub fn parse(uri: &str) -> Result<Self, AddressError> {
        let mut parsed: AMQPUri =
            uri.parse().map_err(|why| AddressError { shown: without_password(uri), why })?;
        parsed.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        Ok(Self { uri: parsed, quorum: false })
    }

    /// Lets the queues be quorum queues, which live on several nodes of a cluster.
    #[must_use]
    pub fn with_quorum(self, quorum: bool) -> Self {
        Self { quorum, ..self }
    }

    /// Connects; `purpose` is what the broker's own pages call the connection.
    pub(crate) async fn connect(&self, purpose: &str) -> Result<Link, Error> {
        let properties =
            ConnectionProperties::default().with_connection_name(format!("manazir {purpose}").into());
        Ok(Link(Some(patient(Connection::connect_uri(self.uri.clone(), properties)).await?)))
    }
}

/// A connection that is closed when it is dropped: what was received by it and not acknowledged goes back at
/// once, although tasks still hold its channels.
#[derive(Debug)]
pub(crate) struct Link(Option<Connection>);

impl Link {
    pub(crate) async fn channel(&self) -> Result<Channel, Error> {
        match &self.0 {
            Some(connection) => patient(connection.create_channel()).await,
            None => Err(Error::Closed),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and its connections with it.
        let (Some(connection), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            if let Err(error) = patient(connection.close(200, "done".into())).await {
                tracing::debug!(error = ?error, "a connection was gone already");
            }
        });
    }
}

impl fmt::Debug for Address {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = &self.uri.authority;
        write!(
            f,
            "amqp://{}@{}:{}/{}",
            authority.userinfo.username, authority.host, authority.port, self.uri.vhost
        )
    }
}

fn without_password(uri: &str) -> String {
    match uri.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => uri.to_owned(),
    }
}

/// The queue of a partition, which is its routing key too.
pub(crate) fn queue_name(partition: u16) -> String {
    format!("{EXCHANGE}.{partition:02}")
}

/// Makes the exchange and the queues if they are not there.
///
/// On one node they are classic: a quorum queue of one node that is killed may come back without a leader and
/// stay so (rabbitmq-server issue 10070; seen with 3.10.8), and nothing is won by a quorum of one.
pub(crate) async fn declare(address: &Address, channel: &Channel) -> Result<(), Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    patient(channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, durable, FieldTable::default()))
        .await?;
    let mut arguments = FieldTable::default();
    let kind = if address.quorum { "quorum" } else { "classic" };
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
    for partition in 0..PARTITIONS {
        let name = queue_name(partition);
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        patient(channel.queue_declare(name.as_str().into(), durable, arguments.clone())).await?;
        let bound = channel.queue_bind(
            name.as_str().into(),
            EXCHANGE.into(),
            name.as_str().into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        patient(bound).await?;
    }
    Ok(())
}

/// Waits for an answer of the broker, not for ever.
pub(crate) async fn patient<T>(answer: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Error::unreachable("broker", error)),
        Err(elapsed) => Err(Error::unreachable("broker", elapsed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = Address::parse("amqp://ann:secret@broker:5673/shop").unwrap();
        assert_eq!(format!("{address:?}"), "amqp://ann@broker:5673/shop");
        let error = Address::parse("http://ann:secret@broker").unwrap_err().to_string();
        assert!(error.contains("…@broker") && !error.contains("secret"), "{error}");
    }
}
