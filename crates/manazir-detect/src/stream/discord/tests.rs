//! What must hold of discords on streams.

use manazir_model::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::Random;
use crate::stream::check::check_detector;

fn small() -> Config {
    Config { stretch_samples: 8, capacity: 64, ..Config::default() }
}

fn scores(discord: &mut Discord, values: &[f64], learn: Learn) -> Vec<Option<f64>> {
    let sample = |value: f64| Sample { at: Timestamp(0), value };
    values.iter().map(|&value| discord.update(sample(value), learn).map(|reading| reading.score)).collect()
}

/// A heart of period 50: one high beat and a low one, with little noise.
fn heart(n_samples: usize) -> Vec<f64> {
    let mut random = Random::new(12);
    let bump = |t: usize, at: f64, width: f64| (-((t % 50) as f64 - at).powi(2) / width).exp();
    (0..n_samples).map(|t| 5.0 * bump(t, 15.0, 6.0) + bump(t, 35.0, 30.0) + 0.05 * random.normal()).collect()
}

#[test]
fn is_a_detector() {
    check_detector(|| Discord::new(small()));
    check_detector(|| Discord::new(Config { stretch_samples: 4, capacity: 1_000, flat: 0.0 }));
    check_detector(|| Discord::from_setting(&Setting { period_samples: Some(48), ..Setting::default() }));
}

/// `change` is laid over the beat that starts at 2,500; the highest score must come while a stretch touches
/// it.
#[track_caller]
fn check_peak(change: impl Fn(&mut [f64])) {
    let mut values = heart(3_000);
    change(&mut values[2_500..2_550]);
    let setting = Setting { period_samples: Some(50), ..Setting::default() };
    let seen = scores(&mut Discord::from_setting(&setting), &values, Learn::Fully);
    let score = |t: usize| seen[t].unwrap_or(0.0);
    let peak = (500..values.len()).max_by(|&left, &right| score(left).total_cmp(&score(right))).unwrap();
    assert!((2_500..2_600).contains(&peak), "peak at {peak}");
    let usual = (2_000..2_500).map(score).fold(0.0, f64::max);
    assert!(score(peak) > 2.0 * usual, "{} after at most {usual}", score(peak));
}

#[test]
fn a_beat_of_another_form_is_found() {
    check_peak(|beat| beat.fill(0.0));
    check_peak(<[f64]>::reverse);
    check_peak(|beat| beat.copy_within(0..20, 20));
    check_peak(|beat| beat.iter_mut().for_each(|value| *value = -*value));
}

#[test]
fn the_same_form_at_another_height_or_level_is_usual() {
    let mut values = heart(3_000);
    values[2_500..].iter_mut().for_each(|value| *value = 100.0 + 3.0 * *value);
    let mut discord = Discord::from_setting(&Setting { period_samples: Some(50), ..Setting::default() });
    let seen = scores(&mut discord, &values, Learn::Fully);
    let after = seen[2_550..].iter().map(|score| score.unwrap()).fold(0.0, f64::max);
    assert!(after < 0.3, "{after}");
}

#[test]
fn what_passes_while_frozen_is_not_met_again() {
    let second = |learn| {
        let mut values = heart(4_000);
        for start in [2_000, 3_000] {
            values[start..start + 50].reverse();
        }
        let mut discord = Discord::from_setting(&Setting { period_samples: Some(50), ..Setting::default() });
        scores(&mut discord, &values[..2_000], Learn::Fully);
        scores(&mut discord, &values[2_000..2_100], learn);
        let seen = scores(&mut discord, &values[2_100..], Learn::Fully);
        seen[900..1_000].iter().map(|score| score.unwrap()).fold(0.0, f64::max)
    };
    let (learnt, frozen) = (second(Learn::Fully), second(Learn::Frozen));
    assert!(frozen > 2.0 * learnt, "{learnt} learnt, {frozen} frozen");
}

/// The least distance by its definition, over all stretches that lie in the past and can be met.
fn by_definition(values: &[f64], now: usize, unit: f64) -> Option<f64> {
    let (m, capacity, nu) = (8, 64, 0.05 * unit);
    let form = |end: usize| {
        let stretch = &values[end + 1 - m..=end];
        let mean = stretch.iter().sum::<f64>() / m as f64;
        let variance = stretch.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / m as f64;
        let sigma = (variance + nu * nu).sqrt();
        stretch.iter().map(|value| (value - mean) / sigma).collect::<Vec<f64>>()
    };
    let own = form(now);
    let ends = (now + 1).saturating_sub(capacity).max(m - 1)..(now + 1).saturating_sub(m);
    let distance = |end| {
        let squares: f64 = own.iter().zip(form(end)).map(|(left, right)| (left - right).powi(2)).sum();
        (squares / (2 * m) as f64).sqrt()
    };
    ends.map(distance).reduce(f64::min)
}

proptest! {
    #[test]
    fn the_distance_is_that_of_the_definition(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let mut level = 0.0;
        let values: Vec<f64> = (0..400).map(|_| { level += random.normal(); level }).collect();
        let mut discord = Discord::new(small());
        let mut seen = Vec::new();
        for &value in &values {
            let reading = discord.update(Sample { at: Timestamp(0), value }, Learn::Fully);
            // The unit may move after a sample; the flatness that counted was that of the unit before.
            seen.push((reading, discord.scale.map_or(1.0, |scale| scale.unit())));
        }
        for now in 200..400 {
            let expected = by_definition(&values, now, seen[now - 1].1).unwrap();
            let score = seen[now].0.unwrap().score;
            prop_assert!((score - expected).abs() < 1e-6, "{}: {score}, by definition {expected}", now);
        }
    }
}
