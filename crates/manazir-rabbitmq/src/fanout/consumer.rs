//! The end at which a destination reads its queue.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel};
use manazir_ingest::Error;
use tokio::time::{sleep, timeout};

use super::front::{Front, TOGETHER, TOGETHER_BYTES};
use super::{REASON, dead, declare, waiting};
use crate::backoff::Backoff;
use crate::confirms::{self, confirmed, send};
use crate::link::{Address, Link, durable_queue, is_refusal, patient, until_open};

/// Messages of a batch at the most. Each may hold many of what is counted.
pub const RECEIVED_MAX: u16 = 1_000;

/// A consumer is sent no more messages than these before it acknowledges some: while one batch is counted the next comes.
const SENT_MAX: u16 = 2 * RECEIVED_MAX;

/// Bytes after which a batch is complete.
const RECEIVED_BYTES_MAX: usize = 16 << 20;

/// A reason travels in a header, which has to fit into one frame.
const REASON_CHARS_MAX: usize = 1_000;

/// What a message is acknowledged by; of two of one connection the one that came later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt {
    connection: u64,
    tag: u64,
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To acknowledge it by.
    pub receipt: Receipt,
    /// What was published.
    pub body: Vec<u8>,
    /// True if it was on its way to a consumer before.
    pub redelivered: bool,
}

/// A message, or a part of one, that is not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAside {
    /// Of the message it came with.
    pub receipt: Receipt,
    /// What goes beside the queue.
    pub body: Vec<u8>,
    /// Why.
    pub reason: String,
}

/// Reads the queue of a destination. Several of one queue, in whatever processes, share what comes.
///
/// What was received and not acknowledged comes again, here or elsewhere, when the connection breaks or the consumer is
/// dropped. A receipt is of its connection: on a later one it says nothing, for its message comes again.
pub struct FanoutConsumer {
    address: Address,
    exchange: String,
    queue: String,
    /// Connections so far.
    connections: u64,
    open: Option<Open>,
    backoff: Backoff,
}

/// A connection with what came by it.
struct Open {
    _link: Link,
    channel: Channel,
    stream: lapin::Consumer,
    connection: u64,
    /// Received and not handed out yet.
    ready: VecDeque<Delivery>,
    ready_bytes: usize,
    /// The last tag that was acknowledged. The broker closes the channel on one that was already.
    acknowledged: u64,
}

impl std::fmt::Debug for FanoutConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FanoutConsumer({:?}, {})", self.address, self.queue)
    }
}

impl FanoutConsumer {
    /// Connects, and makes the exchange, the queue and the two beside it if they are not there.
    ///
    /// Waits for a broker that is away, and fails only if it refuses. Whoever does not want to wait for ever puts a
    /// time-out around it.
    pub async fn open(address: &Address, exchange: &str, queue: &str) -> Result<Self, Error> {
        let mut backoff = Backoff::new();
        let open = until_open(&mut backoff, || Open::open(address, exchange, queue, 1)).await?;
        Ok(Self {
            address: address.clone(),
            exchange: exchange.to_owned(),
            queue: queue.to_owned(),
            connections: 1,
            open: Some(open),
            backoff,
        })
    }

    /// Collects a batch: it is complete with `max` messages, of which [`RECEIVED_MAX`] are the most, with 16 MiB, or
    /// after `patience`; it may be empty. While the broker is away it is.
    ///
    /// Fails if the broker refuses what it had granted before. Given up before it returns, it loses nothing.
    pub async fn receive(&mut self, max: usize, patience: Duration) -> Result<Vec<Delivery>, Error> {
        self.reopen(patience).await?;
        let max = max.min(usize::from(RECEIVED_MAX));
        let Some(open) = &mut self.open else { return Ok(Vec::new()) };
        match timeout(patience, open.collect(max)).await {
            Ok(Err(error)) => {
                self.lost(&error);
                Ok(Vec::new())
            }
            Ok(Ok(())) | Err(_) => {
                let batch = open.take(max);
                if !batch.is_empty() {
                    self.backoff.worked();
                }
                Ok(batch)
            }
        }
    }

    /// Acknowledges everything that was handed out up to a receipt: the destination has committed it. If the broker
    /// does not hear of it the messages come again.
    pub async fn acknowledge(&mut self, up_to: Receipt) {
        let Some(open) = self.open.as_mut().filter(|open| open.connection == up_to.connection) else {
            return;
        };
        if up_to.tag <= open.acknowledged {
            return;
        }
        open.acknowledged = up_to.tag;
        let all = BasicAckOptions { multiple: true };
        let acknowledged = patient(open.channel.basic_ack(up_to.tag, all)).await;
        if let Err(error) = acknowledged {
            self.lost(&error);
        }
    }

    /// Writes what cannot be used into the queue of the dead, each with the reason. The message it came with is to be
    /// acknowledged afterwards; if the broker goes away before, it comes again.
    pub async fn put_aside(&mut self, unusable: &[PutAside]) {
        self.send_to(&dead(&self.queue), unusable).await;
    }

    /// Writes what names something that is not known yet into the queue of what waits, in the same way.
    pub async fn park(&mut self, early: &[PutAside]) {
        self.send_to(&waiting(&self.queue), early).await;
    }

    async fn send_to(&mut self, queue: &str, asides: &[PutAside]) {
        let Some(open) = &mut self.open else { return };
        if let Err(error) = open.send_to(queue, asides).await {
            self.lost(&error);
        }
    }

