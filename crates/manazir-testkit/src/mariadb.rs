//! A MariaDB of a test's own: a fresh data folder, gone when the test is.

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::server::{self, Process, is_root, run};

/// The package that brings it, for whoever has not got it.
const PACKAGE: &str = "mariadb-server";

/// Name and password of whoever may do everything, and comes from this machine.
const LOGIN: (&str, &str) = ("manazir", "s3cr3t-of-a-test");

/// A running server; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    port: u16,
    folder: TempDir,
    options: &'static [&'static str],
}

impl MariaDb {
    /// Starts a server and waits until it takes connections. What it has committed outlives the server, and would
    /// not outlive the machine.
    ///
    /// # Panics
    /// If MariaDB is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&["--innodb-flush-log-at-trx-commit=2"])
    }

    /// As [`Self::start`], with options of `mariadbd` in place of its own.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn start_with(options: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        if is_root() {
            run(Command::new("chown").arg("mysql:mysql").arg(folder.path()));
        }
        let mut install = Command::new("setpriv");
        install.args(server_user()).arg(server::find("mariadb-install-db", PACKAGE));
        install.env("TMPDIR", folder.path());
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        run(install.arg(format!("--datadir={}", folder.path().join("data").display())));
        let port = server::free_port();
        let process = process(folder.path(), port, options);
        let mut server = Self { process, port, folder, options };
        server.wait();
        let (name, password) = LOGIN;
        server.say(&format!("GRANT ALL ON *.* TO {name}@'127.0.0.1' IDENTIFIED BY '{password}'"));
        server
    }

    /// Address of a new and empty database, which no other test knows.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn url(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let database = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.say(&format!("CREATE DATABASE {database}"));
        let (name, password) = LOGIN;
        format!("mysql://{name}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// The password in [`Self::url`], which nobody must ever read elsewhere.
    #[must_use]
    pub fn password() -> &'static str {
        LOGIN.1
    }

    /// Ends the server at once, as a failing machine would; what is on disk stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts the server again on what is on disk, at the same address, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.process = process(self.folder.path(), self.port, self.options);
        self.wait();
    }

    /// Runs a statement as root.
    fn say(&self, statement: &str) {
        let mut client = Command::new(server::find("mariadb", PACKAGE));
        client.args(["--no-defaults", "-h", "127.0.0.1", "-P", &self.port.to_string(), "-u", "root"]);
        run(client.args(["-e", statement]));
    }

    fn wait(&mut self) {
        let port = self.port;
        self.process.wait(|| greets(port));
    }
}

fn process(folder: &Path, port: u16, options: &[&str]) -> Process {
    let mut command = server::kept(server_user(), &server::find("mariadbd", PACKAGE));
    let file = |name: &str| folder.join(name).display().to_string();
    command.args(["--no-defaults", "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin"]);
    command.args(["--innodb-buffer-pool-size=64M", "--performance-schema=OFF"]);
    command.args([format!("--port={port}"), format!("--datadir={}", file("data"))]);
    command.args([format!("--socket={}", file("socket")), format!("--pid-file={}", file("pid"))]);
    // A server that starts deletes the temporary tables of all that share this folder with it.
    command.env("TMPDIR", folder).args(options);
    Process::spawn(command, folder.join("server.log"), Stdio::null())
}

/// True if the server says its greeting, of version 10 of the protocol.
fn greets(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting).ok()?;
        Some(greeting[4] == 10)
    };
    ask() == Some(true)
}

/// Options of `setpriv`: the server refuses to run as root, and runs as the user that the package made.
fn server_user() -> &'static [&'static str] {
    if is_root() { &["--reuid=mysql", "--regid=mysql", "--clear-groups"] } else { &[] }
}
