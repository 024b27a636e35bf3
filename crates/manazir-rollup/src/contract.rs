//! What every destination must do.

#![allow(clippy::unwrap_used, reason = "a suite of tests ends at the first surprise as tests do")]

pub mod history;
pub mod load;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use manazir_model::hash::mixed;
use manazir_model::{Random, Timestamp};

use crate::aggregate::{Aggregate, Cell};
use crate::memory::InMemory;
use crate::{Destination, Error, Key, KeyType, Raw, Row, Shape, Total, TotalsShape};

/// The shape of the original's table, with keys of a type.
pub fn shape(name: &str, key_type: KeyType) -> Shape {
    let categories = ["minor", "medium", "high", "critical"];
    Shape {
        name: name.to_owned(),
        table: format!("{name}_distribution"),
        key: "cs_id".to_owned(),
        key_type,
        label: Some("cs_name".to_owned()),
        categories: categories.map(str::to_owned).into(),
        sums: categories.map(|category| format!("{category}_sum")).into(),
        totals: Some(TotalsShape {
            table: format!("{name}_totals"),
            count: "hits".to_owned(),
            sum: "karma".to_owned(),
            mean: "karma_average".to_owned(),
            more: Vec::new(),
        }),
    }
}

/// A row of the source `stream`, of a key, in a category, worth so much.
pub fn row(position: u64, key: &str, category: u16, amount: i64) -> Row {
    Row {
        source: "stream".into(),
        position,
        content: position + 1,
        at: Timestamp::from_seconds(1_548_979_200 + position as i64),
        known_at: Timestamp::from_seconds(1_600_000_000),
        key: key.into(),
        category,
        amount,
        distinct: None,
        raw: Raw::Nothing,
    }
}

/// A key and what people call it.
pub fn key(id: &str, label: &str) -> Key {
    Key { id: id.into(), label: label.to_owned() }
}

/// Each total as a line: key, label, count, sum, then the sums of the categories.
pub fn text(totals: &[Total]) -> String {
    let line = |total: &Total| {
        let Total { key, label, count, sum, by_category, more } = total;
        let more = if more.is_empty() { String::new() } else { format!(" {more:?}") };
        format!("{key} {label:?} {count} {sum} {by_category:?}{more}\n")
    };
    totals.iter().map(line).collect()
}

/// Checks all of it. `open` gives the destination of a shape: the same shape the same one, as another process finds
/// it. Each is prepared before it counts.
///
/// # Panics
/// If the destination breaks the contract.
pub async fn check<D: Destination>(open: impl AsyncFn(Shape) -> D) {
    everyone_has_a_row_from_the_start(&open).await;
    names_are_no_keys_and_may_hold_anything(&open).await;
    a_number_is_written_in_one_way(&open).await;
    each_finding_counts_once(&open).await;
    order_and_batches_change_nothing(&open).await;
    shapes_with_less_are_kept_too(&open).await;
}

/// [`Shape`] with extremes in further columns, which any destination can keep.
pub fn with_extremes(name: &str) -> Shape {
    let mut shape = shape(name, KeyType::Integer);
    if let Some(totals) = &mut shape.totals {
        totals.more =
            vec![("karma_min".to_owned(), Aggregate::Min), ("karma_max".to_owned(), Aggregate::Max)];
    }
    shape
}

/// And with those that need sketches.
pub fn with_sketches(name: &str) -> Shape {
    let mut shape = with_extremes(name);
    if let Some(totals) = &mut shape.totals {
        let sketches = [("karma_median", Aggregate::Quantile(0.5)), ("things", Aggregate::Distinct)];
        totals.more.extend(sketches.map(|(name, aggregate)| (name.to_owned(), aggregate)));
    }
    shape
}

