//! What every destination with a history must do beside.

use std::collections::BTreeMap;
use std::sync::Arc;

use manazir_model::{Random, Timestamp};

use super::{key, row, shape, text};
use crate::aggregate::{Aggregate, Cell};
use crate::history::{Aside, AsideState, By, Resolution, SpanQuery};
use crate::{AsOf, Destination, History, Key, KeyType, Raw, Row, Shape, Total};

/// Checks all of it; `open` as for [`check`](super::check).
///
/// # Panics
/// If the destination breaks the contract.
pub async fn check<D: Destination>(open: impl AsyncFn(Shape) -> D) {
    the_table_is_as_it_was(&open).await;
    names_are_those_of_the_day(&open).await;
    findings_come_again_as_they_came(&open).await;
    what_does_not_count_is_kept_once(&open).await;
}

fn past(destination: &impl Destination) -> &dyn History {
    destination.history().unwrap()
}

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// KP-W8: late, out of order, repeated and in batches of any size, seen from any time, by both clocks.
async fn the_table_is_as_it_was<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    const ROWS: usize = 2_000;
    let shape = shape("as_of", KeyType::Integer);
    let destination = open(shape.clone()).await;
    destination.prepare(&[key("1000", "nobody")]).await.unwrap();
    let mut random = Random::new(2028);
    let mut rows: Vec<Row> = Vec::new();
    while rows.len() < ROWS {
        let known_at = second(10_000 + rows.len() as i64);
        // Most are in order, some are late, and some come again.
        let late = if random.below(10) == 0 { random.below(ROWS) as i64 } else { 0 };
        let at = second(1_000 + (rows.len() as i64 - late).max(0));
        let (person, category) = (random.below(50).to_string(), random.below(4));
        let amount = random.below(100) as i64 - 20;
        rows.push(Row { at, known_at, ..row(rows.len() as u64, &person, category as u16, amount) });
    }
    let mut rest = &rows[..];
    while !rest.is_empty() {
        let (batch, later) = rest.split_at((1 + random.below(60)).min(rest.len()));
        assert_eq!(destination.count(batch).await.unwrap(), batch.len() as u64);
        assert_eq!(destination.count(&batch[..batch.len().min(2)]).await.unwrap(), 0);
        rest = later;
    }
    // As another process finds it.
    let destination = open(shape.clone()).await;
    let moments = [None, Some(0), Some(1_000), Some(1_234), Some(2_345), Some(2_999), Some(5_000)];
    let known = [None, Some(9_999), Some(10_000), Some(10_777), Some(11_500), Some(12_500)];
    for at in moments.map(|at| at.map(second)) {
        for known_at in known.map(|at| at.map(second)) {
            let is_past = |row: &&Row| {
                at.is_none_or(|at| row.at <= at) && known_at.is_none_or(|known_at| row.known_at <= known_at)
            };
            let expected = added(rows.iter().filter(is_past));
            let found = past(&destination).as_of(AsOf { at, known_at }).await.unwrap();
            let found: Vec<Total> = found.into_iter().filter(|total| total.count > 0).collect();
            assert_eq!(text(&found), text(&expected), "at {at:?}, known at {known_at:?}");
        }
    }
    let status = past(&destination).status().await.unwrap();
    assert_eq!(status.findings, ROWS as u64);
    let (first, last) = (rows.iter().map(|row| row.at).min(), rows.iter().map(|row| row.at).max());
    assert_eq!(status.at, first.zip(last));
    assert_eq!(status.known_at, Some(second(10_000 + ROWS as i64 - 1)));
    spans_are_as_they_were(past(&destination), &rows).await;
}

