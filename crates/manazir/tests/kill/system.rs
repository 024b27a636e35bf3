//! What is killed: the service in its forms.

use std::time::Duration;

use manazir_model::Random;
use manazir_testkit::client::Client;
use manazir_testkit::postgres::Postgres;
use manazir_testkit::rabbitmq::Rabbit;
use manazir_testkit::service::Service;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

/// A service, of however many processes.
pub(crate) trait System {
    /// A caller with a connection of its own.
    fn client(&self) -> Client;

    /// The address of its truth.
    fn truth(&self) -> String;

    /// Ends some of its processes, or all, as a failing machine would.
    fn kill(&mut self, random: &mut Random);

    /// Starts what was killed.
    fn start_again(&mut self, random: &mut Random);

    /// Stops what can be stopped in order, and starts it again.
    fn stop_in_order(&mut self);
}

/// One process with the embedded queue and store.
pub(crate) struct Embedded {
    service: Option<Service>,
    token: String,
    folder: TempDir,
}

impl Embedded {
    /// On a fresh directory.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::start(PROGRAM, &folder.path().join("data"), &[]);
        let token = service.token().unwrap().to_owned();
        Self { service: Some(service), token, folder }
    }

    fn again(&mut self) {
        // The old process holds the directory until it is gone.
        self.service = None;
        self.service = Some(Service::start(PROGRAM, &self.folder.path().join("data"), &[]));
    }
}

impl System for Embedded {
    fn client(&self) -> Client {
        self.service.as_ref().unwrap().client(&self.token)
    }

    fn truth(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("data/truth.db").display())
    }

    fn kill(&mut self, _random: &mut Random) {
        self.service.as_mut().unwrap().kill();
    }

    fn start_again(&mut self, random: &mut Random) {
        self.service = None;
        // Recovery is killed too, now and then more than once.
        while random.below(3) == 0 {
            let moment = Duration::from_millis(random.below(60) as u64);
            Service::start_and_kill(PROGRAM, &self.folder.path().join("data"), &[], moment);
        }
        self.again();
    }

    fn stop_in_order(&mut self) {
        assert!(self.service.take().unwrap().terminate(), "SIGTERM is a way to stop");
        self.again();
    }
}

/// Seconds after which the partitions of a worker that was killed are taken over.
const LEASE_SECONDS: u32 = 2;

const WORKERS: [&str; 2] = ["worker0", "worker1"];

/// One process that answers, two that judge, a broker and a database: each of them may be killed.
pub(crate) struct Machines {
    api: Option<Service>,
    workers: [Option<Service>; 2],
    token: String,
    rabbit: Rabbit,
    postgres: Postgres,
    folder: TempDir,
}

impl Machines {
    /// On a fresh broker and a fresh database.
    pub(crate) fn start() -> Self {
        let (rabbit, postgres) = (Rabbit::start(), Postgres::start());
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "queue = \"{}\"\ntruth = \"{}\"\n[worker]\nlease_seconds = {LEASE_SECONDS}\n[limits]\nwait_seconds = 3\n",
            rabbit.url(),
            postgres.url()
        );
        std::fs::write(folder.path().join("service.toml"), config).unwrap();
        let mut machines =
            Self { api: None, workers: [None, None], token: String::new(), rabbit, postgres, folder };
        let api = machines.run("api", "api");
        machines.token = api.token().unwrap().to_owned();
        machines.api = Some(api);
        machines.workers = WORKERS.map(|name| Some(machines.run("worker", name)));
        machines
    }

    fn run(&self, role: &str, name: &str) -> Service {
        let config = self.folder.path().join("service.toml");
        let options = ["--config", config.to_str().unwrap(), "--role", role];
        Service::start_with(PROGRAM, &self.folder.path().join(name), &options, &[])
    }
}

impl System for Machines {
    fn client(&self) -> Client {
        self.api.as_ref().unwrap().client(&self.token)
    }

    fn truth(&self) -> String {
        self.postgres.url()
    }

    fn kill(&mut self, random: &mut Random) {
        match random.below(7) {
            0 => self.api.as_mut().unwrap().kill(),
            1 => self.rabbit.restart(),
            2 => self.postgres.restart(),
            3 => self.workers.iter_mut().flatten().for_each(Service::kill),
            which => self.workers[which % 2].as_mut().unwrap().kill(),
        }
    }

    fn start_again(&mut self, _random: &mut Random) {
        if !self.api.as_mut().unwrap().is_running() {
            self.api = Some(self.run("api", "api"));
        }
        for (place, name) in WORKERS.into_iter().enumerate() {
            if !self.workers[place].as_mut().unwrap().is_running() {
                self.workers[place] = Some(self.run("worker", name));
            }
        }
    }

    fn stop_in_order(&mut self) {
        assert!(self.workers[0].take().unwrap().terminate(), "SIGTERM is a way to stop");
        self.workers[0] = Some(self.run("worker", WORKERS[0]));
    }
}
