//! The service as a process of its own: started, called, stopped, killed, started again.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::server::{self, Process};

/// A running `manazir serve`; dropping it ends it at once, and so does the end of the test's process.
#[derive(Debug)]
pub struct Service {
    process: Process,
    address: String,
    token: Option<String>,
    invitation: Option<String>,
}

impl Service {
    /// Starts `program serve` on the directory `data` and waits until it listens. `options` come after those
    /// that it always gets; what it logs goes to the file `DATA.log`.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn start(program: &str, data: &Path, options: &[String]) -> Self {
        Self::start_with(program, data, options, &[])
    }

    /// The same with variables of the environment.
    ///
    /// # Panics
    /// If it ends instead.
    #[must_use]
    pub fn start_with(
        program: &str,
        data: &Path,
        options: &[impl AsRef<OsStr>],
        variables: &[(&str, &str)],
    ) -> Self {
        let (mut process, log) = process(program, data, options, variables);
        let mut lines = BufReader::new(process.output());
        let mut said = String::new();
        while !said.ends_with("}\n") {
            if lines.read_line(&mut said).unwrap_or(0) == 0 {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                panic!("the service ended after: {said}\n{log}");
            }
        }
        let said: Value = serde_json::from_str(&said).expect("the service tells in JSON where it listens");
        let address = said["listening"].as_str().and_then(|url| url.strip_prefix("http://"));
        Self {
            process,
            address: address.expect("the service listens somewhere").to_owned(),
            token: said["token"].as_str().map(str::to_owned),
            invitation: said["invitation"].as_str().map(str::to_owned),
        }
    }

    /// Starts it and ends it at once after `moment`, ready or not.
    pub fn start_and_kill(program: &str, data: &Path, options: &[String], moment: Duration) {
        let (process, _) = process(program, data, options, &[]);
        std::thread::sleep(moment);
        drop(process);
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The administrator's token, if this was the first start on its directory.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The page of the first account, an administrator's, that a first start tells of.
    #[must_use]
    pub fn invitation(&self) -> Option<&str> {
        self.invitation.as_deref()
    }

    /// A caller of its own.
    #[must_use]
    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.address, token)
    }

    /// The process, for signals and for `/proc`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// True until it has ended.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Ends it at once, as a failing machine would; what is on disk stays.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it as a container does, and waits; true if it says that all went well.
    #[must_use]
    pub fn terminate(mut self) -> bool {
        self.signal("TERM") && self.process.ended()
    }

    /// Sends it a signal, as `STOP`; true if it was sent.
    pub fn signal(&self, name: &str) -> bool {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args([&format!("-{name}"), &id]).status();
        told.is_ok_and(|status| status.success())
    }
}

fn process(
    program: &str,
    data: &Path,
    options: &[impl AsRef<OsStr>],
    variables: &[(&str, &str)],
) -> (Process, PathBuf) {
    let mut command = server::kept(&[], Path::new(program));
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(options);
    command.envs(variables.iter().copied());
    // A file beside the directory, for the directory is the service's own.
    let log = PathBuf::from(format!("{}.log", data.display()));
    (Process::spawn(command, log.clone(), Stdio::piped()), log)
}
