//! What the real servers of tests have in common: a port, a process that ends with its test, and waiting.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Debian keeps the programs of RabbitMQ off the search path; so do others with `sbin`.
const OFF_THE_PATH: &[&str] = &["/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/sbin"];

/// A port on this machine that nobody listens on.
///
/// It lies below those that the kernel gives to outgoing connections, so that none of them can take it before
/// the server does; and it begins elsewhere in each process, so that tests side by side seldom try the same.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(61);
    for _ in 0..12_000 {
        let offset = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let port = 20_000 + offset as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port from 20000 to 31999 is free");
}

/// Where `program` lies, on the search path or where Debian puts servers.
pub(crate) fn find(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(OFF_THE_PATH.iter().map(PathBuf::from));
    let mut files = folders.map(|folder| folder.join(program));
    let found = files.find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{program} is not installed (Debian: apt-get install {package})"))
}

/// True if the test runs as root, as which some servers refuse to run.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A process that is gone when this is, and also when the test is ended from outside.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    /// Ends the thread that started the process; never sent on.
    _keeper: mpsc::Sender<()>,
}

/// A command that runs `program`, with further `options` of `setpriv`.
///
/// A destructor runs neither for a server that lives in a static nor in a test that is killed. So the kernel is
/// asked to end the process with the thread that started it: `setpriv` asks, and replaces itself by `program`.
pub(crate) fn kept(options: &[&str], program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(options).arg(program).stdin(Stdio::null());
    command
}

impl Process {
    /// Starts `program`, whose words go to the file `log`; `command` adds what it needs.
    pub(crate) fn start(program: &Path, log: PathBuf, command: impl FnOnce(&mut Command)) -> Self {
        let mut starter = kept(&[], program);
        command(&mut starter);
        let output = Stdio::from(appended(&log));
        Self::spawn(starter, log, output)
    }

    /// Starts what [`kept`] gave; its errors go to the file `log`, its output to `output`.
    pub(crate) fn spawn(mut command: Command, log: PathBuf, output: Stdio) -> Self {
        command.stdout(output).stderr(appended(&log));
        let (started, child) = mpsc::channel();
        let (keeper, until) = mpsc::channel::<()>();
        // The thread that the process ends with; it lives as long as this does.
        std::thread::spawn(move || {
            let _ = started.send(command.spawn());
            let _ = until.recv();
        });
        let child = child.recv().expect("the thread sends").expect("setpriv is installed (util-linux)");
        Self { child, log, _keeper: keeper }
    }

    /// The reading end of its output, once.
    pub(crate) fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("the output is a pipe, and nobody has it yet")
    }

    /// Waits until it ends; true if it says that all went well.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }

    /// Waits until `ready` says yes.
    ///
    /// # Panics
    /// If the server ends, or is not ready in a minute; with the last that it said.
    pub(crate) fn wait(&mut self, ready: impl FnMut() -> bool) {
        if self.comes_up(ready) {
            return;
        }
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let from = said.lines().count().saturating_sub(40);
        let said: Vec<_> = said.lines().skip(from).collect();
        panic!("the server did not start:\n{}", said.join("\n"));
    }

    /// Waits until `ready` says yes; false if the process ends, or is not ready in a minute.
    pub(crate) fn comes_up(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        let until = Instant::now() + Duration::from_secs(60);
        while !ready() {
            if !self.is_running() || Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// True until it has ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Its number, for signals and for `/proc`.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, without a chance to save anything.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A server of a test has nothing to save: it need not shut down in order.
        self.kill();
    }
}

fn appended(file: &Path) -> File {
    File::options().create(true).append(true).open(file).expect("a log can be written")
}

/// True if somebody listens on `port`.
pub(crate) fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Status and body of the answer to one plain HTTP request on this machine; `None` if there is no answer.
pub(crate) fn http(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// True if a GET of `path` is answered by 200.
pub(crate) fn answers(port: u16, path: &str) -> bool {
    http(port, "GET", path, "", "").is_some_and(|(status, _)| status == 200)
}
