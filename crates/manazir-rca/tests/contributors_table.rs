//! From series of a table to the cube of an episode.

use manazir_model::{Grain, Random, Timestamp};
use manazir_rca::contributors::{
    Back, Baseline, Builder, Config, Cube, Error, History, Leaf, Measure, Numbers, Span, Verdict, explain,
    heatmap,
};
use proptest::prelude::*;

const HOUR: i64 = Grain::HOUR.micros();
const WEEKS: i64 = 4;
const SLOTS: i64 = WEEKS * 7 * 24;

fn hour(index: i64) -> Timestamp {
    Timestamp(index * HOUR)
}

fn span(first: i64, last: i64) -> Span {
    Span { start: hour(first), end: hour(last) }
}

/// Hours from the last week on.
const EPISODE: (i64, i64) = (SLOTS - 60, SLOTS - 49);

#[derive(Clone, Debug)]
struct Column {
    at: Vec<Timestamp>,
    actual: Vec<f64>,
    expected: Vec<f64>,
}

impl Column {
    fn numbers(&self) -> Numbers<'_> {
        Numbers { at: &self.at, actual: &self.actual, expected: &self.expected }
    }
}

/// Country, app, and what was measured there.
type Row = (String, String, Column);

/// Hours of four weeks; `kept` of what is usual is left of app a1 in country c2 in the episode. Some rows are missing.
fn rows(seed: u64, kept: f64, missing: f64) -> Vec<Row> {
    let mut random = Random::new(seed);
    let mut rows = Vec::new();
    for country in 0..5 {
        for app in 0..4 {
            let level = 20.0 * (1.0 + 4.0 * random.uniform());
            let mut column = Column { at: Vec::new(), actual: Vec::new(), expected: Vec::new() };
            for slot in 0..SLOTS {
                let usual = level * (1.0 + 0.5 * (slot as f64 * std::f64::consts::TAU / 24.0).sin());
                let is_cause = (country, app) == (2, 1) && (EPISODE.0..=EPISODE.1).contains(&slot);
                let value = usual * if is_cause { kept } else { 1.0 } * (1.0 + 0.05 * random.normal());
                if random.uniform() >= missing {
                    column.at.push(hour(slot));
                    column.actual.push(value);
                    column.expected.push(usual);
                }
            }
            rows.push((format!("c{country}"), format!("a{app}"), column));
        }
    }
    rows
}

fn history(rows: &[Row]) -> History<'_> {
    let leaves = rows.iter().map(|(country, app, column)| Leaf {
        values: vec![country.as_str(), app.as_str()],
        over: column.numbers(),
        under: None,
    });
    History::new(vec!["country".into(), "app".into()], leaves.collect(), &[span(EPISODE.0, EPISODE.1)])
}

/// The same with a denominator of ten times what is usual, which grows in country c3.
fn ratios<'a>(rows: &'a [Row], under: &'a [Column]) -> History<'a> {
    let leaves = rows.iter().zip(under).map(|((country, app, column), under)| Leaf {
        values: vec![country.as_str(), app.as_str()],
        over: column.numbers(),
        under: Some(under.numbers()),
    });
    History::new(vec!["country".into(), "app".into()], leaves.collect(), &[span(EPISODE.0, EPISODE.1)])
}

fn denominators(rows: &[Row]) -> Vec<Column> {
    let one = |(country, _, column): &Row| {
        let times = |index: usize| {
            let grown = country == "c3" && (EPISODE.0..=EPISODE.1).any(|slot| hour(slot) == column.at[index]);
            column.expected[index] * if grown { 15.0 } else { 10.0 }
        };
        Column {
            at: column.at.clone(),
            actual: (0..column.at.len()).map(times).collect(),
            expected: column.expected.iter().map(|expected| 10.0 * expected).collect(),
        }
    };
    rows.iter().map(one).collect()
}

