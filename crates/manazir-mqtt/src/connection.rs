//! One connection to the broker, from its beginning to its end; the next one is made anew, so that nothing of this
//! one is acknowledged there.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use manazir_ingest::Error;
use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use crate::Source;

/// After one and a half times this without a word the broker takes us to be gone.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Taking leave takes no longer.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// The largest packet that there can be (MQTT 3.1.1, 2.2.3, and its header): one that is refused ends the connection
/// and comes again at the next, for ever.
const PACKET_BYTES_MAX: usize = 268_435_455 + 5;

/// Messages that wait here to be handed in; of more, the broker's window or the network's are full.
const WAITING_MAX: usize = 1_024;

/// Kibibytes of payload that wait here, or one message if that is larger.
const WAITING_KIB_MAX: u32 = 32 << 10;

/// Acknowledgements that wait to be sent. More messages than packets have numbers are never unacknowledged, so that
/// there is always room.
const REQUESTS_MAX: usize = 65_536 + 16;

/// Of a payload that is too long.
const BEGINNING_BYTES: usize = 4_096;

/// A message as it came.
#[derive(Debug)]
pub struct Received {
    publish: Publish,
    bytes: usize,
    at: SystemTime,
    _room: Option<OwnedSemaphorePermit>,
}

impl Received {
    /// Where it was published.
    pub fn topic(&self) -> &str {
        &self.publish.topic
    }

    /// Its payload, or the beginning of one that is too long.
    pub fn payload(&self) -> &[u8] {
        &self.publish.payload
    }

    /// Length of its payload as it came.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// When it arrived.
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// True if the broker had kept it for those who subscribe later.
    pub fn is_retained(&self) -> bool {
        self.publish.retain
    }

    /// True if it comes again until it is acknowledged.
    pub(crate) fn comes_again(&self) -> bool {
        self.publish.qos != QoS::AtMostOnce
    }
}

/// A connection that is made and read by a task of its own, which nobody interrupts: an acknowledgement that is
/// half written stays whole. Dropping it breaks it off.
pub(crate) struct Connection {
    client: AsyncClient,
    received: mpsc::Receiver<Received>,
    polling: JoinSet<Result<(), ConnectionError>>,
    task: AbortHandle,
}

impl Connection {
    pub(crate) fn open(source: &Source) -> Result<Self, Error> {
        let (client, events) = AsyncClient::new(options(source), REQUESTS_MAX);
        // Sent when the broker has let us in.
        let filters =
            source.topics.iter().map(|filter| SubscribeFilter::new(filter.to_owned(), QoS::AtLeastOnce));
        client.try_subscribe_many(filters).map_err(away)?;
        let (sender, received) = mpsc::channel(WAITING_MAX);
        let mut polling = JoinSet::new();
        let task = polling.spawn(poll(source.clone(), events, sender));
        Ok(Self { client, received, polling, task })
    }

    /// The next message; `None` if no more come.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        self.received.recv().await
    }

    /// A message that waits already.
    pub(crate) fn waiting(&mut self) -> Option<Received> {
        self.received.try_recv().ok()
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.task.is_finished()
    }

    /// To be called in the order in which messages came (MQTT 3.1.1, 4.6). False if there is nobody to tell.
    pub(crate) fn acknowledge(&self, received: &Received) -> bool {
        self.client.try_ack(&received.publish).is_ok()
    }

    /// Takes no further message; those that wait still can be had. Others come again.
    pub(crate) fn close(&mut self) {
        self.received.close();
    }

    /// Why it ended.
    pub(crate) async fn ended(&mut self) -> Error {
        match self.polling.join_next().await {
            Some(Ok(Err(error))) => Error::unreachable("broker of sensors", error),
            Some(Err(error)) => Error::store(error),
            Some(Ok(Ok(()))) | None => Error::unreachable("broker of sensors", "the connection has ended"),
        }
    }

    /// Sends the acknowledgements that are not sent yet and takes leave.
    pub(crate) async fn leave(mut self) -> Result<(), Error> {
        self.client.try_disconnect().map_err(away)?;
        match timeout(LEAVE_MAX, self.polling.join_next()).await {
            Ok(Some(Ok(Ok(())))) => Ok(()),
            Ok(Some(Ok(Err(error)))) => Err(Error::unreachable("broker of sensors", error)),
            Ok(Some(Err(error))) => Err(Error::store(error)),
            Ok(None) => Ok(()),
            Err(elapsed) => Err(Error::unreachable("broker of sensors", elapsed)),
        }
    }
}

fn away(error: ClientError) -> Error {
    Error::unreachable("broker of sensors", error)
}

fn options(source: &Source) -> MqttOptions {
    let Source { address, client_id, .. } = source;
    let mut options = MqttOptions::new(client_id, &address.host, address.port);
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_session(false)
        .set_manual_acks(true)
        .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    if let Some((name, password)) = &address.login {
        options.set_credentials(name, password);
    }
    options
}

/// Reads and writes until the connection breaks or has been taken leave of. When `received` is full it waits, and so
/// does the broker.
async fn poll(
    source: Source,
    mut events: EventLoop,
    received: mpsc::Sender<Received>,
) -> Result<(), ConnectionError> {
    let room = Arc::new(Semaphore::new(WAITING_KIB_MAX as usize));
    loop {
        match events.poll().await? {
            Event::Incoming(Packet::ConnAck(ack)) => {
                metrics::counter!("manazir_mqtt_connections_total").increment(1);
                tracing::info!(source = ?source, kept = ack.session_present, "the broker of sensors has let us in");
            }
            Event::Incoming(Packet::SubAck(ack)) => {
                let answers = source.topics.iter().zip(&ack.return_codes);
                for (topic, _) in answers.filter(|(_, answer)| **answer == SubscribeReasonCode::Failure) {
                    tracing::error!(source = ?source, topic, "the broker refuses this topic; nothing of it will come");
                }
            }
            Event::Incoming(Packet::Publish(publish)) => {
                let message = message(publish, source.payload_bytes_max, &room).await;
                // Nobody takes any more: it comes again.
                let _ = received.send(message).await;
            }
            Event::Outgoing(Outgoing::Disconnect) => return Ok(()),
            _ => {}
        }
    }
}

async fn message(mut publish: Publish, bytes_max: usize, room: &Arc<Semaphore>) -> Received {
    let (at, bytes) = (SystemTime::now(), publish.payload.len());
    if bytes > bytes_max {
        // A copy, so that the whole is let go.
        publish.payload = publish.payload[..bytes_max.min(BEGINNING_BYTES)].to_owned().into();
    }
    let kibibytes = (publish.payload.len() >> 10) as u32 + 1;
    // The semaphore is never closed.
    let room = Arc::clone(room).acquire_many_owned(kibibytes.min(WAITING_KIB_MAX)).await.ok();
    Received { publish, bytes, at, _room: room }
}
