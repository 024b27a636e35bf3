//! How findings that did not count are shown.

use std::io::Write;

use anyhow::Result;
use manazir_model::Timestamp;
use serde::{Serialize, Serializer};

use crate::cli::Output;
use crate::command::look::when;
use crate::command::{Ending, write_json};
use crate::report::name::printable;
use crate::report::terminal::{Ink, Style, table, wrapped};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Shown {
    pub(super) number: u64,
    pub(super) state: &'static str,
    pub(super) source: String,
    /// From 1 on.
    pub(super) line: u64,
    /// A broker does not say.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub(super) arrived_at: Option<Timestamp>,
    pub(super) reason: String,
    pub(super) body: String,
}

fn as_text<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&at.map(|at| at.to_string()).unwrap_or_default())
}

pub(super) fn list(all: &[Shown], output: Output, out: &mut dyn Write) -> Result<Ending> {
    if output.json {
        write_json(out, &serde_json::json!({ "dead_letters": all }))?;
        return Ok(Ending::Done);
    }
    if all.is_empty() {
        writeln!(out, "No finding is like that: whatever came counts, or was seen to.")?;
        return Ok(Ending::Done);
    }
    // All of them are from one place, which says it of each or of none.
    let dated = all.iter().any(|one| one.arrived_at.is_some());
    let row = |one: &Shown| {
        let mut words = vec![one.number.to_string()];
        words.extend(one.arrived_at.map(when));
        words.extend([one.state.to_owned(), one.line.to_string(), printable(&one.reason)]);
        words
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let mut headings = vec!["#number"];
    headings.extend(dated.then_some("arrived"));
    headings.extend(["state", "#line", "why"]);
    let style = Style::of_stdout();
    writeln!(out, "{}", table(&headings, &rows, style))?;
    let hint = "`manazir rollup dead-letter show NUMBER` shows one; repair, replay and discard see to it";
    writeln!(out, "{}", style.paint(Ink::Quiet, hint))?;
    Ok(Ending::Done)
}

pub(super) fn one(one: &Shown, output: Output, out: &mut dyn Write) -> Result<Ending> {
    if output.json {
        write_json(out, one)?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    let Shown { number, state, source, line, arrived_at, reason, body } = one;
    let arrived = arrived_at.map(|at| format!(", arrived {}", when(at))).unwrap_or_default();
    writeln!(out, "{}", style.paint(Ink::Strong, &format!("Finding {number}, {state}{arrived}")))?;
    let reason = wrapped(&printable(reason), style.width.saturating_sub(2), 2);
    writeln!(out, "  {}", style.paint(Ink::Strange, &reason))?;
    writeln!(out, "  {}\n", style.paint(Ink::Quiet, &printable(&format!("line {line} of {source}"))))?;
    writeln!(out, "{}", printable(body))?;
    Ok(Ending::Done)
}
