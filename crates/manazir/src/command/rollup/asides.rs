//! Lines that do not count, on a terminal.

use std::io::Write;

use anyhow::Result;

use crate::report::name::printable;
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style};
use crate::rollup::counting::Aside;

/// So many are shown.
const SHOWN: usize = 5;

/// The first of `all` lines that do not count.
pub(super) fn say(out: &mut dyn Write, asides: &[Aside], all: u64, style: Style) -> Result<()> {
    for aside in asides.iter().take(SHOWN) {
        let what = if aside.waits { "waits" } else { "rejected" };
        let text = format!("line {} {what}: {}", aside.line, aside.reason);
        writeln!(out, "{}", style.paint(Ink::Quiet, &printable(&text)))?;
    }
    let more = (all as usize).saturating_sub(asides.len().min(SHOWN));
    if more > 0 && !asides.is_empty() {
        let more = counted(more, "more line does", "more lines do");
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("{more} not count; --json lists them")))?;
    }
    Ok(())
}
