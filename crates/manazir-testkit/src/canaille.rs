//! An identity provider of a test's own: Canaille, an identity server with forms and consent, gone when the test is.

use std::fmt::Write;

use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::server::{self, Process};

/// The client that it knows.
pub const CLIENT: &str = "manazir";

/// The secret of the client.
pub const CLIENT_SECRET: &str = "kept-apart";

/// The password of all people there.
const PASSWORD: &str = "a quiet harbor";

const SERVER: &str = include_str!("canaille_server.py");

/// A server, or the place where one will be; dropping it ends it, and so does the end of the test's process.
#[derive(Debug)]
pub struct Canaille {
    process: Option<Process>,
    port: u16,
    callback: String,
    folder: TempDir,
}

impl Canaille {
    /// The place of one that sends people back to `callback`; nobody answers there yet.
    ///
    /// # Panics
    /// If no temporary folder can be made.
    #[must_use]
    pub fn absent(callback: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self { process: None, port: server::free_port(), callback: callback.to_owned(), folder }
    }

    /// Starts it, with new keys, and waits until it answers. It knows `ada` and `bob`, at `example.org`. The Python
    /// that has it is what the variable `MANAZIR_CANAILLE_PYTHON` names, or the `python3` on the search path.
    ///
    /// # Panics
    /// If the package is not installed or the server does not start: a test that needs it cannot go on.
    pub fn start(&mut self) {
        let python = std::env::var_os("MANAZIR_CANAILLE_PYTHON").unwrap_or_else(|| "python3".into());
        let log = self.folder.path().join("server.log");
        let mut process = Process::start(python.as_ref(), log, |command| {
            command.current_dir(self.folder.path()).args(["-c", SERVER]);
            command.arg(self.port.to_string()).arg(&self.callback);
        });
        process.wait(|| server::answers(self.port, "/.well-known/openid-configuration"));
        self.process = Some(process);
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Its address, as it writes it.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Goes to `address` with a browser of its own, signs in as somebody and consents: the address to which the browser
    /// is sent back.
    ///
    /// # Panics
    /// If it does not come to that.
    #[must_use]
    pub fn sign_in(&self, address: &str, name: &str) -> String {
        self.walk(address, &[("login", name), ("password", PASSWORD), ("answer", "accept")])
    }

    /// The same for somebody who does not consent.
    ///
    /// # Panics
    /// If it does not come to that.
    #[must_use]
    pub fn sign_in_and_deny(&self, address: &str, name: &str) -> String {
        self.walk(address, &[("login", name), ("password", PASSWORD), ("answer", "deny")])
    }

    fn walk(&self, address: &str, fields: &[(&str, &str)]) -> String {
        let mut browser =
            Browser { client: Client::new(&format!("127.0.0.1:{}", self.port), ""), cookie: String::new() };
        let mut page = address.to_owned();
        let mut fields = fields.iter();
        let mut answer = browser.go("GET", &page, "");
        loop {
            // Of one form after the other; whoever consented before is not asked again.
            while let Some(to) = answer.header("location") {
                if to.starts_with(&self.callback) {
                    return to.to_owned();
                }
                page = to.to_owned();
                answer = browser.go("GET", &page, "");
            }
            assert_eq!(answer.status, 200, "{page}: {}", answer.text());
            let (name, value) = fields.next().expect("there are no more forms");
            let form = format!("csrf_token={}&{name}={}", token(&answer.text()), escaped(value));
            answer = browser.go("POST", &page, &form);
        }
    }
}

/// One that keeps the one cookie there is.
struct Browser {
    client: Client,
    cookie: String,
}

impl Browser {
    fn go(&mut self, method: &str, address: &str, form: &str) -> Answer {
        let path = address.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        let headers = [("Cookie", &*self.cookie), ("Content-Type", "application/x-www-form-urlencoded")];
        let path = path.unwrap_or(address);
        let answer = self.client.call_with(method, path, &headers, form.as_bytes()).expect("it answers");
        if let Some(set) = answer.header("set-cookie") {
            self.cookie = set.split(';').next().unwrap_or_default().to_owned();
        }
        answer
    }
}

/// What a form holds against requests from elsewhere.
fn token(page: &str) -> &str {
    let after = page.split_once("name=\"csrf_token\" value=\"").expect("there is a form").1;
    after.split('"').next().unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    })
}
