//! A worker's end of the broker: a channel for each partition that it holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use manazir_ingest::{Consumer, Delivery, Error};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::backoff::Backoff;
use crate::link::{Address, Link, patient, queue_name};
use crate::packed::unpack;

/// How long a worker waits for messages before it sees to other things.
const PATIENCE: Duration = Duration::from_secs(1);

/// Packs of a partition that are on their way to a worker and not acknowledged yet.
const PREFETCH: u16 = 16;

/// Ends a consumer, from wherever the process hears that it is to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// The consumer takes nothing more, hands out what it has received, and ends.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Reads the partitions that it is told to follow.
pub struct RabbitConsumer {
    address: Address,
    stop: watch::Receiver<bool>,
    stopping: bool,
    connection: Option<Link>,
    backoff: Backoff,
    followed: BTreeMap<u16, Option<Followed>>,
    /// Channels are counted, so that what comes late from one that was closed is told apart.
    generation: u64,
    packs: mpsc::UnboundedReceiver<Came>,
    sender: mpsc::UnboundedSender<Came>,
    /// Received and not handed out yet.
    ready: VecDeque<Delivery>,
    receipt: u64,
}

/// A partition with its channel.
struct Followed {
    generation: u64,
    channel: Channel,
    forwarding: JoinHandle<()>,
    /// Last receipt and delivery tag of each pack that was not acknowledged.
    packs: VecDeque<(u64, u64)>,
}

/// What a channel gave.
struct Came {
    partition: u16,
    generation: u64,
    /// A pack with its delivery tag, or nothing: the channel is closed.
    pack: Option<(u64, Vec<u8>)>,
}

impl std::fmt::Debug for RabbitConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitConsumer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RabbitConsumer {
    /// A consumer that follows nothing yet; it connects when it has something to follow.
    pub fn new(address: &Address) -> (Self, Stop) {
        let (stop, stopped) = watch::channel(false);
        let (sender, packs) = mpsc::unbounded_channel();
        let consumer = Self {
            address: address.clone(),
            stop: stopped,
            stopping: false,
            connection: None,
            backoff: Backoff::new(),
            followed: BTreeMap::new(),
            generation: 0,
            packs,
            sender,
            ready: VecDeque::new(),
            receipt: 0,
        };
        (consumer, Stop(stop))
    }

    /// Opens what is missing. While the broker is away, everything is.
    async fn open_missing(&mut self) -> Result<(), Error> {
        let missing: Vec<u16> = self
            .followed
            .iter()
            .filter(|(_, open)| open.is_none())
            .map(|(&partition, _)| partition)
            .collect();
        if missing.is_empty() || self.stopping {
            return Ok(());
        }
        let pause = self.backoff.pause();
        if !pause.is_zero() {
            sleep(pause.min(PATIENCE)).await;
            return Ok(());
        }
        if let Err(error) = self.open(&missing).await {
            tracing::warn!(error = ?error, "the broker cannot be reached; it is looked for again");
            self.backoff.failed();
            self.disconnect();
            return Ok(());
        }
        self.backoff.worked();
        Ok(())
    }

