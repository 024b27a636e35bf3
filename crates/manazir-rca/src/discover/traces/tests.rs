//! Traces as text, and what holds for any spans.

use expect_test::{Expect, expect};
use manazir_model::Random;
use proptest::prelude::*;

use super::*;

/// One span a line: `trace id parent service operation from until`, milliseconds, `-` for no parent, `!` for failed.
fn read(text: &str) -> Vec<Span<'_>> {
    text.lines()
        .map(str::split_whitespace)
        .filter_map(|mut words| {
            let trace = words.next()?;
            let (id, parent) = (words.next()?, words.next()?);
            let (service, operation) = (words.next()?, words.next()?);
            let mut at = || Some(Timestamp(words.next()?.parse::<i64>().ok()? * 1_000));
            let (start, end) = (at()?, at()?);
            let parent = if parent == "-" { "" } else { parent };
            Some(Span {
                trace,
                id,
                parent,
                service,
                operation,
                start,
                end,
                failed: words.next() == Some("!"),
            })
        })
        .collect()
}

#[track_caller]
fn check(text: &str, limits: &Limits, expect: Expect) {
    let told = per_minute(&read(text), limits);
    let mut said = String::new();
    for edge in &told.dependencies {
        said += &format!("{} -> {} from {} until {}\n", edge.caller, edge.callee, edge.from, edge.until);
    }
    for OperationMinute { minute, service, operation, spans, exclusive_mean_us } in &told.operations {
        said += &format!("{minute} {service} {operation}: {spans:?}, own {exclusive_mean_us}\n");
    }
    for CallMinute { minute, caller, callee, spans, gap_mean_us } in &told.calls {
        said += &format!("{minute} {caller} -> {callee}: {spans:?}, way {gap_mean_us:?}\n");
    }
    said += &format!("{:?}\n", told.broken);
    expect.assert_eq(&said);
}

const SHOP: &str = "\
    t1 1 - web  GET/  0   100
    t1 2 1 web  call  10  60
    t1 3 2 cart add   15  50 !
    t1 4 3 db   query 20  40
    t1 5 3 db   query 30  45
    t1 6 1 mail send  90  200
    t2 1 - web  GET/  61000 61030
    t2 2 1 cart add   61005 61025";

