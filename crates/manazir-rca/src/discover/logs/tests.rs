//! Minutes of lines, and what is strange about them.

use expect_test::expect;
use manazir_model::Random;
use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_seconds(minute * 60)
}

fn usual(minute: i64) -> Vec<String> {
    (0..40).map(|line| format!("served /orders/{} in {} ms", line * 7 + minute, line % 9)).collect()
}

fn lines<'a>(service: &'a str, texts: &'a [String]) -> Vec<Line<'a>> {
    texts.iter().map(|text| Line { service, level: "", text }).collect()
}

fn said(minute: &Minute) -> Vec<String> {
    let said = |event: &GraphEvent| {
        format!(
            "{} {} {} until {} {:.2}: {}",
            event.event_type, event.entity, event.from, event.until, event.severity, event.sentence
        )
    };
    minute.events.iter().map(said).collect()
}

#[test]
fn a_new_template_and_a_burst_are_told_once_each() {
    let mut watch = Watch::new(Config::default());
    for minute in 0..60 {
        let texts = usual(minute);
        let told = watch.minute(at(minute), &lines("web", &texts));
        assert_eq!((said(&told), told.counts.len()), (Vec::new(), 1), "minute {minute}");
        assert_eq!(told.counts[0].lines, 40);
    }
    let mut texts = usual(60);
    texts.extend((0..30).map(|line| format!("connection to db-{line} refused after 30 s")));
    let first = watch.minute(at(60), &lines("web", &texts));
    let second = watch.minute(at(61), &lines("web", &texts));
    let after = watch.minute(at(62), &lines("web", &usual(62)));
    let all: Vec<String> = [&first, &second, &after].into_iter().flat_map(said).collect();
    expect![[r#"
        log_errors web 1970-01-01T01:00:00Z until 1970-01-01T01:01:00Z 0.96: web wrote 30 lines of errors in a minute where 0.0 are usual
        new_log_template web 1970-01-01T01:00:00Z until 1970-01-01T01:01:00Z 0.46: web said for the first time, 30 times: connection to <*> refused after <*> s
        log_errors web 1970-01-01T01:00:00Z until 1970-01-01T01:02:00Z 0.96: web wrote 30 lines of errors in a minute where 0.0 are usual"#]].assert_eq(&all.join("\n"));
    // The burst of the second minute is the same one, seen for longer.
    assert!(first.events.iter().any(|event| event.id == second.events[0].id));
}

#[test]
fn a_service_that_always_says_new_things_says_nothing_new() {
    let mut random = Random::new(1);
    let mut watch = Watch::new(Config::default());
    for minute in 0..60 {
        let word = |random: &mut Random| {
            (0..9).map(|_| char::from(b'a' + random.below(26) as u8)).collect::<String>()
        };
        let texts: Vec<String> = (0..40)
            .map(|_| format!("{} {} {}", word(&mut random), word(&mut random), word(&mut random)))
            .collect();
        assert!(watch.minute(at(minute), &lines("web", &texts)).events.is_empty());
    }
}

#[test]
fn errors_are_told_by_level_and_by_words() {
    let line = |level, text| is_error(&Line { service: "", level, text });
    assert!(
        line("ERROR", "fine") && line("", "java.lang.NullPointerException: x") && line("", "call Failed")
    );
    assert!(!line("info", "error") && !line("", "terrors none") && !line("", ""));
}

#[test]
fn what_is_beyond_a_bound_is_counted() {
    let mut watch = Watch::new(Config { services_max: 1, events_max: 0, ..Config::default() });
    let texts = ["one".to_owned()];
    let all = [lines("a", &texts), lines("b", &texts), lines("", &texts)].concat();
    let told = watch.minute(at(0), &all);
    assert_eq!((told.left_out, told.counts.len()), (2, 1));
}

proptest! {
    #[test]
    fn no_lines_panic(all in prop::collection::vec((".{0,4}", ".{0,6}", ".{0,30}"), 0..40), minute: i64) {
        let mut watch = Watch::new(Config { history_lines_min: 1, history_minutes_min: 1, ..Config::default() });
        for step in 0..3 {
            let lines: Vec<Line<'_>> =
                all.iter().map(|(service, level, text)| Line { service, level, text }).collect();
            let told = watch.minute(Timestamp(minute.saturating_add(step)), &lines);
            let counted: u64 = told.counts.iter().map(|count| count.lines).sum();
            prop_assert_eq!(counted + told.left_out, lines.len() as u64);
            prop_assert!(told.events.iter().all(|event| (0.0..=1.0).contains(&event.severity)));
        }
    }
}
