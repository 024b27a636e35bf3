//! What is there is found and not backwards; what is not there is seldom found.

use manazir_model::{Random, Timestamp};
use proptest::prelude::*;

use super::*;

const SPAN: topology::Span = topology::Span { from: Timestamp(0), until: Timestamp(86_400_000_000) };

fn found(rows: &[(String, Vec<f64>)], config: &Config) -> Lagged {
    let entities: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let values: Vec<f64> = rows.iter().flat_map(|row| row.1.iter().copied()).collect();
    edges(&Residuals { entities: &entities, values: &values, span: SPAN }, config)
}

fn noise(random: &mut Random, n_samples: usize, memory: f64) -> Vec<f64> {
    let mut level = 0.0;
    (0..n_samples)
        .map(|_| {
            level = memory * level + random.normal();
            // Heavy tails, as residuals of operations data have them.
            if random.below(50) == 0 { level * 20.0 } else { level }
        })
        .collect()
}

fn name(place: usize) -> String {
    format!("s{place:03}")
}

/// `lags[i]` samples lie between series i and i + 1 of a chain; each is three parts of what came before and two of noise.
fn chain(random: &mut Random, lags: &[usize], n_samples: usize) -> Vec<(String, Vec<f64>)> {
    let mut rows = vec![(name(0), noise(random, n_samples, 0.0))];
    for (place, lag) in lags.iter().enumerate() {
        let own = noise(random, n_samples, 0.0);
        let before = &rows[place].1;
        let row = own
            .iter()
            .enumerate()
            .map(|(at, own)| at.checked_sub(*lag).map_or(0.0, |earlier| 0.75 * before[earlier]) + 0.5 * own)
            .collect();
        rows.push((name(place + 1), row));
    }
    rows
}

#[test]
fn independent_series_give_false_edges_no_oftener_than_stated() {
    const RUNS: usize = 60;
    for memory in [0.0, 0.7] {
        let mut runs_with_edges = 0;
        for seed in 0..RUNS as u64 {
            let mut random = Random::new(seed);
            let rows: Vec<_> = (0..20).map(|place| (name(place), noise(&mut random, 480, memory))).collect();
            let lagged = found(&rows, &Config { false_share: 0.2, ..Config::default() });
            runs_with_edges += usize::from(!lagged.edges.is_empty());
        }
        // A fifth of 60 is 12; twice that would come up once in ten thousand times.
        assert!(runs_with_edges <= 24, "{runs_with_edges} of {RUNS} with a memory of {memory}");
    }
}

#[test]
fn a_third_that_is_between_is_not_skipped() {
    let mut random = Random::new(3);
    let lagged = found(&chain(&mut random, &[2, 3], 2_000), &Config::default());
    let told: Vec<_> = lagged
        .edges
        .iter()
        .map(|edge| (edge.dependency.caller.as_str(), edge.dependency.callee.as_str(), edge.lag_samples))
        .collect();
    assert_eq!(told, [("s001", "s000", 2), ("s002", "s001", 3)]);
    assert_eq!(lagged.indirect, 1);
    assert!(lagged.edges.iter().all(|edge| edge.p_value < 1e-9 && edge.correlation > 0.5));
}

#[test]
fn what_moves_at_once_has_no_direction() {
    let mut random = Random::new(4);
    let common = noise(&mut random, 1_000, 0.9);
    let mut rows: Vec<_> = (0..4)
        .map(|place| {
            (name(place), common.iter().map(|value| value + 0.5 * random.normal()).collect::<Vec<_>>())
        })
        .collect();
    rows.push((name(9), vec![1.0; 1_000]));
    let lagged = found(&rows, &Config::default());
    assert_eq!((lagged.edges.len(), lagged.without_direction), (0, 6));
    assert_eq!(lagged.silent, ["s009"]);
}

#[test]
fn traffic_comes_from_who_calls() {
    let mut random = Random::new(5);
    let rows = chain(&mut random, &[4], 600);
    let lagged = found(&rows, &Config { leader: Leader::Caller, ..Config::default() });
    assert_eq!((lagged.edges[0].dependency.caller.as_str(), lagged.edges[0].lag_samples), ("s000", 4));
}

#[test]
fn what_is_beyond_a_bound_is_named() {
    let mut random = Random::new(6);
    let mut rows = chain(&mut random, &[1, 1], 300);
    rows[1].1[..200].fill(f64::NAN);
    let lagged = found(&rows, &Config { series_max: 2, ..Config::default() });
    assert_eq!((lagged.left_out.as_slice(), lagged.edges.len()), (["s001".to_owned()].as_slice(), 1));
    let lagged = found(&rows, &Config { candidates_max: 0, ..Config::default() });
    assert!(lagged.candidates_left_out > 0 && lagged.edges.is_empty());
}

#[test]
fn nothing_and_little_say_nothing() {
    for (entities, values) in
        [(&[][..], &[][..]), (&["a", "b"], &[1.0, 2.0]), (&["a", "b"], &[f64::NAN; 400])]
    {
        let lagged = edges(&Residuals { entities, values, span: SPAN }, &Config::default());
        assert_eq!((lagged.edges.len(), lagged.silent.len()), (0, entities.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_chain_is_found_whole_and_forwards(seed: u64, lags in prop::collection::vec(1usize..=8, 1..6)) {
        let mut random = Random::new(seed);
        let mut rows = chain(&mut random, &lags, 1_440);
        rows.extend((100..110).map(|place| (name(place), noise(&mut random, 1_440, 0.5))));
        let lagged = found(&rows, &Config::default());
        for (place, lag) in lags.iter().enumerate() {
            let is_it = |edge: &&Edge| {
                edge.dependency.caller == name(place + 1) && edge.dependency.callee == name(place)
            };
            prop_assert_eq!(lagged.edges.iter().find(is_it).map(|edge| edge.lag_samples), Some(*lag));
        }
        for edge in &lagged.edges {
            let in_chain = edge.dependency.callee.as_str() < "s100" && edge.dependency.caller.as_str() < "s100";
            prop_assert!(!in_chain || edge.dependency.callee < edge.dependency.caller, "backwards: {:?}", edge);
        }
    }

    #[test]
    fn the_order_of_series_changes_nothing(seed: u64, lags in prop::collection::vec(1usize..=4, 1..5)) {
        let mut random = Random::new(seed);
        let mut rows = chain(&mut random, &lags, 200);
        rows.push(rows[0].clone());
        rows[0].1[9] = f64::NAN;
        let config = Config { series_max: 3, candidates_max: 4, ..Config::default() };
        let before = found(&rows, &config);
        rows.reverse();
        prop_assert_eq!(before, found(&rows, &config));
    }

    #[test]
    fn no_values_panic(values in prop::collection::vec(any::<f64>(), 0..700), lag_max in 0usize..200) {
        let config = Config { lag_max, ..Config::default() };
        edges(&Residuals { entities: &["a", "b", "c"], values: &values, span: SPAN }, &config);
    }
}