fn baselines(whole: Option<f64>) -> Vec<Baseline> {
    let episode = span(EPISODE.0, EPISODE.1);
    let back = Back::of(episode, Grain::HOUR, hour(0)).expect("four weeks have a week before the last");
    assert_eq!(back, Back::Weeks(1));
    let spans = |n| Baseline::Spans(back.spans(episode, hour(0), n));
    vec![Baseline::Expected { before: back.micros(), whole }, spans(1), spans(9)]
}

fn cubes(history: &History<'_>) -> Vec<Cube> {
    [None, Some(9_000.0)].map(|whole| cubes_of(history, whole)).concat()
}

/// Against each baseline, with leaves scaled to a whole if there is one.
fn cubes_of(history: &History<'_>, whole: Option<f64>) -> Vec<Cube> {
    let cube =
        |baseline: &Baseline| history.cube(span(EPISODE.0, EPISODE.1), baseline).expect("rows are whole");
    baselines(whole).iter().map(cube).collect()
}

#[test]
fn every_baseline_names_the_combination() {
    for cube in cubes_of(&history(&rows(1, 0.3, 0.0)), None) {
        let explanation = explain(&cube, &Config::default());
        assert_eq!(explanation.verdict, Verdict::Elements);
        assert_eq!(cube.label(&explanation.elements[0].values), "country=c2 & app=a1");
        assert!(explanation.elements[0].share > 0.6, "{explanation:?}");
    }
}

#[test]
fn sums_are_those_of_the_episode() {
    let column = Column {
        at: [0, 1, 3, 4, 168, 169, 170, 171, 172].map(hour).into(),
        actual: vec![1.0, 2.0, 4.0, 5.0, 10.0, 11.0, f64::NAN, 13.0, 14.0],
        expected: vec![1.0, 2.0, 4.0, 5.0, 8.0, f64::NAN, 9.0, 9.0, 9.0],
    };
    let other = Column { at: [170].map(hour).into(), actual: vec![7.0], expected: vec![7.0] };
    let leaf = |app, column: &'static Column| Leaf { values: vec![app], over: column.numbers(), under: None };
    let [column, other] = [column, other].map(|column| &*Box::leak(Box::new(column)));
    let history =
        History::new(vec!["app".into()], vec![leaf("a", column), leaf("b", other)], &[span(168, 172)]);
    let check = |baseline: Baseline, wanted: [f64; 2]| {
        let cube = history.cube(span(168, 171), &baseline).unwrap();
        let Measure::Additive { actual, expected } = cube.measure() else { panic!("additive") };
        assert_eq!((actual.as_slice(), expected.as_slice()), (&[34.0, 7.0][..], &wanted[..]), "{baseline:?}");
    };
    // 169 was not forecast, 170 has no number: the one is taken from 1, the other from 2, where there is none either.
    check(Baseline::Expected { before: 168 * HOUR, whole: None }, [8.0 + 2.0 + 9.0, 7.0]);
    check(Baseline::Expected { before: 0, whole: None }, [8.0 + 9.0, 7.0]);
    check(Baseline::Expected { before: 0, whole: Some(48.0) }, [34.0, 14.0]);
    check(Baseline::Expected { before: 0, whole: Some(f64::NAN) }, [17.0, 7.0]);
    check(Baseline::Spans(vec![span(0, 3)]), [7.0, 0.0]);
    check(Baseline::Spans(vec![span(0, 1), span(3, 4)]), [6.0, 0.0]);
    check(Baseline::Spans(Vec::new()), [0.0, 0.0]);
}

