//! Connections to the broker.

use std::fmt;
use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use manazir_ingest::{Error, PARTITIONS};
use tokio::time::{sleep, timeout};

use crate::backoff::Backoff;

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

/// Makes the exchange and the queues of the partitions if they are not there.
pub(crate) async fn declare(address: &Address, channel: &Channel) -> Result<(), Error> {
    durable_exchange(channel, EXCHANGE, ExchangeKind::Direct).await?;
    for partition in 0..PARTITIONS {
        let name = queue_name(partition);
        durable_queue(address, channel, &name).await?;
        bind(channel, &name, EXCHANGE, &name).await?;
    }
    Ok(())
}

pub(crate) async fn durable_exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    patient(channel.exchange_declare(name.into(), kind, durable, FieldTable::default())).await
}

/// Makes a queue if it is not there; how much waits in it.
///
/// On one node it is classic: a quorum queue of one node that is killed may come back without a leader and
/// stay so (rabbitmq-server issue 10070; seen with 3.10.8), and nothing is won by a quorum of one.
pub(crate) async fn durable_queue(address: &Address, channel: &Channel, name: &str) -> Result<u32, Error> {
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    let kind = if address.quorum { "quorum" } else { "classic" };
    arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
    Ok(patient(channel.queue_declare(name.into(), durable, arguments)).await?.message_count())
}

/// Lets what comes to an exchange under a key come to a queue.
pub(crate) async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), Error> {
    let options = QueueBindOptions::default();
    patient(channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()))
        .await
}

/// Waits for an answer of the broker, not for ever.
pub(crate) async fn patient<T>(answer: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Error::unreachable("broker", error)),
        Err(elapsed) => Err(Error::unreachable("broker", elapsed)),
    }
}

/// True if the broker was reached and says no: the same again will not succeed.
pub(crate) fn is_refusal(error: &Error) -> bool {
    let Error::Unreachable { source, .. } = error else { return false };
    let Some(ErrorKind::ProtocolError(said)) = source.downcast_ref().map(lapin::Error::kind) else {
        return false;
    };
    let refusals = [AMQPSoftError::ACCESSREFUSED, AMQPSoftError::PRECONDITIONFAILED];
    matches!(said.kind(), AMQPErrorKind::Soft(why) if refusals.contains(why))
}

/// Opens something, again and again until it is open; only a refusal ends it.
pub(crate) async fn until_open<T, O>(backoff: &mut Backoff, open: impl Fn() -> O) -> Result<T, Error>
where
    O: Future<Output = Result<T, Error>>,
{
    loop {
        sleep(backoff.pause()).await;
        match open().await {
            Err(error) if !is_refusal(&error) => {
                tracing::warn!(error = ?error, "the broker cannot be reached; it is looked for again");
                backoff.failed();
            }
            opened => return opened,
        }
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
