//! The service on a truth that was filled.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use manazir_testkit::client::Client;
use manazir_testkit::service::Service;

/// How the service is started.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) program: String,
    pub(crate) data: PathBuf,
    /// Of `serve` and of `token new`; nothing for a file in `data`.
    pub(crate) truth: Option<String>,
    /// Where the configuration is written to.
    pub(crate) config: PathBuf,
}

/// A running service, and a token with the scope `people`.
pub(crate) struct Running {
    start: Start,
    service: Service,
    token: String,
}

impl Start {
    /// Where the truth is.
    pub(crate) fn url(&self) -> String {
        let file = || std::path::absolute(self.data.join("truth.db")).unwrap();
        self.truth.clone().unwrap_or_else(|| format!("sqlite://{}", file().display()))
    }

    fn of_truth(&self) -> Vec<String> {
        self.truth.iter().flat_map(|url| ["--truth".to_owned(), url.clone()]).collect()
    }

    /// Starts it, waits until it is ready, and says how long that took.
    fn service(&self, config: &str) -> (Service, Duration) {
        std::fs::write(&self.config, config).unwrap();
        let mut options = self.of_truth();
        options.extend(["--config".to_owned(), self.config.display().to_string()]);
        let begun = Instant::now();
        let service = Service::start(&self.program, &self.data, &options);
        let mut client = service.client("");
        while client.get("/health/ready").unwrap().status != 200 {
            std::thread::sleep(Duration::from_millis(1));
        }
        (service, begun.elapsed())
    }

    /// Starts it as it is usually started.
    pub(crate) fn run(self) -> Running {
        let (service, _) = self.service(ACCOUNTS);
        let output = Command::new(&self.program)
            .args(["token", "new", "--scope", "people", "--name", "load", "--data"])
            .arg(&self.data)
            .args(self.of_truth())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Running { start: self, service, token }
    }

    /// Starts it with the graph left in the truth, and with the graph in memory; prints what is different.
    pub(crate) fn measure(&self) {
        let (without, ready_without) = self.service("[people]\ngraph = 'truth'\n");
        let [bare, _] = memory_mib(without.id());
        assert!(without.terminate());
        let (with, ready) = self.service(ACCOUNTS);
        let [resident, peak] = memory_mib(with.id());
        assert!(with.terminate());
        println!(
            "ready after {ready:.2?}, without the graph after {ready_without:.2?}; {resident:.0} MiB resident (at most \
             {peak:.0}), without the graph {bare:.0}: the graph takes {:.0} MiB",
            resident - bare
        );
        let log = std::fs::read_to_string(format!("{}.log", self.data.display())).unwrap_or_default();
        if let Some(line) =
            log.lines().rfind(|line| line.contains("connections between people are in memory"))
        {
            println!("  {}", line.trim());
        }
    }
}

/// People may register, and tell of places behind a proxy: many sign in from one machine.
const ACCOUNTS: &str = "[accounts]\nregistration = 'open'\nproxies = ['127.0.0.1']\n";

impl Running {
    /// A caller with the token.
    pub(crate) fn client(&self) -> Client {
        self.service.client(&self.token)
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Ends it as a failing machine would.
    pub(crate) fn kill(&mut self) {
        self.service.kill();
    }

    /// On the same truth.
    pub(crate) fn start_again(&mut self) {
        self.service = self.start.service(ACCOUNTS).0;
    }

    pub(crate) fn terminate(self) -> bool {
        self.service.terminate()
    }

    /// Resident set in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        memory_mib(self.service.id())[0]
    }
}

/// Resident set, and its peak.
fn memory_mib(id: u32) -> [f64; 2] {
    let status = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status")).unwrap();
    ["VmRSS:", "VmHWM:"].map(|name| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    })
}
