//! A PostgreSQL of a test's own: a fresh cluster in a temporary folder, gone when the test is.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::server::{self, Process, is_root, run};

/// Where Debian keeps the programs of a server; elsewhere they are on the search path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Startup of protocol 3.0 as user `postgres` with the database `postgres`: the server answers by `R`, which
/// asks for nothing here, or by an error as long as it is starting.
const STARTUP: &[u8] = b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0";

/// A running server; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
    folder: TempDir,
    options: &'static [&'static str],
}

impl Postgres {
    /// Starts a server and waits until it takes connections. It does not wait for the disk: what is tested is
    /// not lost with the machine.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&["fsync=off", "shared_buffers=32MB"])
    }

    /// As [`Self::start`], with settings as in `postgresql.conf` in place of its own.
    ///
    /// # Panics
    /// As there.
    #[must_use]
    pub fn start_with(options: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // The server refuses to run as root, and so does initdb: they run as the user that the package made.
        if is_root() {
            run(Command::new("chown").arg("postgres:postgres").arg(folder.path()));
        }
        let mut initdb = Command::new("setpriv");
        initdb.args(server_user()).arg(programs().join("initdb"));
        let how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"];
        run(initdb.args(how).arg(folder.path().join("data")));
        let port = server::free_port();
        let process = process(folder.path(), port, options);
        let mut server = Self { process, port, folder, options };
        server.wait();
        server
    }

    /// Address of its database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Address of a new and empty database, which no other test knows.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let port = self.port.to_string();
        let mut createdb = Command::new(programs().join("createdb"));
        run(createdb.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &port, &name]));
        format!("postgres://postgres@127.0.0.1:{port}/{name}")
    }

    /// The first process of the server, for signals and for `/proc`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
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
        // The other processes of the killed server go by themselves, and until then a new one refuses to share
        // their memory.
        let port = self.port;
        for _ in 0..50 {
            self.process = process(self.folder.path(), port, self.options);
            if self.process.comes_up(|| ready(port)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.wait();
    }

    fn wait(&mut self) {
        let port = self.port;
        self.process.wait(|| ready(port));
    }
}

fn process(folder: &Path, port: u16, options: &[&str]) -> Process {
    let mut command = server::kept(server_user(), &programs().join("postgres"));
    command.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string(), "-k"]).arg(folder);
    command.args(["-c", "listen_addresses=127.0.0.1"]);
    for option in options {
        command.args(["-c", option]);
    }
    Process::spawn(command, folder.join("server.log"), Stdio::null())
}

fn ready(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.write_all(STARTUP).ok()?;
        let mut answer = [0];
        stream.read_exact(&mut answer).ok()?;
        Some(answer == *b"R")
    };
    ask() == Some(true)
}

/// The folder that holds `initdb` and `postgres`, the newest version first.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let mut folders = folders.into_iter();
    let found = folders.find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file());
    found.expect("PostgreSQL is installed (Debian: apt-get install postgresql)")
}

/// Options of `setpriv`.
fn server_user() -> &'static [&'static str] {
    if is_root() { &["--reuid=postgres", "--regid=postgres", "--clear-groups"] } else { &[] }
}
