//! A chunk: rows of one series and day, column by column.
//!
//! Neighbours in a column are alike, and `pco` (Loncaric, 2023: numbers by bins of their bits, deltas where they
//! help) takes what they share. What a row needs beside its numbers is two bytes: the place of its detector in the
//! chunk's own list, and four flags. The format is stored: every lake that keeps chunks keeps these.

use std::borrow::Cow;

use manazir_model::{HeldBack, JudgedSample, Timestamp};
use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Rows of a chunk, as far as event times can be told apart: more rows of one time stay together.
pub const ROWS_MAX: usize = 4_096;

const LATE: u16 = 1;
const ALARM: u16 = 1 << 1;
const HELD_BACK_SHIFT: u32 = 2;
const DETECTOR_SHIFT: u32 = 4;

/// Detectors that a chunk can name; there are a dozen.
const DETECTORS_MAX: usize = 1 << (16 - DETECTOR_SHIFT);

/// What can be known of a chunk without its columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Of the format: 1.
    version: u8,
    /// Rows in it.
    pub rows: u32,
    /// Their last event time.
    pub last: Timestamp,
    detectors: Vec<String>,
    /// Bytes of each column, in their order; 0 of a column that holds only NaN.
    lengths: [u32; N_COLUMNS],
}

const N_COLUMNS: usize = 11;

/// Writes rows in their order. There is at least one.
pub fn write(rows: &[JudgedSample]) -> Result<Vec<u8>, Error> {
    let mut detectors: Vec<String> = Vec::new();
    let marks: Vec<u16> = rows.iter().map(|row| mark(row, &mut detectors)).collect();
    let at: Vec<i64> = rows.iter().map(|row| row.at.micros()).collect();
    let received: Vec<i64> = rows.iter().map(|row| row.received_at.micros()).collect();
    let delays: Vec<i64> =
        received.iter().zip(&at).map(|(received, at)| received.wrapping_sub(*at)).collect();
    let revisions: Vec<u16> = rows.iter().map(|row| row.revision).collect();
    let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
    let single = |field: fn(&JudgedSample) -> f32| -> Result<Vec<u8>, Error> {
        let column: Vec<f32> = rows.iter().map(field).collect();
        if column.iter().all(|value| value.is_nan()) { Ok(Vec::new()) } else { compress(&column) }
    };
    let columns = [
        compress(&at)?,
        compress(&delays)?,
        compress(&revisions)?,
        compress(&marks)?,
        compress(&values)?,
        single(|row| row.rate)?,
        single(|row| row.expected)?,
        single(|row| row.lower)?,
        single(|row| row.upper)?,
        single(|row| row.score)?,
        single(|row| row.p_value)?,
    ];
    let head = Head {
        version: 1,
        rows: rows.len() as u32,
        last: rows.last().map_or(Timestamp(0), |row| row.at),
        detectors,
        lengths: std::array::from_fn(|column| columns[column].len() as u32),
    };
    let mut bytes = postcard::to_stdvec(&head).map_err(Error::store)?;
    columns.iter().for_each(|column| bytes.extend_from_slice(column));
    Ok(bytes)
}

/// The head alone.
pub fn read_head(bytes: &[u8]) -> Result<Head, Error> {
    Ok(take_head(bytes)?.0)
}

/// All rows in their order.
pub fn read(bytes: &[u8]) -> Result<Vec<JudgedSample>, Error> {
    let (head, mut rest) = take_head(bytes)?;
    let rows = head.rows as usize;
    let mut columns = [&[][..]; N_COLUMNS];
    for (column, length) in columns.iter_mut().zip(head.lengths) {
        (*column, rest) = rest.split_at_checked(length as usize).ok_or_else(|| damaged("it is cut short"))?;
    }
    let at: Vec<i64> = decompress(columns[0], rows)?;
    let delays: Vec<i64> = decompress(columns[1], rows)?;
    let revisions: Vec<u16> = decompress(columns[2], rows)?;
    let marks: Vec<u16> = decompress(columns[3], rows)?;
    let values: Vec<f64> = decompress(columns[4], rows)?;
    let single = |column: usize| -> Result<Vec<f32>, Error> {
        if columns[column].is_empty() { Ok(vec![f32::NAN; rows]) } else { decompress(columns[column], rows) }
    };
    let (rates, expected, lower, upper) = (single(5)?, single(6)?, single(7)?, single(8)?);
    let (scores, p_values) = (single(9)?, single(10)?);
    let detector = |mark: u16| {
        let name = head.detectors.get(usize::from(mark >> DETECTOR_SHIFT));
        name.cloned().ok_or_else(|| damaged("it names a detector that it does not list"))
    };
    let row = |row: usize| {
        Ok(JudgedSample {
            at: Timestamp(at[row]),
            received_at: Timestamp(at[row].wrapping_add(delays[row])),
            revision: revisions[row],
            late: marks[row] & LATE != 0,
            value: values[row],
            rate: rates[row],
            expected: expected[row],
            lower: lower[row],
            upper: upper[row],
            score: scores[row],
            p_value: p_values[row],
            detector: Cow::Owned(detector(marks[row])?),
            alarm: marks[row] & ALARM != 0,
            held_back: held_back(marks[row] >> HELD_BACK_SHIFT),
        })
    };
    (0..rows).map(row).collect()
}

