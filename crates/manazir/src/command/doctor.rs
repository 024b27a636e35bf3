//! `manazir doctor`: is everything as it should be, and what to do if not.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::{Ending, write_json};
use crate::cli::{Doctor, Output};
use crate::load;
use crate::report::number::with_unit;
use crate::report::terminal::{Ink, Style, wrapped};

/// Less free memory than this makes large files slow or impossible: a million samples need 100 MB.
const MEMORY_MIN_BYTES: f64 = 500e6;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Ok,
    Warning,
    Broken,
}

#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    health: Health,
    /// What was seen.
    says: String,
    /// What to do; empty if nothing is to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    advice: String,
}

impl Check {
    fn new(name: &'static str, health: Health, says: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, health, says: says.into(), advice: advice.into() }
    }

    fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self::new(name, Health::Ok, says, "")
    }
}

#[derive(Serialize)]
struct DoctorJson<'a> {
    healthy: bool,
    checks: &'a [Check],
}

pub(super) fn run(args: &Doctor, output: Output, out: &mut dyn Write) -> Result<Ending> {
    let checks = [version(), cores(), memory(), folder(&args.data), terminal(), zones(), reading()];
    let healthy = checks.iter().all(|check| check.health != Health::Broken);
    if output.json {
        write_json(out, &DoctorJson { healthy, checks: &checks })?;
    } else {
        say(out, &checks, healthy)?;
    }
    Ok(if healthy { Ending::Done } else { Ending::Unwell })
}

fn say(out: &mut dyn Write, checks: &[Check], healthy: bool) -> Result<()> {
    let style = Style::of_stdout();
    for check in checks {
        let (ink, word) = match check.health {
            Health::Ok => (Ink::Expected, "ok"),
            Health::Warning => (Ink::Strong, "look"),
            Health::Broken => (Ink::Strange, "broken"),
        };
        writeln!(out, "{} {:<12} {}", style.paint(ink, &format!("{word:<6}")), check.name, check.says)?;
        if !check.advice.is_empty() {
            writeln!(out, "{:20}{}", "", wrapped(&check.advice, style.width.saturating_sub(20), 20))?;
        }
    }
    let words =
        if healthy { "Everything needed is there." } else { "Something must be repaired first: see above." };
    writeln!(out, "{}", style.paint(Ink::Strong, words))?;
    Ok(())
}

fn version() -> Check {
    let text = format!(
        "manazir {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    Check::ok("version", text)
}

fn cores() -> Check {
    match std::thread::available_parallelism() {
        Ok(cores) => Check::ok("cores", format!("{cores}; series are judged on all of them")),
        Err(error) => Check::new(
            "cores",
            Health::Warning,
            format!("unknown: {error}"),
            "One thread is used. Set RAYON_NUM_THREADS to use more.",
        ),
    }
}

/// Free memory as Linux tells it; elsewhere nothing is said, and nothing depends on it.
fn memory() -> Check {
    let Ok(text) = fs::read_to_string("/proc/meminfo") else {
        return Check::ok("memory", "not told by this system");
    };
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse::<f64>().ok());
    match kilobytes.map(|kilobytes| kilobytes * 1024.0) {
        Some(free) if free < MEMORY_MIN_BYTES => Check::new(
            "memory",
            Health::Warning,
            format!("{} free", with_unit(free, Some("bytes"))),
            "Large files may not fit: close other programs, or name fewer files at a time.",
        ),
        Some(free) => Check::ok("memory", format!("{} free", with_unit(free, Some("bytes")))),
        None => Check::ok("memory", "not told by this system"),
    }
}

/// Whether the data directory, or the nearest folder above it that exists, can be written.
fn folder(data: &Path) -> Check {
    let absolute = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let existing = absolute.ancestors().find(|folder| folder.exists()).unwrap_or(&absolute);
    let probe = existing.join(format!(".manazir-probe-{}", std::process::id()));
    let written = fs::write(&probe, b"probe").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => Check::ok("directory", format!("{} can be written", absolute.display())),
        Err(error) => Check::new(
            "directory",
            Health::Broken,
            format!("{} cannot be written: {error}", existing.display()),
            "Choose another with --data DIR, or give yourself the right to write there.",
        ),
    }
}

fn terminal() -> Check {
    let style = Style::of_stdout();
    let colour =
        if style.colour { "with colour" } else { "without colour (no terminal, TERM=dumb or NO_COLOR)" };
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    let says = format!("{} columns, {colour}", style.width);
    match utf8 {
        Some(locale) if !locale.to_uppercase().replace('-', "").contains("UTF8") => Check::new(
            "terminal",
            Health::Warning,
            format!("{says}, locale {locale}"),
            "Charts need Unicode: set LANG to a UTF-8 locale, for instance C.UTF-8.",
        ),
        _ => Check::ok("terminal", says),
    }
}

fn zones() -> Check {
    match jiff::tz::TimeZone::get("Europe/Berlin") {
        Ok(_) => Check::ok("time zones", "known, from the copy inside of this program or of the system"),
        Err(error) => Check::new(
            "time zones",
            Health::Broken,
            format!("unknown: {error}"),
            "Install the time zone database of the system (package tzdata).",
        ),
    }
}

/// Reads a tiny file through the whole path.
fn reading() -> Check {
    let folder = std::env::temp_dir().join(format!("manazir-doctor-{}", std::process::id()));
    let tried = read_tiny(&folder);
    // What was made for the check goes away; if not, the system clears its own directory.
    let _ = fs::remove_dir_all(&folder);
    match tried {
        Ok(1) => Check::ok("reading", "a small file was written, discovered and read"),
        Ok(series) => Check::new(
            "reading",
            Health::Broken,
            format!("a small file gave {series} series instead of 1"),
            "This is a fault of Manazir: please report it with the output of `manazir doctor --json`.",
        ),
        Err(error) => Check::new(
            "reading",
            Health::Broken,
            format!("a small file could not be read: {error:#}"),
            "Check that the directory for temporary files (TMPDIR) can be written.",
        ),
    }
}

fn read_tiny(folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let rows: String =
        (0..24).map(|hour| format!("2026-03-02T{hour:02}:00:00Z,{}\n", 100 + hour % 5)).collect();
    fs::write(folder.join("tiny.csv"), format!("time,orders\n{rows}"))?;
    let source = load::source(&[folder.to_string_lossy().into_owned()]);
    let catalog = load::discover(&source, true)?;
    let tables: Vec<usize> = (0..catalog.tables.len()).collect();
    Ok(load::read(&source, &catalog, &tables, None, true)?.iter().map(|table| table.series.len()).sum())
}
