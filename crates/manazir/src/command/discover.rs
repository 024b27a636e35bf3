//! `manazir discover`: what is in a source.

use std::io::Write;

use anyhow::Result;
use manazir_catalog::Catalog;
use serde::Serialize;

use super::{Ending, tell, write_json};
use crate::cli::{Discover, Output};
use crate::found::Found;
use crate::judge::add_rejects;
use crate::load;
use crate::report::name::printable;
use crate::report::terminal::{Ink, Style, table, wrapped};

/// Series listed on the terminal.
const SERIES_MAX: usize = 50;

#[derive(Serialize)]
struct DiscoverJson<'a> {
    #[serde(flatten)]
    catalog: &'a Catalog,
    series: &'a [crate::found::FoundSeries],
    rejects: &'a [crate::found::RejectLine],
}

pub(super) fn run(args: &Discover, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let source = load::source(&args.sources);
    let catalog = load::discover(&source, output.unwatched())?;
    let tables: Vec<usize> = (0..catalog.tables.len()).collect();
    let loaded = load::read(&source, &catalog, &tables, None, output.unwatched())?;
    let interrupted =
        catalog.interrupted || loaded.len() < tables.len() || loaded.iter().any(|table| !table.whole);
    let mut found = load::found(&args.sources, &catalog);
    for table in loaded {
        found.tables[table.index].series = table.series.len();
        found.series.extend(table.series.into_iter().map(|(_, found)| found));
        add_rejects(&mut found.rejects, table.rejects);
    }
    if output.json {
        write_json(out, &DiscoverJson { catalog: &catalog, series: &found.series, rejects: &found.rejects })?;
    } else {
        say(out, &found, args.why)?;
    }
    Ok(Ending::of(interrupted))
}

fn say(out: &mut dyn Write, found: &Found, why: bool) -> Result<()> {
    let style = Style::of_stdout();
    tell::found(out, found, style)?;
    writeln!(out)?;
    let row = |series: &crate::found::FoundSeries| {
        vec![
            series.name.clone(),
            crate::report::number::count(series.samples),
            series.grain.map_or("irregular".to_owned(), |grain| grain.to_string()),
            series.zone.clone(),
            series.unit.clone().unwrap_or_default(),
            series.quality(),
        ]
    };
    let rows: Vec<_> = found.series.iter().take(SERIES_MAX).map(row).collect();
    writeln!(out, "{}", table(&["series", "#samples", "grain", "zone", "unit", "quality"], &rows, style))?;
    if found.series.len() > SERIES_MAX {
        let left = crate::report::number::count(found.series.len() - SERIES_MAX);
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("and {left} more series; --json lists all")))?;
    }
    for table in found.tables.iter().filter(|_| why) {
        writeln!(out, "\n{}", style.paint(Ink::Strong, &printable(&table.name)))?;
        for reason in &table.reasons {
            writeln!(out, "  {}", wrapped(&printable(reason), style.width.saturating_sub(2), 4))?;
        }
    }
    if !why {
        writeln!(out, "{}", style.paint(Ink::Quiet, "--why says why each decision was taken"))?;
    }
    Ok(())
}
