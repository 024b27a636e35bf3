//! `manazir dead-letter`: what could not be read or judged, repaired and sent again.

use std::io::Write;

use anyhow::{Result, anyhow, bail};
use manazir_http::DeadLetterJson;
use manazir_ingest::dead_letters::{DeadLetterEntry, DeadLetterFilter, DeadLetters};
use manazir_sql::{Keeping, Truth};
use serde::Serialize;
use serde_json::{Value, json};

use super::look::{body, now, when, with_truth};
use super::{Ending, write_json};
use crate::cli::Output;
use crate::cli::look::{DeadLetter, DeadLetterList, Discard, Numbered, Repair, Replay};
use crate::report::name::printable;
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style, table, wrapped};
use crate::server_file::Client;

/// Characters of a body on a terminal; `--json` gives it whole.
const BODY_CHARS_MAX: usize = 4_000;

#[derive(Serialize)]
struct Listed {
    dead_letters: Vec<DeadLetterJson>,
    dropped: u64,
}

pub(super) fn run(args: &DeadLetter, output: Output, out: &mut dyn Write) -> Result<Ending> {
    match args {
        DeadLetter::List(args) => list(args, output, out),
        DeadLetter::Show(args) => show(args, output, out),
        DeadLetter::Repair(args) => repair(args, output, out),
        DeadLetter::Replay(args) => replay(args, output, out),
        DeadLetter::Discard(args) => discard(args, output, out),
    }
}

fn missing(number: u64) -> anyhow::Error {
    anyhow!("there is no dead letter {number}; `manazir dead-letter list --state all` shows what there is")
}

fn list(args: &DeadLetterList, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let filter = DeadLetterFilter {
        // The command line lets no other words through than those and `all`.
        state: args.state.parse().ok(),
        source: args.source.clone(),
        words: args.words.clone(),
        ..DeadLetterFilter::default()
    };
    let page = async |truth: Truth| -> Result<_> {
        let truth = Keeping::new(truth);
        let found = DeadLetters::page(&truth, &filter, args.page.before, args.page.limit as usize).await?;
        Ok((found, truth.dropped().await?))
    };
    let (found, dropped) = with_truth(&args.data, page)?;
    if output.json {
        let dead_letters = found.into_iter().map(DeadLetterJson::from).collect();
        write_json(out, &Listed { dead_letters, dropped })?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    if found.is_empty() {
        writeln!(
            out,
            "No dead letter is like that: whatever came could be read and judged, or was seen to."
        )?;
    } else {
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        let headings = ["#number", "arrived", "state", "source", "#bytes", "#attempts", "why"];
        writeln!(out, "{}", table(&headings, &rows, style))?;
        let hint = "`manazir dead-letter show NUMBER` shows one; repair, replay and discard see to it";
        writeln!(out, "{}", style.paint(Ink::Quiet, hint))?;
    }
    if dropped > 0 {
        let gone = counted(dropped as usize, "older letter", "older letters");
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("{gone} had to go: there were too many")))?;
    }
    Ok(Ending::Done)
}

fn row(letter: &DeadLetterEntry) -> Vec<String> {
    vec![
        letter.number.to_string(),
        when(letter.received_at),
        letter.state().word().to_owned(),
        letter.source.clone(),
        letter.body_bytes.to_string(),
        letter.attempts.to_string(),
        letter.reason.clone(),
    ]
}

