//! A channel on which the broker confirms what it is sent, on a connection of its own.

use lapin::{BasicProperties, Channel};
use manazir_ingest::Error;

use crate::confirms::{self, confirmed, send};
use crate::link::{Address, Link};

/// Messages that are sent before their confirmations are waited for.
pub(super) const TOGETHER: usize = 1_000;

/// Bytes that are.
pub(super) const TOGETHER_BYTES: usize = 4 << 20;

pub(super) struct Front {
    _link: Link,
    pub(super) channel: Channel,
}

impl Front {
    pub(super) async fn open(address: &Address, purpose: &str) -> Result<Self, Error> {
        let link = address.connect(purpose).await?;
        let channel = link.channel().await?;
        confirms::ask_for(&channel).await?;
        Ok(Self { _link: link, channel })
    }

    /// Sends all and waits until the broker has them.
    pub(super) async fn send(&self, exchange: &str, key: &str, bodies: &[Vec<u8>]) -> Result<(), Error> {
        let mut confirmations = Vec::new();
        for body in bodies {
            let properties = BasicProperties::default().with_content_type(content_type(body).into());
            confirmations.push(send(&self.channel, exchange, key, body, properties).await?);
        }
        confirmed(confirmations).await
    }
}

/// What CloudEvents calls an event, or a batch of them, in JSON.
fn content_type(body: &[u8]) -> &'static str {
    if body.starts_with(b"[") { "application/cloudevents-batch+json" } else { "application/cloudevents+json" }
}

/// How many of the first messages go together, at least one.
pub(super) fn together(bodies: &[Vec<u8>]) -> usize {
    let mut bytes = 0;
    let fits = |body: &&Vec<u8>| {
        let fits = bytes < TOGETHER_BYTES;
        bytes += body.len();
        fits
    };
    bodies.iter().take(TOGETHER).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_together_is_bounded_by_number_and_size() {
        assert_eq!(together(&[]), 0);
        assert_eq!(together(&vec![vec![1]; 5]), 5);
        assert_eq!(together(&vec![vec![1]; 5_000]), TOGETHER);
        let long = vec![0; TOGETHER_BYTES];
        assert_eq!(together(&[long.clone(), vec![1]]), 1);
        assert_eq!(together(&[long[1..].to_vec(), vec![1], vec![2]]), 2);
    }
}
