//! The service as a process, a real Mosquitto, and sensors that publish to it.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod needs_mosquitto {
    use std::path::PathBuf;
    use std::time::{Duration, Instant};

    use manazir_testkit::client::call;
    use manazir_testkit::mosquitto::Mosquitto;
    use manazir_testkit::service::Service;
    use serde_json::Value;

    const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

    /// 2023-11-14T22:13:20Z, in seconds.
    const START: usize = 1_700_000_000;

    struct Plant {
        broker: Mosquitto,
        folder: tempfile::TempDir,
    }

    impl Plant {
        fn start() -> Self {
            let (broker, folder) = (Mosquitto::start(), tempfile::tempdir().unwrap());
            let url = broker.url().replace("mqtt://", "mqtt://us:${MQTT_PASSWORD}@");
            let text = format!("[[sources.mqtt]]\naddress = \"{url}\"\ntopics = [\"hall/#\", \"plant/+\"]\n");
            std::fs::write(folder.path().join("service.toml"), text).unwrap();
            Self { broker, folder }
        }

        fn data(&self) -> PathBuf {
            self.folder.path().join("data")
        }

        fn serve(&self) -> Service {
            let config = self.folder.path().join("service.toml");
            let options = ["--config", config.to_str().unwrap()];
            Service::start_with(PROGRAM, &self.data(), &options, &[("MQTT_PASSWORD", "of/no@account")])
        }

        /// Publishes until something of it arrives: what came before the subscription is nobody's.
        fn wait_until_followed(&self, seen: &Seen<'_>) {
            within(|| {
                self.broker.publish(&[("plant/there", b"1")]);
                std::thread::sleep(Duration::from_millis(100));
                !seen.samples("plant/there", "").is_empty()
            });
        }

        /// Minutes of one sensor, with times of their own.
        fn minutes(&self, minutes: std::ops::Range<usize>) {
            let payload = |minute| format!("{{\"value\": {}, \"at\": {}}}", minute % 7, START + 60 * minute);
            let payloads: Vec<String> = minutes.map(payload).collect();
            let messages: Vec<(&str, &[u8])> =
                payloads.iter().map(|payload| ("plant/1", payload.as_bytes())).collect();
            self.broker.publish(&messages);
        }
    }

    /// What the service shows.
    struct Seen<'a> {
        service: &'a Service,
        token: &'a str,
    }

    impl Seen<'_> {
        fn get(&self, path: &str) -> Value {
            let (status, answer) = call(self.service.address(), self.token, "GET", path, "").unwrap();
            assert_eq!(status, 200, "{path}: {answer}");
            answer
        }

        /// Samples of the first series of this metric.
        fn samples(&self, metric: &str, more: &str) -> Vec<Value> {
            let metric = metric.replace('/', "%2F");
            let series = self.get(&format!("/api/v1/series?metric={metric}{more}"));
            let Some(id) = series["items"][0]["id"].as_str() else { return Vec::new() };
            let samples = self.get(&format!("/api/v1/series/{id}/samples?limit=20000&revisions=true"));
            samples["items"].as_array().unwrap().clone()
        }
    }

    fn within(mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            assert!(began.elapsed() < Duration::from_secs(60), "not within a minute");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn what_sensors_say_becomes_samples_or_dead_letters() {
        let plant = Plant::start();
        // Old, and without a time: it is nobody's news.
        plant.broker.retain(&[("hall/old", b"1"), ("plant/old", b"{\"value\": 7, \"at\": 1700000000}")]);
        let service = plant.serve();
        let token = service.token().unwrap().to_owned();
        let seen = Seen { service: &service, token: &token };
        plant.wait_until_followed(&seen);
        plant.broker.publish(&[
            ("hall/temperature", b"21.5"),
            ("hall/door", b"open"),
            ("hall/sensor", b"{\"temperature\": 21.5, \"humidity\": 40, \"battery\": \"low\"}"),
            ("elsewhere", b"1"),
            ("hall/last", b"{\"series\": \"last\", \"labels\": {\"floor\": 1}, \"value\": 3, \"time\": \"2023-11-14T22:13:20Z\"}"),
        ]);
        within(|| !seen.samples("last", "&label=floor%3D1").is_empty());
        let one = |metric, more| {
            let samples = seen.samples(metric, more);
            assert_eq!(samples.len(), 1, "{metric}");
            samples[0].clone()
        };
        assert_eq!(one("last", "")["at"], "2023-11-14T22:13:20Z");
        assert_eq!(one("hall/temperature", "")["value"], 21.5);
        let arrived = one("hall/temperature", "");
        let time = |key: &str| arrived[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let since = time("received_at").duration_since(time("at")).as_secs_f64();
        assert!((0.0..10.0).contains(&since), "a bare number is of when it arrived: {arrived}");
        assert_eq!(one("humidity", "&label=topic%3Dhall%2Fsensor")["value"], 40.0);
        assert_eq!(one("plant/old", "")["value"], 7.0);
        for nothing in ["hall/old", "hall/door", "battery", "elsewhere"] {
            assert!(seen.samples(nothing, "").is_empty(), "{nothing}");
        }
        within(|| seen.get("/api/v1/dead_letters?source=mqtt")["items"][0]["id"] == "hall/door");
        let letter = seen.get("/api/v1/dead_letters/1");
        assert_eq!((&letter["body"], &letter["format"]), (&"open".into(), &"samples".into()), "{letter}");
        assert_eq!(letter["reason"], "item 1: neither a number nor a JSON object");
        // Somebody says what was meant.
        let post = |method, path, body| call(service.address(), &token, method, path, body).unwrap().0;
        assert_eq!(post("PUT", "/api/v1/dead_letters/1/body", "1"), 204);
        assert_eq!(post("POST", "/api/v1/dead_letters/1/replay", ""), 202);
        within(|| seen.samples("hall/door", "").len() == 1);
        assert!(service.terminate());
    }

    /// Killed while messages come, away while others do, and the broker gone for a while.
    #[test]
    fn nothing_is_lost_and_nothing_counts_twice() {
        let mut plant = Plant::start();
        let mut service = plant.serve();
        let token = service.token().unwrap().to_owned();
        plant.wait_until_followed(&Seen { service: &service, token: &token });
        std::thread::scope(|scope| {
            scope.spawn(|| plant.minutes(0..1_000));
            within(|| Seen { service: &service, token: &token }.samples("plant/1", "").len() > 100);
            service.kill();
        });
        plant.minutes(1_000..1_050);
        let service = plant.serve();
        let seen = Seen { service: &service, token: &token };
        within(|| seen.samples("plant/1", "").len() >= 1_050);
        plant.broker.kill();
        std::thread::sleep(Duration::from_millis(300));
        plant.broker.restart();
        // What is asked for now has been asked for after the restart.
        let before = seen.samples("plant/there", "").len();
        within(|| {
            plant.broker.publish(&[("plant/there", b"1")]);
            seen.samples("plant/there", "").len() > before
        });
        plant.minutes(1_050..1_100);
        within(|| seen.samples("plant/1", "").len() >= 1_100);
        let samples = seen.samples("plant/1", "");
        assert_eq!(samples.len(), 1_100);
        assert!(samples.iter().zip(0..).all(|(sample, minute)| sample["value"] == (minute % 7) as f64));
        assert!(service.terminate());
    }
}