#[test]
fn calls_and_their_times() {
    check(
        SHOP,
        &Limits::default(),
        expect![[r#"
        cart -> db from 1970-01-01T00:00:00Z until 1970-01-01T00:01:00Z
        web -> cart from 1970-01-01T00:00:00Z until 1970-01-01T00:02:00Z
        web -> mail from 1970-01-01T00:00:00Z until 1970-01-01T00:01:00Z
        1970-01-01T00:00:00Z cart add: Summary { count: 1, errors: 1, mean_us: 35000.0, p95_us: 35000 }, own 10000
        1970-01-01T00:00:00Z db query: Summary { count: 2, errors: 0, mean_us: 17500.0, p95_us: 20000 }, own 17500
        1970-01-01T00:00:00Z mail send: Summary { count: 1, errors: 0, mean_us: 110000.0, p95_us: 110000 }, own 110000
        1970-01-01T00:00:00Z web GET/: Summary { count: 1, errors: 0, mean_us: 100000.0, p95_us: 100000 }, own 40000
        1970-01-01T00:00:00Z web call: Summary { count: 1, errors: 0, mean_us: 50000.0, p95_us: 50000 }, own 15000
        1970-01-01T00:01:00Z cart add: Summary { count: 1, errors: 0, mean_us: 20000.0, p95_us: 20000 }, own 20000
        1970-01-01T00:01:00Z web GET/: Summary { count: 1, errors: 0, mean_us: 30000.0, p95_us: 30000 }, own 10000
        1970-01-01T00:00:00Z cart -> db: Summary { count: 2, errors: 0, mean_us: 17500.0, p95_us: 20000 }, way Some(17500.0)
        1970-01-01T00:00:00Z web -> cart: Summary { count: 1, errors: 1, mean_us: 35000.0, p95_us: 35000 }, way Some(15000.0)
        1970-01-01T00:00:00Z web -> mail: Summary { count: 1, errors: 0, mean_us: 110000.0, p95_us: 110000 }, way None
        1970-01-01T00:01:00Z web -> cart: Summary { count: 1, errors: 0, mean_us: 20000.0, p95_us: 20000 }, way Some(10000.0)
        Broken { ends_before_it_begins: 0, twice: 0, unknown_parent: 0, cycle: 0, operations_beyond_limit: 0, calls_beyond_limit: 0 }
    "#]],
    );
}

#[test]
fn what_is_broken_is_counted_and_not_followed() {
    let broken = "\
        a 1 - web x 10 5
        a 2 9 web x 0 1
        b 1 2 web x 0 1
        b 2 3 api x 0 1
        b 3 1 db  x 0 1
        b 4 1 in  x 0 1
        c 1 1 web x 0 1
        d 1 - web x 0 1
        d 1 - web x 0 2";
    check(
        broken,
        &Limits { operations_max: 2, calls_max: 0 },
        expect![[r#"
        1970-01-01T00:00:00Z api x: Summary { count: 1, errors: 0, mean_us: 1000.0, p95_us: 1000 }, own 1000
        1970-01-01T00:00:00Z web x: Summary { count: 4, errors: 0, mean_us: 1000.0, p95_us: 1000 }, own 750
        Broken { ends_before_it_begins: 1, twice: 1, unknown_parent: 1, cycle: 4, operations_beyond_limit: 2, calls_beyond_limit: 1 }
    "#]],
    );
}

#[test]
fn many_spans_of_one_parent_take_no_square_of_time() {
    let ids: Vec<String> = (0..200_000).map(|id| id.to_string()).collect();
    let at = Timestamp(0);
    let spans: Vec<Span<'_>> = ids
        .iter()
        .enumerate()
        .map(|(place, id)| Span {
            trace: "t",
            id,
            // Half of them hang on the first, the others on one another.
            parent: match place {
                0 => "",
                _ if place % 2 == 0 => &ids[0],
                _ => &ids[place.saturating_sub(2)],
            },
            service: if place == 0 { "web" } else { "db" },
            operation: "x",
            start: at,
            end: Timestamp(1),
            failed: false,
        })
        .collect();
    let told = per_minute(&spans, &Limits::default());
    assert_eq!(told.operations.iter().map(|minute| minute.spans.count).sum::<u64>(), 200_000);
    assert_eq!((told.broken.cycle, told.dependencies.len()), (0, 1));
}

proptest! {
    #[test]
    fn the_order_of_spans_changes_nothing(seed: u64, count in 0usize..60, max in 0usize..6) {
        const NAMES: [&str; 7] = ["", "1", "2", "3", "4", "5", "6"];
        let mut random = Random::new(seed);
        let mut spans: Vec<Span<'_>> = (0..count)
            .map(|_| {
                let mut name = |bound| NAMES[random.below(bound)];
                let (trace, id, parent, service, operation) = (name(3), name(7), name(7), name(5), name(3));
                let start = random.below(200) as i64 * 1_000_000;
                let end = start + random.below(90) as i64 * 1_000_000 - 5_000_000;
                let failed = random.below(2) == 0;
                let (start, end) = (Timestamp(start), Timestamp(end));
                Span { trace, id, parent, service, operation, start, end, failed }
            })
            .collect();
        let limits = Limits { operations_max: max, calls_max: max };
        let before = per_minute(&spans, &limits);
        for place in (1..spans.len()).rev() {
            spans.swap(place, random.below(place + 1));
        }
        prop_assert_eq!(&before, &per_minute(&spans, &limits));
        for minute in &before.operations {
            prop_assert!(minute.exclusive_mean_us >= 0.0 && minute.exclusive_mean_us <= minute.spans.mean_us);
        }
        let told: u64 = before.operations.iter().map(|minute| minute.spans.count).sum();
        let left = before.broken.ends_before_it_begins + before.broken.twice + before.broken.operations_beyond_limit;
        prop_assert_eq!(told as usize + left, count);
    }

    #[test]
    fn no_instant_panics(start: i64, end: i64, text: String) {
        let span = |id, parent| Span {
            trace: &text, id, parent, service: id, operation: &text, start: Timestamp(start), end: Timestamp(end),
            failed: true,
        };
        per_minute(&[span("a", ""), span("b", "a")], &Limits::default());
    }
}
