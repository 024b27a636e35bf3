//! One answer from what was reported and what was measured.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use manazir_model::{Random, Timestamp};
use manazir_rca::contributors::{Builder, Telling};
use manazir_rca::events::{EventGraph, EventId, Method, RuleSet};
use manazir_rca::evidence::{Incident, Kind, Series, Statistic};
use manazir_rca::explanation::{
    Config, Events, Explanation, Measured, Question, Role, explain, explain_cube,
};
use manazir_rca::topology::Topology;
use proptest::prelude::*;

const ALERT_S: i64 = 1_767_571_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(ALERT_S + seconds)
}

/// web calls api, which calls db; what happened, in the order given.
fn graph(events: &[(&str, &str, i64)]) -> (EventGraph, EventId) {
    let mut graph = EventGraph::new(RuleSet::standard());
    let names = ["web", "api", "db"].map(|name| graph.topology_mut().entity(name));
    graph.topology_mut().depends(names[0], names[1]);
    graph.topology_mut().depends(names[1], names[2]);
    let mut alert = None;
    for (entity, event_type, seconds) in events {
        let entity = graph.topology_mut().entity(entity);
        let event = graph.event(entity, event_type, at(*seconds)).unwrap();
        let id = graph.add(event).id;
        if *seconds == 0 {
            alert = Some(id);
        }
    }
    (graph, alert.unwrap())
}

fn ask(events: &[(&str, &str, i64)]) -> Explanation {
    let (graph, alert) = graph(events);
    let question = Question {
        entity: Some("web"),
        what: "latency_spike",
        at: at(0),
        events: Some(Events { graph: &graph, alert, method: &Method::default() }),
        measured: None,
    };
    explain(&question, &Config::default()).unwrap()
}

const STORY: [(&str, &str, i64); 5] = [
    ("db", "deploy", -90),
    ("db", "latency_spike", -50),
    ("api", "latency_spike", -20),
    ("web", "latency_spike", 0),
    ("api", "high_memory", -3_000),
];

#[test]
fn a_reported_cause_comes_with_path_reasons_and_next_check() {
    let told = ask(&STORY);
    let first = &told.causes[0];
    assert!(told.found, "{}", told.summary);
    assert_eq!((first.entity.as_str(), first.event_type.as_deref()), ("db", Some("deploy")));
    assert!(told.summary.starts_with("Most likely db: deploy, 90 s before latency spike of web"));
    let path: Vec<&str> = first.path.iter().map(|step| step.entity.as_str()).collect();
    assert_eq!(path, ["web", "api", "db", "db"]);
    assert_eq!(first.path[1].lag_seconds, Some(20.0));
    assert!(first.supporting.iter().any(|reason| reason.source == "support"), "{:?}", first.supporting);
    assert!(first.opposing.is_empty(), "{:?}", first.opposing);
    assert!(first.next_check.contains("db"));
    assert_eq!(first.lesson.as_ref().unwrap().cause, "deploy");
    assert_eq!(told.changes.len(), 1);
    let roles: Vec<Role> = told.graph.nodes.iter().take(1).map(|node| node.role).collect();
    assert_eq!(roles, [Role::Alert]);
    let sum: f64 = told.causes.iter().map(|cause| cause.confidence).sum();
    assert!(sum + told.none_of_these <= 1.0 + 1e-9);
}

#[test]
fn what_nobody_reported_is_said_to_be_missing() {
    let told = ask(&[("db", "deploy", -90), ("db", "latency_spike", -50), ("web", "latency_spike", 0)]);
    let first = &told.causes[0];
    assert_eq!(first.event_type.as_deref(), Some("deploy"));
    assert!(first.path.iter().any(|step| step.assumed && step.entity == "api"), "{:?}", first.path);
    assert!(!first.not_seen.is_empty() && told.missing.iter().any(|text| text.contains("api")));
    assert!(told.graph.nodes.iter().any(|node| node.role == Role::Assumed));
}

#[test]
fn an_alert_alone_has_no_cause() {
    let told = ask(&[("web", "latency_spike", 0)]);
    assert!(!told.found && told.causes.is_empty());
    assert_eq!(told.none_of_these, 1.0);
    assert!(told.summary.starts_with("No cause found"), "{}", told.summary);
}

