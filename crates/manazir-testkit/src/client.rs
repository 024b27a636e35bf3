//! A caller of the service: one connection, kept open, that costs next to nothing beside what it measures.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long an answer may take before the service counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// One caller; its connection is made when it is first needed, and again after it broke.
#[derive(Debug)]
pub struct Client {
    address: String,
    token: String,
    connection: Option<BufReader<TcpStream>>,
    request: Vec<u8>,
}

/// What the service said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Status line and headers as they came.
    pub head: String,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

impl Client {
    /// A caller of the service at `address` who shows `token`, or nothing if it is empty.
    #[must_use]
    pub fn new(address: &str, token: &str) -> Self {
        Self { address: address.to_owned(), token: token.to_owned(), connection: None, request: Vec::new() }
    }

    /// GET `path`.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.call("GET", path, b"")
    }

    /// GET `path` again and again until the answer is as wanted.
    ///
    /// # Panics
    /// If it is not within half a minute, or the service cannot be reached.
    #[track_caller]
    pub fn until(&mut self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.get(path).expect("the service answers").json();
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < patience, "{path}: {answer}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// POST `body` to `path`.
    pub fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.call("POST", path, body)
    }

    /// One request, once: an error leaves open whether the service has got it.
    pub fn call(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.call_with(method, path, &[], body)
    }

    /// The same with headers of its own.
    pub fn call_with(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.address)?,
        };
        self.request.clear();
        let (token, length) = (&self.token, body.len());
        write!(self.request, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n")?;
        if !token.is_empty() {
            write!(self.request, "Authorization: Bearer {token}\r\n")?;
        }
        for (name, value) in headers {
            write!(self.request, "{name}: {value}\r\n")?;
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body);
        connection.get_mut().write_all(&self.request)?;
        let answer = read(&mut connection)?;
        if !answer.head.to_ascii_lowercase().contains("connection: close") {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}

/// One request on a connection of its own: status and body; `None` if the connection broke.
#[must_use]
pub fn call(address: &str, token: &str, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
    let answer = Client::new(address, token).call(method, path, body.as_bytes()).ok()?;
    Some((answer.status, answer.json()))
}

fn connect(address: &str) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::with_capacity(8 << 10, stream))
}

fn read(connection: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, head.clone());
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(wrong)?;
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let mut body = Vec::new();
    if header("transfer-encoding").is_some() {
        chunks(connection, &mut body)?;
    } else {
        body.resize(header("content-length").map_or(Ok(0), str::parse).map_err(|_| wrong())?, 0);
        connection.read_exact(&mut body)?;
    }
    Ok(Answer { status, head, body })
}

/// A body whose length the service did not know beforehand (RFC 9112, 7.1).
fn chunks(connection: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let begin = body.len();
        body.resize(begin + size + 2, 0);
        connection.read_exact(&mut body[begin..])?;
        body.truncate(begin + size);
        if size == 0 {
            return Ok(());
        }
    }
}