/// Each span of each series is what its findings come to.
async fn spans_are_as_they_were(past: &dyn History, rows: &[Row]) {
    let as_of = AsOf { at: Some(second(2_500)), known_at: Some(second(11_800)) };
    for (by, key) in [(By::All, None), (By::Category, None), (By::Key, None), (By::All, Some("7"))] {
        let aggregates = [Aggregate::Count, Aggregate::Sum, Aggregate::Max, Aggregate::Quantile(0.9)];
        let query = SpanQuery {
            every: 60_000_000,
            by,
            key: key.map(Into::into),
            since: Some(second(1_111)),
            as_of,
            wanted: aggregates.into_iter().collect(),
        };
        let mut cells: BTreeMap<(i64, String), Cell> = BTreeMap::new();
        for row in rows {
            let seen = as_of.at.is_some_and(|at| row.at <= at)
                && as_of.known_at.is_some_and(|at| row.known_at <= at);
            if !seen || row.at < second(1_111) || key.is_some_and(|key| *row.key != *key) {
                continue;
            }
            let of = match by {
                By::All => String::new(),
                By::Category => ["minor", "medium", "high", "critical"][usize::from(row.category)].to_owned(),
                By::Key => row.key.to_string(),
            };
            let start = row.at.micros().div_euclid(60_000_000) * 60_000_000;
            cells.entry((start, of)).or_insert_with(|| Cell::new(&query.wanted)).add(row.amount, None);
        }
        let found = past.series(&query).await.unwrap();
        let found = found.into_iter().map(|span| ((span.start.micros(), span.of.to_string()), span.cell));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), cells, "{by:?} {key:?}");
    }
}

/// The totals of rows, worked out in the plainest way; without labels.
fn added<'r>(rows: impl Iterator<Item = &'r Row>) -> Vec<Total> {
    let mut totals: BTreeMap<i64, Total> = BTreeMap::new();
    for row in rows {
        let empty = || Total { key: row.key.to_string(), by_category: vec![0; 4], ..Total::default() };
        let total = totals.entry(row.key.parse().unwrap()).or_insert_with(empty);
        total.count += 1;
        total.sum += row.amount;
        total.by_category[usize::from(row.category)] += row.amount;
    }
    totals.into_values().collect()
}

async fn named(destination: &impl Destination, keys: &[Key], now: i64) {
    destination.prepare(keys).await.unwrap();
    past(destination).name(keys, second(now)).await.unwrap();
}

/// KP-14: the name is that of the day, and whoever came later was not there.
async fn names_are_those_of_the_day<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let shape = shape("named", KeyType::Text);
    let destination = open(shape.clone()).await;
    named(&destination, &[key("a", "Ann"), key("b", "Bob")], 100).await;
    named(&destination, &[key("a", "Ann"), key("b", "Bob")], 150).await;
    let first = Row { at: second(50), known_at: second(120), ..row(0, "a", 0, 50) };
    destination.count(&[first]).await.unwrap();
    named(&destination, &[key("a", "Maria"), key("b", "Bob"), key("c", "Cid")], 200).await;
    let destination = open(shape).await;
    let table = async |at: Option<i64>, known_at: Option<i64>| {
        let as_of = AsOf { at: at.map(second), known_at: known_at.map(second) };
        text(&past(&destination).as_of(as_of).await.unwrap())
    };
    let (bob, cid) = ("b \"Bob\" 0 0 [0, 0, 0, 0]\n", "c \"Cid\" 0 0 [0, 0, 0, 0]\n");
    let ann = |label: &str, hits: i64| {
        let sum = 50 * hits;
        format!("a {label:?} {hits} {sum} [{sum}, 0, 0, 0]\n")
    };
    assert_eq!(table(None, None).await, ann("Maria", 1) + bob + cid);
    assert_eq!(table(Some(199), None).await, ann("Ann", 1) + bob + cid);
    assert_eq!(table(Some(49), None).await, ann("Ann", 0) + bob + cid, "names hold for the time before");
    assert_eq!(table(None, Some(119)).await, ann("Ann", 0) + bob);
    assert_eq!(table(None, Some(199)).await, ann("Ann", 1) + bob);
    assert_eq!(table(Some(200), Some(200)).await, ann("Maria", 1) + bob + cid);
    assert_eq!(table(None, Some(99)).await, "");
}

