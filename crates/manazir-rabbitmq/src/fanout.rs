//! A stream that several destinations read, each by a queue of its own and at its own pace.
//!
//! | what | name | kind |
//! |---|---|---|
//! | exchange | given | fan-out, durable |
//! | queue of a destination | given | durable, bound to the exchange |
//! | what the destination cannot use | its name and `.dead` | durable |
//! | what waits for something that the destination does not know yet | its name and `.waiting` | durable |
//!
//! Publisher and consumers declare what they use, so that nothing is lost whoever starts first. Every message arrives
//! at least once, whatever dies in between: it may come twice, and is to be known by its identity. An outage of the
//! broker is waited for.

mod asides;
mod consumer;
mod depth;
mod front;
mod publisher;

pub use asides::{Aside, Fate, Letter, decide};
pub use consumer::{Delivery, FanoutConsumer, PutAside, RECEIVED_MAX, Receipt};
pub use depth::{Depth, depth};
pub use publisher::FanoutPublisher;

use lapin::{Channel, ExchangeKind};
use manazir_ingest::Error;

use crate::link::{self, Address};

/// The header that says why a message was put aside.
pub const REASON: &str = "reason";

/// The queue of what a destination cannot use.
pub fn dead(queue: &str) -> String {
    format!("{queue}.dead")
}

/// The queue of what waits beside a destination's.
pub fn waiting(queue: &str) -> String {
    format!("{queue}.waiting")
}

/// Makes the exchange, and the queue of a destination bound to it, if they are not there.
async fn declare(
    address: &Address,
    channel: &Channel,
    exchange: &str,
    queues: &[String],
) -> Result<(), Error> {
    link::durable_exchange(channel, exchange, ExchangeKind::Fanout).await?;
    for queue in queues {
        link::durable_queue(address, channel, queue).await?;
        link::bind(channel, queue, exchange, "").await?;
    }
    Ok(())
}
