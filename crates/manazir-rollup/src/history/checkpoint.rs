//! The totals of all findings up to the end of a segment.

use std::sync::Arc;

use super::as_of::Sums;
use super::segment::{packed, unpacked};

/// Packed.
pub fn to_bytes(sums: &Sums) -> Vec<u8> {
    let columns = (sums.categories(), sums.keys(), sums.counts(), sums.sums());
    packed(&columns)
}

/// `None` if the bytes are no checkpoint.
pub fn from_bytes(bytes: &[u8]) -> Option<Sums> {
    let (categories, keys, counts, sums): (usize, Vec<Arc<str>>, Vec<u64>, Vec<i64>) = unpacked(bytes)?;
    Sums::of(categories, keys, counts, sums)
}
