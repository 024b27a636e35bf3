//! Where totals go, by their address.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use manazir_mariadb::MariaDb;
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
}

impl Target {
    /// The destination of a name in the specification, or of an address; without either a file in `data`, one for each
    /// specification.
    pub fn new(specification: &Specification, to: Option<&str>, data: &Path) -> Result<Self> {
        let spec = &specification.compiled.spec;
        let Some(to) = to else {
            let folder = data.join("rollup");
            std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
            let file = folder.join(format!("{}-{:016x}.db", spec.name, specification.identity));
            let path = std::path::absolute(file)?;
            let path = path.to_str().context("the path of the directory is not UTF-8")?.to_owned();
            return Ok(Self { name: LOCAL.to_owned(), url: format!("sqlite://{path}") });
        };
        if to.contains("://") {
            return Ok(Self { name: "other".to_owned(), url: to.to_owned() });
        }
        let Some(found) = spec.destinations.iter().find(|one| one.name == to) else {
            let names: Vec<&str> = spec.destinations.iter().map(|one| &*one.name).collect();
            bail!("the specification has no destination `{to}`; it has {}", names.join(", "));
        };
        let url = fill(&found.url, |name| std::env::var(name).ok())
            .with_context(|| format!("the address of the destination `{to}`"))?;
        Ok(Self { name: to.to_owned(), url })
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
            "redis" | "rediss" => Ok(Box::new(Redis::open(&self.url, shape.clone()).await?)),
            _ => Err(anyhow!(
                "`{scheme}://` is no destination that totals can go to; there are sqlite, postgres, mysql and redis"
            )),
        }
    }
}
