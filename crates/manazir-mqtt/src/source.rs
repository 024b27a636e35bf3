//! What sensors publish is handed in, batch by batch, and then acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use manazir_ingest::Error;
use manazir_ingest::backoff::Backoff;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::{Connection, Received};
use crate::{Source, Topics};

/// Most messages that are handed in together.
const TOGETHER_MAX: usize = 512;

const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A connection that lasted this long was a good one. One that ends at once after it was made was not: of two clients
/// of one name each throws the other out.
const GOOD: Duration = Duration::from_secs(30);

/// Takes messages in.
#[async_trait]
pub trait HandIn: Send + Sync {
    /// Takes messages, in their order; returns when all of them are on disk, those that cannot be read among what is
    /// kept to be repaired. If it fails the same are handed in again, and nothing counts twice.
    async fn hand_in(&self, messages: &[&Received]) -> Result<(), Error>;
}

/// Reads until `stop` says true; comes back by itself when the broker was away.
pub async fn follow(source: Source, hand_in: Arc<dyn HandIn>, mut stop: watch::Receiver<bool>) {
    let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
    while !*stop.borrow() {
        let began = Instant::now();
        match read(&source, &*hand_in, &mut stop).await {
            Ok(()) => tracing::info!(source = ?source, "the source of sensors has ended"),
            Err(error) => {
                tracing::warn!(source = ?source, error = ?error, "sensors cannot be read; it is tried again");
            }
        }
        if began.elapsed() > GOOD {
            backoff.worked();
        }
        pause(backoff.failed(rand::random()), &mut stop).await;
    }
}

/// Waits, but not for what is to end.
async fn pause(pause: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = sleep(pause) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn read(source: &Source, hand_in: &dyn HandIn, stop: &mut watch::Receiver<bool>) -> Result<(), Error> {
    let mut connection = Connection::open(source)?;
    loop {
        let first = tokio::select! {
            first = connection.next() => first,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some(first) = first else { return Err(connection.ended().await) };
        take(first, &mut connection, &source.topics, hand_in, stop).await?;
    }
    // What waits is taken; what is under way comes again.
    connection.close();
    while let Some(first) = connection.next().await {
        take(first, &mut connection, &source.topics, hand_in, stop).await?;
    }
    connection.leave().await
}

/// Hands a message in, with those that wait behind it, and acknowledges them; tries again for as long as there is
/// somebody to acknowledge them to.
async fn take(
    first: Received,
    connection: &mut Connection,
    topics: &Topics,
    hand_in: &dyn HandIn,
    stop: &mut watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut together = vec![first];
    while together.len() < TOGETHER_MAX
        && let Some(next) = connection.waiting()
    {
        together.push(next);
    }
    let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
    loop {
        let open = connection.is_open();
        // Without a connection, what comes again would count twice.
        let wanted =
            together.iter().filter(|one| topics.contain(one.topic()) && (open || !one.comes_again()));
        let wanted: Vec<&Received> = wanted.collect();
        let handed_in = if wanted.is_empty() { Ok(()) } else { hand_in.hand_in(&wanted).await };
        match handed_in {
            Ok(()) if open && !together.iter().all(|one| connection.acknowledge(one)) => {
                return Err(connection.ended().await);
            }
            Ok(()) => return Ok(()),
            Err(error) if *stop.borrow() => return Err(error),
            Err(error) => {
                tracing::warn!(error = ?error, count = wanted.len(), "what sensors say cannot be taken now; trying again");
            }
        }
        pause(backoff.failed(rand::random()), stop).await;
    }
}
