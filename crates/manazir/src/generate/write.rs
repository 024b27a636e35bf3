//! Generated series as comma-separated files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use manazir_model::Series;

use super::Injected;

/// All series in one file: `series,timestamp,value`.
pub fn write_long(path: &Path, series: &[Series]) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "series,timestamp,value")?;
    for series in series {
        for sample in series.samples() {
            writeln!(out, "{},{},{}", name(series), sample.at, sample.value)?;
        }
    }
    out.flush()
}

/// A file for each series: `timestamp,value`.
pub fn write_each(folder: &Path, series: &[Series]) -> io::Result<()> {
    for series in series {
        let mut out = BufWriter::new(File::create(folder.join(format!("{}.csv", name(series))))?);
        writeln!(out, "timestamp,value")?;
        for sample in series.samples() {
            writeln!(out, "{},{}", sample.at, sample.value)?;
        }
        out.flush()?;
    }
    Ok(())
}

/// What was put in: `series,start,end,kind`.
pub fn write_truth(path: &Path, injected: &[Injected]) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "series,start,end,kind")?;
    for incident in injected {
        let name = incident.series.labels.first().map_or(incident.series.metric.as_str(), |(_, value)| value);
        writeln!(out, "{name},{},{},{}", incident.start_at, incident.end_at, incident.kind.word())?;
    }
    out.flush()
}

fn name(series: &Series) -> &str {
    series.key.labels.first().map_or(series.key.metric.as_str(), |(_, value)| value)
}