fn show(Numbered { number, data }: &Numbered, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let read = async |truth: Truth| -> Result<_> {
        let truth = Keeping::new(truth);
        Ok(DeadLetters::get(&truth, *number).await?.zip(truth.body(*number).await?))
    };
    let (letter, body) = with_truth(data, read)?.ok_or_else(|| missing(*number))?;
    if output.json {
        write_json(out, &DeadLetterJson::with_body(letter, body))?;
        return Ok(Ending::Done);
    }
    let style = Style::of_stdout();
    let heading = format!("Dead letter {number}, {}, arrived {}", letter.state().word(), letter.received_at);
    writeln!(out, "{}", style.paint(Ink::Strong, &heading))?;
    let reason = wrapped(&printable(&letter.reason), style.width.saturating_sub(2), 2);
    writeln!(out, "  {}", style.paint(Ink::Strange, &reason))?;
    let facts = format!(
        "{} from {}, event {}, {}, {}",
        letter.format.word(),
        letter.source,
        if letter.id.is_empty() { "unknown" } else { &letter.id },
        counted(letter.body_bytes as usize, "byte", "bytes"),
        counted(letter.attempts as usize, "attempt", "attempts"),
    );
    writeln!(out, "  {}\n", style.paint(Ink::Quiet, &printable(&facts)))?;
    let text: String = String::from_utf8_lossy(&body).chars().take(BODY_CHARS_MAX).collect();
    for line in text.lines() {
        writeln!(out, "{}", printable(line))?;
    }
    Ok(Ending::Done)
}

/// Why a letter was not changed.
async fn refusal(truth: &Keeping, number: u64) -> Result<anyhow::Error> {
    let letter = DeadLetters::get(truth, number).await?;
    Ok(letter.map_or_else(
        || missing(number),
        |letter| anyhow!("dead letter {number} is {} and waits no longer", letter.state().word()),
    ))
}

fn repair(args: &Repair, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let (body, number) = (body(&args.body)?, args.number);
    with_truth(&args.data, async |truth| {
        let truth = Keeping::new(truth);
        if truth.repair(number, &body).await? { Ok(()) } else { Err(refusal(&truth, number).await?) }
    })?;
    if output.json {
        write_json(out, &json!({"number": number, "body_bytes": body.len()}))?;
    } else {
        writeln!(out, "Dead letter {number} has a new body; `manazir dead-letter replay {number}` sends it")?;
    }
    Ok(Ending::Done)
}

fn discard(args: &Discard, output: Output, out: &mut dyn Write) -> Result<Ending> {
    with_truth(&args.data, async |truth| {
        let truth = Keeping::new(truth);
        for &number in &args.numbers {
            if !truth.discard(number, now()).await? {
                return Err(refusal(&truth, number).await?);
            }
        }
        Ok(())
    })?;
    if output.json {
        write_json(out, &json!({"discarded": args.numbers}))?;
    } else {
        writeln!(out, "Given up: {}", counted(args.numbers.len(), "dead letter", "dead letters"))?;
    }
    Ok(Ending::Done)
}

fn replay(args: &Replay, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let client = Client::of(&args.server, &args.data.data)?;
    if args.all {
        let filter = json!({"source": args.source, "q": args.words});
        let (status, job) = client.post("/api/v1/dead_letters/replay", &filter)?;
        if status != 202 {
            bail!("{}", told(&job));
        }
        if output.json {
            write_json(out, &job)?;
        } else {
            let id = &job["id"];
            writeln!(out, "Job {id} replays them; `manazir job show {id}` says how far it is")?;
        }
        return Ok(Ending::Done);
    }
    let mut answers = Vec::new();
    let mut ending = Ending::Done;
    for number in &args.numbers {
        let (status, answer) = client.post(&format!("/api/v1/dead_letters/{number}/replay"), &json!({}))?;
        if status != 202 {
            ending = Ending::Unwell;
        }
        if !output.json {
            let text = if status == 202 {
                format!(
                    "{number}: sent, its verdict will be at {}",
                    answer["link"].as_str().unwrap_or_default()
                )
            } else {
                format!("{number}: {}", told(&answer))
            };
            writeln!(out, "{}", printable(&text))?;
        }
        answers.push(json!({"number": number, "sent": status == 202, "answer": answer}));
    }
    if output.json {
        write_json(out, &json!({"replayed": answers}))?;
    }
    Ok(ending)
}

/// A problem of the service in one line.
fn told(problem: &Value) -> String {
    let text = |key: &str| problem[key].as_str().unwrap_or_default();
    let errors: Vec<&str> =
        problem["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let list = if errors.is_empty() { String::new() } else { format!(" ({})", errors.join("; ")) };
    format!("{}: {}{list}", text("title"), text("detail"))
}
