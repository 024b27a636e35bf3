//! A destination's table as CSV, as its older readers have it.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use manazir_rollup::{Shape, Total};

/// Writes the table of a shape, in the order in which the totals come.
pub fn write(path: &Path, shape: &Shape, totals: &[Total]) -> Result<()> {
    let file = std::fs::File::create(path).with_context(|| format!("write {}", path.display()))?;
    write_to(std::io::BufWriter::new(file), shape, totals)
        .with_context(|| format!("write {}", path.display()))
}

fn write_to(out: impl Write, shape: &Shape, totals: &[Total]) -> Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let header = std::iter::once(&shape.key).chain(&shape.label).chain(&shape.sums);
    csv.write_record(header)?;
    for total in totals {
        let label = shape.label.as_ref().map(|_| total.label.clone());
        let sums = total.by_category.iter().map(i64::to_string);
        csv.write_record(std::iter::once(total.key.clone()).chain(label).chain(sums))?;
    }
    csv.flush()?;
    Ok(())
}
