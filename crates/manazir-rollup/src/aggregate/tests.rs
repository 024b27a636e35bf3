//! Cells as destinations and windows use them.

use proptest::prelude::*;

use super::*;
use crate::AMOUNT_MAX;

const ALL: Wanted = Wanted { distinct: true, quantiles: true };

fn cell(amounts: &[(i64, u64)]) -> Cell {
    let mut cell = Cell::new(&ALL);
    amounts.iter().for_each(|&(amount, thing)| cell.add(amount, Some(hash(thing))));
    cell
}

fn hash(thing: u64) -> u64 {
    Distinct::hash(&thing.to_string())
}

#[test]
fn an_aggregate_is_its_word() {
    for word in ["count", "sum", "mean", "min", "max", "distinct", "p0", "p50", "p99.9", "p99.999", "p100"] {
        let aggregate: Aggregate = word.parse().unwrap();
        assert_eq!(aggregate.to_string(), word);
        assert_eq!(serde_json::to_string(&aggregate).unwrap(), format!("{word:?}"));
        assert_eq!(serde_json::from_str::<Aggregate>(&format!("{word:?}")).unwrap(), aggregate);
    }
    assert_eq!("p99.9".parse(), Ok(Aggregate::Quantile(0.999)));
    for word in ["", "p", "p.5", "p5.", "p-1", "p1e1", "p100.1", "pnan", "p1.2345", "Count", "median"] {
        assert_eq!(word.parse::<Aggregate>(), Err(UnknownAggregate(word.to_owned())));
    }
    let told = UnknownAggregate("median".to_owned()).to_string();
    assert!(told.starts_with("\"median\" is no aggregate: those are count, sum, mean"), "{told}");
}

#[test]
fn values_have_the_decimals_of_their_amounts() {
    let cell = cell(&[(250, 1), (-100, 2), (300, 1)]);
    let value = |word: &str| cell.value(word.parse().unwrap(), 2);
    assert_eq!((value("count"), value("sum"), value("mean")), (Some(3.0), Some(4.5), Some(1.5)));
    assert_eq!((value("min"), value("max"), value("distinct")), (Some(-1.0), Some(3.0), Some(2.0)));
    assert_eq!((value("p0"), value("p100")), (Some(-1.0), Some(3.0)));
    assert!((value("p50").unwrap() - 2.5).abs() <= 0.025);
}

#[test]
fn of_nothing_there_is_a_count_and_no_mean() {
    let cell = Cell::new(&ALL);
    let value = |word: &str| cell.value(word.parse().unwrap(), 0);
    assert_eq!(["count", "sum", "distinct"].map(value), [Some(0.0); 3]);
    assert_eq!(["mean", "min", "max", "p50"].map(value), [None; 4]);
    let plain = Cell::new(&Wanted::default());
    assert_eq!((plain.value(Aggregate::Distinct, 0), plain.value(Aggregate::Quantile(0.5), 0)), (None, None));
}

#[test]
fn what_is_not_kept_takes_no_room_and_is_not_half_known() {
    let wanted: Wanted = [Aggregate::Mean, Aggregate::Quantile(0.5)].into_iter().collect();
    assert_eq!(wanted, Wanted { distinct: false, quantiles: true });
    let mut plain = Cell::new(&Wanted::default());
    plain.add(7, None);
    assert_eq!(plain.to_bytes().len(), 7);
    let mut whole = cell(&[(1, 1)]);
    whole.merge(&Cell::new(&Wanted::default()));
    assert_eq!(whole, cell(&[(1, 1)]), "an empty cell changes nothing");
    whole.merge(&plain);
    assert_eq!((whole.count, &whole.distinct, &whole.quantiles), (2, &None, &None));
}

#[test]
fn many_different_things_are_counted_nearly() {
    for many in [100, 1_000, 50_000] {
        let whole = cell(&(0..many).map(|thing| (1, thing)).collect::<Vec<_>>());
        let told = whole.value(Aggregate::Distinct, 0).unwrap();
        assert!((told / many as f64 - 1.0).abs() < 0.2, "{many}: {told}");
    }
}

#[test]
fn a_sum_that_does_not_fit_ends_at_the_largest() {
    let mut cell = Cell::new(&Wanted::default());
    [i64::MAX, i64::MAX].into_iter().for_each(|amount| cell.add(amount, None));
    assert_eq!(cell.sum, i64::MAX);
}

fn amounts() -> impl Strategy<Value = Vec<(i64, u64)>> {
    let amount = prop_oneof![4 => -1_000..1_000i64, 1 => -AMOUNT_MAX..=AMOUNT_MAX, 1 => Just(0)];
    prop::collection::vec((amount, 0..200u64), 0..300)
}

proptest! {
    /// Whoever saw which part, and whoever is merged into whom: equal cells, and equal bytes.
    #[test]
    fn merging_is_adding_all(amounts in amounts(), parts in 1..6usize, turn in 0..6usize, stored: bool) {
        let whole = cell(&amounts);
        let mut cells: Vec<Cell> = (0..parts)
            .map(|part| cell(&amounts.iter().copied().skip(part).step_by(parts).collect::<Vec<_>>()))
            .collect();
        cells.rotate_left(turn % parts);
        let mut merged = Cell::default();
        for part in &cells {
            if stored {
                merged = Cell::from_bytes(&merged.to_bytes()).unwrap();
            }
            merged.merge(part);
        }
        if amounts.is_empty() {
            merged = Cell::new(&ALL);
        }
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(merged.to_bytes(), whole.to_bytes());
    }

    #[test]
    fn a_quantile_is_within_one_percent(amounts in amounts(), share in 0.0..=1.0f64) {
        prop_assume!(!amounts.is_empty());
        let mut sorted: Vec<i64> = amounts.iter().map(|&(amount, _)| amount).collect();
        sorted.sort_unstable();
        let exact = sorted[(share * (sorted.len() - 1) as f64) as usize] as f64;
        let told = cell(&amounts).value(Aggregate::Quantile(share), 0).unwrap();
        // A hair for the rounding of the logarithm.
        prop_assert!((told - exact).abs() <= exact.abs() * sketch::ERROR_MAX * 1.000_001, "{} {}", told, exact);
    }

    #[test]
    fn damaged_bytes_are_refused_or_are_a_cell(
        amounts in amounts(), cut in 0..4_000usize, flip in 0..4_000usize, bit in 0..8u8,
    ) {
        let mut bytes = cell(&amounts).to_bytes();
        let at = flip % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(mut read) = Cell::from_bytes(&bytes) {
            read.add(1, Some(1));
            read.merge(&cell(&amounts));
            read.value(Aggregate::Quantile(0.5), 0);
            read.value(Aggregate::Distinct, 0);
        }
        bytes.truncate(cut % bytes.len());
        prop_assert!(Cell::from_bytes(&bytes).is_err());
    }
}
