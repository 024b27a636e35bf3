//! The queue's front: one task sends whatever waits together, and answers when the broker has it on disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};
use manazir_ingest::{Error, Message, PARTITIONS, Queue};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::backoff::Backoff;
use crate::confirms::{self, confirmed, send};
use crate::link::{self, Address, EXCHANGE, Link, patient, queue_name};
use crate::packed::Pack;

/// Bytes that are sent before their confirmations are waited for.
const TOGETHER_BYTES: usize = 4 << 20;

/// The depth is asked of the broker no more often: it is 64 questions.
const DEPTH_EVERY: Duration = Duration::from_secs(1);

/// How the queue is used.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Publications, each of any number of messages, that may wait to be sent; more are refused.
    pub publications_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { publications_max: 4_096 }
    }
}

/// The broker as a queue; clones share one connection.
#[derive(Clone, Debug)]
pub struct RabbitQueue {
    publications: mpsc::Sender<Publication>,
    waiting: Arc<AtomicUsize>,
    depth: Arc<Mutex<Depth>>,
}

#[derive(Debug)]
struct Publication {
    messages: Vec<(u16, Vec<u8>)>,
    done: oneshot::Sender<Result<(), Error>>,
}

impl RabbitQueue {
    /// Connects and makes the exchange and the queues if they are not there.
    pub async fn open(address: &Address, config: &Config) -> Result<Self, Error> {
        let link = Front::open(address).await?;
        let (publications, incoming) = mpsc::channel(config.publications_max);
        let waiting = Arc::new(AtomicUsize::new(0));
        let sender = Sender {
            address: address.clone(),
            link: Some(link),
            backoff: Backoff::new(),
            incoming,
            waiting: Arc::clone(&waiting),
        };
        // It ends when the last clone of the queue is gone.
        tokio::spawn(sender.run());
        let depth = Arc::new(Mutex::new(Depth { address: address.clone(), link: None, last: None }));
        Ok(Self { publications, waiting, depth })
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn publish(&self, messages: Vec<Message>) -> Result<(), Error> {
        let count = messages.len();
        let messages = messages.iter().map(|message| (message.partition, message.to_bytes())).collect();
        let (done, confirmed) = oneshot::channel();
        self.waiting.fetch_add(count, Ordering::Relaxed);
        if let Err(refused) = self.publications.try_send(Publication { messages, done }) {
            let waiting = self.waiting.fetch_sub(count, Ordering::Relaxed) - count;
            return Err(match refused {
                mpsc::error::TrySendError::Full(_) => Error::Full { waiting },
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            });
        }
        confirmed.await.unwrap_or(Err(Error::Closed))
    }

    /// Packs that wait in the broker, those that a worker has received not counted.
    async fn depth(&self) -> Result<u64, Error> {
        self.depth.lock().await.ask().await
    }
}

struct Front {
    _link: Link,
    channel: Channel,
}

impl Front {
    async fn open(address: &Address) -> Result<Self, Error> {
        let link = address.connect("publisher").await?;
        let channel = link.channel().await?;
        confirms::ask_for(&channel).await?;
        link::declare(address, &channel).await?;
        Ok(Self { _link: link, channel })
    }

    /// Sends all, then waits until the broker has all of it.
    async fn send(&self, messages: impl Iterator<Item = (u16, Vec<u8>)>) -> Result<(), Error> {
        let mut packs: BTreeMap<u16, Pack> = BTreeMap::new();
        let mut confirmations = Vec::new();
        for (partition, message) in messages {
            let pack = packs.entry(partition).or_default();
            pack.push(&message);
            if pack.is_full() {
                let full = std::mem::take(pack);
                confirmations.push(self.send_pack(partition, &full).await?);
            }
        }
        for (partition, pack) in packs.iter().filter(|(_, pack)| !pack.bytes().is_empty()) {
            confirmations.push(self.send_pack(*partition, pack).await?);
        }
        confirmed(confirmations).await
    }

    async fn send_pack(&self, partition: u16, pack: &Pack) -> Result<lapin::PublisherConfirm, Error> {
        let key = queue_name(partition);
        send(&self.channel, EXCHANGE, &key, pack.bytes(), BasicProperties::default()).await
    }
}

struct Sender {
    address: Address,
    link: Option<Front>,
    backoff: Backoff,
    incoming: mpsc::Receiver<Publication>,
    waiting: Arc<AtomicUsize>,
}

impl Sender {
    async fn run(mut self) {
        while let Some(first) = self.incoming.recv().await {
            let mut bytes = size(&first);
            let mut together = vec![first];
            while bytes < TOGETHER_BYTES {
                let Ok(next) = self.incoming.try_recv() else { break };
                bytes += size(&next);
                together.push(next);
            }
            self.send(together).await;
        }
    }

    async fn send(&mut self, together: Vec<Publication>) {
        let (messages, callers): (Vec<_>, Vec<_>) =
            together.into_iter().map(|publication| (publication.messages, publication.done)).unzip();
        let count = messages.iter().map(Vec::len).sum();
        let sent = match self.link().await {
            Ok(link) => link.send(messages.into_iter().flatten()).await,
            Err(error) => Err(error),
        };
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        match sent {
            Ok(()) => callers.into_iter().for_each(|caller| {
                // A caller that has gone away does not need its answer; its messages are taken.
                let _ = caller.send(Ok(()));
            }),
            Err(error) => {
                tracing::warn!(error = ?error, "messages could not be sent; the broker is looked for again");
                self.link = None;
                let why = error.to_string();
                for caller in callers {
                    let _ = caller.send(Err(Error::unreachable("broker", why.clone())));
                }
            }
        }
    }

    /// The link, opened anew if that is due; who asks in between is refused at once.
    async fn link(&mut self) -> Result<&Front, Error> {
        if self.link.is_none() {
            if !self.backoff.pause().is_zero() {
                return Err(Error::unreachable("broker", "it was away a moment ago"));
            }
            match Front::open(&self.address).await {
                Ok(link) => {
                    self.backoff.worked();
                    self.link = Some(link);
                }
                Err(error) => {
                    self.backoff.failed();
                    return Err(error);
                }
            }
        }
        self.link.as_ref().ok_or(Error::Closed)
    }
}

fn size(publication: &Publication) -> usize {
    publication.messages.iter().map(|(_, bytes)| bytes.len()).sum()
}

/// How much waits, as the broker says.
#[derive(Debug)]
struct Depth {
    address: Address,
    link: Option<(Link, Channel)>,
    last: Option<(Instant, u64)>,
}

impl Depth {
    async fn ask(&mut self) -> Result<u64, Error> {
        if let Some((_, depth)) = self.last.filter(|(at, _)| at.elapsed() < DEPTH_EVERY) {
            return Ok(depth);
        }
        let counted = self.count().await;
        match &counted {
            Ok(depth) => self.last = Some((Instant::now(), *depth)),
            Err(_) => self.link = None,
        }
        counted
    }

    async fn count(&mut self) -> Result<u64, Error> {
        if self.link.is_none() {
            let link = self.address.connect("depth").await?;
            let channel = link.channel().await?;
            self.link = Some((link, channel));
        }
        let Some((_, channel)) = &self.link else { return Err(Error::Closed) };
        let mut depth = 0;
        for partition in 0..PARTITIONS {
            let there = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let name = queue_name(partition).as_str().into();
            let queue = patient(channel.queue_declare(name, there, FieldTable::default())).await?;
            depth += u64::from(queue.message_count());
        }
        Ok(depth)
    }
}
