//! Cassandra as a destination of continuous aggregates, for the readers of a table of counters. Experimental: its tests
//! have never met a real Cassandra.
//!
//! With the shape's words in braces:
//!
//! | table | row | what |
//! |---|---|---|
//! | `{table}` | `{key}`, one counter for each of `{sums}` | as older readers know it, but keyed by the key alone: a rename splits nobody |
//! | `{table}_names` | `{key}`, `{label}` | what people call the key; written over when it changes |
//! | `{totals.table}` | `{key}`, the counters `{count}` and `{sum}` | a table of counters holds nothing else, so that `{mean}` is not kept: readers divide |
//!
//! A counter can only be added to, nobody can say whether an addition whose answer was lost was made, and what was
//! counted cannot be remembered in the same step. So the totals are counted in another destination, which does all
//! that, and Cassandra shows them: of each key that a batch touches the counters are read, and what they lack of the
//! exact totals is added. In effect they are set. Whatever was interrupted, reading again and adding what is lacking
//! mends it, and a start does so for all keys.
//!
//! What this asks of people:
//!
//! - One process at a time counts into the same tables. Two would both add what is lacking; the next reading mends
//!   that, but until then readers see too much.
//! - The exact totals belong to the tables. Whoever starts with new ones finds the counters refused; truncate the
//!   tables in Cassandra first. Nothing else writes there.
//! - No row is deleted: Cassandra does not let a counter come back. Truncating is allowed.
//!
//! An addition may be made after its answer was given up for lost, and after the counters were read again. So each key
//! that this may have befallen is looked at once more when that is over, by the next batch then.

mod address;
mod behind;
mod counters;
mod failure;
mod node;
mod passing;
mod projection;
mod statements;
mod tables;
#[cfg(test)]
mod twin;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use manazir_rollup::{Destination, Error, Key, Row, Shape, Total};

use address::Address;
use node::Node;
use projection::Projection;
use tables::Tables;

/// The totals of one rollup in a Cassandra.
pub struct Cassandra {
    projection: Projection<Node>,
    /// Kept for as long as this lives, and never looked at.
    kept: Option<Box<dyn Any + Send + Sync>>,
}

/// Where an address points to, without who comes there: the hosts and the keyspace.
///
/// # Errors
/// If the address is none.
pub fn place(url: &str) -> Result<String, Error> {
    let address = Address::parse(url).map_err(|why| why.of("Cassandra"))?;
    Ok(format!("{}/{}", address.hosts.join(","), address.keyspace))
}

impl Cassandra {
    /// The totals of `shape` at `cassandra://user:password@host:9042,host:9042/keyspace`, and exactly in `exact`, which
    /// has the same shape and is nobody else's. It connects when it is first used, so that the cluster may be away now;
    /// to be called within a runtime.
    ///
    /// # Errors
    /// If the address is none, or the shape has a name that no table should have; neither gets better by itself.
    pub fn open(url: &str, shape: Shape, exact: Box<dyn Destination>) -> Result<Self, Error> {
        let address = Address::parse(url).map_err(|why| why.of("Cassandra"))?;
        let place = address.place.clone();
        let tables = Tables::new(&address.keyspace, shape).map_err(|why| why.of(&place))?;
        let tables = Arc::new(tables);
        let node = Node::new(address, Arc::clone(&tables));
        Ok(Self { projection: Projection::new(place, tables, exact, node), kept: None })
    }

    /// Keeps something for as long as it lives: a lock that keeps others away.
    #[must_use]
    pub fn keeping(self, what: impl Any + Send + Sync) -> Self {
        Self { kept: Some(Box::new(what)), ..self }
    }
}

impl fmt::Debug for Cassandra {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alone = if self.kept.is_some() { ", alone" } else { "" };
        write!(f, "{:?}{alone}", self.projection)
    }
}

#[async_trait]
impl Destination for Cassandra {
    async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
        self.projection.prepare(keys).await
    }

    /// Counted exactly, then shown. If the second fails, the same again reports what the first counted.
    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        self.projection.count(rows).await
    }

    /// As readers see them.
    async fn totals(&self) -> Result<Vec<Total>, Error> {
        self.projection.totals().await
    }
}