    async fn open(&mut self, partitions: &[u16]) -> Result<(), Error> {
        if self.connection.is_none() {
            self.connection = Some(self.address.connect("worker").await?);
        }
        for &partition in partitions {
            let Some(connection) = &self.connection else { return Ok(()) };
            let channel = connection.channel().await?;
            patient(channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
            let name = queue_name(partition);
            let stream = channel.basic_consume(
                name.as_str().into(),
                name.as_str().into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            );
            let stream = patient(stream).await?;
            self.generation += 1;
            let forwarding = tokio::spawn(forward(stream, partition, self.generation, self.sender.clone()));
            let followed =
                Followed { generation: self.generation, channel, forwarding, packs: VecDeque::new() };
            self.followed.insert(partition, Some(followed));
        }
        Ok(())
    }

    /// Forgets the connection and what came by it: it comes again.
    fn disconnect(&mut self) {
        self.connection = None;
        self.ready.clear();
        self.followed.values_mut().for_each(|followed| *followed = None);
    }

    /// Takes a pack in.
    fn came(&mut self, Came { partition, generation, pack }: Came) {
        let current = self.followed.get_mut(&partition).and_then(Option::as_mut);
        let Some(followed) = current.filter(|followed| followed.generation == generation) else { return };
        let Some((tag, bytes)) = pack else {
            if !self.stopping {
                self.disconnect();
            }
            return;
        };
        for message in unpack(&bytes) {
            self.receipt += 1;
            let mut delivery = Delivery::read(self.receipt, None, partition, message);
            // Whatever a message says of itself: this is where it was found.
            delivery.message.partition = partition;
            self.ready.push_back(delivery);
        }
        followed.packs.push_back((self.receipt, tag));
    }

    /// Lets the broker send no more, and waits for what it has sent.
    async fn cancel_all(&mut self) {
        self.stopping = true;
        for (&partition, followed) in &mut self.followed {
            let Some(followed) = followed else { continue };
            let tag = queue_name(partition);
            let cancelled = followed.channel.basic_cancel(tag.as_str().into(), BasicCancelOptions::default());
            if let Err(error) = patient(cancelled).await {
                tracing::debug!(error = ?error, "a consumer was gone already");
            }
            // It ends with the stream; if the broker is away, the stream has ended too.
            let _ = timeout(PATIENCE, &mut followed.forwarding).await;
        }
    }
}

/// Carries what comes on a channel to the consumer.
async fn forward(
    mut stream: lapin::Consumer,
    partition: u16,
    generation: u64,
    consumer: mpsc::UnboundedSender<Came>,
) {
    while let Some(Ok(delivery)) = stream.next().await {
        let pack = Some((delivery.delivery_tag, delivery.data));
        if consumer.send(Came { partition, generation, pack }).is_err() {
            return;
        }
    }
    // Nobody hears it if the consumer is gone.
    let _ = consumer.send(Came { partition, generation, pack: None });
}

#[async_trait]
impl Consumer for RabbitConsumer {
    async fn follow(&mut self, partitions: &BTreeSet<u16>) -> Result<(), Error> {
        let gone: Vec<u16> =
            self.followed.keys().filter(|partition| !partitions.contains(partition)).copied().collect();
        for partition in gone {
            if let Some(Some(followed)) = self.followed.remove(&partition) {
                // Closing it gives back what was not acknowledged.
                let closed = followed.channel.close(200, "given back".into());
                if let Err(error) = patient(closed).await {
                    tracing::debug!(error = ?error, "a channel was gone already");
                }
            }
            self.ready.retain(|delivery| delivery.message.partition != partition);
        }
        for &partition in partitions {
            self.followed.entry(partition).or_insert(None);
        }
        self.open_missing().await
    }

    async fn receive(&mut self, max: usize) -> Result<Option<Vec<Delivery>>, Error> {
        if *self.stop.borrow_and_update() && !self.stopping {
            self.cancel_all().await;
        }
        self.open_missing().await?;
        if self.ready.is_empty() && !self.stopping {
            let stopped = self.stop.changed();
            tokio::select! {
                came = timeout(PATIENCE, self.packs.recv()) => {
                    if let Ok(Some(came)) = came {
                        self.came(came);
                    }
                }
                _ = stopped => return Ok(Some(Vec::new())),
            }
        }
        let (mut count, mut bytes) = (0, 0);
        while count < max && !Delivery::enough(bytes) {
            if let Some(delivery) = self.ready.get(count) {
                bytes += delivery.message.body.len();
                count += 1;
            } else if let Ok(came) = self.packs.try_recv() {
                self.came(came);
            } else {
                break;
            }
        }
        // A channel that closed has taken what it gave with it.
        let deliveries: Vec<Delivery> = self.ready.drain(..count.min(self.ready.len())).collect();
        Ok((!deliveries.is_empty() || !self.stopping).then_some(deliveries))
    }

    async fn acknowledge(&mut self, partition: u16, receipt: u64) -> Result<(), Error> {
        let Some(Some(followed)) = self.followed.get_mut(&partition) else { return Ok(()) };
        let mut last = None;
        while let Some(&(of_pack, tag)) = followed.packs.front().filter(|(of_pack, _)| *of_pack <= receipt) {
            debug_assert!(of_pack <= receipt);
            last = Some(tag);
            followed.packs.pop_front();
        }
        let Some(tag) = last else { return Ok(()) };
        let acknowledged = followed.channel.basic_ack(tag, BasicAckOptions { multiple: true });
        if let Err(error) = patient(acknowledged).await {
            // What was committed comes again, and is known.
            tracing::warn!(error = ?error, "an acknowledgement did not reach the broker");
            self.disconnect();
        }
        Ok(())
    }
}