/// What is counted anew, elsewhere, from what is kept, comes to the same table at any time.
async fn findings_come_again_as_they_came<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let destination = open(shape("again", KeyType::Integer)).await;
    destination.prepare(&[]).await.unwrap();
    let raw = |at: u64| match at % 3 {
        0 => Raw::Nothing,
        1 => Raw::Line(Arc::from(format!("line {at}, \u{e9}").as_bytes())),
        _ => Raw::Message(Arc::from([0, 255, at as u8].as_slice())),
    };
    let rows: Vec<Row> = (0..700)
        .map(|at| Row {
            source: format!("stream {}", at % 5).into(),
            position: if at == 500 { u64::MAX } else { at * 7 },
            known_at: second(10_000 - at as i64),
            raw: raw(at),
            ..row(at, &(at % 11).to_string(), (at % 4) as u16, at as i64 - 300)
        })
        .collect();
    for batch in rows.chunks(3) {
        destination.count(batch).await.unwrap();
        destination.count(batch).await.unwrap();
    }
    let mut again: Vec<Row> = Vec::new();
    loop {
        let some = past(&destination).findings(again.len() as u64).await.unwrap();
        if some.is_empty() {
            break;
        }
        again.extend(some);
    }
    assert_eq!(again.len(), rows.len());
    again.sort_by_key(|row| std::cmp::Reverse(row.known_at));
    assert_eq!(again, rows);
    let middle = past(&destination).findings(333).await.unwrap();
    assert!(!middle.is_empty(), "any number of findings can have been seen");
}

async fn what_does_not_count_is_kept_once<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let shape = shape("aside", KeyType::Integer);
    let destination = open(shape.clone()).await;
    destination.prepare(&[]).await.unwrap();
    let aside = |position: u64, state, raw| Aside {
        number: 0,
        source: "stream".into(),
        position,
        content: position.wrapping_add(7),
        known_at: second(10),
        raw,
        reason: "it is \0 \u{1a} wrong".to_owned(),
        state,
    };
    let (line, nothing) = (Raw::Line(Arc::from([0xff, 0].as_slice())), Raw::Nothing);
    let first = aside(0, AsideState::Rejected, line);
    let second = aside(u64::MAX, AsideState::Waiting, nothing);
    assert_eq!(past(&destination).set_aside(std::slice::from_ref(&first)).await.unwrap(), 1);
    assert_eq!(past(&destination).set_aside(&[first.clone(), second.clone()]).await.unwrap(), 1);
    let destination = open(shape).await;
    let past = past(&destination);
    let all = past.asides(None, 0, 10).await.unwrap();
    let numbers: Vec<u64> = all.iter().map(|aside| aside.number).collect();
    assert!(numbers.windows(2).all(|pair| 0 < pair[0] && pair[0] < pair[1]), "{numbers:?}");
    let unnumbered: Vec<Aside> = all.into_iter().map(|aside| Aside { number: 0, ..aside }).collect();
    assert_eq!(unnumbered, [first, second]);
    assert_eq!(past.asides(None, 0, 1).await.unwrap().len(), 1);
    assert_eq!(past.asides(None, numbers[0], 10).await.unwrap()[0].number, numbers[1]);
    assert_eq!(past.asides(Some(AsideState::Waiting), 0, 10).await.unwrap()[0].number, numbers[1]);
    let counted =
        |number| Resolution { number, state: AsideState::Counted, reason: "it is known now".to_owned() };
    assert_eq!(past.resolve(&[counted(numbers[1]), counted(999)]).await.unwrap(), 1);
    assert_eq!(past.asides(Some(AsideState::Waiting), 0, 10).await.unwrap(), []);
    let status = past.status().await.unwrap();
    assert_eq!((status.waiting, status.rejected), (0, 1));
    let resolved = &past.asides(Some(AsideState::Counted), 0, 10).await.unwrap()[0];
    assert_eq!((resolved.number, &*resolved.reason), (numbers[1], "it is known now"));
}
