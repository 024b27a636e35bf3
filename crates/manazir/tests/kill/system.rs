//! What is killed: the service in its forms.

use std::time::Duration;

use manazir_model::Random;
use manazir_testkit::client::Client;
use manazir_testkit::service::Service;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_manazir");

/// A service, of however many processes.
pub(crate) trait System {
    /// A caller with a connection of its own.
    fn client(&self) -> Client;

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
