//! A single row beside its key, which holds its event time, its arrival and its revision. The format is stored.

use std::borrow::Cow;

use manazir_model::{HeldBack, JudgedSample, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Error;

#[derive(Serialize, Deserialize)]
struct Row<'a> {
    late: bool,
    value: f64,
    rate: Option<f32>,
    /// Expected, lower, upper, score, p-value.
    verdict: Option<[f32; 5]>,
    #[serde(borrow)]
    detector: Cow<'a, str>,
    alarm: bool,
    held_back: Option<HeldBack>,
}

/// Writes what does not stand in the key.
pub fn write(row: &JudgedSample) -> Result<Vec<u8>, Error> {
    let verdict = [row.expected, row.lower, row.upper, row.score, row.p_value];
    let row = Row {
        late: row.late,
        value: row.value,
        rate: (!row.rate.is_nan()).then_some(row.rate),
        verdict: verdict.iter().any(|field| !field.is_nan()).then_some(verdict),
        detector: Cow::Borrowed(&row.detector),
        alarm: row.alarm,
        held_back: row.held_back,
    };
    postcard::to_stdvec(&row).map_err(Error::store)
}

/// The row of a key: event time, arrival and revision.
pub fn read(
    (at, received_at, revision): (Timestamp, Timestamp, u16),
    bytes: &[u8],
) -> Result<JudgedSample, Error> {
    let row: Row<'_> = postcard::from_bytes(bytes)
        .map_err(|error| Error::Damaged { what: format!("a sample of {at}"), why: error.to_string() })?;
    let [expected, lower, upper, score, p_value] = row.verdict.unwrap_or([f32::NAN; 5]);
    Ok(JudgedSample {
        at,
        received_at,
        revision,
        late: row.late,
        value: row.value,
        rate: row.rate.unwrap_or(f32::NAN),
        expected,
        lower,
        upper,
        score,
        p_value,
        detector: Cow::Owned(row.detector.into_owned()),
        alarm: row.alarm,
        held_back: row.held_back,
    })
}
