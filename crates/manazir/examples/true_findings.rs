//! Compares what `manazir up --json` found with what `make_series` hid.

use std::collections::HashMap;
use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

/// Tells how many of the first findings are true, and which incidents were missed.
#[derive(Debug, Parser)]
struct Args {
    /// The truth.csv of `make_series`
    truth: PathBuf,
    /// Output of `manazir up DIR/data --json`
    findings: PathBuf,
    /// How many findings are looked at
    #[arg(long, default_value_t = 10)]
    top: usize,
}

struct Incident {
    start: Timestamp,
    end: Timestamp,
    kind: String,
}

#[derive(Deserialize)]
struct Findings {
    anomalies: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    sentence: String,
    series: Key,
    start_at: Timestamp,
    end_at: Timestamp,
}

#[derive(Deserialize)]
struct Key {
    metric: String,
    labels: Vec<(String, String)>,
}

impl Finding {
    /// The incident that it touches, give or take one sample.
    fn touches(&self, incident: &Incident) -> bool {
        let hour = 1.hour();
        self.start_at <= incident.end + hour && self.end_at + hour >= incident.start
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    let truth = read_truth(&fs::read_to_string(&args.truth).context("cannot read the truth")?)?;
    let text = fs::read_to_string(&args.findings).context("cannot read the findings")?;
    let findings: Findings = serde_json::from_str(&text).context("cannot understand the findings")?;
    let mut out = stdout().lock();
    let incident_of = |finding: &Finding| {
        let names = finding.series.labels.iter().map(|(_, value)| value).chain([&finding.series.metric]);
        names
            .filter_map(|name| Some((name.clone(), truth.get(name)?)))
            .find(|(_, incident)| finding.touches(incident))
    };
    let mut hits = 0;
    for finding in findings.anomalies.iter().take(args.top) {
        let kind = incident_of(finding).map_or("false", |(_, incident)| incident.kind.as_str());
        hits += usize::from(kind != "false");
        writeln!(out, "{kind:<12} {}", finding.sentence)?;
    }
    let found: std::collections::HashSet<String> =
        findings.anomalies.iter().filter_map(incident_of).map(|(name, _)| name).collect();
    writeln!(out, "{hits} of the first {} are true", args.top.min(findings.anomalies.len()))?;
    writeln!(
        out,
        "{} of {} incidents are among all {} findings",
        found.len(),
        truth.len(),
        findings.anomalies.len()
    )?;
    for (name, incident) in truth.iter().filter(|(name, _)| !found.contains(*name)) {
        writeln!(out, "missed {} in {name} at {}", incident.kind, incident.start)?;
    }
    Ok(())
}

fn read_truth(text: &str) -> Result<HashMap<String, Incident>> {
    text.lines()
        .skip(1)
        .map(|line| {
            let [name, start, end, kind] = line.split(',').collect::<Vec<_>>()[..] else {
                anyhow::bail!("not four fields: {line}");
            };
            let incident = Incident { start: start.parse()?, end: end.parse()?, kind: kind.to_owned() };
            Ok((name.to_owned(), incident))
        })
        .collect()
}
