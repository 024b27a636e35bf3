//! One table for all figures.

use std::fmt;

/// Rows in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    /// One figure: what was measured, with what, and what came out.
    pub(crate) fn row(
        &mut self,
        what: impl Into<String>,
        with: impl Into<String>,
        figure: impl Into<String>,
    ) {
        let row = [what.into(), with.into(), figure.into()];
        eprintln!("  {}", row.join(" | "));
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| figure | with | measured |\n|---|---|---|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}
