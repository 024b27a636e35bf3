//! `manazir score cloudtrail`: are attacks among the strangest things of their day?

use std::io::Write;

use anyhow::{Context, Result};
use manazir_score::cloudtrail::{DAYS, Report, Suite, TechniqueReport};
use manazir_score::peak_rss_mib;

use super::score::reading;
use super::{Ending, write_json};
use crate::cli::{CloudtrailArgs, Output};
use crate::engine;
use crate::progress::{Unit, Work};
use crate::report::number::number;
use crate::report::terminal::{Style, table};

pub(super) fn run(args: &CloudtrailArgs, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let suite = Suite::load(&args.dir).with_context(|| reading(&args.dir))?;
    let days = suite.passes().len() * DAYS;
    let work = Work::start("scoring", days as u64, Unit::Days, output.unwatched());
    let Some(scores) = engine::event_scores(&suite, &work)? else { return Ok(Ending::Interrupted) };
    let average_precision = suite.real.as_ref().map(engine::real_average_precision).transpose()?;
    drop(work);
    let base_rate = suite.real.as_ref().map(|real| {
        real.labels.iter().filter(|&&attack| attack).count() as f64 / real.labels.len().max(1) as f64
    });
    let found = scores.tally.report();
    let report = Report {
        real_average_precision: average_precision,
        real_base_rate: base_rate,
        records_per_second: Some(found.records as f64 / scores.busy.as_secs_f64().max(1e-9)),
        peak_rss_mib: peak_rss_mib(),
        ..found
    };
    if output.json {
        write_json(out, &report)?;
        return Ok(Ending::Done);
    }
    say(out, &report)?;
    Ok(Ending::Done)
}

fn say(out: &mut dyn Write, report: &Report) -> Result<()> {
    let join = |words: Vec<String>| words.join(", ");
    let row = |(name, of): (&String, &TechniqueReport)| {
        vec![
            name.clone(),
            join(of.ranks.iter().map(ToString::to_string).collect()),
            join(of.delays_s.iter().map(|delay| delay.map_or("-".to_owned(), number)).collect()),
            join(of.hosts.clone()),
        ]
    };
    let rows: Vec<_> = report.per_technique.iter().map(row).collect();
    writeln!(
        out,
        "{}",
        table(&["technique", "#rank in its day", "#delay s", "done with"], &rows, Style::of_stdout())
    )?;
    writeln!(
        out,
        "{:.0} % of techniques in the top 10 of their day, {:.0} % alarmed, {:.1} alarms a day",
        100.0 * report.top10,
        100.0 * report.alarmed,
        report.alarms_per_day
    )?;
    if let (Some(found), Some(base)) = (report.real_average_precision, report.real_base_rate) {
        writeln!(out, "real log: average precision {found:.3}, a random score {base:.3}")?;
    }
    if let Some(rate) = report.records_per_second {
        writeln!(out, "{} records a second on one core", number(rate))?;
    }
    if let Some(peak) = report.peak_rss_mib {
        writeln!(out, "{} MiB of memory at most", number(peak))?;
    }
    Ok(())
}
