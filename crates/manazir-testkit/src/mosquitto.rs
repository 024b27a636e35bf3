//! A Mosquitto of a test's own: an MQTT broker that keeps nothing, gone when the test is.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

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

    /// Publishes messages, each a topic and a payload, at quality of service 1; returns when the broker has taken all
    /// of them.
    ///
    /// # Panics
    /// If it takes one of them not.
    pub fn publish(&self, messages: &[(&str, &[u8])]) {
        self.send(messages, false).expect("the broker takes messages");
    }

    /// As [`Self::publish`]; the broker keeps each as the last of its topic for those who subscribe later.
    ///
    /// # Panics
    /// If it takes one of them not.
    pub fn retain(&self, messages: &[(&str, &[u8])]) {
        self.send(messages, true).expect("the broker takes messages");
    }

    /// In the words of MQTT 3.1.1 themselves, so that no client stands on both sides of a test.
    fn send(&self, messages: &[(&str, &[u8])], retain: bool) -> io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let mut answer = [0; 4];
        stream.write_all(b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0")?;
        stream.read_exact(&mut answer)?;
        for (topic, payload) in messages {
            let mut packet = vec![0x32 | u8::from(retain)];
            let mut left = 2 + topic.len() + 2 + payload.len();
            while left >= 0x80 {
                packet.push(left as u8 | 0x80);
                left >>= 7;
            }
            packet.push(left as u8);
            packet.extend((topic.len() as u16).to_be_bytes());
            packet.extend(topic.as_bytes());
            // Each is answered before the next is sent: one number will do.
            packet.extend([0, 1]);
            packet.extend(*payload);
            stream.write_all(&packet)?;
            stream.read_exact(&mut answer)?;
            if answer != [0x40, 2, 0, 1] {
                return Err(io::Error::other(format!("the broker answers {answer:?}")));
            }
        }
        stream.write_all(&[0xe0, 0])
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
