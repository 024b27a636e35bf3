//! The verdict of every sample as Parquet.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::engine::Thorough;
use crate::finding::SeriesReport;

/// Writes `series, ts, value, expected, lower, upper, score, p_value, alarm`, series after series in order of
/// time, and `ensemble_score` if each series has an ensemble; what does not exist is null. The file appears
/// under its name when it is whole.
pub(super) fn write(path: &Path, reports: &[SeriesReport], ensembles: &[Thorough]) -> Result<()> {
    let part = path.with_extension("part");
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let none = ensembles.first().map(|_| [].as_slice());
    let schema = rows(None, none)?.schema();
    let mut writer = ArrowWriter::try_new(File::create(&part)?, schema, Some(properties))?;
    for (index, report) in reports.iter().enumerate() {
        let scores = ensembles.get(index).map(|ensemble| ensemble.scores.as_slice());
        writer.write(&rows(Some(report), scores)?)?;
    }
    writer.close()?;
    std::fs::rename(&part, path)?;
    Ok(())
}

/// The rows of a series; none of them without one, for the schema.
fn rows(report: Option<&SeriesReport>, ensemble: Option<&[f64]>) -> Result<RecordBatch> {
    let n_samples = report.map_or(0, |report| report.series.len());
    let key = report.map_or(String::new(), |report| report.series.key.to_string());
    let at: Vec<i64> =
        report.map_or(Vec::new(), |report| report.series.at.iter().map(|at| at.micros()).collect());
    let column = |values: &dyn Fn(&SeriesReport) -> Vec<f64>| -> ArrayRef {
        let values = report.map_or(Vec::new(), values);
        Arc::new(values.into_iter().map(|value| value.is_finite().then_some(value)).collect::<Float64Array>())
    };
    let p_values = |report: &SeriesReport| report.score.iter().map(|&score| p_value(score)).collect();
    let alarms = report.map_or(Vec::new(), alarms);
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("series", Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&key, n_samples))), false),
        ("ts", Arc::new(TimestampMicrosecondArray::from(at).with_timezone("UTC")), false),
        ("value", column(&|report| report.series.values.clone()), true),
        ("expected", column(&|report| report.expected.clone()), true),
        ("lower", column(&|report| report.lower.clone()), true),
        ("upper", column(&|report| report.upper.clone()), true),
        ("score", column(&|report| report.score.clone()), true),
        ("p_value", column(&p_values), true),
        ("alarm", Arc::new(BooleanArray::from(alarms)), false),
    ];
    if let Some(scores) = ensemble {
        columns.push(("ensemble_score", Arc::new(Float64Array::from(scores.to_vec())), true));
    }
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn p_value(score: f64) -> f64 {
    if score.is_finite() { manazir_detect::live::p_value(score) } else { f64::NAN }
}

/// True for the samples that belong to an episode.
fn alarms(report: &SeriesReport) -> Vec<bool> {
    let mut alarms = vec![false; report.series.len()];
    for anomaly in &report.anomalies {
        let first = report.series.at.partition_point(|&at| at < anomaly.start_at);
        let after = report.series.at.partition_point(|&at| at <= anomaly.end_at);
        alarms[first..after.max(first)].fill(true);
    }
    alarms
}

/// Writes `file,row,ts,score`, so that anyone can compute a figure of their own.
pub(super) fn write_scores<'a>(
    path: &Path,
    files: impl Iterator<Item = (&'a str, &'a [manazir_model::Timestamp], &'a [f64])>,
) -> Result<()> {
    let part = path.with_extension("part");
    let rows = |name: &str, at: &[manazir_model::Timestamp], scores: &[f64]| -> Result<RecordBatch> {
        let columns: [(&str, ArrayRef); 4] = [
            ("file", Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, at.len())))),
            ("row", Arc::new((0..at.len() as i64).collect::<Int64Array>())),
            (
                "ts",
                Arc::new(
                    TimestampMicrosecondArray::from_iter_values(at.iter().map(|at| at.micros()))
                        .with_timezone("UTC"),
                ),
            ),
            ("score", Arc::new(Float64Array::from(scores.to_vec()))),
        ];
        Ok(RecordBatch::try_from_iter(columns)?)
    };
    let properties =
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let schema = rows("", &[], &[])?.schema();
    let mut writer = ArrowWriter::try_new(File::create(&part)?, schema, Some(properties))?;
    for (name, at, scores) in files {
        writer.write(&rows(name, at, scores)?)?;
    }
    writer.close()?;
    std::fs::rename(&part, path)?;
    Ok(())
}
