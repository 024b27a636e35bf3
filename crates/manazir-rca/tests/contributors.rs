//! What explains a change in a cube, on cubes made by hand and at random.

use std::collections::BTreeSet;

use manazir_model::Random;
use manazir_rca::contributors::{
    Builder, Config, Cube, Dimension, Error, Explanation, Measure, Rows, Side, SummaryConfig, Verdict,
    explain, heatmap, summary,
};
use proptest::prelude::*;

const SIZES: [usize; 4] = [6, 5, 7, 4];

const DIMENSIONS: [&str; 4] = ["country", "app", "shop", "kind"];

type Values = Vec<(usize, u32)>;

/// Sizes differ by orders of magnitude, forecasts err by `noise`, and the leaves of each element keep only so much.
fn rows(seed: u64, noise: f64, causes: &[(&[(usize, u32)], f64)]) -> Rows {
    let mut random = Random::new(seed);
    let dimensions = DIMENSIONS.iter().zip(SIZES).map(|(name, size)| Dimension {
        name: (*name).into(),
        values: (0..size).map(|value| format!("{name}{value}")).collect(),
    });
    let mut codes = vec![Vec::new(); SIZES.len()];
    let (mut actual, mut expected) = (Vec::new(), Vec::new());
    for leaf in 0..SIZES.iter().product::<usize>() {
        let mut rest = leaf;
        let leaf: Vec<u32> = SIZES
            .iter()
            .map(|size| {
                let code = rest % size;
                rest /= size;
                code as u32
            })
            .collect();
        leaf.iter().zip(&mut codes).for_each(|(code, codes)| codes.push(*code));
        let forecast = (3.0 + 1.5 * random.normal()).exp();
        let kept = causes
            .iter()
            .rfind(|(element, _)| element.iter().all(|(dimension, code)| leaf[*dimension] == *code));
        actual
            .push(forecast * kept.map_or(1.0, |(_, kept)| *kept) * (1.0 + noise * random.normal()).max(0.0));
        expected.push(forecast);
    }
    Rows { dimensions: dimensions.collect(), codes, measure: Measure::Additive { actual, expected } }
}

fn numbers(rows: &mut Rows) -> [&mut Vec<f64>; 2] {
    match &mut rows.measure {
        Measure::Additive { actual, expected } => [actual, expected],
        Measure::Ratio { .. } => panic!("additive"),
    }
}

fn labels(cube: &Cube, explanation: &Explanation) -> BTreeSet<String> {
    explanation.elements.iter().map(|element| cube.label(&element.values)).collect()
}

/// Elements are told as "country=country1 & app=app2, kind=kind0".
#[track_caller]
fn check(rows: Rows, elements: &str) -> Explanation {
    let cube = Cube::new(rows).expect("rows are whole");
    let explanation = explain(&cube, &Config::default());
    let expected: BTreeSet<String> =
        elements.split(", ").filter(|label| !label.is_empty()).map(Into::into).collect();
    assert_eq!(labels(&cube, &explanation), expected, "{explanation:#?}");
    explanation
}

#[test]
fn one_value_of_one_dimension() {
    let explanation = check(rows(1, 0.05, &[(&[(1, 2)], 0.6)]), "app=app2");
    let element = &explanation.elements[0];
    assert_eq!(explanation.verdict, Verdict::Elements);
    assert_eq!(element.leaves, 6 * 7 * 4);
    assert!((element.deviation + 0.4).abs() < 0.03 && element.follow > 0.95 && element.confidence > 0.999);
    assert!((element.share - 1.0).abs() < 0.1 && (element.closes - element.share).abs() < 1e-9);
    assert!((explanation.noise - 0.05).abs() < 0.01, "{}", explanation.noise);
}

