//! Scores for others to judge.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Series;
use crate::{Error, Result};

/// Writes `set,series,t,score` for the scored rows of each series, so that anyone can compute a figure of
/// their own. `t` is that of the data, or the row's number in the series.
///
/// `scores`: shape `(n_samples − n_train,)` for each series.
pub fn write_scores<'a>(
    path: &Path,
    scores: impl IntoIterator<Item = (&'a Series, &'a [f64])>,
) -> Result<()> {
    let broken = |source| Error::Parquet { path: path.to_owned(), source };
    let file = File::create(path).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    let schema = rows("", "", &[], &[]).map_err(broken)?.schema();
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties.build())).map_err(broken)?;
    for (series, scores) in scores {
        let t = &series.t[series.n_train..];
        if t.len() != scores.len() {
            let what = format!("{}/{}", series.set, series.name);
            return Err(Error::Shape { what, given: scores.len(), wanted: t.len() });
        }
        rows(&series.set, &series.name, t, scores).and_then(|batch| writer.write(&batch)).map_err(broken)?;
    }
    writer.close().map(drop).map_err(broken)
}

fn rows(set: &str, series: &str, t: &[i64], scores: &[f64]) -> parquet::errors::Result<RecordBatch> {
    let repeated =
        |text: &str| Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, t.len()))) as ArrayRef;
    Ok(RecordBatch::try_from_iter([
        ("set", repeated(set)),
        ("series", repeated(series)),
        ("t", Arc::new(Int64Array::from(t.to_vec())) as ArrayRef),
        ("score", Arc::new(Float64Array::from(scores.to_vec())) as ArrayRef),
    ])?)
}
