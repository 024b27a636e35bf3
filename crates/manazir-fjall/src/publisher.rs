//! The one thread that writes messages: whatever waits when it is ready goes to the disk in one sync.
//!
//! A thousand callers at once then cost one sync, not a thousand, and each is answered when its own message is
//! on disk.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use fjall::PersistMode;
use manazir_ingest::{Error, Message};
use tokio::sync::{oneshot, watch};

use crate::Keyspaces;
use crate::codec;

/// Bytes after which a sync is due, whatever else waits: 4 MiB take a few milliseconds.
const SYNC_BYTES: usize = 4 << 20;

/// How far the queue is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// Everything up to here is on disk.
    pub(crate) position: u64,
    /// Nothing will come after it.
    pub(crate) closed: bool,
}

/// Messages as they are stored, and who waits for them.
struct Publication {
    messages: Vec<Vec<u8>>,
    done: oneshot::Sender<Result<(), Error>>,
}

pub(crate) struct Publisher {
    /// `None` once closed.
    publications: Mutex<Option<SyncSender<Publication>>>,
    waiting: Arc<AtomicUsize>,
    written: watch::Receiver<Written>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Publisher {
    pub(crate) fn start(keyspaces: Arc<Keyspaces>, publications_max: usize) -> io::Result<Self> {
        let last = keyspaces.messages.last_key_value().map(fjall::Guard::key).transpose();
        let last = last.map_err(io::Error::other)?.map_or(0, |key| codec::position(&key));
        // Retention may have taken every message: positions never start over.
        let position = last.max(keyspaces.committed.load(Ordering::Acquire));
        let (publications, incoming) = sync_channel(publications_max);
        let (tell, written) = watch::channel(Written { position, closed: false });
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = Writer { keyspaces, incoming, tell, waiting: Arc::clone(&waiting) };
        let thread = std::thread::Builder::new().name("publisher".to_owned()).spawn(move || writer.run())?;
        Ok(Self {
            publications: Mutex::new(Some(publications)),
            waiting,
            written,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn written(&self) -> watch::Receiver<Written> {
        self.written.clone()
    }

    pub(crate) async fn publish(&self, messages: Vec<Message>) -> Result<(), Error> {
        let count = messages.len();
        let messages = messages.iter().map(Message::to_bytes).collect();
        let (done, written) = oneshot::channel();
        let sender = self.publications.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sender = sender.ok_or(Error::Closed)?;
        self.waiting.fetch_add(count, Ordering::Relaxed);
        if let Err(refused) = sender.try_send(Publication { messages, done }) {
            let waiting = self.waiting.fetch_sub(count, Ordering::Relaxed) - count;
            return Err(match refused {
                TrySendError::Full(_) => Error::Full { waiting },
                TrySendError::Disconnected(_) => Error::Closed,
            });
        }
        drop(sender);
        written.await.unwrap_or(Err(Error::Closed))
    }

    pub(crate) fn close(&self) {
        self.publications.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the publisher ended by a panic; what it acknowledged is on disk");
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.close();
    }
}

struct Writer {
    keyspaces: Arc<Keyspaces>,
    incoming: Receiver<Publication>,
    tell: watch::Sender<Written>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    fn run(self) {
        while let Ok(first) = self.incoming.recv() {
            let mut bytes = size(&first);
            let mut together = vec![first];
            while bytes < SYNC_BYTES {
                let Ok(next) = self.incoming.try_recv() else { break };
                bytes += size(&next);
                together.push(next);
            }
            self.write(together);
        }
        self.tell.send_modify(|written| written.closed = true);
    }

    fn write(&self, together: Vec<Publication>) {
        let mut position = self.tell.borrow().position;
        let mut batch = self.keyspaces.database.batch().durability(Some(PersistMode::SyncData));
        let mut answers = Vec::with_capacity(together.len());
        for Publication { messages, done } in together {
            for message in messages {
                position += 1;
                batch.insert(&self.keyspaces.messages, position.to_be_bytes(), message);
            }
            answers.push(done);
        }
        let count = batch.len();
        let committed = batch.commit();
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        match committed {
            Ok(()) => {
                self.tell.send_modify(|written| written.position = position);
                for done in answers {
                    // A caller that has gone away does not need its answer; its messages are taken.
                    let _ = done.send(Ok(()));
                }
            }
            Err(error) => {
                tracing::error!(%error, "messages could not be written");
                for done in answers {
                    let _ = done.send(Err(Error::store(error.to_string())));
                }
            }
        }
    }
}

fn size(publication: &Publication) -> usize {
    publication.messages.iter().map(Vec::len).sum()
}