#[test]
fn combinations_of_every_number_of_dimensions() {
    check(rows(2, 0.05, &[(&[(0, 1), (3, 2)], 0.5)]), "country=country1 & kind=kind2");
    check(rows(3, 0.05, &[(&[(0, 1), (1, 4), (2, 6)], 0.3)]), "country=country1 & app=app4 & shop=shop6");
    let leaf: &[(usize, u32)] = &[(0, 3), (1, 0), (2, 5), (3, 1)];
    check(rows(4, 0.05, &[(leaf, 0.1)]), "country=country3 & app=app0 & shop=shop5 & kind=kind1");
}

#[test]
fn siblings_stay_apart_from_their_parent() {
    let causes: [(&[(usize, u32)], f64); 2] = [(&[(0, 1), (3, 2)], 0.5), (&[(0, 4), (3, 2)], 0.5)];
    check(rows(5, 0.05, &causes), "country=country1 & kind=kind2, country=country4 & kind=kind2");
}

#[test]
fn causes_that_overlap_are_both_found() {
    let causes: [(&[(usize, u32)], f64); 2] = [(&[(0, 1)], 0.7), (&[(1, 3)], 0.2)];
    let explanation = check(rows(6, 0.05, &causes), "country=country1, app=app3");
    let shares: f64 = explanation.elements.iter().map(|element| element.share).sum();
    assert!((shares - 1.0).abs() < 0.1, "a leaf counts once: {shares}");
}

#[test]
fn what_moved_against_the_whole_comes_last() {
    let causes: [(&[(usize, u32)], f64); 2] = [(&[(0, 1)], 0.3), (&[(1, 3), (3, 0)], 1.5)];
    let explanation = check(rows(7, 0.05, &causes), "country=country1, app=app3 & kind=kind0");
    assert!(explanation.elements[0].share > 0.0 && explanation.elements[1].share < 0.0);
}

#[test]
fn noise_has_no_elements() {
    for seed in 10..30 {
        let explanation = check(rows(seed, 0.2, &[]), "");
        assert_eq!(explanation.verdict, Verdict::Noise, "{explanation:?}");
    }
}

#[test]
fn what_happens_everywhere_has_no_dimension() {
    let explanation = check(rows(8, 0.03, &[(&[], 0.7)]), "");
    assert_eq!(explanation.verdict, Verdict::Everywhere);
    assert!((explanation.everywhere.unwrap() - 0.7).abs() < 0.01);
    let causes: [(&[(usize, u32)], f64); 2] = [(&[], 0.7), (&[(2, 3)], 0.3)];
    let explanation = check(rows(9, 0.03, &causes), "shop=shop3");
    assert_eq!(explanation.verdict, Verdict::Elements);
}

#[test]
fn a_change_that_follows_no_dimension_is_said_to_be_nowhere() {
    let mut rows = rows(9, 0.02, &[]);
    let mut random = Random::new(1);
    let [actual, _] = numbers(&mut rows);
    actual.iter_mut().for_each(|actual| {
        *actual *= if random.uniform() < 0.4 { 0.85 + 0.1 * random.uniform() } else { 1.0 }
    });
    let cube = Cube::new(rows).unwrap();
    let explanation = explain(&cube, &Config { gain: 6.0, ..Config::default() });
    assert_eq!((explanation.verdict, explanation.elements.len()), (Verdict::Nowhere, 0), "{explanation:#?}");
}

#[test]
fn a_rate_falls_where_its_numerators_do() {
    let Rows { dimensions, codes, measure: Measure::Additive { actual, expected } } =
        rows(11, 0.05, &[(&[(1, 2)], 0.5)])
    else {
        panic!("additive")
    };
    let over = |numbers: &[f64]| numbers.to_vec();
    let under: Vec<f64> = expected.iter().map(|number| 4.0 * number).collect();
    let measure =
        Measure::Ratio { actual: [over(&actual), under.clone()], expected: [over(&expected), under] };
    let cube = Cube::new(Rows { dimensions, codes, measure }).unwrap();
    let explanation = explain(&cube, &Config::default());
    assert_eq!(labels(&cube, &explanation), BTreeSet::from(["app=app2".to_owned()]));
    let element = &explanation.elements[0];
    assert!((element.totals.expected - 0.25).abs() < 1e-9 && (element.totals.actual - 0.125).abs() < 0.01);
    let sum = element.contribution + explanation.remainder;
    assert!(
        (sum - explanation.totals.change()).abs() < 1e-12 && (element.closes - element.share).abs() < 0.05
    );
}

