//! The end at which a stream comes in.

use manazir_ingest::Error;

use super::declare;
use super::front::{Front, together};
use crate::backoff::Backoff;
use crate::link::{Address, is_refusal, until_open};

/// Publishes to an exchange from which all destinations are fed.
pub struct FanoutPublisher {
    address: Address,
    exchange: String,
    queues: Vec<String>,
    front: Option<Front>,
    backoff: Backoff,
}

impl std::fmt::Debug for FanoutPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FanoutPublisher({:?}, {})", self.address, self.exchange)
    }
}

impl FanoutPublisher {
    /// Connects, and makes the exchange and the queues of the destinations named, so that what is published before a
    /// destination is there waits for it.
    ///
    /// Waits for a broker that is away, and fails only if it refuses. Whoever does not want to wait for ever puts a
    /// time-out around it, as around [`FanoutPublisher::publish`].
    pub async fn open(address: &Address, exchange: &str, queues: &[String]) -> Result<Self, Error> {
        let mut publisher = Self {
            address: address.clone(),
            exchange: exchange.to_owned(),
            queues: queues.to_vec(),
            front: None,
            backoff: Backoff::new(),
        };
        publisher.front = Some(publisher.connect().await?);
        Ok(publisher)
    }

    /// Publishes all and returns when the broker has all of them on disk, in the queue of each destination.
    ///
    /// Waits for a broker that is away and then sends again what it did not confirm. If it fails, because the broker
    /// refuses, or is given up before it returns, some may be published: send them all again.
    pub async fn publish(&mut self, bodies: &[Vec<u8>]) -> Result<(), Error> {
        let mut rest = bodies;
        while !rest.is_empty() {
            // Taken, for whoever gives up waiting leaves a channel with confirmations that nobody waits for.
            let front = match self.front.take() {
                Some(front) => front,
                None => self.connect().await?,
            };
            let (piece, later) = rest.split_at(together(rest));
            match front.send(&self.exchange, "", piece).await {
                Ok(()) => {
                    rest = later;
                    self.front = Some(front);
                    self.backoff.worked();
                }
                Err(error) if is_refusal(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(error = ?error, "messages could not be sent; the broker is looked for again");
                    self.backoff.failed();
                }
            }
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<Front, Error> {
        let (address, exchange, queues) = (&self.address, &self.exchange, &self.queues);
        until_open(&mut self.backoff, || async move {
            let front = Front::open(address, "fan-out").await?;
            declare(address, &front.channel, exchange, queues).await?;
            Ok(front)
        })
        .await
    }
}
