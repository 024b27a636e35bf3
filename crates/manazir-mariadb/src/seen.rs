//! What was counted, as the table holds it.

use manazir_rollup::seen::Block;

use crate::failure::Failure;

/// A block as it was written.
pub(crate) fn block(bytes: Vec<u8>) -> Result<Block, Failure> {
    let length = bytes.len();
    Block::from_bytes(bytes).ok_or_else(|| Failure::Damaged {
        what: "a block of what was counted",
        why: format!("it has {length} bytes"),
    })
}
