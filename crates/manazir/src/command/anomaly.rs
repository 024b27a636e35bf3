//! `manazir anomaly`: what the service found, and what people say of it.

use std::io::Write;

use anyhow::{Result, anyhow};
use manazir_http::AnomalyJson;
use manazir_ingest::findings::{Feedback, Finding, FindingFilter, Findings, Opinion};
use manazir_sql::Truth;
use serde::Serialize;

use super::look::{now, when, with_truth};
use super::{Ending, write_json};
use crate::cli::Output;
use crate::cli::look::{Anomaly, AnomalyList, Judge, Numbered};
use crate::report::name::printable;
use crate::report::number::number;
use crate::report::terminal::{Ink, Style, table, wrapped};

#[derive(Serialize)]
struct Listed {
    anomalies: Vec<AnomalyJson>,
}

pub(super) fn run(args: &Anomaly, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match args {
        Anomaly::List(args) => list(args, output, out),
        Anomaly::Show(Numbered { number, data }) => {
            let finding = with_truth(data, async |truth| Ok(Findings::get(&truth, *number).await?))?;
            show(finding.ok_or_else(|| missing(*number))?, output, out)
        }
        Anomaly::Confirm(args) => judge(args, Opinion::Confirmed, output, out),
        Anomaly::Reject(args) => judge(args, Opinion::Rejected, output, out),
        Anomaly::Undo(Numbered { number, data }) => {
            let finding = with_truth(data, async |truth| said(&truth, *number, None).await)?;
            show(finding, output, out)
        }
    }
}

fn missing(number: u64) -> anyhow::Error {
    anyhow!("there is no anomaly {number}; `manazir anomaly list` shows what there is")
}

fn filter(args: &AnomalyList) -> FindingFilter {
    FindingFilter {
        // The command line lets no other words through.
        kind: args.kind.as_deref().and_then(|word| word.parse().ok()),
        source: args.source.clone(),
        event_id: args.event.clone(),
        request_id: args.request.clone(),
        actor: args.role.clone(),
        action: args.action.clone(),
        resource: args.asset.clone(),
        detector: args.detector.clone(),
        from: args.since,
        until: args.until,
        score_min: args.min_score,
        // Nor here, but for `none`.
        feedback: args.feedback.as_deref().map(|word| word.parse().ok()),
        words: args.words.clone(),
    }
}

fn list(args: &AnomalyList, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let filter = filter(args);
    let page = async |truth: Truth| -> Result<Vec<Finding>> {
        Ok(Findings::page(&truth, &filter, args.page.before, args.page.limit as usize).await?)
    };
    let found = with_truth(&args.data, page)?;
    if output.json {
        write_json(out, &Listed { anomalies: found.into_iter().map(AnomalyJson::from).collect() })?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    if found.is_empty() {
        let nothing = if filter == FindingFilter::default() {
            "Nothing strange was found yet. Send events to the service, see `manazir serve --help`; what is strange \
             shows after it has learnt what is usual."
        } else {
            "No anomaly is like that; `manazir anomaly list` without filters shows all."
        };
        writeln!(out, "{}", wrapped(nothing, style.width, 0))?;
        return Ok(Ending::Done);
    }
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let headings = ["#number", "at", "role", "event type", "#score", "verdict", "why"];
    writeln!(out, "{}", table(&headings, &rows, style))?;
    let hint = match found.last() {
        Some(last) if found.len() == args.page.limit as usize => {
            format!(
                "--before {} shows those before; `manazir anomaly show NUMBER` says all of one",
                last.number
            )
        }
        _ => "`manazir anomaly show NUMBER` says all of one".to_owned(),
    };
    writeln!(out, "{}", style.paint(Ink::Quiet, &hint))?;
    Ok(Ending::Done)
}

fn row(Finding { number: place, what, feedback }: &Finding) -> Vec<String> {
    let verdict = feedback.as_ref().map_or("", |feedback| feedback.verdict.word());
    let why = what.reasons.first().map_or(what.sentence.as_str(), |reason| reason.text.as_str());
    vec![
        place.to_string(),
        when(what.at),
        what.actor.clone(),
        what.action.clone(),
        number(what.score),
        verdict.to_owned(),
        why.to_owned(),
    ]
}

/// Keeps what a person says and gives the anomaly as it is then.
async fn said(truth: &Truth, number: u64, feedback: Option<&Feedback>) -> Result<Finding> {
    truth.set_feedback(number, feedback).await?;
    Findings::get(truth, number).await?.ok_or_else(|| missing(number))
}

fn judge(args: &Judge, verdict: Opinion, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let feedback = Feedback { verdict, comment: args.comment.clone(), by: args.by.clone(), at: now() };
    let finding = with_truth(&args.data, async |truth| said(&truth, args.number, Some(&feedback)).await)?;
    show(finding, output, out)
}

fn show(finding: Finding, output: Output, out: &mut dyn Write) -> Result<Ending> {
    if output.json {
        write_json(out, &AnomalyJson::from(finding))?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    let Finding { number: place, what, feedback } = &finding;
    let heading = format!("Anomaly {place}, score {}, {}", number(what.score), what.at);
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    writeln!(
        out,
        "  {}",
        style.paint(Ink::Strange, &wrapped(&printable(&what.sentence), style.width - 2, 2))
    )?;
    let mut facts = vec![
        ("role", what.actor.clone()),
        ("event type", what.action.clone()),
        ("affected assets", what.resources.join(", ")),
        ("event", format!("{} {}", what.source, what.event_id)),
        ("request", what.request_id.clone()),
        ("series", what.series.clone().unwrap_or_default()),
        ("ended", what.ended_at.map_or(String::new(), when)),
        ("first seen", when(what.first_seen_at)),
        ("arrived", when(what.received_at)),
    ];
    for reason in &what.reasons {
        facts
            .push(("because", format!("{} ({}, {})", reason.text, reason.detector, number(reason.surprise))));
    }
    match feedback {
        Some(Feedback { verdict, comment, by, at }) => {
            let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
            facts.push((verdict.word(), format!("by {by}, {}{comment}", when(*at))));
        }
        None => facts
            .push(("verdict", format!("none yet; `manazir anomaly confirm {place}` or `reject {place}`"))),
    }
    for (name, value) in facts.iter().filter(|(_, value)| !value.trim().is_empty()) {
        let value = wrapped(&printable(value), style.width.saturating_sub(19), 0);
        let value = value.replace('\n', &format!("\n{}", " ".repeat(19)));
        writeln!(out, "  {} {value}", style.paint(Ink::Quiet, &format!("{name:<16}")))?;
    }
    Ok(Ending::Done)
}
