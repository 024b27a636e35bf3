//! Where totals go, by their address.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use manazir_cassandra::Cassandra;
use manazir_mariadb::MariaDb;
use manazir_model::hash::{fnv1a, mixed};
use manazir_redis::Redis;
use manazir_rollup::{Destination, Shape};
use manazir_sql::{RollupTable, Truth};

use super::specification::Specification;
use crate::config::fill;

/// The destination of whoever names none.
const LOCAL: &str = "local";

/// Where the totals of a rollup go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name: of its queue, and in the specification.
    pub name: String,
    /// Its address, which may hold a password.
    url: String,
    /// Where files of ours go.
    folder: PathBuf,
}

impl Target {
    /// The destination of a name in the specification, or of an address; without either a file in `data`, one for each
    /// specification.
    pub fn new(specification: &Specification, to: Option<&str>, data: &Path) -> Result<Self> {
        let spec = &specification.compiled.spec;
        let folder = data.join("rollup");
        let Some(to) = to else {
            let url = file_in(&folder, &format!("{}-{:016x}", spec.name, specification.identity))?;
            return Ok(Self { name: LOCAL.to_owned(), url, folder });
        };
        if to.contains("://") {
            return Ok(Self { name: "other".to_owned(), url: to.to_owned(), folder });
        }
        let Some(found) = spec.destinations.iter().find(|one| one.name == to) else {
            let names: Vec<&str> = spec.destinations.iter().map(|one| &*one.name).collect();
            bail!("the specification has no destination `{to}`; it has {}", names.join(", "));
        };
        let url = fill(&found.url, |name| std::env::var(name).ok())
            .with_context(|| format!("the address of the destination `{to}`"))?;
        Ok(Self { name: to.to_owned(), url, folder })
    }

    /// The file of the data directory that it is, if that is not there.
    pub fn missing_file(&self) -> Option<PathBuf> {
        let path = PathBuf::from(self.url.strip_prefix("sqlite://").filter(|_| self.name == LOCAL)?);
        (!path.is_file()).then_some(path)
    }

    /// Opens it.
    pub async fn open(&self, shape: &Shape) -> Result<Box<dyn Destination>> {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        match scheme {
            "sqlite" | "postgres" | "postgresql" => {
                let database = Truth::connect(&self.url).await?;
                Ok(Box::new(RollupTable::new(&database, shape)?))
            }
            "mysql" | "mariadb" => Ok(Box::new(MariaDb::open(&self.url, shape.clone())?)),
            "cassandra" => Ok(Box::new(self.open_cassandra(shape).await?)),
            "redis" | "rediss" => Ok(Box::new(Redis::open(&self.url, shape.clone()).await?)),
            _ => Err(anyhow!(
                "`{scheme}://` is no destination that totals can go to; there are sqlite, postgres, mysql, redis \
                 and cassandra"
            )),
        }
    }

    /// Counters cannot be counted exactly: a file does that, one for each table that shows it. Who has the file open is
    /// alone with both.
    async fn open_cassandra(&self, shape: &Shape) -> Result<Cassandra> {
        let shown = format!("{}/{}", manazir_cassandra::place(&self.url)?, shape.table);
        let name = format!("{}-cassandra-{:016x}", shape.name, mixed(fnv1a(shown.bytes())));
        let exact = file_in(&self.folder, &name)?;
        let path = self.folder.join(format!("{name}.lock"));
        let lock = File::create(&path).with_context(|| format!("make {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another process counts into the Cassandra at {shown}; only one at a time can")
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("lock {}", path.display()));
            }
        }
        let exact = RollupTable::new(&Truth::connect(&exact).await?, shape)?;
        Ok(Cassandra::open(&self.url, shape.clone(), Box::new(exact))?.keeping(lock))
    }
}

/// The address of a SQLite file of a name in a folder, which is made if it is missing.
fn file_in(folder: &Path, name: &str) -> Result<String> {
    std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let path = std::path::absolute(folder.join(format!("{name}.db")))?;
    let path = path.to_str().context("the path of the directory is not UTF-8")?;
    Ok(format!("sqlite://{path}"))
}
