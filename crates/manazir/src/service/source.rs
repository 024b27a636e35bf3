//! Events from a queue that others publish to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use manazir_ingest::answers::{Answer, Waiting};
use manazir_ingest::decode::{self, Record, cloudtrail, plain};
use manazir_ingest::{Error, Format, Message, Queue};
use manazir_rabbitmq::{Address, HandIn, Source};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::AmqpSource;

/// Puts each event on our own queue, and waits for its verdict.
pub(super) struct OntoQueue {
    pub(super) queue: Arc<dyn Queue>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) wait_max: Duration,
}

/// Sources that run; told to end, they answer what they have received.
pub(super) struct Sources {
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Sources {
    pub(super) fn start(configured: &[AmqpSource], onto: OntoQueue) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let hand_in: Arc<dyn HandIn> = Arc::new(onto);
        let mut running = Vec::new();
        for AmqpSource { address, queue, reply_to } in configured {
            let source = Source {
                address: Address::parse(address)?,
                queue: queue.clone(),
                reply_to: reply_to.clone(),
            };
            let (hand_in, stopped) = (Arc::clone(&hand_in), stopped.clone());
            running.push(tokio::spawn(manazir_rabbitmq::follow(source, hand_in, stopped)));
        }
        Ok(Self { stop, running })
    }

    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        for source in self.running {
            if let Err(error) = source.await {
                tracing::error!(%error, "a source ended by a panic; what it had not answered comes again");
            }
        }
    }
}

/// A plain event or one CloudTrail record, told by its keys.
fn read(body: &[u8]) -> Result<(Format, Record<'_>), decode::Error> {
    match plain::decode(body, 1) {
        Ok(record) => Ok((Format::Plain, record)),
        // What neither reads is told as the contract of the queue has it.
        Err(error) => {
            cloudtrail::decode_record(body, 1).map(|record| (Format::CloudTrail, record)).map_err(|_| error)
        }
    }
}

fn said(status_code: u16, response_msg: &str) -> Vec<u8> {
    json!({"status_code": status_code, "response_msg": response_msg}).to_string().into_bytes()
}

#[async_trait]
impl HandIn for OntoQueue {
    async fn hand_in(&self, body: &[u8]) -> Result<Vec<u8>, Error> {
        let (format, record) = match read(body) {
            Ok(read) => read,
            Err(error) => {
                metrics::counter!("manazir_ingest_rejected_items_total").increment(1);
                return Ok(said(400, &error.to_string()));
            }
        };
        let mut caller = self.waiting.register();
        let mut message = Message::of_event(format, &record.event, record.raw, super::now());
        message.reply_to = Some(caller.reply_to());
        self.queue.publish(vec![message]).await?;
        metrics::counter!("manazir_ingest_accepted_events_total").increment(1);
        let answer = tokio::time::timeout(self.wait_max, caller.answer()).await.ok().flatten();
        let id = &record.event.id;
        Ok(match answer {
            None => said(202, &format!("Event {id} is accepted and not judged yet")),
            Some(Answer::Dead(why)) => said(422, &why),
            Some(Answer::Known(verdict)) => {
                said(200, &format!("Event {id} already processed with anomaly score {:.2}.", verdict.score))
            }
            Some(Answer::New(verdict)) if !verdict.anomaly => {
                said(204, &format!("No anomaly detected for event {id}"))
            }
            Some(Answer::New(verdict)) => {
                let reasons: Vec<&str> = verdict.reasons.iter().map(|reason| reason.text.as_str()).collect();
                let why = reasons.join("; ");
                said(201, &format!("Anomaly detected: {:.2} for event {id}: {why}", verdict.score))
            }
        })
    }
}
