//! MariaDB as a destination of continuous aggregates: the totals stand in tables that any reader of SQL knows how to
//! read, and what was counted is remembered in a table beside them, in the same transaction.
//!
//! Any number of processes count at once. Each transaction takes its locks in one order: first the row of its rollup in
//! `manazir_rollup_gate`, which all who count share; then, by the order of the keys, what was counted, the cells of
//! further columns if there are some, and the totals. So they wait for each other and do not block each other for good;
//! where they do all the same, because others use the tables too, the transaction is tried again.
//!
//! Who lets other totals take the place of these has that first row for itself, and takes all other locks behind it:
//! nobody counts meanwhile. Readers see what was there before until all is done.

mod address;
mod adopt;
mod batch;
mod cells;
mod count;
mod failure;
mod gate;
mod insert;
mod prepare;
mod seen;
mod server;
mod sums;
mod tables;
mod tables_lock;
mod totals;

use std::fmt;

use async_trait::async_trait;
use manazir_rollup::{Destination, Error, Key, Row, Shape, Total};

use address::Address;
use adopt::{Adopting, Comparing, Dropping};
use batch::Batch;
use count::Counting;
use prepare::{Making, Preparing};
use server::Server;
use tables::Tables;
use totals::Reading;

/// The totals of one rollup in a MariaDB.
pub struct MariaDb {
    server: Server,
    tables: Tables,
}

impl MariaDb {
    /// The totals of `shape` at `mysql://user:password@host:port/database`. It connects when it is first used, so that
    /// the server may be away now; to be called within a runtime.
    ///
    /// # Errors
    /// If the address is none, or the shape has a name that no table should have; neither gets better by itself.
    pub fn open(url: &str, shape: Shape) -> Result<Self, Error> {
        let address = Address::parse(url).map_err(|why| why.of("MariaDB"))?;
        let tables = Tables::new(shape).map_err(|why| why.of(&address.place))?;
        Ok(Self { server: Server::new(address), tables })
    }
}

impl fmt::Debug for MariaDb {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {}", self.tables.rollup(), self.server.place())
    }
}

#[async_trait]
impl Destination for MariaDb {
    async fn prepare(&self, keys: &[Key]) -> Result<(), Error> {
        let keys = self.tables.keys(keys).map_err(|why| why.of(self.server.place()))?;
        self.server.run(&Making { tables: &self.tables }).await?;
        for keys in keys.chunks(insert::ROWS_MAX) {
            self.server.run(&Preparing { tables: &self.tables, keys }).await?;
        }
        Ok(())
    }

    async fn count(&self, rows: &[Row]) -> Result<u64, Error> {
        let batch = Batch::new(rows, &self.tables).map_err(|why| why.of(self.server.place()))?;
        if batch.is_empty() {
            return Ok(0);
        }
        self.server.run(&Counting { tables: &self.tables, batch: &batch }).await
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        self.server.run(&Reading { tables: &self.tables }).await
    }

    /// False also where `staged` is not prepared: another was faster, and took it over.
    async fn adopt(&self, staged: &Shape) -> Result<bool, Error> {
        let staged = Tables::new(staged.clone()).map_err(|why| why.of(self.server.place()))?;
        let (live, staged) = (&self.tables, &staged);
        // Whether something is missing is looked at before, in nobody's way.
        if !self.server.run(&Comparing { live, staged }).await?
            || !self.server.run(&Adopting { live, staged }).await?
        {
            return Ok(false);
        }
        // It is done. What a failure here leaves behind is empty, and in nobody's way either.
        let _ = self.server.run(&Dropping { staged }).await;
        Ok(true)
    }
}