    /// Moves everything that waits now back into the queue; how many messages that were. Any number of processes may
    /// do so at once, and whoever dies in the middle leaves each message in one of the two queues, or in both.
    ///
    /// Waits for a broker that is away, and fails only if it refuses.
    pub async fn release(&self) -> Result<u64, Error> {
        let from = waiting(&self.queue);
        let mut backoff = Backoff::new();
        let (mut released, mut left) = (0, None);
        loop {
            let front = until_open(&mut backoff, || Front::open(&self.address, "release")).await?;
            let moved = async {
                let there = u64::from(durable_queue(&self.address, &front.channel, &from).await?);
                // What is parked again while it is released waits for the next release.
                let left = left.get_or_insert(there);
                while *left > 0 {
                    let moved = move_some(&front, &from, &self.queue, *left).await?;
                    released += moved;
                    *left = if moved == 0 { 0 } else { *left - moved };
                }
                Ok(())
            };
            match moved.await {
                Ok(()) => return Ok(released),
                Err(error) if is_refusal(&error) => return Err(error),
                Err(error) => {
                    tracing::warn!(error = ?error, "what waits could not be released; it is tried again");
                    backoff.failed();
                }
            }
        }
    }

    /// Connects again if that is due within `patience`.
    async fn reopen(&mut self, patience: Duration) -> Result<(), Error> {
        if self.open.is_some() {
            return Ok(());
        }
        let pause = self.backoff.pause();
        sleep(pause.min(patience)).await;
        if pause > patience {
            return Ok(());
        }
        match Open::open(&self.address, &self.exchange, &self.queue, self.connections + 1).await {
            Ok(open) => {
                self.connections += 1;
                self.open = Some(open);
            }
            Err(error) if is_refusal(&error) => return Err(error),
            Err(error) => self.lost(&error),
        }
        Ok(())
    }

    /// Forgets the connection and what came by it: it comes again.
    fn lost(&mut self, error: &Error) {
        tracing::warn!(queue = self.queue, error = ?error, "the broker cannot be reached; it is looked for again");
        self.open = None;
        self.backoff.failed();
    }
}

impl Open {
    async fn open(address: &Address, exchange: &str, queue: &str, connection: u64) -> Result<Self, Error> {
        let link = address.connect("destination").await?;
        let channel = link.channel().await?;
        confirms::ask_for(&channel).await?;
        declare(address, &channel, exchange, &[queue.to_owned()]).await?;
        for beside in [dead(queue), waiting(queue)] {
            durable_queue(address, &channel, &beside).await?;
        }
        patient(channel.basic_qos(SENT_MAX, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions::default();
        let stream =
            channel.basic_consume(queue.into(), "destination".into(), options, FieldTable::default());
        Ok(Self {
            stream: patient(stream).await?,
            _link: link,
            channel,
            connection,
            ready: VecDeque::new(),
            ready_bytes: 0,
            acknowledged: 0,
        })
    }

    /// Waits until a batch is ready.
    async fn collect(&mut self, max: usize) -> Result<(), Error> {
        while self.ready.len() < max && self.ready_bytes < RECEIVED_BYTES_MAX {
            match self.stream.next().await {
                Some(Ok(came)) => {
                    let receipt = Receipt { connection: self.connection, tag: came.delivery_tag };
                    self.ready_bytes += came.data.len();
                    self.ready.push_back(Delivery {
                        receipt,
                        body: came.data,
                        redelivered: came.redelivered,
                    });
                }
                Some(Err(error)) => return Err(Error::unreachable("broker", error)),
                None => return Err(Error::unreachable("broker", "the queue gives nothing more")),
            }
        }
        Ok(())
    }

    fn take(&mut self, max: usize) -> Vec<Delivery> {
        let batch: Vec<Delivery> = self.ready.drain(..max.min(self.ready.len())).collect();
        self.ready_bytes -= batch.iter().map(|delivery| delivery.body.len()).sum::<usize>();
        batch
    }

    /// Returns when the broker has them in the queue. Those of an earlier connection come again.
    async fn send_to(&mut self, queue: &str, asides: &[PutAside]) -> Result<(), Error> {
        let of_this = asides.iter().filter(|aside| aside.receipt.connection == self.connection);
        let mut confirmations = Vec::new();
        for PutAside { body, reason, .. } in of_this {
            confirmations.push(send(&self.channel, "", queue, body, with_reason(reason)).await?);
        }
        confirmed(confirmations).await
    }
}

fn with_reason(reason: &str) -> BasicProperties {
    let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
    let mut headers = FieldTable::default();
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    BasicProperties::default().with_headers(headers)
}

/// Moves some messages, at most `max`, from the head of a queue into another; how many.
async fn move_some(front: &Front, from: &str, to: &str, max: u64) -> Result<u64, Error> {
    let (mut bodies, mut bytes, mut last) = (Vec::new(), 0, None);
    while (bodies.len() as u64) < max && bodies.len() < TOGETHER && bytes < TOGETHER_BYTES {
        let got = patient(front.channel.basic_get(from.into(), BasicGetOptions::default())).await?;
        let Some(got) = got else { break };
        last = Some(got.delivery.delivery_tag);
        bytes += got.delivery.data.len();
        bodies.push(got.delivery.data);
    }
    let Some(last) = last else { return Ok(0) };
    front.send("", to, &bodies).await?;
    patient(front.channel.basic_ack(last, BasicAckOptions { multiple: true })).await?;
    Ok(bodies.len() as u64)
}