/// Sixty steady minutes; in the last five `cpu` of one entity is what `factor` makes of it.
fn measured(factor: f64, events: Option<&[(&str, &str, i64)]>) -> Explanation {
    let mut topology = Topology::default();
    let names = ["web", "api", "db"].map(|name| topology.entity(name));
    topology.depends(names[0], names[1]);
    topology.depends(names[1], names[2]);
    let mut random = Random::new(5);
    let mut values: Vec<Vec<f64>> =
        (0..3).map(|_| (0..60).map(|_| 10.0 + random.normal()).collect()).collect();
    values[2][55..].iter_mut().for_each(|value| *value *= factor);
    let series: Vec<Series<'_>> = names
        .iter()
        .zip(&values)
        .map(|(entity, values)| Series {
            entity: *entity,
            caller: None,
            metric: "cpu",
            statistic: Statistic::Mean,
            kind: Kind::Resource,
            values,
        })
        .collect();
    let times: Vec<Timestamp> = (-55..5).map(|minute| at(60 * minute)).collect();
    let incident =
        Incident { series: &series, topology: &topology, window: (55, 60), history: &[(0, 54)], alert: None };
    let reported = events.map(graph);
    let method = Method::default();
    let question = Question {
        entity: Some("web"),
        what: "latency_spike",
        at: at(0),
        events: reported.as_ref().map(|(graph, alert)| Events { graph, alert: *alert, method: &method }),
        measured: Some(Measured { incident: &incident, times: &times }),
    };
    explain(&question, &Config::default()).unwrap()
}

#[test]
fn a_measured_cause_comes_with_charts() {
    let told = measured(6.0, None);
    let first = &told.causes[0];
    assert!(told.found && first.entity == "db", "{}", told.summary);
    assert_eq!(first.at, Some(at(0)));
    let chart = &told.charts[first.supporting[0].chart.unwrap()];
    assert_eq!((chart.entity.as_str(), chart.metric.as_str()), ("db", "cpu"));
    assert_eq!(chart.times.len(), chart.values.len());
    assert_eq!(chart.times[chart.incident.0], at(0));
    assert!(first.next_check.contains("db"));
}

#[test]
fn nothing_strange_has_no_cause() {
    let told = measured(1.0, None);
    assert!(!told.found, "{}", told.summary);
    assert!(told.summary.starts_with("No cause found"));
}

#[test]
fn two_witnesses_are_surer_than_one() {
    let story = [("db", "config_change", -40), ("web", "latency_spike", 0), ("api", "config_change", -40)];
    let events_alone = ask(&story);
    let both = measured(6.0, Some(&story));
    let of = |told: &Explanation, entity: &str| {
        told.causes.iter().find(|cause| cause.entity == entity).map_or(0.0, |cause| cause.confidence)
    };
    assert_eq!(both.causes[0].entity, "db");
    assert!(of(&both, "db") > of(&events_alone, "db"));
    assert!(of(&both, "api") < of(&events_alone, "api"), "what was measured of api did not move");
    assert!(both.causes[0].supporting.iter().any(|reason| reason.source == "resource"));
}

#[test]
fn an_answer_is_read_back_as_it_was_written() {
    for told in [ask(&STORY), measured(6.0, None)] {
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.contains("2026-01-05T00:00:00Z"), "{text}");
        assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), told);
    }
}

#[test]
fn a_cube_says_which_values_made_the_change() {
    let mut rows = Builder::new(&["country", "app"]);
    for country in ["DE", "FR", "IT", "PL", "SE"] {
        for (place, app) in ["5.0", "5.1", "5.2", "6.0"].into_iter().enumerate() {
            let expected = 100.0 + 7.0 * place as f64;
            let noise = if place % 2 == 0 { 1.01 } else { 0.99 };
            rows.push(&[country, app], expected * if country == "DE" { 0.6 } else { noise }, expected);
        }
    }
    let told = explain_cube(&rows.build().unwrap(), "orders", at(0), &Telling::default());
    let contributors = told.contributors.unwrap();
    assert!(told.found && told.summary.contains("country=DE"), "{}", told.summary);
    let shares: f64 = contributors.elements.iter().map(|element| element.share).sum();
    assert!((shares + contributors.remainder_share - 1.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn the_order_in_which_events_come_changes_nothing(order in Just((0..STORY.len()).collect::<Vec<_>>()).prop_shuffle()) {
        let shuffled: Vec<_> = order.into_iter().map(|place| STORY[place]).collect();
        prop_assert_eq!(ask(&shuffled), ask(&STORY));
    }

    /// Something unrelated never comes before the cause.
    #[test]
    fn what_has_nothing_to_do_with_it_lifts_nothing_above_the_cause(
        seconds in -3_000_i64..-1,
        event_type in prop::sample::select(vec!["deploy", "high_cpu", "error_spike", "restart"]),
    ) {
        let mut story = STORY.to_vec();
        story.push(("elsewhere", event_type, seconds));
        let told = ask(&story);
        prop_assert_eq!(&told.causes[0].id, &ask(&STORY).causes[0].id);
        prop_assert!(told.causes.iter().all(|cause| cause.entity != "elsewhere"));
    }
}
