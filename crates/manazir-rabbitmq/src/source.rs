//! A queue that others own and publish events to: each is handed in, and its sender is answered.
//!
//! The queue is declared passively, whatever its kind. A delivery is acknowledged after its answer went out:
//! whoever dies in between gets it again, and the event is known by its identity.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};
use manazir_ingest::Error;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::link::{Address, patient};

/// Deliveries that are being handed in at a time.
const PREFETCH: u16 = 512;

/// Which queue, and where answers go that name no other place.
#[derive(Clone, Debug)]
pub struct Source {
    /// The broker.
    pub address: Address,
    /// The queue; it must exist.
    pub queue: String,
    /// The routing key of answers to messages without `reply_to`.
    pub reply_to: String,
}

/// Takes events in.
#[async_trait]
pub trait HandIn: Send + Sync {
    /// Takes one event; gives the answer to its sender. [`Error::Unreachable`] or [`Error::Full`] if it cannot
    /// be taken now.
    async fn hand_in(&self, body: &[u8]) -> Result<Vec<u8>, Error>;
}

/// Reads until `stop` says true; comes back by itself when the broker was away.
pub async fn follow(source: Source, hand_in: Arc<dyn HandIn>, mut stop: watch::Receiver<bool>) {
    let mut backoff = Backoff::new();
    while !*stop.borrow() {
        let queue = &source.queue;
        match read(&source, &hand_in, &mut stop, &mut backoff).await {
            Ok(()) => tracing::info!(queue, "the source has ended"),
            Err(error) => {
                tracing::warn!(queue, error = ?error, "the source cannot be read; it is tried again");
            }
        }
        backoff.failed();
        tokio::select! {
            () = sleep(backoff.pause()) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn read(
    source: &Source,
    hand_in: &Arc<dyn HandIn>,
    stop: &mut watch::Receiver<bool>,
    backoff: &mut Backoff,
) -> Result<(), Error> {
    let link = source.address.connect("source").await?;
    let channel = link.channel().await?;
    let there = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    patient(channel.queue_declare(source.queue.as_str().into(), there, FieldTable::default())).await?;
    patient(channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
    let deliveries = channel.basic_consume(
        source.queue.as_str().into(),
        "manazir".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let mut deliveries = patient(deliveries).await?;
    backoff.worked();
    // Polled in the order in which they came: each has put its event on our queue before the next begins.
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            delivery = deliveries.next() => match delivery {
                Some(Ok(delivery)) => {
                    under_way.push(answer(delivery, &channel, &source.reply_to, &**hand_in));
                }
                Some(Err(error)) => return Err(Error::unreachable("broker", error)),
                None => return Err(Error::unreachable("broker", "the queue gives nothing more")),
            },
            Some(ended) = under_way.next() => ended?,
            _ = stop.changed() => break,
        }
    }
    // What was received is answered; the rest goes back with the connection.
    while let Some(ended) = under_way.next().await {
        ended?;
    }
    Ok(())
}

async fn answer(
    delivery: Delivery,
    channel: &Channel,
    reply_to: &str,
    hand_in: &dyn HandIn,
) -> Result<(), Error> {
    let tag = delivery.delivery_tag;
    let said = match hand_in.hand_in(&delivery.data).await {
        Ok(said) => said,
        Err(error) => {
            tracing::warn!(error = ?error, "an event of a source cannot be taken now; it goes back");
            // Not at once: it would come again as fast.
            sleep(std::time::Duration::from_secs(1)).await;
            let back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
            return patient(channel.basic_nack(tag, back)).await;
        }
    };
    let to = delivery.properties.reply_to().clone().unwrap_or_else(|| reply_to.into());
    let mut properties = BasicProperties::default().with_content_type("application/json".into());
    if let Some(correlation) = delivery.properties.correlation_id() {
        properties = properties.with_correlation_id(correlation.clone());
    }
    // To a queue that is gone the broker drops it: nobody waits there any more.
    let sent = channel.basic_publish("".into(), to, BasicPublishOptions::default(), &said, properties);
    patient(sent).await?;
    patient(channel.basic_ack(tag, BasicAckOptions::default())).await
}
