//! A bucket of a test's own: Moto, the AWS of tests, which keeps objects in memory and is gone when the test is.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::server::{self, Process};

/// A running server; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct S3 {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl S3 {
    /// Starts a server with an empty bucket `bucket`, and waits until it answers. The program is what the variable
    /// `MANAZIR_MOTO` names, or the `moto_server` on the search path.
    ///
    /// # Panics
    /// If Moto is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = server::free_port();
        let program = std::env::var_os("MANAZIR_MOTO").map_or_else(
            || server::find("moto_server", "python3-venv, then pip install moto[server]"),
            PathBuf::from,
        );
        let mut process = Process::start(&program, folder.path().join("server.log"), |command| {
            command.args(["-H", "127.0.0.1", "-p"]).arg(port.to_string());
        });
        process.wait(|| server::listens(port));
        let made = server::http(port, "PUT", "/bucket", "", "");
        assert!(matches!(made, Some((200, _))), "the bucket is not made: {made:?}");
        Self { process, port, _folder: folder }
    }

    /// The variables of the environment with which its clients find it.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let variables = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &endpoint),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Keys of all objects, in the order of the keys.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let (_, list) = server::http(self.port, "GET", "/bucket?list-type=2", "", "").expect("it answers");
        let keys = list.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        keys.map(|(key, _)| key.to_owned()).collect()
    }

    /// Ends the server at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}
