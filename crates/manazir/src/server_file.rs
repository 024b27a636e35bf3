//! How commands find the running service: it writes its address into its directory, and they speak HTTP to it.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::look::ServerArgs;

/// In the directory of the service.
const NAME: &str = "server.json";

/// An answer takes no longer than the service lets a request take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

#[derive(Deserialize, Serialize)]
struct Content {
    url: String,
}

/// The file while the service runs; dropping it removes the file.
#[derive(Debug)]
pub struct ServerFile {
    path: PathBuf,
}

impl ServerFile {
    /// Writes where the service of this directory listens.
    pub fn write(data: &Path, address: SocketAddr) -> Result<Self> {
        let path = data.join(NAME);
        let content = Content { url: format!("http://{}", reachable(address)) };
        // Whoever reads it meanwhile sees the old file or the new one, never a half.
        let new = data.join("server.json.new");
        fs::write(&new, serde_json::to_vec(&content)?)
            .and_then(|()| fs::rename(&new, &path))
            .with_context(|| format!("write {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for ServerFile {
    fn drop(&mut self) {
        // If it stays, whoever reads it is told that nobody answers there.
        let _ = fs::remove_file(&self.path);
    }
}

/// An address that listens on all of them is reached on this machine's own.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let own = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    };
    SocketAddr::new(own, address.port())
}

/// Speaks to a running service.
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the service that is named, or of the one that runs in this directory.
    pub fn of(args: &ServerArgs, data: &Path) -> Result<Self> {
        let url = match &args.server {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => written(data)?,
        };
        let token = args.token.clone().context(
            "a token is needed: `export MANAZIR_TOKEN=$(manazir token new --scope respond)`, or --token",
        )?;
        let config =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_MAX));
        Ok(Self { agent: config.build().into(), url, token })
    }

    /// Sends JSON; the status and the answer.
    pub fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let answer = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json")
            .send(body.to_string());
        let mut answer = answer.map_err(|error| match error {
            ureq::Error::Io(why) if why.kind() == ErrorKind::ConnectionRefused => anyhow!(
                "nobody answers at {}: start the service with `manazir serve`, or name it with --server URL",
                self.url
            ),
            other => anyhow::Error::new(other).context(format!("ask {}", self.url)),
        })?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().context("read the answer")?;
        if status == 401 {
            bail!("the service does not know this token; `manazir token new --scope respond` makes one");
        }
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
}

/// The address that the service of this directory wrote.
pub(crate) fn written(data: &Path) -> Result<String> {
    let path = data.join(NAME);
    match fs::read(&path) {
        Ok(bytes) => {
            let content: Content =
                serde_json::from_slice(&bytes).with_context(|| format!("read {}", path.display()))?;
            Ok(content.url)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "no service runs in {}: start it with `manazir serve --data {0}`, or name one with --server URL",
            data.display()
        ),
        Err(error) => Err(anyhow::Error::new(error).context(format!("read {}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_there_while_the_service_runs() {
        let folder = tempfile::tempdir().unwrap();
        let file = ServerFile::write(folder.path(), "0.0.0.0:7171".parse().unwrap()).unwrap();
        assert_eq!(written(folder.path()).unwrap(), "http://127.0.0.1:7171");
        drop(file);
        let why = written(folder.path()).unwrap_err().to_string();
        assert!(why.starts_with("no service runs in"), "{why}");
        let v6 = reachable("[::]:1".parse().unwrap());
        assert_eq!(v6.to_string(), "[::1]:1");
    }

    #[test]
    fn each_lack_is_a_sentence_that_says_what_to_type() {
        let folder = tempfile::tempdir().unwrap();
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let args = |token: Option<&str>| ServerArgs {
            server: Some(format!("http://127.0.0.1:{port}/")),
            token: token.map(str::to_owned),
        };
        let why = Client::of(&args(None), folder.path()).unwrap_err().to_string();
        assert!(why.contains("manazir token new --scope respond"), "{why}");
        let client = Client::of(&args(Some("mz_1")), folder.path()).unwrap();
        let why = client.post("/x", &Value::Null).unwrap_err().to_string();
        assert!(why.contains("start the service with `manazir serve`"), "{why}");
    }
}
