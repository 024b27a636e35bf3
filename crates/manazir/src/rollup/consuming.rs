//! From the queue of a destination into its totals.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use manazir_rabbitmq::fanout::{Delivery, FanoutConsumer, RECEIVED_MAX};
use manazir_rollup::Identity;
use manazir_rollup::decode::content_of;

use super::counting::{CameAs, Counting, NotYet, now};
use super::specification::{Specification, Watch};
use crate::progress::interrupted;

/// How long a finding waits for others before it is counted alone.
const PATIENCE: Duration = Duration::from_millis(200);

/// The stream of messages that do not say of which they are.
pub const UNREADABLE: &str = "unreadable messages";

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
        busy = Instant::now();
        let (mut dead, mut waiting) = (Vec::new(), Vec::new());
        for delivery in batch {
            if let Some(NotYet { reason, waits }) = take(specification, counting, &delivery).await?
                && !counting.keeps_asides()
            {
                if waits { &mut waiting } else { &mut dead }.push((delivery, reason));
            }
        }
        counting.flush().await?;
        consumer.put_aside(&dead).await;
        consumer.park(&waiting).await;
        consumer.acknowledge(last).await;
    }
    Ok(())
}

async fn take(
    specification: &Specification,
    counting: &mut Counting,
    delivery: &Delivery,
) -> Result<Option<NotYet>> {
    let body = &delivery.body;
    let came = CameAs::Message(body);
    match specification.compiled.decode_message(body) {
        Ok((identity, values)) => counting.take(identity, Ok(&values), came, now()).await,
        Err(reason) => {
            // It has no identity of its own that could be read: what it says is one.
            let content = content_of(body);
            let identity = Identity { source: UNREADABLE.into(), position: content, content };
            counting.take(identity, Err(reason), came, now()).await
        }
    }
}
