//! Samples as columns, and back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, Int32Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Float32Type, Float64Type, Int32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use manazir_model::{HeldBack, JudgedSample, SeriesKey, Timestamp};

/// Rows of one series in a batch that is being written.
pub(crate) struct Group<'a> {
    pub(crate) id: u64,
    pub(crate) key: &'a SeriesKey,
    pub(crate) rows: &'a [JudgedSample],
}

/// The columns in their order; what does not exist is null. Without rows it is the schema.
pub(crate) fn batch(group: &Group<'_>) -> Result<RecordBatch, ArrowError> {
    let rows = group.rows;
    let times = |field: fn(&JudgedSample) -> Timestamp| -> ArrayRef {
        let times = rows.iter().map(|row| field(row).micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let single = |field: fn(&JudgedSample) -> f32| -> ArrayRef {
        let values = rows.iter().map(|row| Some(field(row)).filter(|value| !value.is_nan()));
        Arc::new(values.collect::<Float32Array>())
    };
    let same = |text: String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows.len())))
    };
    let values = rows.iter().map(|row| Some(row.value).filter(|value| !value.is_nan()));
    let detectors = rows.iter().map(|row| Some(&*row.detector).filter(|name| !name.is_empty()));
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("series_id", same(format!("{:016x}", group.id)), false),
        ("series", same(group.key.to_string()), false),
        ("metric", same(group.key.metric.clone()), false),
        ("labels", same(labels(group.key)), false),
        ("ts", times(|row| row.at), false),
        ("received_at", times(|row| row.received_at), false),
        ("revision", Arc::new(rows.iter().map(|row| i32::from(row.revision)).collect::<Int32Array>()), false),
        ("late", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.late)))), false),
        ("value", Arc::new(values.collect::<Float64Array>()), true),
        ("rate", single(|row| row.rate), true),
        ("expected", single(|row| row.expected), true),
        ("lower", single(|row| row.lower), true),
        ("upper", single(|row| row.upper), true),
        ("score", single(|row| row.score), true),
        ("p_value", single(|row| row.p_value), true),
        ("detector", Arc::new(detectors.collect::<StringArray>()), true),
        ("alarm", Arc::new(BooleanArray::from_iter(rows.iter().map(|row| Some(row.alarm)))), false),
        (
            "held_back",
            Arc::new(rows.iter().map(|row| row.held_back.map(word)).collect::<StringArray>()),
            true,
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
}

/// `{"country":"BR"}`, by name.
fn labels(key: &SeriesKey) -> String {
    let labels: BTreeMap<&str, &str> =
        key.labels.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
    serde_json::to_string(&labels).expect("texts by texts are JSON")
}

fn word(why: HeldBack) -> &'static str {
    match why {
        HeldBack::AlarmOpen => "alarm_open",
        HeldBack::SmallEffect => "small_effect",
        HeldBack::LowTraffic => "low_traffic",
    }
}

/// The rows of a batch with the series of each.
pub(crate) fn read(batch: &RecordBatch) -> Result<Vec<(SeriesKey, JudgedSample)>, ArrowError> {
    let columns = Columns { batch };
    let (metric, labels) = (columns.texts("metric")?, columns.texts("labels")?);
    let (at, received_at) = (columns.times("ts")?, columns.times("received_at")?);
    let revision =
        columns.of("revision")?.as_primitive_opt::<Int32Type>().ok_or_else(|| wrong("revision"))?;
    let value = columns.of("value")?.as_primitive_opt::<Float64Type>().ok_or_else(|| wrong("value"))?;
    let (late, alarm) = (columns.flags("late")?, columns.flags("alarm")?);
    let single = |name: &str| -> Result<Vec<f32>, ArrowError> {
        let column = columns.of(name)?.as_primitive_opt::<Float32Type>().ok_or_else(|| wrong(name))?;
        Ok(column.iter().map(|value| value.unwrap_or(f32::NAN)).collect())
    };
    let (rate, expected, lower, upper) =
        (single("rate")?, single("expected")?, single("lower")?, single("upper")?);
    let (score, p_value) = (single("score")?, single("p_value")?);
    let (detector, held_back) = (columns.texts("detector")?, columns.texts("held_back")?);
    let row = |row: usize| {
        let labels: BTreeMap<String, String> =
            serde_json::from_str(labels.value(row)).map_err(|_| wrong("labels"))?;
        let sample = JudgedSample {
            at: Timestamp(at.value(row)),
            received_at: Timestamp(received_at.value(row)),
            revision: u16::try_from(revision.value(row)).map_err(|_| wrong("revision"))?,
            late: late.value(row),
            value: if value.is_null(row) { f64::NAN } else { value.value(row) },
            rate: rate[row],
            expected: expected[row],
            lower: lower[row],
            upper: upper[row],
            score: score[row],
            p_value: p_value[row],
            detector: Cow::Owned(if detector.is_null(row) { "" } else { detector.value(row) }.to_owned()),
            alarm: alarm.value(row),
            held_back: (!held_back.is_null(row)).then(|| why(held_back.value(row))).flatten(),
        };
        Ok((SeriesKey::new(metric.value(row), labels), sample))
    };
    (0..batch.num_rows()).map(row).collect()
}

fn why(word_of: &str) -> Option<HeldBack> {
    [HeldBack::AlarmOpen, HeldBack::SmallEffect, HeldBack::LowTraffic]
        .into_iter()
        .find(|why| word(*why) == word_of)
}

/// Columns by name and type.
struct Columns<'a> {
    batch: &'a RecordBatch,
}

impl<'a> Columns<'a> {
    fn of(&self, name: &str) -> Result<&'a ArrayRef, ArrowError> {
        self.batch.column_by_name(name).ok_or_else(|| wrong(name))
    }

    fn texts(&self, name: &str) -> Result<&'a StringArray, ArrowError> {
        self.of(name)?.as_string_opt::<i32>().ok_or_else(|| wrong(name))
    }

    fn times(&self, name: &str) -> Result<&'a TimestampMicrosecondArray, ArrowError> {
        self.of(name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| wrong(name))
    }

    fn flags(&self, name: &str) -> Result<&'a BooleanArray, ArrowError> {
        self.of(name)?.as_boolean_opt().ok_or_else(|| wrong(name))
    }
}

fn wrong(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("the column `{name}` is missing, or of another type"))
}
