//! A Mosquitto of a test's own: an MQTT broker that keeps nothing, gone when the test is.

use tempfile::TempDir;

use crate::server::{self, Process};

/// A running broker; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct Mosquitto {
    broker: Process,
    port: u16,
    folder: TempDir,
}

impl Mosquitto {
    /// Starts a broker that anyone may use, and waits until it takes connections.
    ///
    /// # Panics
    /// If Mosquitto is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = server::free_port();
        // As root it would change to a user of its own, who may not read the folder.
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        let text =
            format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser {user}\n");
        std::fs::write(folder.path().join("mosquitto.conf"), text).expect("a file can be written");
        let mut broker = broker(&folder);
        broker.wait(|| server::listens(port));
        Self { broker, port, folder }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Ends the broker at once, as a failing machine would.
    pub fn kill(&mut self) {
        self.broker.kill();
    }

    /// Starts the broker again at the same address, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.broker = broker(&self.folder);
        let port = self.port;
        self.broker.wait(|| server::listens(port));
    }
}

fn broker(folder: &TempDir) -> Process {
    let program = server::find("mosquitto", "mosquitto");
    Process::start(&program, folder.path().join("broker.log"), |command| {
        command.arg("-c").arg(folder.path().join("mosquitto.conf"));
    })
}
