//! What was put aside of a destination's messages: a person looks at it, and says what becomes of it.

use std::ops::ControlFlow;

use lapin::BasicProperties;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::AMQPValue;
use manazir_ingest::Error;

use super::front::{Front, TOGETHER};
use super::{REASON, dead, waiting};
use crate::confirms::{confirmed, send};
use crate::link::{Address, durable_queue, patient};

/// Why a message is not in the destination's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// It cannot be used.
    Dead,
    /// It names what is not known yet.
    Waiting,
}

/// A message that was put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What was published.
    pub body: Vec<u8>,
    /// Why it was put aside.
    pub reason: String,
}

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays where it is.
    Stay,
    /// This goes to the destination's queue in its place.
    Send(Vec<u8>),
    /// It is gone.
    Discard,
}

/// Decides what becomes of messages that were put aside, the oldest first, until there are no more or `decide` breaks
/// off; how many did not stay.
///
/// A message leaves when the broker has what goes in its place; what is put aside meanwhile is not looked at. Those that
/// stay keep their order. While they are looked at nobody else sees them.
pub async fn decide(
    address: &Address,
    queue: &str,
    aside: Aside,
    mut decide: impl FnMut(&Letter) -> ControlFlow<Fate, Fate>,
) -> Result<u64, Error> {
    let from = match aside {
        Aside::Dead => dead(queue),
        Aside::Waiting => waiting(queue),
    };
    let front = Front::open(address, "dead letters").await?;
    let mut left = durable_queue(address, &front.channel, &from).await?;
    let (mut gone, mut seen_to) = (0, SeenTo::default());
    while left > 0 {
        let got = patient(front.channel.basic_get((&*from).into(), BasicGetOptions::default())).await?;
        let Some(got) = got else { break };
        left -= 1;
        let tag = got.delivery.delivery_tag;
        let decided = decide(&letter(got));
        let ends = decided.is_break();
        let (ControlFlow::Break(fate) | ControlFlow::Continue(fate)) = decided;
        match fate {
            Fate::Stay => {}
            Fate::Send(body) => {
                let sent = send(&front.channel, "", queue, &body, BasicProperties::default()).await?;
                seen_to.confirmations.push(sent);
                seen_to.tags.push(tag);
            }
            Fate::Discard => seen_to.tags.push(tag),
        }
        if ends {
            break;
        }
        if seen_to.tags.len() == TOGETHER {
            gone += std::mem::take(&mut seen_to).settle(&front).await?;
        }
    }
    gone += seen_to.settle(&front).await?;
    // Those that were not acknowledged are back in their places before anybody looks again.
    patient(front.channel.close(200, "done".into())).await?;
    Ok(gone)
}

/// Messages that do not stay, with what was sent for them.
#[derive(Default)]
struct SeenTo {
    confirmations: Vec<lapin::PublisherConfirm>,
    tags: Vec<u64>,
}

impl SeenTo {
    async fn settle(self, front: &Front) -> Result<u64, Error> {
        confirmed(self.confirmations).await?;
        for &tag in &self.tags {
            patient(front.channel.basic_ack(tag, BasicAckOptions::default())).await?;
        }
        Ok(self.tags.len() as u64)
    }
}

fn letter(got: BasicGetMessage) -> Letter {
    let headers = got.delivery.properties.headers().as_ref();
    let reason = match headers.and_then(|headers| headers.inner().get(REASON)) {
        Some(AMQPValue::LongString(reason)) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
        _ => String::new(),
    };
    Letter { reason, body: got.delivery.data }
}
