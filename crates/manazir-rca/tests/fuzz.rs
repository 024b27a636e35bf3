//! What comes from outside, fuzzed: rules, scenarios and labels, spans, log lines. How long, from which seed and what
//! becomes of an input that fails is said in [`manazir_testkit::fuzz`].

use std::path::Path;

use manazir_model::{Event, Timestamp};
use manazir_rca::discover::{actions, labels, logs, traces, types};
use manazir_rca::events::{Method, RuleSet, from_records, scenario};
use manazir_rca::topology::{Span, Topology};
use manazir_testkit::fuzz::Fuzz;

/// Pieces that mean something to one of the readers.
const TOKENS: [&[u8]; 24] = [
    b"\n",
    b" ",
    b"=",
    b"->",
    b"[[rule]]\n",
    b"[[type]]\n",
    b"\"",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\xff",
    b"\xc3\xa4",
    b"1e999",
    b"-9223372036854775808",
    b"9223372036854775807",
    b"NaN",
    b"service=",
    b"arn:aws:",
    b"/",
    b":",
    b"|",
    b" alert\n",
    b"0x",
];

fn fuzz(reader: &str, more: &[&[u8]], read: impl Fn(&str)) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(reader);
    let mut fuzz = Fuzz::of_corpus(reader, &corpus, &TOKENS);
    fuzz.seeds.extend(more.iter().map(|seed| seed.to_vec()));
    fuzz.run(|input| read(&String::from_utf8_lossy(input)));
}

#[test]
fn rules() {
    fuzz("rules", &[include_bytes!("../rules/standard.toml")], |text| {
        for rules in [RuleSet::from_toml(text).ok(), from_records(text).ok()].into_iter().flatten() {
            assert_eq!(rules.len(), rules.rules().len());
        }
    });
}

#[test]
fn topology() {
    let rules = RuleSet::standard();
    fuzz("topology", &[], |text| {
        for told in scenario::parse(text).into_iter().flatten().take(20) {
            let _ = told.run(&rules, &Method::default());
        }
        let mut topology = Topology::default();
        let seen = Span { from: Timestamp(0), until: Timestamp(60) };
        for line in text.lines() {
            let pairs = line.split(' ').filter_map(|pair| pair.split_once('='));
            let pairs: Vec<(String, String)> =
                pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            topology.entity(&labels::entity(line, &pairs));
            for told in labels::dependencies(&pairs, seen) {
                let (caller, callee) = (topology.entity(&told.caller), topology.entity(&told.callee));
                topology.depends_during(caller, callee, seen);
                assert!(topology.as_of(Timestamp(0)).callees(caller).any(|other| other == callee));
            }
            types::of_alert(line);
            let resources = line.split(' ').map(Into::into).collect();
            for source in ["cloudtrail", "alertmanager", "generic"] {
                let event = Event {
                    source: source.into(),
                    id: line.into(),
                    action: line.into(),
                    resources: Clone::clone(&resources),
                    ..Event::default()
                };
                if let Some(event) = actions::graph_event(&event, Timestamp(1)) {
                    assert!((0.0..=1.0).contains(&event.severity) && event.from <= event.until);
                }
            }
        }
    });
}

/// `trace id parent service operation from until`, a `-` for no parent, a `!` for failed.
fn span(line: &str) -> Option<traces::Span<'_>> {
    let mut words = line.split(' ');
    let [trace, id, parent, service, operation] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let mut at = || Some(Timestamp(words.next()?.parse().ok()?));
    let (start, end) = (at()?, at()?);
    let parent = if parent == "-" { "" } else { parent };
    Some(traces::Span {
        trace,
        id,
        parent,
        service,
        operation,
        start,
        end,
        failed: words.next() == Some("!"),
    })
}

#[test]
fn spans() {
    fuzz("spans", &[], |text| {
        let spans: Vec<traces::Span<'_>> = text.lines().filter_map(span).collect();
        let limits = traces::Limits { operations_max: 20, calls_max: 20 };
        let told = traces::per_minute(&spans, &limits);
        let counted: u64 = told.operations.iter().map(|minute| minute.spans.count).sum();
        let broken = told.broken;
        let left = broken.ends_before_it_begins + broken.twice + broken.operations_beyond_limit;
        assert_eq!(counted as usize + left, spans.len());
    });
}

#[test]
fn log_lines() {
    fuzz("logs", &[], |text| {
        let templates = logs::templates::Config { templates_max: 50, leaf_max: 5, ..Default::default() };
        let config = logs::Config {
            history_lines_min: 1,
            history_minutes_min: 1,
            services_max: 20,
            templates_per_service_max: 20,
            templates,
            ..logs::Config::default()
        };
        let mut watch = logs::Watch::new(config);
        let lines: Vec<logs::Line<'_>> = text
            .lines()
            .map(|line| {
                let mut words = line.splitn(3, ' ');
                let [service, level, text] = std::array::from_fn(|_| words.next().unwrap_or_default());
                logs::Line { service, level: if level == "-" { "" } else { level }, text }
            })
            .collect();
        for (minute, lines) in lines.chunks(4).enumerate() {
            let told = watch.minute(Timestamp::from_seconds(60 * minute as i64), lines);
            let counted: u64 = told.counts.iter().map(|count| count.lines).sum();
            assert_eq!(counted + told.left_out, lines.len() as u64);
            assert!(watch.templates().len() <= 51);
        }
    });
}
