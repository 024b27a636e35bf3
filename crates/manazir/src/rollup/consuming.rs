//! From the queue of a destination into its totals.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use manazir_rabbitmq::fanout::{Delivery, FanoutConsumer, PutAside, RECEIVED_MAX};
use manazir_rollup::decode::content_of;
use manazir_rollup::{Identity, events};

use super::counting::{CameAs, Counting, NotYet, now};
use super::specification::{Specification, Watch};
use crate::progress::interrupted;

/// How long a finding waits for others before it is counted alone.
const PATIENCE: Duration = Duration::from_millis(200);

/// The stream of messages that do not say of which they are.
pub const UNREADABLE: &str = "unreadable messages";

/// Of a message that has no identity of its own that could be read: what it says is one.
pub fn unreadable(message: &[u8]) -> Identity {
    let content = content_of(message);
    Identity { source: UNREADABLE.into(), position: content, content }
}

/// Counts what comes until Ctrl-C, or until nothing has come for `until_idle`.
///
/// A message is acknowledged after the destination has counted it. What cannot be used is put aside into the queue of
/// the dead with its reason; what waits for a reference table waits in a queue of its own, and comes back when the
/// tables change.
pub async fn consume(
    specification: &Specification,
    counting: &mut Counting,
    consumer: &mut FanoutConsumer,
    until_idle: Option<Duration>,
) -> Result<()> {
    let mut watch = Watch::new(specification);
    // What waited when an earlier process ended may be known by now.
    consumer.release().await.context("take back what waited")?;
    counting.release(now()).await?;
    let mut busy = Instant::now();
    while !interrupted() && until_idle.is_none_or(|idle| busy.elapsed() < idle) {
        if let Some(plan) = watch.changed() {
            counting.reload(plan).await?;
            counting.release(now()).await?;
            let released = consumer.release().await.context("take back what waited")?;
            tracing::info!(released, "reference tables have changed; what waited for them is counted");
        }
        let batch = consumer.receive(RECEIVED_MAX.into(), PATIENCE).await.context("read the queue")?;
        let Some(last) = batch.last().map(|delivery| delivery.receipt) else { continue };
        let (mut dead, mut waiting) = (Vec::new(), Vec::new());
        for Delivery { receipt, body, .. } in &batch {
            for event in events(body) {
                if let Some(NotYet { reason, waits }) = take(specification, counting, event).await?
                    && !counting.keeps_asides()
                {
                    let aside = PutAside { receipt: *receipt, body: event.to_vec(), reason };
                    if waits { &mut waiting } else { &mut dead }.push(aside);
                }
            }
        }
        counting.flush().await?;
        consumer.put_aside(&dead).await;
        consumer.park(&waiting).await;
        consumer.acknowledge(last).await;
        // From here on, for a destination may take its time to count.
        busy = Instant::now();
    }
    Ok(())
}

async fn take(specification: &Specification, counting: &mut Counting, body: &[u8]) -> Result<Option<NotYet>> {
    let came = CameAs::Message(body);
    match specification.compiled.decode_message(body) {
        Ok((identity, values)) => counting.take(identity, Ok(&values), came, now()).await,
        Err(reason) => counting.take(unreadable(body), Err(reason), came, now()).await,
    }
}
