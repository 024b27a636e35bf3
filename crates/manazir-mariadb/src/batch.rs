//! The rows of a batch as they are counted: by the blocks of what was counted, in the order in which these are locked.

use std::collections::BTreeMap;

use manazir_rollup::Row;
use manazir_rollup::seen::block_of;

use crate::failure::Refusal;
use crate::tables::{Id, Tables, not_long};

/// Blocks that are read and written at a time: half a MiB, which any server takes in one statement.
const BLOCKS_MAX: usize = 64;

/// Blocks of one source: the number of each, and its rows.
pub(crate) struct Part<'r> {
    pub(crate) source: &'r str,
    pub(crate) blocks: Vec<(i64, Vec<Counted<'r>>)>,
}

/// A row and its key.
pub(crate) struct Counted<'r> {
    pub(crate) row: &'r Row,
    pub(crate) id: Id,
}

/// Rows that can be counted.
pub(crate) struct Batch<'r> {
    parts: Vec<Part<'r>>,
}

impl<'r> Batch<'r> {
    /// Refuses rows that fit into no table.
    pub(crate) fn new(rows: &'r [Row], tables: &Tables) -> Result<Self, Refusal> {
        let mut sources: BTreeMap<&str, BTreeMap<i64, Vec<Counted<'_>>>> = BTreeMap::new();
        for row in rows {
            not_long("a source", &row.source)?;
            if usize::from(row.category) >= tables.shape().categories.len() {
                return Err(Refusal::Category(row.category));
            }
            let counted = Counted { row, id: tables.id(&row.key)? };
            // A block has 1,024 positions: its number always fits.
            let block = block_of(row.position).cast_signed();
            sources.entry(&row.source).or_default().entry(block).or_default().push(counted);
        }
        let mut parts = Vec::new();
        for (source, blocks) in sources {
            let mut blocks = blocks.into_iter().peekable();
            while blocks.peek().is_some() {
                parts.push(Part { source, blocks: blocks.by_ref().take(BLOCKS_MAX).collect() });
            }
        }
        Ok(Self { parts })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(crate) fn parts(&self) -> &[Part<'r>] {
        &self.parts
    }

    /// Source and number of each block, in order.
    pub(crate) fn blocks(&self) -> Vec<(&'r str, i64)> {
        let blocks = |part: &Part<'r>| {
            let source = part.source;
            part.blocks.iter().map(move |(block, _)| (source, *block)).collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(blocks).collect()
    }
}
