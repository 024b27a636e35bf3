//! The port of whatever keeps totals.

use std::collections::HashSet;

use async_trait::async_trait;

use crate::{History, Key, Row, Shape};

/// Why a destination does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or is busy: the same again may succeed.
    #[error("{0} is not to be reached")]
    Away(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refuses.
    #[error("{0} refuses")]
    Refused(String, #[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is there is not what was written.
    #[error("{what} cannot be read: {why}")]
    Damaged {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

/// The totals of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Total {
    /// The key.
    pub key: String,
    /// What people call it; empty where that is not kept.
    pub label: String,
    /// Findings; 0 where that is not kept.
    pub count: u64,
    /// Sum of their amounts.
    pub sum: i64,
    /// Sum of the amounts of each category.
    pub by_category: Vec<i64>,
    /// What stands in each of the [further columns](crate::TotalsShape::more).
    pub more: Vec<Option<f64>>,
}

/// Keeps the totals of one rollup. Any number of processes may use the same one at once.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Makes what it needs, and a row of zeros for each key that has none. Labels follow those given. The same again
    /// changes nothing, and nothing is ever set back. Nothing else is asked before it, by any process.
    async fn prepare(&self, keys: &[Key]) -> Result<(), Error>;

    /// Counts the rows that were never counted here, and remembers them, in one step; on disk when it returns. How
    /// many it counted. A key that has no row gets one.
    async fn count(&self, rows: &[Row]) -> Result<u64, Error>;

    /// All totals, by key: numbers by their size, texts by their bytes.
    async fn totals(&self) -> Result<Vec<Total>, Error>;

    /// Takes over, in one step, what was counted under `staged`, another shape at the same place that is prepared: its
    /// totals, and which findings they are of, take the place of what was here, and nothing of `staged` is left. What was
    /// set aside, and the names of days gone by, stay.
    ///
    /// False, and nothing changed, if a finding was counted here that was not counted there.
    async fn adopt(&self, staged: &Shape) -> Result<bool, Error> {
        let why = "totals that were counted anew cannot take the place of those it has";
        Err(Error::Refused(format!("the destination of {}", staged.name), why.into()))
    }

    /// What it knows of its past, if it keeps any.
    fn history(&self) -> Option<&dyn History> {
        None
    }

    /// The totals of some keys, which are written and come as [`totals`](Self::totals) writes and orders them. Nothing
    /// of a key that has no row.
    async fn totals_of(&self, keys: &[String]) -> Result<Vec<Total>, Error> {
        let keys: HashSet<&String> = keys.iter().collect();
        let mut totals = self.totals().await?;
        totals.retain(|total| keys.contains(&total.key));
        Ok(totals)
    }
}