/// Further columns, of a shape that the destination can keep: whatever is repeated, late, or counted by two.
///
/// # Panics
/// If the destination breaks the contract.
pub async fn check_more<D: Destination>(shape: Shape, open: impl AsyncFn(Shape) -> D) {
    let (one, two) = (open(shape.clone()).await, open(shape.clone()).await);
    one.prepare(&[key("1", "one"), key("9", "nine")]).await.unwrap();
    let thing = |position: u64, amount: i64| Row {
        distinct: Some(mixed(position / 2)),
        ..row(position, "1", (position % 4) as u16, amount)
    };
    let amounts = [50, -7, 1_000, 50, 300, 50, 20];
    let rows: Vec<Row> = amounts.iter().zip(0..).map(|(amount, position)| thing(position, *amount)).collect();
    one.count(&rows[2..5]).await.unwrap();
    two.count(&rows[..4]).await.unwrap();
    two.count(&rows).await.unwrap();
    one.count(&rows).await.unwrap();
    let totals = open(shape.clone()).await.totals().await.unwrap();
    let mut cell = Cell::new(&shape.more().iter().map(|(_, aggregate)| *aggregate).collect());
    rows.iter().for_each(|row| cell.add(row.amount, row.distinct));
    let expected: Vec<_> = shape.more().iter().map(|(_, aggregate)| cell.value(*aggregate, 0)).collect();
    assert_eq!(totals[0].more, expected);
    assert_eq!(totals[1].more, vec![None; expected.len()], "nothing was counted");
}

/// What was counted anew replaces what there was, at once, unless it lacks something; of destinations that can do so.
///
/// # Panics
/// If the destination breaks the contract.
pub async fn check_adopt<D: Destination>(open: impl AsyncFn(Shape) -> D) {
    let shape = with_extremes("counted_anew");
    let (live, staged) = (open(shape.clone()).await, open(shape.staged()).await);
    live.prepare(&[key("1", "one"), key("2", "two")]).await.unwrap();
    live.count(&[row(0, "1", 0, 50), row(1, "2", 1, 100), row(5_000, "1", 0, 50)]).await.unwrap();
    staged.prepare(&[key("1", "one"), key("2", "two"), key("3", "three")]).await.unwrap();
    let anew = [row(0, "1", 3, 7), row(1, "3", 1, -8), row(2, "2", 0, 9)];
    staged.count(&anew).await.unwrap();
    let before = text(&live.totals().await.unwrap());
    assert!(!live.adopt(&shape.staged()).await.unwrap(), "one finding is not counted anew yet");
    assert_eq!(text(&live.totals().await.unwrap()), before);
    staged.count(&[row(5_000, "1", 3, 5)]).await.unwrap();
    assert!(live.adopt(&shape.staged()).await.unwrap());
    let expected = "1 \"one\" 2 12 [0, 0, 0, 12] [Some(5.0), Some(7.0)]\n\
                    2 \"two\" 1 9 [9, 0, 0, 0] [Some(9.0), Some(9.0)]\n\
                    3 \"three\" 1 -8 [0, -8, 0, 0] [Some(-8.0), Some(-8.0)]\n";
    assert_eq!(text(&live.totals().await.unwrap()), expected);
    assert_eq!(live.count(&anew).await.unwrap(), 0, "it is known what was counted");
    assert_eq!(live.count(&[row(3, "1", 0, 1)]).await.unwrap(), 1, "and it goes on");
    // Nothing of the staged one is left: it can begin anew.
    staged.prepare(&[]).await.unwrap();
    assert_eq!(text(&staged.totals().await.unwrap()), "");
    assert_eq!(staged.count(&anew).await.unwrap(), 3);
}

