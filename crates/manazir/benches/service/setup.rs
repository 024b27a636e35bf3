//! The processes that are measured.

use std::time::{Duration, Instant};

use manazir_testkit::client::Client;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::service::Service;
use tempfile::TempDir;

use crate::Options;
use crate::proc;

/// What one figure is measured on.
pub(crate) struct Setup {
    /// The one that takes requests comes first.
    services: Vec<Service>,
    token: String,
    /// How it stands, for the table.
    pub(crate) stands: String,
    brokers: Option<(Rabbit, Postgres)>,
    _folder: TempDir,
}

impl Setup {
    pub(crate) fn start(options: &Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let brokers =
            options.brokers.then(|| (Rabbit::start(), Postgres::start_with(&["shared_buffers=128MB"])));
        let mut common = options.serve.clone();
        if let Some((rabbit, postgres)) = &brokers {
            common.extend(["--queue".to_owned(), rabbit.url(), "--truth".to_owned(), postgres.url()]);
        }
        let with = |role: &str| {
            let mut options = common.clone();
            options.extend(["--role".to_owned(), role.to_owned()]);
            options
        };
        let start = |name: &str, options: &[String], program: &str| {
            Service::start(program, &folder.path().join(name), options)
        };
        let mut services = Vec::new();
        let mut stands = "one process, embedded queue".to_owned();
        if options.workers == 0 {
            services.push(start("data", &common, &options.program));
        } else {
            services.push(start("api", &with("api"), &options.program));
            services.extend(
                (0..options.workers).map(|n| start(&format!("worker{n}"), &with("worker"), &options.program)),
            );
            stands = format!("1 api, {} workers", options.workers);
        }
        if brokers.is_some() {
            stands.push_str(", RabbitMQ and PostgreSQL");
        }
        let token = services.iter().find_map(Service::token).expect("a first start tells a token").to_owned();
        Self { services, token, stands, brokers, _folder: folder }
    }

    /// A caller with a connection of its own.
    pub(crate) fn client(&self) -> Client {
        self.services[0].client(&self.token)
    }

    /// Processes of ours.
    pub(crate) fn processes(&self) -> Vec<u32> {
        self.services.iter().map(Service::id).collect()
    }

    /// Seconds of processor that ours, the brokers and the callers have had so far.
    pub(crate) fn cpu(&self) -> [f64; 3] {
        let sum = |ids: &[u32]| ids.iter().map(|&id| proc::cpu_seconds(id)).sum();
        let brokers = self.brokers.iter().flat_map(|(rabbit, postgres)| {
            let mut ids = proc::children(postgres.id());
            ids.extend([rabbit.id(), postgres.id()]);
            ids
        });
        [sum(&self.processes()), sum(&brokers.collect::<Vec<_>>()), sum(&[std::process::id()])]
    }

    /// Waits until every event of `numbers` that was acknowledged is judged: nothing waits any more, and the last
    /// of them has its verdict.
    pub(crate) fn wait_until_judged(&self, source: &str, ids: &[String]) {
        let mut client = self.client();
        let until = Instant::now() + Duration::from_secs(600);
        while self.metric(&mut client, "manazir_queue_depth_messages") > 0.0 {
            assert!(Instant::now() < until, "it does not come to an end");
            std::thread::sleep(Duration::from_millis(5));
        }
        for id in ids {
            let path = format!("/api/v1/events/{source}/{id}");
            while client.get(&path).unwrap().status != 200 {
                assert!(Instant::now() < until, "{path} has no verdict");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn metric(&self, client: &mut Client, name: &str) -> f64 {
        let text = client.get("/metrics").unwrap().text();
        let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }
}
