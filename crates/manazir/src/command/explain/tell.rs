//! An explanation on a terminal.

use std::io::{self, Write};
use std::path::Path;

use manazir_rca::contributors::Contributors;
use manazir_rca::explanation::{Cause, Explanation, Reason, Step, duration, percent};

use crate::report::name::printable;
use crate::report::number::number;
use crate::report::terminal::{Ink, Style, table, wrapped};

/// Reasons that are told of a cause, for and against.
const REASONS_TOLD: usize = 5;

/// Where what is told of a cause begins.
const INDENT: usize = 12;

pub(super) fn explanation(out: &mut dyn Write, told: &Explanation, style: Style) -> io::Result<()> {
    let asked = told.asked.entity.as_ref().map_or(String::new(), |entity| format!(" of {entity}"));
    let question = format!("Why {}{asked} at {}?", told.asked.what, told.asked.at);
    line(out, &style.paint(Ink::Quiet, &printable(&question)), style, 0)?;
    writeln!(out, "{}", style.paint(Ink::Strong, &wrapped(&printable(&told.summary), style.width, 0)))?;
    if let Some(contributors) = &told.contributors {
        elements(out, contributors, style)?;
    }
    for (place, cause) in told.causes.iter().enumerate() {
        one(out, place + 1, cause, style)?;
    }
    let events = [("Changes before it", &told.changes), ("Near by, apart from the causes", &told.related)];
    for (heading, events) in events.iter().filter(|(_, events)| !events.is_empty()) {
        writeln!(out, "\n{}", style.paint(Ink::Strong, heading))?;
        for event in *events {
            line(out, &format!("  {}", printable(&event.sentence)), style, 4)?;
        }
    }
    if !told.missing.is_empty() {
        writeln!(out)?;
        line(out, &format!("Not seen: {}.", printable(&told.missing.join("; "))), style, 2)?;
    }
    if told.cut {
        line(out, "The search was ended at its bound; it looks at the likeliest first.", style, 2)?;
    }
    Ok(())
}

fn one(out: &mut dyn Write, place: usize, cause: &Cause, style: Style) -> io::Result<()> {
    let heading = format!("\n{place}. {:>9}  {}", percent(cause.confidence), printable(&cause.sentence));
    let ink = if place == 1 { Ink::Strange } else { Ink::Strong };
    writeln!(out, "{}", style.paint(ink, &wrapped(&heading, style.width, INDENT)))?;
    if cause.path.len() > 1 {
        field(out, "path", &path(&cause.path), style)?;
    }
    reasons(out, "for", &cause.supporting, style)?;
    reasons(out, "against", &cause.opposing, style)?;
    if !cause.not_seen.is_empty() {
        field(out, "not seen", &cause.not_seen.join("; "), style)?;
    }
    field(out, "next", &cause.next_check, style)
}

fn reasons(out: &mut dyn Write, name: &str, reasons: &[Reason], style: Style) -> io::Result<()> {
    let told: Vec<&str> = reasons.iter().take(REASONS_TOLD).map(|reason| reason.sentence.as_str()).collect();
    if told.is_empty() { Ok(()) } else { field(out, name, &told.join("; "), style) }
}

fn field(out: &mut dyn Write, name: &str, text: &str, style: Style) -> io::Result<()> {
    let text = wrapped(&printable(text), style.width.saturating_sub(INDENT), 0);
    let text = text.replace('\n', &format!("\n{}", " ".repeat(INDENT)));
    writeln!(out, "   {}{text}", style.paint(Ink::Quiet, &format!("{name:<9}")))
}

/// `web ← api (+40 s) ← [queue] ← store (+2 min)`: each later one began so much earlier; in brackets what nobody saw.
fn path(steps: &[Step]) -> String {
    let step = |step: &Step| {
        let what = step.event_type.as_deref().map_or(String::new(), |what| format!(" {what}"));
        let name = format!("{}{what}", step.entity);
        let name = if step.assumed { format!("[{name}]") } else { name };
        match step.lag_seconds {
            Some(lag) if lag >= 0.0 => format!("{name} ({} earlier)", duration(lag)),
            Some(lag) => format!("{name} ({} later)", duration(lag)),
            None => name,
        }
    };
    steps.iter().map(step).collect::<Vec<_>>().join(" ← ")
}

fn elements(out: &mut dyn Write, contributors: &Contributors, style: Style) -> io::Result<()> {
    let share = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut rows: Vec<Vec<String>> = contributors
        .elements
        .iter()
        .map(|element| {
            vec![
                printable(&element.label()),
                number(element.observed),
                number(element.expected),
                number(element.contribution),
                share(element.share),
                share(element.closes),
            ]
        })
        .collect();
    rows.push(vec![
        "not explained".to_owned(),
        String::new(),
        String::new(),
        number(contributors.remainder),
        share(contributors.remainder_share),
        String::new(),
    ]);
    let headings = ["combination", "#observed", "#expected", "#adds", "#of the change", "#closes"];
    writeln!(out, "\n{}", table(&headings, &rows, style))
}

/// What is known from elsewhere.
pub(super) fn known(out: &mut dyn Write, known: &[String], style: Style) -> io::Result<()> {
    for sentence in known {
        writeln!(out)?;
        line(out, &style.paint(Ink::Quiet, &printable(sentence)), style, 0)?;
    }
    Ok(())
}

/// Where the page is.
pub(super) fn page(out: &mut dyn Write, path: Option<&Path>, style: Style) -> io::Result<()> {
    match path {
        Some(path) => writeln!(out, "{} {}", style.paint(Ink::Strong, "Page:"), path.display()),
        None => Ok(()),
    }
}

fn line(out: &mut dyn Write, text: &str, style: Style, indent: usize) -> io::Result<()> {
    writeln!(out, "{}", wrapped_with_lead(text, style.width, indent))
}

/// Blanks at the beginning stay.
fn wrapped_with_lead(text: &str, width: usize, indent: usize) -> String {
    let lead = text.len() - text.trim_start().len();
    format!("{}{}", " ".repeat(lead), wrapped(text, width.saturating_sub(lead), indent))
}
