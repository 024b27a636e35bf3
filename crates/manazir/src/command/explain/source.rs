//! An anomaly of a source that `up` understands, explained as the service does: its series, what is strange in them, and
//! who depends on whom are put into a lake and an event graph in memory, and asked.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use manazir_detect::live::p_value;
use manazir_explain::gather::{Ask, GIVEN, Sources};
use manazir_explain::memory::{InMemoryExplanations, InMemoryGraph};
use manazir_explain::{EventGraphStore, Explainer};
use manazir_ingest::decode;
use manazir_ingest::lake::Lake;
use manazir_ingest::lake::memory::MemoryLake;
use manazir_model::{Dependency, GraphEvent, JudgedSample, SeriesRows, Timestamp};
use manazir_rca::discover::{actions, episodes, labels};
use manazir_rca::events::RuleSet;
use manazir_rca::explanation::Explanation;
use manazir_rca::topology::Span;
use manazir_rca::topology::text::pairs;

use crate::cli::{Explain, Output};
use crate::finding::{Finding, SeriesReport, ranked};
use crate::judge::judge;
use crate::state::State;

/// Samples of a series around the question that are looked at.
const SAMPLES_MAX: usize = 2_000;

/// Anomalies of the source that become events, the strangest.
const EVENTS_MAX: usize = 20_000;

/// Answers about the anomaly that the arguments name; without any about the strangest.
pub(super) fn explain(args: &Explain, output: Output) -> Result<Explanation> {
    let sources = [args.source.to_string_lossy().into_owned()];
    let state = State::open(&args.data, args.sensitivity.into())?;
    let judged = judge(&sources, Some(&state), args.sensitivity.into(), output.unwatched())?;
    let findings = ranked(&judged.reports);
    let finding = chosen(args, &findings)?;
    let (lake, graph) = (MemoryLake::default(), InMemoryGraph::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let at = finding.anomaly.start_at;
        lake.append(&rows(&judged.reports, at), &[]).await?;
        graph.add_events(&events(&findings)).await?;
        graph.add_events(&told(args)?).await?;
        graph.add_dependencies(&dependencies(args, &judged.reports)?).await?;
        let sources = Sources { events: Arc::new(graph), lake: Arc::new(lake) };
        let explainer = Explainer::new(sources, Arc::new(InMemoryExplanations::default()));
        if let Some(path) = &args.rules {
            explainer.set_rules(rules(path)?);
        }
        let key = &finding.anomaly.series;
        let ask = Ask {
            entity: Some(labels::entity(&key.metric, &key.labels)),
            metric: key.metric.clone(),
            at,
            event_id: Some(event(&finding).id),
            as_of: None,
        };
        Ok(explainer.answer(&ask).await?.1)
    })
}

/// The strangest anomaly of the metric, around the time.
fn chosen<'a>(args: &Explain, findings: &[Finding<'a>]) -> Result<Finding<'a>> {
    if findings.is_empty() {
        bail!("nothing strange was found in {}: there is nothing to explain", args.source.display());
    }
    let at = args.at.as_deref().map(time).transpose()?;
    let of_metric = |finding: &&Finding<'_>| {
        let key = &finding.anomaly.series;
        args.metric.as_ref().is_none_or(|metric| *metric == key.metric || *metric == key.to_string())
    };
    let goes_on = |finding: &&Finding<'_>| {
        at.is_none_or(|at| (finding.anomaly.start_at..=finding.anomaly.end_at).contains(&at))
    };
    let found = findings.iter().filter(of_metric).find(goes_on).copied();
    found.ok_or_else(|| {
        let metrics: std::collections::BTreeSet<&str> =
            findings.iter().map(|finding| finding.anomaly.series.metric.as_str()).collect();
        let some: Vec<&str> = metrics.into_iter().take(5).collect();
        anyhow!("no anomaly of that metric and time; there are {} in {}", findings.len(), some.join(", "))
    })
}

fn time(text: &str) -> Result<Timestamp> {
    let zoned = text.parse::<jiff::Timestamp>();
    let civil = || text.parse::<jiff::civil::DateTime>()?.to_zoned(jiff::tz::TimeZone::UTC);
    let at = zoned.or_else(|_| civil().map(|zoned| zoned.timestamp()));
    at.map(Timestamp::from).map_err(|_| anyhow!("`{text}` is no time; write it like 2026-03-02T14:05:00Z"))
}

/// The samples around the question, with what was expected of them.
fn rows(reports: &[SeriesReport], at: Timestamp) -> Vec<SeriesRows> {
    let rows = |report: &SeriesReport| {
        let series = &report.series;
        let middle = series.at.partition_point(|sample| *sample < at);
        let around = middle.saturating_sub(SAMPLES_MAX)..(middle + SAMPLES_MAX / 10).min(series.len());
        let sample = |place: usize| JudgedSample {
            expected: report.expected.get(place).map_or(f32::NAN, |expected| *expected as f32),
            ..JudgedSample::unjudged(series.at[place], series.values[place], series.at[place])
        };
        SeriesRows { key: series.key.clone(), samples: around.map(sample).collect() }
    };
    reports.iter().map(rows).collect()
}

fn event(finding: &Finding<'_>) -> GraphEvent {
    episodes::of_anomaly(finding.anomaly, p_value(finding.anomaly.score), finding.anomaly.start_at)
}

fn events(findings: &[Finding<'_>]) -> Vec<GraphEvent> {
    findings.iter().take(EVENTS_MAX).map(event).collect()
}

/// Changes and alerts of a file, one JSON object a line. What is no event of the graph is left out.
fn told(args: &Explain) -> Result<Vec<GraphEvent>> {
    let Some(path) = &args.events else { return Ok(Vec::new()) };
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let mut events = Vec::new();
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let wrong = || format!("{}, line {number}", path.display());
        let read = decode::generic::decode(line, number).with_context(wrong)?;
        events.extend(actions::graph_event(&read.event, read.event.at));
    }
    Ok(events)
}

/// Those of the table that is given, and those that labels tell.
fn dependencies(args: &Explain, reports: &[SeriesReport]) -> Result<Vec<Dependency>> {
    let of_labels = reports.iter().filter_map(|report| {
        let (first, last) = (*report.series.at.first()?, *report.series.at.last()?);
        Some((report.series.key.labels.as_slice(), Span { from: first, until: Timestamp(last.micros() + 1) }))
    });
    let (mut all, _) = labels::all_dependencies(of_labels, 100_000);
    if let Some(path) = &args.topology {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let given = pairs(&text).with_context(|| format!("understand {}", path.display()))?;
        all.extend(given.into_iter().map(|(caller, callee)| Dependency {
            caller,
            callee,
            source: GIVEN.to_owned(),
            from: Timestamp(i64::MIN),
            until: Timestamp(i64::MAX),
        }));
    }
    Ok(all)
}

pub(in crate::command) fn rules(path: &Path) -> Result<RuleSet> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    RuleSet::from_toml(&text).with_context(|| format!("understand {}", path.display()))
}
