//! A RabbitMQ of a test's own: a node that meets no other, in a temporary folder, gone when the test is.
//!
//! A node takes seconds to start and 160 MiB: one a test binary, in a `LazyLock`, and a virtual host for each
//! test. Nothing of it is found by another node: name, cookie, folder, and even the daemon that Erlang's nodes
//! find each other by are its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::server::{self, Process};

/// The package that brings it, for whoever has not got it.
const PACKAGE: &str = "rabbitmq-server";

/// `guest:guest`, the user of a fresh node, who may come from this machine only.
const GUEST: &str = "Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\nContent-Type: application/json\r\n";

/// A running node; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct Rabbit {
    broker: Process,
    _names: Process,
    ports: Ports,
    folder: TempDir,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    amqp: u16,
    management: u16,
    distribution: u16,
    names: u16,
}

impl Rabbit {
    /// Starts a node and waits until it takes connections.
    ///
    /// # Panics
    /// If RabbitMQ is not installed or does not start: a test that needs it cannot go on.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = server::free_port;
        let ports = Ports { amqp: port(), management: port(), distribution: port(), names: port() };
        prepare(folder.path(), ports);
        // The node would start this daemon itself, and leave it behind.
        let epmd = server::find("epmd", PACKAGE);
        let mut names = Process::start(&epmd, folder.path().join("names.log"), |command| {
            command.args(["-address", "127.0.0.1", "-port", &ports.names.to_string()]);
        });
        names.wait(|| server::listens(ports.names));
        let broker = broker(folder.path(), ports);
        let mut rabbit = Self { broker, _names: names, ports, folder };
        rabbit.wait();
        rabbit
    }

    /// Address of its virtual host `/`, as user `guest`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// Address of a new virtual host, which no other test knows.
    #[must_use]
    pub fn vhost(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.management("PUT", &format!("/api/vhosts/{name}"), "");
        let all = r#"{"configure":".*","write":".*","read":".*"}"#;
        self.management("PUT", &format!("/api/permissions/{name}/guest"), all);
        format!("amqp://guest:guest@127.0.0.1:{}/{name}", self.ports.amqp)
    }

    /// What the management API answers, for instance to `GET /api/queues/VHOST`.
    ///
    /// # Panics
    /// If it refuses.
    pub fn management(&self, method: &str, path: &str, body: &str) -> String {
        let answer = server::http(self.ports.management, method, path, GUEST, body);
        let (status, body) = answer.unwrap_or_else(|| panic!("{method} {path}: no answer"));
        assert!((200..300).contains(&status), "{method} {path}: {status} {body}");
        body
    }

    /// The process of the node, for signals and for `/proc`.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.broker.id()
    }

    /// Ends the node at once, as a failing machine would; what is on disk stays.
    pub fn kill(&mut self) {
        self.broker.kill();
    }

    /// Starts the node again on what is on disk, at the same address, and waits until it takes connections.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.broker = broker(self.folder.path(), self.ports);
        self.wait();
    }

    /// Closes all connections and refuses new ones, with the node itself still up; as in an upgrade.
    pub fn stop_app(&self) {
        self.control("stop_app");
    }

    /// Takes connections again after [`Self::stop_app`].
    pub fn start_app(&mut self) {
        self.control("start_app");
        self.wait();
    }

    fn control(&self, what: &str) {
        let mut command = Command::new(script("rabbitmqctl"));
        surroundings(&mut command, self.folder.path(), self.ports);
        let output = command.arg(what).output().expect("rabbitmqctl starts");
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn wait(&mut self) {
        let Ports { amqp, management, .. } = self.ports;
        self.broker.wait(|| {
            let healthy = "/api/health/checks/virtual-hosts";
            server::listens(amqp)
                && server::http(management, "GET", healthy, GUEST, "")
                    .is_some_and(|(status, _)| status == 200)
        });
    }
}

fn prepare(folder: &Path, ports: Ports) {
    for name in ["mnesia", "log", "home"] {
        std::fs::create_dir(folder.join(name)).expect("a folder can be made");
    }
    let write =
        |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file can be written");
    // The folder's own name is as hard to guess as a secret of a test needs to be.
    let cookie: String = folder.to_string_lossy().chars().filter(char::is_ascii_alphanumeric).collect();
    write("home/.erlang.cookie", &cookie);
    let mode = Command::new("chmod").arg("400").arg(folder.join("home/.erlang.cookie")).status();
    assert!(mode.is_ok_and(|status| status.success()), "the cookie can be hidden from others");
    write("enabled_plugins", "[rabbitmq_management].");
    let Ports { amqp, management, .. } = ports;
    write(
        "rabbitmq.conf",
        &format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             log.console = true\n\
             log.console.level = warning\n\
             log.file = false\n\
             vm_memory_high_watermark.absolute = 512MB\n\
             disk_free_limit.absolute = 50MB\n"
        ),
    );
}

/// A script of RabbitMQ itself. Debian puts another of the same name on the search path, which changes to the
/// user of the package and would look for its node.
fn script(name: &str) -> PathBuf {
    server::find("rabbitmq-env", PACKAGE).with_file_name(name)
}

fn broker(folder: &Path, ports: Ports) -> Process {
    Process::start(&script("rabbitmq-server"), folder.join("broker.log"), |command| {
        surroundings(command, folder, ports);
    })
}

fn surroundings(command: &mut Command, folder: &Path, ports: Ports) {
    let distribution = ports.distribution.to_string();
    command
        .env("HOME", folder.join("home"))
        // The script then replaces itself by the node, so that the process that is ended is the node.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_NODENAME", format!("manazir{}@localhost", ports.amqp))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("none.config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_PID_FILE", folder.join("broker.pid"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", folder.join("generated"))
        .env("RABBITMQ_DIST_PORT", distribution)
        .env("ERL_EPMD_PORT", ports.names.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        // Two schedulers that do not spin while they wait: a test's node must not eat the machine.
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
        );
}