#[test]
fn forecasts_that_are_too_low_on_the_whole_are_made_up_for() {
    // Counted once in four hours: the usual value is 0, the mean a quarter.
    let at: Vec<Timestamp> = (0..400).map(hour).collect();
    let actual: Vec<f64> = (0..400).map(|slot| f64::from(u8::from(slot % 4 == 0))).collect();
    let expected = vec![0.0; 400];
    let leaf = Leaf {
        values: vec!["a"],
        over: Numbers { at: &at, actual: &actual, expected: &expected },
        under: None,
    };
    let history = History::new(vec!["app".into()], vec![leaf], &[span(300, 399)]);
    let cube = history.cube(span(300, 399), &Baseline::Expected { before: 0, whole: None }).unwrap();
    assert_eq!(cube.measure(), &Measure::Additive { actual: vec![25.0], expected: vec![25.0] });
}

#[test]
fn a_span_before_is_looked_for_in_weeks_then_days_then_just_before() {
    let of = |episode: Span, grain: Grain, first: i64| Back::of(episode, grain, hour(first));
    assert_eq!(of(span(400, 410), Grain::HOUR, 0), Some(Back::Weeks(1)));
    assert_eq!(of(span(400, 400 + 168), Grain::HOUR, 0), Some(Back::Weeks(2)), "it may not overlap itself");
    assert_eq!(of(span(400, 410), Grain::HOUR, 300), Some(Back::Days(1)));
    assert_eq!(of(span(400, 410), Grain::HOUR, 380), Some(Back::Length(11 * HOUR)));
    assert_eq!(of(span(400, 410), Grain::HOUR, 390), None);
    let month = Grain::from_micros(30 * 24 * HOUR).unwrap();
    assert_eq!(of(span(7_200, 7_200), month, 0), Some(Back::Length(month.micros())));
    let spans = Back::Weeks(1).spans(span(400, 410), hour(0), 4);
    assert_eq!(spans, [span(232, 242), span(64, 74)]);
    let ends = Span { start: Timestamp(i64::MIN), end: Timestamp(i64::MAX) };
    assert_eq!(Back::of(ends, Grain::HOUR, Timestamp(i64::MIN)), None);
}

#[test]
fn noise_is_what_earlier_spans_were_off_by() {
    let rows = rows(3, 0.3, 0.0);
    let history = history(&rows);
    let earlier = Back::Weeks(1).spans(span(EPISODE.0, EPISODE.1), hour(0), 4);
    // A sum of twelve hours, each off by 5 %; two of them against each other.
    let wanted = 0.05 / 12.0_f64.sqrt();
    let forecast = history.noise(&Baseline::Expected { before: 0, whole: None }, &earlier);
    let weeks = history.noise(&Baseline::Spans(Vec::new()), &earlier);
    assert!((0.6..1.6).contains(&(forecast / wanted)), "{forecast} {wanted}");
    assert!((0.6..1.6).contains(&(weeks / wanted / std::f64::consts::SQRT_2)), "{weeks} {wanted}");
    assert_eq!(history.noise(&Baseline::Spans(Vec::new()), &[]), 0.0);
}

/// Four leaves, three of which happen to be near to what was expected: they cannot tell what noise is.
#[test]
fn noise_that_is_known_keeps_a_small_cube_from_explaining_chance() {
    let mut rows = Builder::new(&["country"]);
    for (country, actual, expected) in
        [("BR", 328.0, 328.1), ("DE", 443.0, 197.5), ("IN", 155.6, 152.4), ("US", 922.8, 904.1)]
    {
        rows.push(&[country], actual, expected);
    }
    let cube = rows.build().unwrap();
    let named = |noise: f64| {
        let explanation = explain(&cube, &Config { noise, ..Config::default() });
        explanation.elements.iter().map(|element| cube.label(&element.values)).collect::<Vec<_>>()
    };
    assert_eq!(named(0.02), ["country=DE"]);
    assert_eq!(named(0.0).len(), 3);
}

#[test]
fn a_leaf_that_lacks_a_value_is_refused() {
    let leaf = Leaf { values: vec!["a"], over: Numbers::default(), under: None };
    let history = History::new(vec!["app".into(), "country".into()], vec![leaf], &[]);
    assert_eq!(history.cube(span(0, 1), &Baseline::Spans(Vec::new())).unwrap_err(), Error::Dimensions(1));
}

