//! A real Mosquitto is followed: what it delivers comes once, whoever goes away and comes back.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod needs_mosquitto {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use async_trait::async_trait;
    use manazir_ingest::Error;
    use manazir_mqtt::{Address, HandIn, Received, Source, Topics, follow};
    use manazir_testkit::mosquitto::Mosquitto;
    use tokio::sync::watch;
    use tokio::task::JoinHandle;

    /// What was handed in, as `topic payload`; it refuses as often as it is told to.
    #[derive(Default)]
    struct Taken {
        messages: Mutex<Vec<String>>,
        refuse: Mutex<usize>,
    }

    #[async_trait]
    impl HandIn for Taken {
        async fn hand_in(&self, messages: &[&Received]) -> Result<(), Error> {
            {
                let mut refuse = self.refuse.lock().unwrap();
                if *refuse > 0 {
                    *refuse -= 1;
                    return Err(Error::Full { waiting: 1 });
                }
            }
            let shown = messages.iter().map(|message| {
                let retained = if message.is_retained() { " retained" } else { "" };
                format!("{} {}{retained}", message.topic(), String::from_utf8_lossy(message.payload()))
            });
            self.messages.lock().unwrap().extend(shown);
            Ok(())
        }
    }

    impl Taken {
        async fn has(&self, count: usize) -> Vec<String> {
            let began = Instant::now();
            loop {
                let messages = self.messages.lock().unwrap().clone();
                if messages.len() >= count {
                    return messages;
                }
                assert!(began.elapsed() < Duration::from_secs(30), "{} of {count}", messages.len());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    struct Following {
        stop: watch::Sender<bool>,
        task: JoinHandle<()>,
    }

    impl Following {
        fn start(broker: &Mosquitto, topics: &[&str], taken: &Arc<Taken>) -> Self {
            let source = Source {
                address: Address::parse(&broker.url()).unwrap(),
                topics: Topics::new(topics.iter().map(|&topic| topic.to_owned()).collect()).unwrap(),
                client_id: "test".to_owned(),
                payload_bytes_max: 10_000,
            };
            let (stop, stopped) = watch::channel(false);
            let hand_in: Arc<dyn HandIn> = Arc::<Taken>::clone(taken);
            Self { stop, task: tokio::spawn(follow(source, hand_in, stopped)) }
        }

        async fn stop(self) {
            self.stop.send_replace(true);
            self.task.await.unwrap();
        }
    }

    fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
        numbers.map(|number| number.to_string()).collect()
    }

    fn publish(broker: &Mosquitto, topic: &str, numbers: std::ops::Range<usize>) {
        let payloads = numbered(numbers);
        let messages: Vec<(&str, &[u8])> =
            payloads.iter().map(|payload| (topic, payload.as_bytes())).collect();
        broker.publish(&messages);
    }

    fn shown(topic: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
        numbered(numbers).iter().map(|number| format!("{topic} {number}")).collect()
    }

    /// A message of its own says that we are there: what was published before is nobody's.
    async fn there(broker: &Mosquitto, topic: &str, taken: &Taken) {
        let began = Instant::now();
        while taken.messages.lock().unwrap().is_empty() {
            broker.publish(&[(topic, b"there")]);
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(began.elapsed() < Duration::from_secs(30), "nothing comes");
        }
        // Those that were sent in vain until the first was seen.
        let mut count = 0;
        while taken.messages.lock().unwrap().len() != count {
            count = taken.messages.lock().unwrap().len();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        taken.messages.lock().unwrap().clear();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_while_we_are_away_is_kept_and_comes_once() {
        let (broker, taken) = (Mosquitto::start(), Arc::<Taken>::default());
        let following = Following::start(&broker, &["a/+"], &taken);
        there(&broker, "a/b", &taken).await;
        publish(&broker, "a/b", 0..500);
        assert_eq!(taken.has(500).await, shown("a/b", 0..500), "in their order");
        following.stop().await;
        publish(&broker, "a/b", 500..600);
        let following = Following::start(&broker, &["a/+"], &taken);
        assert_eq!(taken.has(600).await, shown("a/b", 0..600), "what was acknowledged does not come again");
        following.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cannot_be_taken_now_is_taken_later_or_comes_again() {
        let (broker, taken) = (Mosquitto::start(), Arc::<Taken>::default());
        let following = Following::start(&broker, &["a"], &taken);
        there(&broker, "a", &taken).await;
        *taken.refuse.lock().unwrap() = 3;
        publish(&broker, "a", 0..10);
        assert_eq!(taken.has(10).await, shown("a", 0..10));
        // Somebody who never takes it, and is stopped.
        *taken.refuse.lock().unwrap() = usize::MAX;
        publish(&broker, "a", 10..20);
        tokio::time::sleep(Duration::from_millis(300)).await;
        following.stop().await;
        *taken.refuse.lock().unwrap() = 0;
        let following = Following::start(&broker, &["a"], &taken);
        assert_eq!(taken.has(20).await, shown("a", 0..20));
        following.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_broker_that_dies_is_found_again() {
        let (mut broker, taken) = (Mosquitto::start(), Arc::<Taken>::default());
        let following = Following::start(&broker, &["a"], &taken);
        there(&broker, "a", &taken).await;
        broker.kill();
        tokio::time::sleep(Duration::from_millis(500)).await;
        broker.restart();
        // It has forgotten us, and what we had asked for.
        there(&broker, "a", &taken).await;
        publish(&broker, "a", 0..10);
        assert_eq!(taken.has(10).await, shown("a", 0..10));
        broker.kill();
        following.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn topics_of_an_earlier_configuration_are_let_go() {
        let (broker, taken) = (Mosquitto::start(), Arc::<Taken>::default());
        let following = Following::start(&broker, &["old", "new"], &taken);
        there(&broker, "old", &taken).await;
        following.stop().await;
        publish(&broker, "old", 0..5);
        broker.retain(&[("new", b"kept")]);
        let following = Following::start(&broker, &["new"], &taken);
        publish(&broker, "old", 5..10);
        publish(&broker, "new", 0..1);
        let messages = taken.has(3).await;
        // Once as what came while we were away, and once because we subscribe.
        assert_eq!(messages.iter().filter(|message| *message == "new kept").count(), 1, "{messages:?}");
        assert!(messages.contains(&"new kept retained".to_owned()), "{messages:?}");
        assert!(messages.contains(&"new 0".to_owned()), "{messages:?}");
        following.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_payload_of_any_length_is_no_end() {
        let (broker, taken) = (Mosquitto::start(), Arc::<Taken>::default());
        let following = Following::start(&broker, &["a"], &taken);
        there(&broker, "a", &taken).await;
        let long = vec![b'x'; 5 << 20];
        broker.publish(&[("a", &long), ("a", &long[..10_000]), ("a", b"after")]);
        let lengths: Vec<usize> = taken.has(3).await.iter().map(|message| message.len() - 2).collect();
        assert_eq!(lengths, [4_096, 10_000, 5]);
        following.stop().await;
    }
}
