//! Samples from brokers that sensors publish to, onto our own queue.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use manazir_ingest::dead_letters::{DeadLetters, NewDeadLetter};
use manazir_ingest::decode::samples::DecodedSamples;
use manazir_ingest::decode::sensor::{self, Reading};
use manazir_ingest::{Error, Format, Queue, decode, parts};
use manazir_model::Timestamp;
use manazir_mqtt::{Address, HandIn, Received, Source, Topics};
use manazir_sql::Keeping;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{MqttSource, Role, Settings};

/// In the directory of the service: the name by which brokers know it.
const NAME: &str = "mqtt_client_id";

/// Brokers that are followed; told to end, what they have delivered is taken.
pub(super) struct Sensors {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Sensors {
    pub(super) fn start(settings: &Settings, queue: Arc<dyn Queue>, keeping: &Keeping) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let hand_in: Arc<dyn HandIn> = Arc::new(OntoQueue { queue, dead_letters: Arc::new(keeping.clone()) });
        let mut running = Vec::new();
        let follows = if settings.role == Role::Worker { &[][..] } else { &settings.sources.mqtt };
        for (MqttSource { address, topics, client_id }, number) in follows.iter().zip(1..) {
            let client_id = match client_id {
                Some(client_id) => client_id.clone(),
                // Two sources on one broker are two clients.
                None => format!("{}{number}", own_name(&settings.data)?),
            };
            let source = Source {
                address: Address::parse(address)?,
                topics: Topics::new(topics.clone())?,
                client_id,
                payload_bytes_max: settings.limits.event_bytes_max,
            };
            running.push(tokio::spawn(manazir_mqtt::follow(source, Arc::clone(&hand_in), stopped.clone())));
        }
        Ok(Self { stop, running })
    }

    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        for source in self.running {
            if let Err(error) = source.await {
                tracing::error!(%error, "a source of sensors ended by a panic; what it had not taken comes again");
            }
        }
    }
}

/// The name of this directory, made at random when it is first asked for: what the broker keeps is kept for it.
///
/// Nineteen characters, all of them letters and digits: with a number behind it every broker takes it (MQTT 3.1.1,
/// 3.1.3.1).
fn own_name(data: &Path) -> Result<String> {
    let path = data.join(NAME);
    if let Ok(name) = std::fs::read_to_string(&path)
        && !name.trim().is_empty()
    {
        return Ok(name.trim().to_owned());
    }
    let mut entropy = [0; 8];
    getrandom::fill(&mut entropy)?;
    let name = format!("manazir{:012x}", u64::from_be_bytes(entropy) >> 16);
    std::fs::write(&path, format!("{name}\n")).with_context(|| format!("write {}", path.display()))?;
    Ok(name)
}

/// Puts samples on our own queue.
struct OntoQueue {
    queue: Arc<dyn Queue>,
    dead_letters: Arc<dyn DeadLetters>,
}

#[async_trait]
impl HandIn for OntoQueue {
    async fn hand_in(&self, messages: &[&Received]) -> Result<(), Error> {
        let mut decoded = DecodedSamples::default();
        let mut letters = Vec::new();
        let mut rejected = 0;
        let mut received_at = Timestamp::default();
        for message in messages {
            received_at = jiff::Timestamp::try_from(message.at()).map_err(Error::store)?.into();
            let reading = Reading {
                topic: message.topic(),
                payload: message.payload(),
                received_at,
                retained: message.is_retained(),
            };
            let read = read(&reading, message.bytes());
            rejected += read.rejects.len();
            letters.extend(read.rejects.kept().iter().map(|kept| NewDeadLetter {
                source: sensor::SOURCE.to_owned(),
                id: reading.topic.to_owned(),
                format: kept.format,
                body: kept.body.clone(),
                reason: kept.reason.clone(),
                received_at,
            }));
            decoded.append(read);
        }
        let samples = decoded.samples;
        let messages = parts::messages(decoded, digest(messages), received_at)?;
        if !messages.is_empty() {
            self.queue.publish(messages).await?;
        }
        // After the samples: these are known when they come again, letters are not.
        if !letters.is_empty() {
            self.dead_letters.add(&letters).await?;
        }
        metrics::counter!("manazir_ingest_accepted_samples_total").increment(samples as u64);
        metrics::counter!("manazir_ingest_rejected_items_total").increment(rejected as u64);
        Ok(())
    }
}

fn read(reading: &Reading<'_>, bytes: usize) -> DecodedSamples {
    let most = reading.payload.len();
    if bytes == most {
        return sensor::decode(reading);
    }
    let mut decoded = DecodedSamples::default();
    if !reading.retained {
        let wrong = format!("the message has {bytes} bytes, more than are taken; its first {most} are kept");
        let error = decode::Error::Wrong { item: 1, wrong: vec![wrong] };
        decoded.rejects.push_kept(error, Format::Samples, reading.payload);
    }
    decoded
}

/// What makes the same messages the same again when they are handed in once more.
fn digest(messages: &[&Received]) -> [u8; 32] {
    let times: Vec<[u8; 16]> = messages
        .iter()
        .map(|message| {
            let since = message.at().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            since.as_nanos().to_be_bytes()
        })
        .collect();
    let pieces = messages.iter().zip(&times);
    parts::digest(
        pieces.flat_map(|(message, time)| [&time[..], message.topic().as_bytes(), message.payload()]),
    )
}
