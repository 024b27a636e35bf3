//! The event graph from outside: rules as text, and what holds for any events.

use manazir_model::{Random, Timestamp};
use manazir_rca::events::{
    CascadeRank, Event, EventGraph, EventId, GrootGraph, GrootRank, Limits, Method, RuleError, RuleSet,
    from_records, scenario, schema,
};
use manazir_rca::topology::EntityId;
use proptest::prelude::*;

const TYPES: [&str; 10] = [
    "latency_spike",
    "error_spike",
    "markdown",
    "tps_drop",
    "high_cpu",
    "oom",
    "deploy",
    "config_change",
    "network_loss",
    "never_heard_of",
];
const ENTITIES: u32 = 8;

/// An event as numbers: entity, type, second, severity, data centre, target.
type Drawn = (u32, usize, i64, f32, u8, Option<u32>);

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let target = prop::option::weighted(0.1, 0..ENTITIES);
    let event = (0..ENTITIES, 0..TYPES.len(), 0i64..600, 0.05f32..1.0, 0u8..3, target);
    prop::collection::vec(event, 1..40)
}

fn dependencies() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((0..ENTITIES, 0..ENTITIES), 0..16)
}

fn methods() -> [Method; 3] {
    let groot = Method::Groot(GrootGraph::default(), GrootRank::default());
    [Method::default(), groot, Method::LastChange]
}

fn name(entity: u32) -> String {
    format!("service-{entity}")
}

fn event(graph: &mut EventGraph, drawn: &Drawn) -> Event {
    let (entity, event_type, second, severity, dc, target) = *drawn;
    let entity = graph.topology_mut().entity(&name(entity));
    let mut event =
        graph.event(entity, TYPES[event_type], Timestamp::from_seconds(second)).expect("room for a type");
    event.severity = severity;
    let dc = ["a", "b"].get(usize::from(dc)).map(|dc| ("dc", *dc));
    event.dims = graph.vocabulary_mut().dims(dc).expect("room for a set");
    event.target = target.map(|target| graph.topology_mut().entity(&name(target)));
    event
}

fn graph(dependencies: &[(u32, u32)], events: &[Drawn]) -> (EventGraph, Vec<EventId>) {
    let mut graph = EventGraph::new(RuleSet::standard());
    for (caller, callee) in dependencies {
        let topology = graph.topology_mut();
        let (caller, callee) = (topology.entity(&name(*caller)), topology.entity(&name(*callee)));
        topology.depends(caller, callee);
    }
    let mut add = |drawn| {
        let event = event(&mut graph, drawn);
        graph.add(event).id
    };
    let ids = events.iter().map(&mut add).collect();
    (graph, ids)
}

/// An event in words that do not depend on the order in which anything came.
fn told(graph: &EventGraph, event: &Event) -> String {
    let entity = |id: EntityId| graph.topology().name(id).to_owned();
    let dims: Vec<_> = graph.vocabulary().dimensions(event.dims).collect();
    format!(
        "{} {} {} {:?} {dims:?} {}",
        entity(event.entity),
        graph.vocabulary().type_name(event.event_type),
        event.from.micros(),
        event.target.map(entity),
        event.severity,
    )
}

fn ranked(graph: &EventGraph, alert: EventId, method: &Method) -> Vec<(String, String)> {
    let answer = graph.rank(alert, method).expect("the alert is live");
    let told = |id| told(graph, graph.get(id).expect("a cause is live"));
    answer.causes.iter().map(|cause| (told(cause.event), format!("{:.9}", cause.score))).collect()
}