#[test]
fn rows_of_a_leaf_are_summed_and_gaps_left_out() {
    let mut builder = Builder::new(&["country", "app"]);
    builder.push(&["FR", "5.1"], 2.0, 4.0);
    builder.push(&["DE", "5.1"], 1.0, 1.0);
    builder.push(&["FR", "5.1"], 3.0, 5.0);
    builder.push(&["DE", "5.2"], f64::NAN, 5.0);
    let cube = builder.build().unwrap();
    assert_eq!((cube.len(), cube.gaps()), (2, 1));
    assert_eq!(cube.measure(), &Measure::Additive { actual: vec![1.0, 5.0], expected: vec![1.0, 9.0] });
    assert_eq!(cube.dimensions()[0].values, ["DE", "FR"]);
}

#[test]
fn broken_rows_are_refused() {
    let broken = |change: fn(&mut Rows)| {
        let mut rows = rows(1, 0.1, &[]);
        change(&mut rows);
        Cube::new(rows).unwrap_err()
    };
    assert_eq!(broken(|rows| numbers(rows)[0][3] = f64::INFINITY), Error::Infinite(3));
    assert_eq!(broken(|rows| rows.dimensions[1].name = "country".into()), Error::Duplicate("country".into()));
    assert!(matches!(broken(|rows| rows.codes[2][7] = 7), Error::Code { row: 7, code: 7, values: 7, .. }));
    assert!(matches!(broken(|rows| rows.codes[2].truncate(839)), Error::Length { len: 839, rows: 840, .. }));
    assert_eq!(broken(|rows| rows.dimensions.clear()), Error::Dimensions(0));
    let empty = Builder::new(&["country"]).build().unwrap();
    let explanation = explain(&empty, &Config::default());
    assert_eq!((explanation.verdict, summary(&empty, &SummaryConfig::default()).len()), (Verdict::Noise, 1));
}

