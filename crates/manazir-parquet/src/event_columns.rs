//! Events as columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::error::ArrowError;
use manazir_ingest::Judged;

/// The columns in their order. Without rows it is the schema.
pub(crate) fn batch(rows: &[Judged]) -> Result<RecordBatch, ArrowError> {
    let text = |field: fn(&Judged) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(field)))
    };
    let times = |micros: fn(&Judged) -> i64| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(micros)).with_timezone("UTC"))
    };
    let json = |written: Vec<String>| -> ArrayRef { Arc::new(StringArray::from_iter_values(written)) };
    let resources =
        rows.iter().map(|row| serde_json::to_string(&row.event.resources).expect("texts are JSON")).collect();
    let reasons = rows
        .iter()
        .map(|row| serde_json::to_string(&row.verdict.reasons).expect("reasons are JSON"))
        .collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("source", text(|row| &row.id.source)),
        ("id", text(|row| &row.id.id)),
        ("ts", times(|row| row.event.at.micros())),
        ("received_at", times(|row| row.received_at.micros())),
        ("partition", Arc::new(rows.iter().map(|row| i32::from(row.partition)).collect::<Int32Array>())),
        ("seq", Arc::new(rows.iter().map(|row| row.seq as i64).collect::<Int64Array>())),
        ("request_id", text(|row| &row.event.request_id)),
        ("actor", text(|row| &row.event.actor)),
        ("action", text(|row| &row.event.action)),
        ("resources", json(resources)),
        ("score", Arc::new(rows.iter().map(|row| row.verdict.score).collect::<Float64Array>())),
        ("anomaly", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.verdict.anomaly))))),
        ("reasons", json(reasons)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, false)))
}
