//! The way of a verdict back to the process whose caller waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};
use manazir_ingest::answers::{Answer, Answers, Waiting};
use manazir_ingest::{Error, ReplyTo};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::link::{Address, Link, patient};

/// Sends answers to the inboxes of processes.
#[derive(Debug)]
pub struct RabbitAnswers {
    address: Address,
    /// Callers of this very process need no broker.
    own: Arc<Waiting>,
    link: Mutex<Option<(Link, Channel)>>,
}

impl RabbitAnswers {
    /// `own` are the callers of this process.
    pub fn new(address: &Address, own: Arc<Waiting>) -> Self {
        Self { address: address.clone(), own, link: Mutex::new(None) }
    }

    async fn send(&self, inboxes: BTreeMap<String, Vec<(u64, Answer)>>) -> Result<(), Error> {
        let mut link = self.link.lock().await;
        if link.is_none() {
            let opened = self.address.connect("answers").await?;
            let channel = opened.channel().await?;
            *link = Some((opened, channel));
        }
        let Some((_, channel)) = &*link else { return Err(Error::Closed) };
        for (inbox, answers) in inboxes {
            let bytes = postcard::to_extend(&answers, Vec::new()).map_err(Error::store)?;
            // To an inbox that is gone the broker drops it: nobody waits there any more.
            let sent = channel.basic_publish(
                "".into(),
                inbox.as_str().into(),
                BasicPublishOptions::default(),
                &bytes,
                BasicProperties::default(),
            );
            if let Err(error) = patient(sent).await {
                *link = None;
                return Err(error);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Answers for RabbitAnswers {
    async fn tell(&self, answers: Vec<(ReplyTo, Answer)>) -> Result<(), Error> {
        let (own, others): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(to, _)| to.inbox == self.own.inbox());
        self.own.tell_own(own);
        if others.is_empty() {
            return Ok(());
        }
        let mut inboxes: BTreeMap<String, Vec<(u64, Answer)>> = BTreeMap::new();
        for (to, answer) in others {
            inboxes.entry(to.inbox).or_default().push((to.number, answer));
        }
        if let Err(error) = self.send(inboxes).await {
            // The verdicts are stored: whoever waits gets a link to them.
            tracing::warn!(error = ?error, "answers could not be sent");
        }
        Ok(())
    }
}

/// Opens the inbox of this process and hands what comes there to its callers, for as long as the task runs;
/// the first attempt must succeed, later ones are repeated until they do.
pub async fn inbox(address: &Address, waiting: Arc<Waiting>) -> Result<tokio::task::JoinHandle<()>, Error> {
    let mut open = open_inbox(address, waiting.inbox()).await?;
    let address = address.clone();
    Ok(tokio::spawn(async move {
        let mut backoff = Backoff::new();
        loop {
            hand_out(&mut open.1, &waiting).await;
            loop {
                sleep(backoff.pause()).await;
                match open_inbox(&address, waiting.inbox()).await {
                    Ok(again) => {
                        open = again;
                        backoff.worked();
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(error = ?error, "the inbox cannot be opened; it is tried again");
                        backoff.failed();
                    }
                }
            }
        }
    }))
}

async fn open_inbox(address: &Address, name: &str) -> Result<(Link, lapin::Consumer), Error> {
    let link = address.connect("inbox").await?;
    let channel = link.channel().await?;
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    patient(channel.queue_declare(name.into(), own, FieldTable::default())).await?;
    let at_once = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let consumer =
        patient(channel.basic_consume(name.into(), "inbox".into(), at_once, FieldTable::default())).await?;
    Ok((link, consumer))
}

async fn hand_out(consumer: &mut lapin::Consumer, waiting: &Waiting) {
    while let Some(Ok(delivery)) = consumer.next().await {
        match postcard::from_bytes::<Vec<(u64, Answer)>>(&delivery.data) {
            Ok(answers) => {
                let to = |number| ReplyTo { inbox: waiting.inbox().to_owned(), number };
                waiting.tell_own(answers.into_iter().map(|(number, answer)| (to(number), answer)));
            }
            Err(error) => tracing::warn!(%error, "an answer cannot be read"),
        }
    }
}