/// KP-W2: what was counted is not set back by a start.
async fn everyone_has_a_row_from_the_start<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let shape = shape("everyone", KeyType::Integer);
    let destination = open(shape.clone()).await;
    destination.prepare(&[key("10", "ten"), key("9", "nine")]).await.unwrap();
    let zeros = "9 \"nine\" 0 0 [0, 0, 0, 0]\n10 \"ten\" 0 0 [0, 0, 0, 0]\n";
    assert_eq!(text(&destination.totals().await.unwrap()), zeros);
    assert_eq!(destination.count(&[row(0, "9", 1, 100), row(1, "11", 3, -7)]).await.unwrap(), 2);
    let again = open(shape).await;
    again.prepare(&[key("9", "neun"), key("10", "ten")]).await.unwrap();
    let expected =
        "9 \"neun\" 1 100 [0, 100, 0, 0]\n10 \"ten\" 0 0 [0, 0, 0, 0]\n11 \"\" 1 -7 [0, 0, 0, -7]\n";
    assert_eq!(text(&again.totals().await.unwrap()), expected);
    again.prepare(&[key("11", "eleven")]).await.unwrap();
    assert!(text(&again.totals().await.unwrap()).ends_with("11 \"eleven\" 1 -7 [0, 0, 0, -7]\n"));
    let some = again.totals_of(&["11", "77", "9"].map(str::to_owned)).await.unwrap();
    assert_eq!(text(&some), "9 \"neun\" 1 100 [0, 100, 0, 0]\n11 \"eleven\" 1 -7 [0, 0, 0, -7]\n");
}

/// KP-W6, KP-W11: two people of one name are two, and neither a key nor a name is ever read as anything else.
async fn names_are_no_keys_and_may_hold_anything<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let destination = open(shape("names", KeyType::Text)).await;
    let label = "R1'; DROP TABLE x; -- \"\\ %s {} \u{1f600} é\n\t";
    let keys = ["", "29abc", "A", "a", "a ", "k'\\\"é\u{1f600}"];
    destination.prepare(&keys.map(|id| key(id, label))).await.unwrap();
    let rows: Vec<Row> = keys.iter().zip(0..).map(|(id, position)| row(position, id, 0, 1)).collect();
    assert_eq!(destination.count(&rows).await.unwrap(), 6);
    let expected: String = keys
        .iter()
        .map(|id| text(&[Total { by_category: vec![1, 0, 0, 0], ..total(id, label, 1, 1) }]))
        .collect();
    assert_eq!(text(&destination.totals().await.unwrap()), expected);
}

/// A key that is no number is refused with all that comes with it, and so is one that would be the same number as
/// another.
async fn a_number_is_written_in_one_way<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let destination = open(shape("numbers", KeyType::Integer)).await;
    let keys = ["-9223372036854775808", "-7", "0", "7", "9223372036854775807"];
    destination.prepare(&keys.map(|id| key(id, id))).await.unwrap();
    let expected = text(&destination.totals().await.unwrap());
    for no_number in ["007", "+7", "-0", "-07", "", " 7", "7.0", "29abc", "9223372036854775808"] {
        let counted = destination.count(&[row(0, "7", 0, 50), row(1, no_number, 0, 50)]).await;
        assert!(matches!(counted, Err(Error::Refused(..))), "{no_number:?}: {counted:?}");
        let prepared = destination.prepare(&[key("8", "eight"), key(no_number, "none")]).await;
        assert!(matches!(prepared, Err(Error::Refused(..))), "{no_number:?}: {prepared:?}");
        assert_eq!(text(&destination.totals().await.unwrap()), expected, "{no_number:?}");
    }
    let rows: Vec<Row> = keys.iter().zip(0..).map(|(id, position)| row(position, id, 0, 50)).collect();
    assert_eq!(destination.count(&rows).await.unwrap(), 5);
}

fn total(key: &str, label: &str, count: u64, sum: i64) -> Total {
    Total { key: key.to_owned(), label: label.to_owned(), count, sum, ..Total::default() }
}

