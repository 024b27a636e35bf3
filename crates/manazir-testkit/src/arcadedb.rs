//! An ArcadeDB of a test's own: a graph database that speaks Bolt and openCypher as Neo4j does, gone when the test is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::server::{self, Process};

const PASSWORD: &str = "play with:data/";

/// As it stands in a URI.
const PASSWORD_IN_URI: &str = "play%20with%3Adata%2F";

/// `root` and the password, as HTTP has it: Base64.
const BASIC: &str = "Authorization: Basic cm9vdDpwbGF5IHdpdGg6ZGF0YS8=\r\n";

/// A running server with an empty database; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct ArcadeDb {
    process: Process,
    port: u16,
    http_port: u16,
    databases: AtomicU32,
    folder: TempDir,
}

/// The address of a running server with an empty database, which `MANAZIR_TEST_BOLT_URL` names: a Neo4j, for instance.
#[must_use]
pub fn given() -> Option<String> {
    std::env::var("MANAZIR_TEST_BOLT_URL").ok()
}

impl ArcadeDb {
    /// Starts a server and waits until it is ready. It comes with its own Java, in a package of Python: the
    /// Python that has it is what the variable `MANAZIR_ARCADEDB_PYTHON` names, or the `python3` on the search path.
    ///
    /// # Panics
    /// If the package is not installed or the server does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (port, http_port) = (server::free_port(), server::free_port());
        let mut process = process(&folder, port, http_port);
        process.wait(|| is_ready(http_port));
        Self { process, port, http_port, databases: AtomicU32::new(0), folder }
    }

    /// Its address, as its administrator.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as(PASSWORD_IN_URI)
    }

    /// Its address with another password, as it stands in a URI.
    #[must_use]
    pub fn url_as(&self, password: &str) -> String {
        format!("bolt://root:{password}@127.0.0.1:{}/manazir", self.port)
    }

    /// The address of a new, empty database.
    ///
    /// # Panics
    /// If the server does not make it.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let create = format!(r#"{{"command":"create database {name}"}}"#);
        let made = server::http(self.http_port, "POST", "/api/v1/server", BASIC, &create);
        assert!(matches!(made, Some((200, _))), "the database is not made: {made:?}");
        format!("bolt://root:{PASSWORD_IN_URI}@127.0.0.1:{}/{name}", self.port)
    }

    /// Ends the server at once, as a failing machine would; what is on disk stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts the server again on what is on disk, at the same address, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let http_port = self.http_port;
        self.process = process(&self.folder, self.port, http_port);
        self.process.wait(|| is_ready(http_port));
    }
}

/// True if its database is there: it takes connections before that.
fn is_ready(http_port: u16) -> bool {
    matches!(server::http(http_port, "GET", "/api/v1/ready", "", ""), Some((204, _)))
}

/// The folder of the package, found without loading it.
fn package() -> PathBuf {
    const FIND: &str = "import importlib.util as u; print(u.find_spec('arcadedb_embedded').origin)";
    let python = std::env::var_os("MANAZIR_ARCADEDB_PYTHON").unwrap_or_else(|| "python3".into());
    let found = Command::new(&python).args(["-c", FIND]).output().expect("Python is installed");
    assert!(
        found.status.success(),
        "{python:?} has no package arcadedb-embedded: pip install arcadedb-embedded"
    );
    let file = String::from_utf8_lossy(&found.stdout);
    Path::new(file.trim()).parent().expect("a file lies in a folder").to_owned()
}

fn process(folder: &TempDir, port: u16, http_port: u16) -> Process {
    let package = package();
    let root = folder.path();
    Process::start(&package.join("jre/bin/java"), root.join("server.out"), |command| {
        command.current_dir(root).arg("-Xmx512m").arg("-cp").arg(package.join("jars/*"));
        command.arg(format!("-Darcadedb.server.rootPath={}", root.display())).args([
            &format!("-Darcadedb.server.rootPassword={PASSWORD}"),
            "-Darcadedb.server.plugins=BoltProtocolPlugin",
            "-Darcadedb.server.httpIncomingHost=127.0.0.1",
            &format!("-Darcadedb.server.httpIncomingPort={http_port}"),
            "-Darcadedb.bolt.host=127.0.0.1",
            &format!("-Darcadedb.bolt.port={port}"),
            "-Darcadedb.server.defaultDatabases=manazir[root]",
            "com.arcadedb.server.ArcadeDBServer",
        ]);
    })
}
