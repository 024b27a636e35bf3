//! How much is in the queues of destinations.

use lapin::options::QueueDeclareOptions;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::{Channel, ErrorKind};
use manazir_ingest::Error;

use super::{dead, waiting};
use crate::link::{Address, Link, patient};

/// Of one destination; `None` of a queue that is not there. What a consumer holds and has not acknowledged is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that are to be counted.
    pub ready: Option<u64>,
    /// Who reads them.
    pub consumers: Option<u64>,
    /// Messages that wait for something that is not known yet.
    pub waiting: Option<u64>,
    /// Messages that cannot be used.
    pub dead: Option<u64>,
}

/// Looks at the queues of destinations and changes nothing; in the order of `queues`.
pub async fn depth(address: &Address, queues: &[String]) -> Result<Vec<Depth>, Error> {
    let link = address.connect("status").await?;
    let mut depths = Vec::with_capacity(queues.len());
    for queue in queues {
        let own = look(&link, queue).await?;
        depths.push(Depth {
            ready: own.map(|(messages, _)| messages),
            consumers: own.map(|(_, consumers)| consumers),
            waiting: look(&link, &waiting(queue)).await?.map(|(messages, _)| messages),
            dead: look(&link, &dead(queue)).await?.map(|(messages, _)| messages),
        });
    }
    Ok(depths)
}

/// Messages and consumers of a queue. The broker closes the channel on which it says that there is none.
async fn look(link: &Link, queue: &str) -> Result<Option<(u64, u64)>, Error> {
    let channel: Channel = link.channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match patient(channel.queue_declare(queue.into(), passive, FieldTable::default())).await {
        Ok(found) => {
            patient(channel.close(200, "done".into())).await?;
            Ok(Some((found.message_count().into(), found.consumer_count().into())))
        }
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &Error) -> bool {
    let Error::Unreachable { source, .. } = error else { return false };
    let Some(ErrorKind::ProtocolError(said)) = source.downcast_ref().map(lapin::Error::kind) else {
        return false;
    };
    matches!(said.kind(), AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND))
}
