//! A PostgreSQL of a test's own: a fresh cluster in a temporary folder, gone when the test is.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Where Debian keeps the programs of a server; elsewhere they are on the search path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct Postgres {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start: a test that needs it cannot go on.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let programs = programs().expect("PostgreSQL is installed (Debian: apt-get install postgresql)");
        let data = folder.path().join("data");
        // The server refuses to run as root, and so does initdb: they run as the user that the package made.
        let root = is_root();
        if root {
            run(Command::new("chown").arg("postgres:postgres").arg(folder.path()));
        }
        let options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"];
        run(as_server(root, &programs.join("initdb")).args(options).arg(&data));
        // The kernel chooses a port that is free now; nobody else is told of it.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let port = port.expect("a port is free").port();
        let mut process = as_server(root, &programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-k"])
            .arg(folder.path())
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=32MB"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let log = process.stderr.take().expect("the log is piped");
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let ready = lines.by_ref().any(|line| {
            let ready = line.contains("database system is ready to accept connections");
            said.push(line);
            ready
        });
        assert!(ready, "the server did not start:\n{}", said.join("\n"));
        // Whoever does not read on lets the server wait on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, port, _folder: folder }
    }

    /// Address of its database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A cluster of a test has nothing to save: it need not shut down in order.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder that holds `initdb` and `postgres`, the newest version first.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}

/// `setpriv` replaces itself by the program, so that the process that is ended is the server.
fn as_server(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
