//! Keys of the lake.

use manazir_ingest::Error;
use manazir_ingest::lake::row;
use manazir_model::{JudgedSample, Timestamp};

use crate::codec;

/// Bytes of a key in `lake_head`.
const HEAD_BYTES: usize = 26;

/// A signed number whose bytes have its order.
fn ordered(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn number(bytes: &[u8]) -> i64 {
    (codec::position(bytes) ^ (1 << 63)).cast_signed()
}

fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut key = [0; N];
    let mut end = 0;
    for part in parts {
        key[end..end + part.len()].copy_from_slice(part);
        end += part.len();
    }
    key
}

pub(super) fn head(series: u64, row: &JudgedSample) -> [u8; HEAD_BYTES] {
    let (at, received_at) = (ordered(row.at.micros()), ordered(row.received_at.micros()));
    joined(&[&series.to_be_bytes(), &at, &received_at, &row.revision.to_be_bytes()])
}

/// Where the rows of a series from an event time on begin.
pub(super) fn head_from(series: u64, at: Timestamp) -> [u8; 16] {
    joined(&[&series.to_be_bytes(), &ordered(at.micros())])
}

/// Series, event time, arrival and revision of a key in `lake_head`.
pub(super) fn read_head(key: &[u8]) -> Result<(u64, Timestamp, Timestamp, u16), Error> {
    if key.len() != HEAD_BYTES {
        return Err(Error::Damaged { what: "a key of the lake".to_owned(), why: "its length".to_owned() });
    }
    let revision = u16::from_be_bytes([key[24], key[25]]);
    Ok((
        codec::position(&key[..8]),
        Timestamp(number(&key[8..16])),
        Timestamp(number(&key[16..24])),
        revision,
    ))
}

pub(super) fn chunk(day: i64, series: u64, first: Timestamp) -> [u8; 24] {
    joined(&[&ordered(day), &series.to_be_bytes(), &ordered(first.micros())])
}

/// Day, series and first event time of a key in `lake_chunks`.
pub(super) fn read_chunk(key: &[u8]) -> Result<(i64, u64, Timestamp), Error> {
    if key.len() != 24 {
        return Err(Error::Damaged { what: "a key of the lake".to_owned(), why: "its length".to_owned() });
    }
    Ok((number(&key[..8]), codec::position(&key[8..16]), Timestamp(number(&key[16..]))))
}

pub(super) fn day(day: i64) -> [u8; 8] {
    ordered(day)
}

pub(super) fn read_day(key: &[u8]) -> i64 {
    number(key)
}

pub(super) fn episode(start: Timestamp, series: u64) -> [u8; 16] {
    joined(&[&ordered(start.micros()), &series.to_be_bytes()])
}

/// The row of an entry in `lake_head`, and its series.
pub(super) fn read_row(key: &[u8], value: &[u8]) -> Result<(u64, JudgedSample), Error> {
    let (series, at, received_at, revision) = read_head(key)?;
    Ok((series, row::read((at, received_at, revision), value)?))
}
