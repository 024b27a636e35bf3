//! Messages that the broker confirms once it has them on disk.

use futures_util::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, PublisherConfirm};
use manazir_ingest::Error;

use crate::link::patient;

/// A message that the broker writes to disk.
const PERSISTENT: u8 = 2;

/// Lets the broker confirm what is sent on a channel.
pub(crate) async fn ask_for(channel: &Channel) -> Result<(), Error> {
    patient(channel.confirm_select(ConfirmSelectOptions::default())).await
}

/// Sends a message to be written to disk.
pub(crate) async fn send(
    channel: &Channel,
    exchange: &str,
    key: &str,
    bytes: &[u8],
    properties: BasicProperties,
) -> Result<PublisherConfirm, Error> {
    // Mandatory: without its queue a message would be confirmed and thrown away.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = properties.with_delivery_mode(PERSISTENT);
    patient(channel.basic_publish(exchange.into(), key.into(), options, bytes, properties)).await
}

/// Waits until the broker has all of them.
pub(crate) async fn confirmed(confirmations: Vec<PublisherConfirm>) -> Result<(), Error> {
    for confirmation in patient(try_join_all(confirmations)).await? {
        if !confirmation.is_ack() || confirmation.take_message().is_some() {
            return Err(Error::unreachable("broker", "it refused a message"));
        }
    }
    Ok(())
}
