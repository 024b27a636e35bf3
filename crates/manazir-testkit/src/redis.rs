//! A Redis of a test's own, in a temporary folder, gone when the test is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use tempfile::TempDir;

use crate::server::{self, Process};

/// A running server; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
    folder: TempDir,
    options: &'static [&'static str],
}

impl Redis {
    /// Starts a server and waits until it answers. It writes each change to the disk before it answers, so that what
    /// it acknowledged outlives it.
    ///
    /// # Panics
    /// If Redis is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Self::start`], with further options, as on its command line.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn start_with(options: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = server::free_port();
        let mut process = process(&folder, port, options);
        process.wait(|| answers(port));
        Self { process, port, folder, options }
    }

    /// Its address, as somebody without a password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The process of the server, for signals and for `/proc`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends the server at once, as a failing machine would; what is on disk stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts the server again on what is on disk, at the same address, and waits until it answers.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let port = self.port;
        self.process = process(&self.folder, port, self.options);
        self.process.wait(|| answers(port));
    }
}

fn process(folder: &TempDir, port: u16, options: &[&str]) -> Process {
    let program = server::find("redis-server", "redis-server");
    Process::start(&program, folder.path().join("server.log"), |command| {
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        command.arg(folder.path()).args(["--appendonly", "yes", "--appendfsync", "always"]).args(options);
    })
}

/// True if it has read what is on disk, whether or not it wants a password.
fn answers(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).ok()?;
        Some(answer == *b"+PONG" || answer == *b"-NOAU")
    };
    ask() == Some(true)
}