/// KP-W1: what is delivered twice counts once, in one batch or in two, and by two processes; two equal lines at two
/// places are two, and so are two lines at one place.
async fn each_finding_counts_once<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let shape = shape("once", KeyType::Integer);
    let (one, two) = (open(shape.clone()).await, open(shape).await);
    one.prepare(&[key("1", "one")]).await.unwrap();
    let first = row(0, "1", 0, 50);
    let other_content = Row { content: 99, ..first.clone() };
    let other_source = Row { source: "file".into(), ..first.clone() };
    assert_eq!(one.count(&[first.clone(), first.clone()]).await.unwrap(), 1);
    assert_eq!(two.count(std::slice::from_ref(&first)).await.unwrap(), 0);
    let all = [first, other_content, other_source, row(1, "1", 0, 50)];
    assert_eq!(two.count(&all).await.unwrap(), 3);
    assert_eq!(one.count(&all).await.unwrap(), 0);
    assert_eq!(one.count(&[]).await.unwrap(), 0);
    assert_eq!(text(&one.totals().await.unwrap()), "1 \"one\" 4 200 [200, 0, 0, 0]\n");
}

/// KP-W8: late, out of order, in batches of any size, repeated: the same table.
async fn order_and_batches_change_nothing<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let mut random = Random::new(2028);
    let mut rows: Vec<Row> = (0..3_000)
        .map(|position| {
            let (person, category) = (random.below(97), random.below(4));
            row(position, &person.to_string(), category as u16, 50 << category)
        })
        .collect();
    let straight = open(shape("straight", KeyType::Integer)).await;
    straight.prepare(&[]).await.unwrap();
    assert_eq!(straight.count(&rows).await.unwrap(), 3_000);
    let shuffled = open(shape("shuffled", KeyType::Integer)).await;
    shuffled.prepare(&[]).await.unwrap();
    let mut counted = 0;
    for round in 0..2 {
        rows.sort_by_cached_key(|_| random.next_u64());
        let mut rest = &rows[..];
        while !rest.is_empty() {
            let (batch, later) = rest.split_at((1 + random.below(400)).min(rest.len()));
            counted += shuffled.count(batch).await.unwrap();
            rest = later;
        }
        assert_eq!(counted, 3_000, "after round {round}");
    }
    let expected = straight.totals().await.unwrap();
    assert_eq!(text(&shuffled.totals().await.unwrap()), text(&expected));
    assert_eq!(expected.iter().map(|total| total.count).sum::<u64>(), 3_000);
}

/// Without labels, and without the second table.
async fn shapes_with_less_are_kept_too<D: Destination>(open: &impl AsyncFn(Shape) -> D) {
    let less = Shape { label: None, totals: None, ..shape("less", KeyType::Text) };
    let destination = open(less).await;
    destination.prepare(&[key("a", "unused")]).await.unwrap();
    destination.count(&[row(0, "a", 2, 500), row(1, "b", 0, 50)]).await.unwrap();
    let sums: Vec<_> =
        destination.totals().await.unwrap().into_iter().map(|total| total.by_category).collect();
    assert_eq!(sums, [[0, 0, 500, 0], [50, 0, 0, 0]]);
    assert!(destination.totals().await.unwrap().iter().all(|total| total.label.is_empty()));
}

/// Many processes at once, which all prepare, and whose batches overlap: each finding counts once. `open` as for
/// [`check`]; to be called within a runtime, and by destinations that take several connections. `spawn` begins at once.
///
/// # Panics
/// If the destination breaks the contract.
pub async fn check_at_once<D: Destination + 'static, S>(
    open: impl AsyncFn(Shape) -> D,
    spawn: impl Fn(futures::Counting) -> S,
) where
    S: Future<Output = u64>,
{
    let shape = shape("at_once", KeyType::Integer);
    let rows: Vec<Row> = (0..2_000).map(|at| row(at, &(at % 53).to_string(), (at % 4) as u16, 10)).collect();
    let mut counting = Vec::new();
    for worker in 0..4 {
        let destination: Arc<dyn Destination> = Arc::new(open(shape.clone()).await);
        let mut rows = rows.clone();
        let mut random = Random::new(worker);
        rows.sort_by_cached_key(|_| random.next_u64());
        counting.push(spawn(Box::pin(async move {
            destination.prepare(&[key("7", "seven")]).await.unwrap();
            let mut counted = 0;
            for batch in rows.chunks(100) {
                counted += destination.count(batch).await.unwrap();
            }
            counted
        })));
    }
    let mut counted = 0;
    for one in counting {
        counted += one.await;
    }
    assert_eq!(counted, 2_000);
    let totals = open(shape).await.totals().await.unwrap();
    assert_eq!(totals.iter().map(|total| total.count).sum::<u64>(), 2_000);
    assert_eq!(totals.iter().map(|total| total.sum).sum::<i64>(), 20_000);
}