fn shuffled(mut rows: Vec<Row>, seed: u64) -> Vec<Row> {
    let mut random = Random::new(seed);
    for place in (1..rows.len()).rev() {
        rows.swap(place, random.below(place + 1));
    }
    rows
}

/// Cuts each leaf into two of the same combination, one of even hours and one of odd.
fn cut(rows: &[Row]) -> Vec<Row> {
    let half = |(country, app, column): &Row, odd: bool| {
        let own = (0..column.at.len()).filter(|index| (column.at[*index].micros() / HOUR % 2 == 1) == odd);
        let own: Vec<usize> = own.collect();
        let take = |numbers: &[f64]| own.iter().map(|index| numbers[*index]).collect();
        let (actual, expected) = (take(&column.actual), take(&column.expected));
        let at = own.iter().map(|index| column.at[*index]).collect();
        (country.clone(), app.clone(), Column { at, actual, expected })
    };
    rows.iter().flat_map(|row| [half(row, false), half(row, true)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn parts_and_remainder_sum_to_the_change(seed: u64, kept in 0.0..1.6, missing in 0.0..0.4) {
        let rows = rows(seed, kept, missing);
        for cube in cubes(&history(&rows)) {
            let Measure::Additive { actual, expected } = cube.measure() else { panic!("additive") };
            let change = actual.iter().sum::<f64>() - expected.iter().sum::<f64>();
            let is_change = |sum: f64| (sum - change).abs() < 1e-9 * expected.iter().sum::<f64>().max(1.0);
            let explanation = explain(&cube, &Config::default());
            let parts: f64 = explanation.elements.iter().map(|element| element.contribution).sum();
            prop_assert!(is_change(parts + explanation.remainder));
            prop_assert!(is_change(explanation.totals.change()));
            for dimension in heatmap(&cube) {
                prop_assert!(is_change(dimension.iter().map(|row| row.contribution).sum()));
            }
        }
    }

    #[test]
    fn shares_of_a_rate_sum_to_one(seed: u64, kept in 0.0..1.6, missing in 0.0..0.4) {
        let rows = rows(seed, kept, missing);
        let under = denominators(&rows);
        for cube in cubes(&ratios(&rows, &under)) {
            let explanation = explain(&cube, &Config::default());
            let change = explanation.totals.change();
            prop_assume!(change.abs() > 1e-6);
            let shares: f64 = explanation.elements.iter().map(|element| element.share).sum();
            prop_assert!((shares + explanation.remainder / change - 1.0).abs() < 1e-6);
            for dimension in heatmap(&cube) {
                let shares: f64 = dimension.iter().map(|row| row.share).sum();
                prop_assert!((shares - 1.0).abs() < 1e-6, "{shares}");
            }
        }
    }

    #[test]
    fn the_order_of_rows_changes_nothing(seed: u64, kept in 0.0..1.6, order: u64) {
        let rows = rows(seed, kept, 0.1);
        let other = shuffled(rows.clone(), order);
        prop_assert_eq!(cubes(&history(&rows)), cubes(&history(&other)));
    }

    #[test]
    fn a_leaf_in_two_parts_is_the_same_leaf(seed: u64, kept in 0.0..1.6) {
        let rows = rows(seed, kept, 0.0);
        let other = cut(&rows);
        let total = |cube: &Cube| {
            let Measure::Additive { actual, .. } = cube.measure() else { panic!("additive") };
            (cube.len(), actual.iter().map(|actual| (actual * 1e6).round()).collect::<Vec<_>>())
        };
        let (one, two) = (cubes(&history(&rows)), cubes(&history(&other)));
        prop_assert_eq!(one.iter().map(total).collect::<Vec<_>>(), two.iter().map(total).collect::<Vec<_>>());
    }
}
