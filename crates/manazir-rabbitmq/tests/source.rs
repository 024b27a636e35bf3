//! A queue of others, on a real broker.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use manazir_ingest::Error;
use manazir_rabbitmq::{Address, HandIn, Source, follow};
use manazir_testkit::rabbitmq::Rabbit;
use tokio::sync::watch;

/// Takes nothing the first few times, then everything, and waits a while in between as a queue does.
struct Moody {
    refusals: Mutex<usize>,
    taken: Mutex<Vec<String>>,
}

#[async_trait]
impl HandIn for Moody {
    async fn hand_in(&self, body: &[u8]) -> Result<Vec<u8>, Error> {
        {
            let mut refusals = self.refusals.lock().unwrap();
            if *refusals > 0 {
                *refusals -= 1;
                return Err(Error::Full { waiting: 1 });
            }
            self.taken.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        Ok(b"taken".to_vec())
    }
}

/// CT-W21: what cannot be taken now goes back and comes again, and the source goes on; what can is taken in its order.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_goes_back_and_the_rest_keeps_its_order_needs_rabbitmq() {
    const EVENTS: usize = 300;
    let rabbit = Rabbit::start();
    let url = rabbit.vhost();
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    for queue in ["theirs", "answers"] {
        channel
            .queue_declare(queue.into(), QueueDeclareOptions::default(), FieldTable::default())
            .await
            .unwrap();
    }
    let publish = async |body: String| {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        channel
            .basic_publish("".into(), "theirs".into(), options, body.as_bytes(), properties)
            .await
            .unwrap();
    };
    let source = Source {
        address: Address::parse(&url).unwrap(),
        queue: "theirs".to_owned(),
        reply_to: "answers".to_owned(),
    };
    let moody = Arc::new(Moody { refusals: Mutex::new(3), taken: Mutex::default() });
    let (stop, stopped) = watch::channel(false);
    for event in 0..3 {
        publish(format!("refused {event}")).await;
    }
    let following = tokio::spawn(follow(source, Arc::clone(&moody) as Arc<dyn HandIn>, stopped));
    let taken = async |count: usize| {
        let all = async {
            while moody.taken.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), all).await.unwrap();
        moody.taken.lock().unwrap().clone()
    };
    let mut again = taken(3).await;
    again.sort();
    assert_eq!(again, ["refused 0", "refused 1", "refused 2"]);
    for event in 0..EVENTS {
        publish(event.to_string()).await;
    }
    let in_order: Vec<String> = (0..EVENTS).map(|event| event.to_string()).collect();
    assert_eq!(taken(3 + EVENTS).await[3..], in_order);
    stop.send_replace(true);
    following.await.unwrap();
}