fn contents(graph: &EventGraph) -> Vec<String> {
    let mut all: Vec<String> = graph.events().map(|(_, event)| told(graph, event)).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_rank_does_not_depend_on_the_order_of_insertion(
        events in drawn(), mut dependencies in dependencies(), seed: u64,
    ) {
        let (one, ids) = graph(&dependencies, &events);
        let mut random = Random::new(seed);
        let mut shuffled = events.clone();
        for last in (1..shuffled.len()).rev() {
            shuffled.swap(last, random.below(last + 1));
        }
        dependencies.reverse();
        let (other, other_ids) = graph(&dependencies, &shuffled);
        prop_assert_eq!(contents(&one), contents(&other));
        let place = shuffled.iter().position(|drawn| *drawn == events[0]).unwrap();
        for method in methods() {
            prop_assert_eq!(ranked(&one, ids[0], &method), ranked(&other, other_ids[place], &method));
        }
    }

    #[test]
    fn an_event_that_nothing_connects_changes_no_rank(
        events in drawn(), dependencies in dependencies(), stranger in 0..TYPES.len(), second in 0i64..600,
    ) {
        let (mut graph, ids) = graph(&dependencies, &events);
        let before: Vec<_> = methods().iter().map(|method| ranked(&graph, ids[0], method)).collect();
        let island = graph.topology_mut().entity("island");
        let event = graph.event(island, TYPES[stranger], Timestamp::from_seconds(second)).unwrap();
        graph.add(event);
        let after: Vec<_> = methods().iter().map(|method| ranked(&graph, ids[0], method)).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn an_index_kept_up_equals_one_built_anew(events in drawn(), dependencies in dependencies(), before in 0i64..600) {
        let (mut kept, ids) = graph(&dependencies, &events);
        let gone = kept.expire(Timestamp::from_seconds(before));
        let lively: Vec<_> = events.iter().filter(|drawn| drawn.2 >= before).cloned().collect();
        let (anew, anew_ids) = graph(&dependencies, &lively);
        prop_assert_eq!(contents(&kept), contents(&anew));
        prop_assert_eq!(kept.events_len(), anew.events_len());
        prop_assert!(gone > 0 || lively.len() == events.len());
        if let Some(alert) = lively.first() {
            let place = events.iter().position(|drawn| drawn == alert).unwrap();
            for method in methods() {
                prop_assert_eq!(ranked(&kept, ids[place], &method), ranked(&anew, anew_ids[0], &method));
            }
        }
    }

    #[test]
    fn what_is_full_stays_within_its_limits(events in drawn()) {
        let limits = Limits { events_max: 10, events_per_entity_max: 3 };
        let mut graph = EventGraph::with_limits(RuleSet::standard(), limits);
        for drawn in &events {
            let event = event(&mut graph, drawn);
            graph.add(event);
            prop_assert!(graph.events_len() <= 10);
            prop_assert!(graph.events_of(event.entity).count() <= 3);
        }
        prop_assert_eq!(graph.events().count(), graph.events_len());
    }

    #[test]
    fn every_score_is_a_number_and_every_path_leads_to_its_cause(events in drawn(), dependencies in dependencies()) {
        let (graph, ids) = graph(&dependencies, &events);
        for method in [Method::default(), Method::Groot(GrootGraph::default(), GrootRank::default())] {
            let answer = graph.rank(ids[0], &method).unwrap();
            for cause in &answer.causes {
                prop_assert!(cause.score.is_finite() && (0.0..=1.0).contains(&cause.share));
                prop_assert_eq!(cause.path.last().unwrap().event, Some(cause.event));
                prop_assert!(cause.path[1..].iter().all(|step| step.rule.is_some()));
            }
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}|[a-z0-9 .\\[\\]=\"\n<>{}_-]{0,300}") {
        let _ = RuleSet::from_toml(&text);
        let _ = from_records(&text);
        if let Ok(scenarios) = scenario::parse(&text) {
            for scenario in scenarios {
                let _ = scenario.run(&RuleSet::standard(), &Method::default());
            }
        }
    }

    #[test]
    fn no_change_of_good_text_makes_a_reader_panic(place in any::<prop::sample::Index>(), with in "\\PC{0,3}") {
        for good in [include_str!("../rules/standard.toml"), include_str!("scenarios/standard.txt")] {
            let places: Vec<usize> = good.char_indices().map(|(place, _)| place).collect();
            let (before, after) = good.split_at(*place.get(&places));
            let text = format!("{before}{with}{}", after.chars().skip(1).collect::<String>());
            let _ = RuleSet::from_toml(&text);
            let _ = scenario::parse(&text);
        }
    }
}

#[test]
fn the_standard_rules_rank_usual_incidents_as_people_would() {
    let rules = RuleSet::standard();
    for scenario in scenario::parse(include_str!("scenarios/standard.txt")).unwrap() {
        let outcome = scenario.run(&rules, &Method::default()).unwrap();
        assert!(outcome.differences.is_empty(), "line {}: {outcome}", scenario.line);
    }
}

#[test]
fn a_scenario_that_is_not_so_says_what_is() {
    let text = "scenario wrong\n-9s web deploy\n0s web error_spike alert\n1. web oom\nnot web deploy\npath web < db\n";
    let outcome = scenario::parse(text).unwrap()[0].run(&RuleSet::standard(), &Method::default()).unwrap();
    expect_test::expect![[r"
        differs: wrong
          place 1: web oom was expected, web deploy is there
          place 1: web deploy is there and should not be
          path: web < db was expected, web is there
    "]]
    .assert_eq(&outcome.to_string().lines().take(4).map(|line| format!("{line}\n")).collect::<String>());
    let wrong = |text| scenario::parse(text).unwrap_err().to_string();
    assert_eq!(wrong("web -> api"), "line 1: the first line must be `scenario NAME`");
    assert_eq!(
        wrong("scenario a\n\nsoon web deploy"),
        "line 3: \"soon\" is no onset as `-90s`, `0s` or `2m`"
    );
    assert_eq!(wrong("scenario a\n0s web deploy"), "line 1: no event of \"a\" is marked `alert`");
}

#[test]
fn rules_without_meaning_say_where_and_why() {
    let types = "[[type]]\nname = \"oom\"\nkind = \"resource\"\nfamily = \"internal\"\n\
                 [[type]]\nname = \"errors\"\nkind = \"performance\"\n\
                 [[type]]\nname = \"deploy\"\nkind = \"change\"\nfamily = \"self_only\"\n";
    let wrong = |rule: &str| match RuleSet::from_toml(&format!("{types}[[rule]]\n{rule}")) {
        Err(error @ RuleError::Meaning { .. }) => error.to_string(),
        other => format!("{other:?}"),
    };
    let cases = [
        "effect = \"error\"\ncause = \"oom\"\nwhere = \"self\"\n",
        "effect = \"errors\"\ncause = [\"oom\", \"flags\"]\nwhere = \"self\"\n",
        "effect = \"errors\"\ncause = \"oom\"\nwhere = \"callee\"\n",
        "effect = \"deploy\"\ncause = \"oom\"\nwhere = \"self\"\n",
        "effect = [\"errors\", \"errors\"]\ncause = \"oom\"\nwhere = \"self\"\n",
        "effect = \"errors\"\ncause = \"oom\"\nwhere = \"self\"\nweight = 2.0\n",
        "effect = \"errors\"\ncause = \"oom\"\nwhere = \"self\"\n[[type]]\nname = \"oom\"\nkind = \"resource\"\n",
    ];
    let said: String = cases.iter().map(|case| format!("{}\n", wrong(case))).collect();
    expect_test::expect![[r#"
        line 13, column 10: "error" is declared nowhere as a [[type]]; did you mean "errors"?
        line 14, column 9: "flags" is declared nowhere as a [[type]]
        line 14, column 9: "oom" is of the family internal: it does not cause events over there
        line 13, column 10: "deploy" is of the family self_only: nothing causes it
        line 13, column 10: another rule says already that "oom" causes "errors"
        line 16, column 10: weight is 2; it must be above 0 and at most 1
        line 17, column 8: "oom" is declared twice
    "#]]
    .assert_eq(&said);
    assert!(matches!(RuleSet::from_toml("[[rules]]"), Err(RuleError::Syntax(_))));
    assert!(matches!(from_records("[{}]"), Err(RuleError::Records(_))));
}

#[test]
fn records_say_which_types_are_symptoms() {
    let records = r#"[
        {"effect": "slow", "cause": "slow", "where": "callee", "same_dc": true},
        {"effect": "slow", "cause": "hot", "where": "self"},
        {"effect": "hot", "cause": "deploy", "where": "self"},
        {"effect": "hot", "cause": "deploy", "where": "self"}
    ]"#;
    let rules = from_records(records).unwrap();
    let kinds = ["slow", "hot", "deploy"].map(|name| rules.event_type(rules.type_named(name).unwrap()).kind);
    expect_test::expect!["[Performance, Resource, Change]"].assert_eq(&format!("{kinds:?}"));
    assert_eq!(rules.len(), 3);
}

#[test]
fn a_dependency_that_had_ended_leads_nowhere() {
    let mut graph = EventGraph::new(RuleSet::standard());
    let (web, db) = (graph.topology_mut().entity("web"), graph.topology_mut().entity("db"));
    graph.topology_mut().depends(web, db);
    let mut add = |entity, name, second| {
        let event = graph.event(entity, name, Timestamp::from_seconds(second)).unwrap();
        graph.add(event).id
    };
    add(db, "error_spike", 100);
    let alert = add(web, "error_spike", 120);
    assert_eq!(graph.rank(alert, &Method::default()).unwrap().causes.len(), 1);
    graph.topology_mut().ends(web, db, Timestamp::from_seconds(110));
    assert!(graph.rank(alert, &Method::default()).unwrap().causes.is_empty());
}

#[test]
fn a_search_without_time_says_so() {
    let mut graph = EventGraph::new(RuleSet::standard());
    let web = graph.topology_mut().entity("web");
    let mut add = |name, second| {
        let event = graph.event(web, name, Timestamp::from_seconds(second)).unwrap();
        graph.add(event).id
    };
    add("deploy", 100);
    let alert = add("error_spike", 120);
    let hasty = Method::Cascade(CascadeRank { steps_max: 1, ..CascadeRank::default() });
    assert!(graph.rank(alert, &hasty).unwrap().cut);
    assert!(!graph.rank(alert, &Method::default()).unwrap().cut);
}

#[test]
fn generated_the_schema_of_rules() {
    let text = format!("{:#}\n", schema());
    expect_test::expect_file!["../../../docs/reference/event-rules.schema.json"].assert_eq(&text);
}
