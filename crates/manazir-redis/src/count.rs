//! Rows become chunks, each of which one run of the script counts.

use std::collections::HashMap;

use manazir_rollup::seen::{BLOCK, block_of};
use manazir_rollup::{Error, Row};
use redis::{Script, ScriptInvocation};

use crate::layout::Layout;
use crate::link::Link;

/// Rows of one run of the script: nobody else is served meanwhile, some ten milliseconds. More would not fit into the
/// arguments of one command of the script, of which Lua has room for 8,000.
const CHUNK_ROWS: usize = 1_000;

/// Runs that are under way at once. Each is a step of its own, and the server need not wait for us between them.
const CHUNKS: usize = 8;

/// Counts the rows that were never counted; how many those were. If one of them cannot be counted, none is.
pub(crate) async fn count(link: &Link, layout: &Layout, script: &Script, rows: &[Row]) -> Result<u64, Error> {
    let mut counting = Vec::with_capacity(rows.len());
    for row in rows {
        counting.push((row, layout.row(row).map_err(|why| link.refused(why))?));
    }
    // Neighbours come together, and what comes twice comes once.
    let identity = |(row, _): &(&Row, &str)| (row.position, content(row));
    counting.sort_by(|one, other| {
        one.0.source.cmp(&other.0.source).then_with(|| identity(one).cmp(&identity(other)))
    });
    counting.dedup_by(|one, other| one.0.source == other.0.source && identity(one) == identity(other));
    let mut counted = 0;
    for chunks in counting.chunks(CHUNK_ROWS * CHUNKS) {
        let runs: Vec<_> = chunks.chunks(CHUNK_ROWS).map(|chunk| run(layout, script, chunk)).collect();
        counted += link.run::<u64>(script, &runs).await?.into_iter().sum::<u64>();
    }
    Ok(counted)
}

/// 0 stands for nothing.
fn content(row: &Row) -> u64 {
    row.content.max(1)
}

/// One run of the script, as its head describes it.
fn run<'a>(layout: &Layout, script: &'a Script, chunk: &[(&Row, &str)]) -> ScriptInvocation<'a> {
    let mut run = script.prepare_invoke();
    run.key(&layout.keys).key(&layout.shape.table).key(&layout.changes).key(&layout.blocks);
    let mut names = Names::default();
    let mut blocks = Vec::new();
    let place = |row: &Row| (row.source.clone(), block_of(row.position));
    for rows in chunk.chunk_by(|(one, _), (other, _)| place(one) == place(other)) {
        let (source, block) = place(rows[0].0);
        run.key(layout.block("seen", block, &source)).key(layout.block("more", block, &source));
        blocks.push(rows.iter().flat_map(|(row, key)| packed(row, names.number(key))).collect::<Vec<u8>>());
    }
    if let Some(totals) = &layout.shape.totals {
        run.key(&totals.table);
    }
    run.arg(layout.shape.categories.len()).arg(&layout.shape.categories);
    run.arg(layout.columns.len()).arg(&layout.columns);
    run.arg(layout.more.len()).arg(&layout.more);
    run.arg(names.in_order.len()).arg(&names.in_order);
    run.arg(blocks.len()).arg(&blocks);
    run
}

/// Position in the block, content, number of the key and of the category, amount.
fn packed(row: &Row, key: u16) -> Vec<u8> {
    let slot = (row.position % BLOCK) as u16;
    let mut bytes = slot.to_le_bytes().to_vec();
    bytes.extend(content(row).to_le_bytes());
    bytes.extend(key.to_le_bytes());
    bytes.extend(row.category.to_le_bytes());
    bytes.extend(row.amount.to_le_bytes());
    bytes
}

/// The keys of a chunk; each is sent once.
#[derive(Default)]
struct Names<'a> {
    in_order: Vec<&'a str>,
    numbers: HashMap<&'a str, u16>,
}

impl<'a> Names<'a> {
    fn number(&mut self, key: &'a str) -> u16 {
        let next = self.in_order.len() as u16;
        *self.numbers.entry(key).or_insert_with(|| {
            self.in_order.push(key);
            next
        })
    }
}
