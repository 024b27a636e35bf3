//! A mail server that keeps what it is sent: as much of RFC 5321 as a client that only sends speaks, without TLS.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a letter may take until it is missed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A letter as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// To whom, as the envelope says.
    pub to: Vec<String>,
    /// Header and text, lines ended by `\n`, long lines joined again.
    pub text: String,
}

#[derive(Default)]
struct Mailbox {
    letters: Mutex<Vec<Letter>>,
    came: Condvar,
}

/// The server; it listens until the process ends.
pub struct Smtp {
    address: SocketAddr,
    mailbox: Arc<Mailbox>,
}

impl Smtp {
    /// Listens on a port of its own.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let mailbox = Arc::<Mailbox>::default();
        let kept = Arc::clone(&mailbox);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mailbox = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &mailbox));
            }
        });
        Self { address, mailbox }
    }

    /// `smtp://127.0.0.1:…`
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Waits until so many letters have come.
    ///
    /// # Panics
    /// If they do not.
    #[must_use]
    pub fn letters(&self, count: usize) -> Vec<Letter> {
        let letters = self.mailbox.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.mailbox.came.wait_timeout_while(letters, PATIENCE, |letters| letters.len() < count);
        let (letters, _) = wait.unwrap_or_else(PoisonError::into_inner);
        assert!(letters.len() >= count, "{count} letters were to come: {letters:?}");
        letters.clone()
    }
}

/// One connection; what goes wrong on it is its client's to know.
fn serve(stream: TcpStream, mailbox: &Mailbox) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let say = |line: &str| (&stream).write_all(format!("{line}\r\n").as_bytes());
    say("220 localhost ESMTP")?;
    let mut to = Vec::new();
    while let Some(line) = lines.next().transpose()? {
        let command = line.to_ascii_uppercase();
        if command.starts_with("EHLO") {
            say("250-localhost\r\n250 8BITMIME")?;
        } else if command.starts_with("RCPT TO:") {
            to.push(line[8..].trim_matches(['<', '>', ' ']).to_owned());
            say("250 OK")?;
        } else if command == "DATA" {
            say("354 End data with a dot")?;
            let mut text = String::new();
            while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push('\n');
            }
            // Quoted-printable breaks long lines by an equals sign at their end.
            let text = text.replace("=\n", "").replace("=3D", "=");
            let letter = Letter { to: std::mem::take(&mut to), text };
            mailbox.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
            mailbox.came.notify_all();
            say("250 OK")?;
        } else if command == "QUIT" {
            return say("221 Bye");
        } else {
            say("250 OK")?;
        }
    }
    Ok(())
}
