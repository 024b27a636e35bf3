//! `manazir up` on an audit log: per role, what was unusual and why.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;

use super::{Ending, write_json};
use crate::audit::{self, Episode, Findings};
use crate::cli::{Output, Up};
use crate::progress::{Unit, Work};
use crate::report::name::printable;
use crate::report::number::{counted, number};
use crate::report::terminal::{Ink, Style, wrapped};

pub(super) fn run(files: &[PathBuf], args: &Up, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let bytes = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|data| data.len()).sum();
    let work = Work::start("judging", bytes, Unit::Bytes, output.unwatched());
    let findings = audit::judge(files, &work)?;
    drop(work);
    if output.json {
        write_json(out, &findings)?;
    } else {
        say(out, &findings, args.top)?;
    }
    Ok(Ending::of(findings.interrupted))
}

fn say(out: &mut dyn Write, findings: &Findings, top: usize) -> Result<()> {
    let style = Style::of_stdout();
    let rejected = match findings.rejected {
        0 => String::new(),
        count => format!(", {} rejected", counted(count, "record", "records")),
    };
    let span = findings.span.map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
    let heading = format!("Judged {}{span}{rejected}", counted(findings.records, "record", "records"));
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    for why in &findings.first_rejects {
        writeln!(
            out,
            "{}",
            style.paint(Ink::Quiet, &wrapped(&printable(&format!("rejected {why}")), style.width, 2))
        )?;
    }
    if findings.episodes.is_empty() {
        writeln!(out, "Nothing was unusual.")?;
    }
    let shown = &findings.episodes[..findings.episodes.len().min(top)];
    for actor in actors(shown) {
        writeln!(out, "\n{}", style.paint(Ink::Strong, &printable(actor)))?;
        for episode in shown.iter().filter(|episode| episode.actor == actor) {
            let line = wrapped(&printable(&sentence(episode)), style.width, 2);
            let ink = if episode.alarm { Ink::Strange } else { Ink::Value };
            writeln!(out, "  {}", style.paint(ink, &line))?;
        }
    }
    match findings.episodes.len() - shown.len() {
        0 => {}
        left => {
            writeln!(out, "\nand {} less unusual; --top shows more", counted(left, "episode", "episodes"))?;
        }
    }
    Ok(())
}

/// Actors in the order of their strangest episode.
fn actors(episodes: &[Episode]) -> Vec<&str> {
    let mut actors: Vec<&str> = Vec::new();
    for episode in episodes {
        if !actors.contains(&episode.actor.as_str()) {
            actors.push(&episode.actor);
        }
    }
    actors
}

/// `2024-05-14T14:22:00Z, score 9.1: iam:CreateUser in us-east-1, 3 strange events: role/app never called …`
fn sentence(episode: &Episode) -> String {
    let Episode { start_at, score, action, place, events, .. } = episode;
    let place = if place.is_empty() { String::new() } else { format!(" in {place}") };
    let more = if *events > 1 {
        format!(" and {}", counted(events - 1, "strange event more", "strange events more"))
    } else {
        String::new()
    };
    let reasons: Vec<&str> = episode.reasons.iter().take(3).map(|reason| reason.text.as_str()).collect();
    format!("{start_at}, score {}: {action}{place}{more}: {}.", number(*score), reasons.join(". "))
}
