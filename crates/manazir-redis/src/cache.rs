//! A cache of answers in a Redis, which may be away, slow, full, or lose everything.
//!
//! Keys are `{prefix}:{run}:{key}`, where `run` is the number that the server gave itself when it started. What was
//! there before a server ended is so never found again, though it be on its disk: it may have missed what was forgotten
//! meanwhile. Everything expires by itself.

mod line;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use manazir_people::cache::Cache;
use redis::{Cmd, Pipeline};

use crate::address::{self, NoAddress};
use line::Line;

/// Keys of one command: a server does nothing else while it does one.
const KEYS: usize = 1_000;

/// A truth that is asked answers within milliseconds: a cache that is slower than this is no help.
const PATIENCE: Duration = Duration::from_millis(250);

/// A cache of answers in a Redis; processes that name the same server and prefix share it. One truth needs a prefix of its
/// own.
pub struct RedisCache {
    line: Line,
    prefix: String,
}

impl RedisCache {
    /// Reads `redis://user:password@host:6379/0`. Nobody is asked yet: a process starts without its cache as well.
    pub fn new(url: &str, prefix: &str) -> Result<Self, NoAddress> {
        Self::with_patience(url, prefix, PATIENCE)
    }

    /// As [`Self::new`]; nobody waits longer than `patience` for one answer, or for a connection.
    pub fn with_patience(url: &str, prefix: &str, patience: Duration) -> Result<Self, NoAddress> {
        Ok(Self { line: Line::new(address::client(url)?, patience), prefix: prefix.to_owned() })
    }

    /// How often the server could not be asked, or did not do what it was asked, since the process began.
    pub fn failures(&self) -> u64 {
        self.line.failures()
    }

    fn command(&self, name: &str, run: &str, keys: &[String]) -> Cmd {
        let mut command = redis::cmd(name);
        for key in keys {
            command.arg(self.name(run, key));
        }
        command
    }

    fn name(&self, run: &str, key: &str) -> String {
        format!("{}:{run}:{key}", self.prefix)
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under {}", self.line.name(), self.prefix)
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, keys: &[String]) -> Vec<Option<Vec<u8>>> {
        let mut found = Vec::with_capacity(keys.len());
        for keys in keys.chunks(KEYS) {
            let ask = |run: &str| single(self.command("MGET", run, keys));
            let answer: Option<(Vec<Option<Vec<u8>>>,)> = self.line.ask(ask).await;
            let all = answer.map(|(all,)| all).filter(|all| all.len() == keys.len());
            found.extend(all.unwrap_or_else(|| vec![None; keys.len()]));
        }
        found
    }

    async fn put(&self, entries: Vec<(String, Vec<u8>)>, life: Duration) {
        let milliseconds = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        if milliseconds == 0 {
            let keys: Vec<String> = entries.into_iter().map(|(key, _)| key).collect();
            // What cannot be forgotten now was there before.
            let _ = self.forget(&keys).await;
            return;
        }
        for entries in entries.chunks(KEYS) {
            let ask = |run: &str| {
                let mut commands = redis::pipe();
                for (key, value) in entries {
                    commands.set(self.name(run, key), value).arg("PX").arg(milliseconds).ignore();
                }
                commands
            };
            let _: Option<()> = self.line.ask(ask).await;
        }
    }

    async fn forget(&self, keys: &[String]) -> bool {
        for keys in keys.chunks(KEYS) {
            let ask = |run: &str| single(self.command("UNLINK", run, keys));
            let answer: Option<(u64,)> = self.line.ask(ask).await;
            if answer.is_none() {
                return false;
            }
        }
        true
    }
}

fn single(command: Cmd) -> Pipeline {
    let mut commands = redis::pipe();
    commands.add_command(command);
    commands
}
