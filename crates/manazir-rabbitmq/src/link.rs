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
pub struct Address(AMQPUri);

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
        Ok(Self(parsed))
    }

    /// Connects; `purpose` is what the broker's own pages call the connection.
    pub(crate) async fn connect(&self, purpose: &str) -> Result<Connection, Error> {
        let properties =
            ConnectionProperties::default().with_connection_name(format!("manazir {purpose}").into());
        patient(Connection::connect_uri(self.0.clone(), properties)).await
    }
}

impl fmt::Debug for Address {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = &self.0.authority;
        write!(
            f,
            "amqp://{}@{}:{}/{}",
            authority.userinfo.username, authority.host, authority.port, self.0.vhost
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
pub(crate) async fn declare(channel: &Channel) -> Result<(), Error> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    patient(channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, durable, FieldTable::default()))
        .await?;
    let mut quorum = FieldTable::default();
    quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    for partition in 0..PARTITIONS {
        let name = queue_name(partition);
        let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        patient(channel.queue_declare(name.as_str().into(), durable, quorum.clone())).await?;
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
