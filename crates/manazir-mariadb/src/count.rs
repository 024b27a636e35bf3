//! Counting a batch: what of it is new is added to the totals and remembered, in one transaction.

use std::collections::HashMap;
use std::iter;

use async_trait::async_trait;
use manazir_rollup::history::cells::value;
use manazir_rollup::seen::Block;
use sqlx::{MySqlConnection, QueryBuilder};

use crate::batch::{Batch, Part};
use crate::failure::Failure;
use crate::insert::Insert;
use crate::seen::block;
use crate::server::Work;
use crate::sums::Sums;
use crate::tables::{SEEN, Tables};
use crate::{cells, gate};

const COLUMNS: [&str; 4] = ["rollup", "source", "block", "seen"];

/// Counts a batch; how many of its rows were new.
pub(crate) struct Counting<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) batch: &'a Batch<'a>,
}

#[async_trait]
impl Work for Counting<'_> {
    type Done = u64;

    async fn attempt(&self, connection: &mut MySqlConnection) -> Result<u64, Failure> {
        gate::share(connection, self.tables).await?;
        self.lock(connection).await?;
        let mut sums = Sums::new(self.tables.shape().categories.len(), self.tables.wanted());
        for part in self.batch.parts() {
            let known = self.read(connection, part).await?;
            let changed = sums.add_new(part, known)?;
            self.write(connection, part.source, &changed).await?;
        }
        self.add(connection, &sums).await?;
        Ok(sums.new_rows())
    }
}

impl Counting<'_> {
    /// Makes the blocks that are missing, and locks all: that nothing changes in those that are there does not matter
    /// to the lock.
    async fn lock(&self, connection: &mut MySqlConnection) -> Result<(), Failure> {
        let rollup = self.tables.rollup();
        let insert = Insert::new(SEEN, COLUMNS).setting("block");
        insert
            .run(connection, &self.batch.blocks(), |row, (source, block)| {
                row.push_bind(rollup).push_bind(*source).push_bind(*block).push("''");
            })
            .await?;
        Ok(())
    }

    /// The blocks as they are. They are locked already: a read that locked might take others by the way.
    async fn read(
        &self,
        connection: &mut MySqlConnection,
        part: &Part<'_>,
    ) -> Result<HashMap<i64, Block>, Failure> {
        let mut select = QueryBuilder::new(format!("SELECT `block`, `seen` FROM `{SEEN}` WHERE `rollup` = "));
        select.push_bind(self.tables.rollup()).push(" AND `source` = ").push_bind(part.source);
        select.push(" AND `block` IN (");
        // As in `Insert::run` few texts: what is named twice is found once.
        let numbers = part.blocks.iter().map(|(number, _)| *number);
        let last = part.blocks.last().map_or(0, |(number, _)| *number);
        let mut list = select.separated(", ");
        for number in numbers.chain(iter::repeat(last)).take(part.blocks.len().next_power_of_two()) {
            list.push_bind(number);
        }
        select.push(")");
        let rows: Vec<(i64, Vec<u8>)> = select.build_query_as().fetch_all(&mut *connection).await?;
        rows.into_iter().map(|(number, bytes)| Ok((number, block(bytes)?))).collect()
    }

    async fn write(
        &self,
        connection: &mut MySqlConnection,
        source: &str,
        changed: &[(i64, Block)],
    ) -> Result<(), Failure> {
        let rollup = self.tables.rollup();
        let insert = Insert::new(SEEN, COLUMNS).setting("seen");
        insert
            .run(connection, changed, |row, (number, block)| {
                row.push_bind(rollup).push_bind(source).push_bind(*number);
                row.push_bind(block.as_bytes());
            })
            .await?;
        Ok(())
    }

    async fn add(&self, connection: &mut MySqlConnection, sums: &Sums<'_>) -> Result<(), Failure> {
        let rows = sums.by_key();
        let cells = match self.tables.wanted() {
            Some(wanted) if !rows.is_empty() => cells::add(connection, self.tables, &rows, &wanted).await?,
            _ => Vec::new(),
        };
        let labelled = self.tables.shape().label.is_some();
        let insert = self.tables.add();
        insert
            .run(connection, &rows, |row, (id, sum)| {
                id.bind(row);
                if labelled {
                    row.push("''");
                }
                for amount in &sum.by_category {
                    row.push_bind(*amount);
                }
            })
            .await?;
        if let Some(insert) = self.tables.add_totals() {
            let more = self.tables.shape().more();
            let cells = cells.iter().map(Some).chain(iter::repeat(None));
            let rows: Vec<_> = rows.iter().zip(cells).collect();
            insert
                .run(connection, &rows, |row, ((id, sum), cell)| {
                    id.bind(row);
                    row.push_bind(sum.count).push_bind(sum.amount);
                    for (_, aggregate) in more {
                        row.push_bind(cell.and_then(|cell| value(cell, *aggregate)));
                    }
                })
                .await?;
        }
        Ok(())
    }
}
