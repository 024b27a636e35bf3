//! A Prometheus of a test's own, which scrapes and writes where its configuration says, gone when the test is.

use tempfile::TempDir;

use crate::server::{self, Process};

/// A running server; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct Prometheus {
    _process: Process,
    port: u16,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts a server with `configuration`, the text of a `prometheus.yml`, and waits until it answers. It
    /// also takes remote writes.
    ///
    /// # Panics
    /// If Prometheus is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start(configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = server::free_port();
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration).expect("a file can be written");
        let program = server::find("prometheus", "prometheus");
        let mut process = Process::start(&program, folder.path().join("server.log"), |command| {
            command
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .args(["--web.enable-lifecycle", "--web.enable-remote-write-receiver"]);
        });
        process.wait(|| server::answers(port, "/-/ready"));
        Self { _process: process, port, _folder: folder }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