/// Many count while another counts anew what they count, beside them, until that takes its place: each finding counts
/// once, as it counted anew if it did so in time. `open` and `spawn` as for [`check_at_once`].
///
/// # Panics
/// If the destination breaks the contract.
pub async fn check_adopt_at_once<D: Destination + 'static, S>(
    open: impl AsyncFn(Shape) -> D,
    spawn: impl Fn(futures::Counting) -> S,
) where
    S: Future<Output = u64>,
{
    // Each is a race of its own, and what is lost in one would be found again by the next.
    for round in 0..8 {
        adopt_at_once(with_extremes(&format!("adopted_at_once_{round}")), &open, &spawn).await;
    }
}

async fn adopt_at_once<D: Destination + 'static, S>(
    shape: Shape,
    open: &impl AsyncFn(Shape) -> D,
    spawn: &impl Fn(futures::Counting) -> S,
) where
    S: Future<Output = u64>,
{
    const ROWS: usize = 500;
    const BATCH: usize = 20;
    let rows_worth = |amount: i64| -> Arc<[Row]> {
        (0..ROWS as u64).map(|at| row(at, &(at % 53).to_string(), (at % 4) as u16, amount)).collect()
    };
    let (rows, anew) = (rows_worth(10), rows_worth(7));
    let (live, staged) = (open(shape.clone()).await, open(shape.staged()).await);
    live.prepare(&[]).await.unwrap();
    staged.prepare(&[]).await.unwrap();
    // How far the findings have come.
    let come = Arc::new(AtomicUsize::new(BATCH));
    let mut counting = Vec::new();
    for _ in 0..3 {
        let destination = open(shape.clone()).await;
        let (rows, come) = (Arc::clone(&rows), Arc::clone(&come));
        counting.push(spawn(Box::pin(async move {
            let (mut done, mut counted) = (0_usize, 0);
            while done < ROWS {
                let until = come.load(Ordering::SeqCst);
                for batch in rows[done.saturating_sub(2 * BATCH)..until].chunks(BATCH) {
                    counted += destination.count(batch).await.unwrap();
                }
                done = until;
            }
            counted
        })));
    }
    let mut in_time = 0;
    for attempt in 1.. {
        let until = come.load(Ordering::SeqCst);
        in_time += staged.count(&anew[in_time..until]).await.unwrap() as usize;
        // What comes now is counted before the others take the place, which lack it, or behind that. Those who count may
        // be faster each time: then nothing comes for once.
        let comes = if attempt % 8 == 0 { 0 } else { BATCH };
        come.store((until + comes).min(ROWS), Ordering::SeqCst);
        if live.adopt(&shape.staged()).await.unwrap() {
            break;
        }
    }
    come.store(ROWS, Ordering::SeqCst);
    let mut counted = 0;
    for one in counting {
        counted += one.await;
    }
    assert!((ROWS - in_time..=ROWS).contains(&(counted as usize)), "{counted}");
    let expected = InMemory::new(shape.clone());
    expected.count(&anew[..in_time]).await.unwrap();
    expected.count(&rows[in_time..]).await.unwrap();
    let totals = live.totals().await.unwrap();
    assert_eq!(text(&totals), text(&expected.totals().await.unwrap()), "{in_time} counted anew in time");
}

/// The type of a task of [`check_at_once`].
pub mod futures {
    use std::pin::Pin;

    /// Counts, and says how many.
    pub type Counting = Pin<Box<dyn Future<Output = u64> + Send>>;
}