#[test]
fn the_table_shows_causes_and_what_is_left_of_their_parents() {
    let causes: [(&[(usize, u32)], f64); 2] = [(&[(0, 1)], 0.6), (&[(0, 1), (1, 3)], 0.1)];
    let cube = Cube::new(rows(12, 0.02, &causes)).unwrap();
    let config = SummaryConfig { rows: 3, order: Some(vec![0, 1]), ..SummaryConfig::default() };
    let table = summary(&cube, &config);
    let rows: Vec<(String, usize)> = table.iter().map(|row| (cube.label(&row.values), row.without)).collect();
    let row = |label: &str, without| (label.to_owned(), without);
    let expected = [row("everything", 1), row("country=country1", 1), row("country=country1 & app=app3", 0)];
    assert_eq!(rows, expected);
    assert!(
        (table[1].totals.actual / table[1].totals.expected - 0.6).abs() < 0.02,
        "without the part that is worse"
    );
    assert!((table.iter().map(|row| row.share).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn gainers_and_losers_have_tables_of_their_own() {
    let causes: [(&[(usize, u32)], f64); 2] = [(&[(0, 1)], 0.4), (&[(0, 2)], 1.5)];
    let cube = Cube::new(rows(13, 0.02, &causes)).unwrap();
    let table = |side| {
        let rows = summary(&cube, &SummaryConfig { rows: 2, depth: 1, side, ..SummaryConfig::default() });
        rows.iter().map(|row| cube.label(&row.values)).collect::<Vec<_>>()
    };
    assert_eq!(table(Side::Down), ["everything", "country=country1"]);
    assert_eq!(table(Side::Up), ["everything", "country=country2"]);
}

fn some_causes() -> impl Strategy<Value = Vec<(Values, f64)>> {
    let values = prop::collection::btree_map(0..SIZES.len(), 0_u32..4, 1..=SIZES.len());
    let cause = (values, 0.0..0.6).prop_map(|(values, kept)| (values.into_iter().collect(), kept));
    prop::collection::vec(cause, 0..3)
}

fn some_rows() -> impl Strategy<Value = Rows> {
    (any::<u64>(), 0.01..0.2, some_causes()).prop_map(|(seed, noise, causes)| {
        let causes: Vec<(&[(usize, u32)], f64)> =
            causes.iter().map(|(values, kept)| (values.as_slice(), *kept)).collect();
        rows(seed, noise, &causes)
    })
}

fn shuffled(mut rows: Rows, seed: u64) -> Rows {
    let mut random = Random::new(seed);
    let n = rows.codes[0].len();
    for place in (1..n).rev() {
        let other = random.below(place + 1);
        rows.codes.iter_mut().for_each(|column| column.swap(place, other));
        numbers(&mut rows).into_iter().for_each(|column| column.swap(place, other));
    }
    for (dimension, codes) in rows.dimensions.iter_mut().zip(&mut rows.codes) {
        let last = dimension.values.len() as u32 - 1;
        dimension.values.reverse();
        codes.iter_mut().for_each(|code| *code = last - *code);
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_rows_and_values_changes_nothing(rows in some_rows(), seed in any::<u64>()) {
        let (cube, other) = (Cube::new(rows.clone()).unwrap(), Cube::new(shuffled(rows, seed)).unwrap());
        prop_assert_eq!(&cube, &other);
        prop_assert_eq!(explain(&cube, &Config::default()), explain(&other, &Config::default()));
        let config = SummaryConfig::default();
        prop_assert_eq!(summary(&cube, &config), summary(&other, &config));
    }

    #[test]
    fn parts_and_remainder_sum_to_the_change(rows in some_rows()) {
        let cube = Cube::new(rows).unwrap();
        let explanation = explain(&cube, &Config::default());
        let (change, size) = (explanation.totals.change(), explanation.totals.expected);
        let is_change = |sum: f64| (sum - change).abs() < 1e-9 * size;
        let parts: f64 = explanation.elements.iter().map(|element| element.contribution).sum();
        prop_assert!(is_change(parts + explanation.remainder));
        let rows = summary(&cube, &SummaryConfig::default());
        prop_assert!(is_change(rows.iter().map(|row| row.contribution).sum()));
        for dimension in heatmap(&cube) {
            prop_assert!(is_change(dimension.iter().map(|row| row.contribution).sum()));
        }
    }

    #[test]
    fn what_did_not_change_is_no_element(rows in some_rows(), value in 0_u32..4) {
        let mut rows = rows;
        let same: Vec<usize> = (0..rows.codes[3].len()).filter(|row| rows.codes[3][*row] == value).collect();
        let [actual, expected] = numbers(&mut rows);
        same.iter().for_each(|row| actual[*row] = expected[*row]);
        let cube = Cube::new(rows).unwrap();
        let explanation = explain(&cube, &Config::default());
        prop_assert!(explanation.elements.iter().all(|element| !element.values.contains(&(3, value))));
    }

    #[test]
    fn a_unit_of_measure_changes_no_element(rows in some_rows(), factor in 1e-3..1e6) {
        let cube = Cube::new(rows.clone()).unwrap();
        let mut scaled = rows;
        numbers(&mut scaled).into_iter().for_each(|column| column.iter_mut().for_each(|number| *number *= factor));
        let scaled = Cube::new(scaled).unwrap();
        let config = Config::default();
        prop_assert_eq!(labels(&cube, &explain(&cube, &config)), labels(&scaled, &explain(&scaled, &config)));
    }
}