fn take_head(bytes: &[u8]) -> Result<(Head, &[u8]), Error> {
    let (head, rest): (Head, &[u8]) =
        postcard::take_from_bytes(bytes).map_err(|error| damaged(&error.to_string()))?;
    if head.version == 1 { Ok((head, rest)) } else { Err(damaged("it is of a later version")) }
}

fn mark(row: &JudgedSample, detectors: &mut Vec<String>) -> u16 {
    let known = detectors.iter().position(|name| *name == row.detector);
    let place = known.unwrap_or_else(|| {
        if detectors.len() < DETECTORS_MAX {
            detectors.push(row.detector.clone().into_owned());
        }
        detectors.len() - 1
    });
    let held_back: u16 = match row.held_back {
        None => 0,
        Some(HeldBack::AlarmOpen) => 1,
        Some(HeldBack::SmallEffect) => 2,
        Some(HeldBack::LowTraffic) => 3,
    };
    let flags = if row.late { LATE } else { 0 } | if row.alarm { ALARM } else { 0 };
    flags | (held_back << HELD_BACK_SHIFT) | ((place as u16) << DETECTOR_SHIFT)
}

fn held_back(bits: u16) -> Option<HeldBack> {
    match bits & 3 {
        1 => Some(HeldBack::AlarmOpen),
        2 => Some(HeldBack::SmallEffect),
        3 => Some(HeldBack::LowTraffic),
        _ => None,
    }
}

fn compress<T: pco::data_types::Number>(column: &[T]) -> Result<Vec<u8>, Error> {
    simple_compress(column, &ChunkConfig::default()).map_err(Error::store)
}

fn decompress<T: pco::data_types::Number>(bytes: &[u8], rows: usize) -> Result<Vec<T>, Error> {
    let column = simple_decompress(bytes).map_err(|error| damaged(&error.to_string()))?;
    if column.len() == rows { Ok(column) } else { Err(damaged("its columns differ in length")) }
}

fn damaged(why: &str) -> Error {
    Error::Damaged { what: "a chunk of the lake".to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lake::contract::{row, text};

    fn any_row() -> impl Strategy<Value = JudgedSample> {
        let held_back = prop_oneof![
            Just(None),
            Just(Some(HeldBack::AlarmOpen)),
            Just(Some(HeldBack::SmallEffect)),
            Just(Some(HeldBack::LowTraffic))
        ];
        let numbers = (any::<f64>(), any::<[f32; 6]>(), any::<(i64, i64, u16)>());
        let words = (any::<(bool, bool)>(), held_back, "[a-z]{0,3}");
        (numbers, words).prop_map(
            |((value, floats, (at, received_at, revision)), ((late, alarm), held_back, detector))| {
                let [rate, expected, lower, upper, score, p_value] = floats;
                let (at, received_at) = (Timestamp(at), Timestamp(received_at));
                let detector = Cow::Owned(detector);
                JudgedSample {
                    at,
                    received_at,
                    revision,
                    late,
                    value,
                    rate,
                    expected,
                    lower,
                    upper,
                    score,
                    p_value,
                    detector,
                    alarm,
                    held_back,
                }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_rows_come_back(rows in prop::collection::vec(any_row(), 1..60)) {
            let bytes = write(&rows).unwrap();
            prop_assert_eq!(text(&read(&bytes).unwrap()), text(&rows));
            prop_assert_eq!(read_head(&bytes).unwrap().rows as usize, rows.len());
        }

        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }

        #[test]
        fn a_chunk_that_was_torn_is_an_error_or_rows(cut in 0..2_000usize, flip in 0..2_000usize) {
            let rows: Vec<_> = (0..100).map(|minute| row(minute, minute, minute as f64)).collect();
            let mut bytes = write(&rows).unwrap();
            let flip = flip % bytes.len();
            bytes[flip] ^= 0x40;
            let _ = read(&bytes);
            bytes.truncate(cut);
            let _ = read(&bytes);
        }
    }

    #[test]
    fn a_chunk_takes_a_fraction_of_its_rows() {
        let mut random = manazir_model::Random::new(1);
        let rows: Vec<JudgedSample> = (0..4_096)
            .map(|minute| {
                let mut row = row(minute, minute, (1_000.0 + 30.0 * random.normal()).round() / 10.0);
                row.expected = 100.0 + random.normal() as f32;
                row.lower = row.expected - 9.0;
                row.upper = row.expected + 9.0;
                row
            })
            .collect();
        let bytes = write(&rows).unwrap().len();
        assert!(bytes < 24 * rows.len(), "{} bytes a row", bytes as f64 / rows.len() as f64);
    }
}
