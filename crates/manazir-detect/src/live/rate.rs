//! From a score to what people understand: how often an undisturbed series goes so far.
//!
//! Measured on ten kinds of undisturbed series (normal, log-normal, Student's t with three degrees, uniform,
//! first-order autoregressive with 0.9 and 0.99, a random walk, counts, a daily season with additive and with
//! multiplicative noise), 20 seeds of 20,000 samples each: the logarithm of the rate falls along a line, and
//! the line below is the middle of the ten. A single kind lies within a factor of four of it up to a score of
//! 8: uniform noise below, heavy tails and random walks above. The tests hold that bound.

use manazir_model::Grain;

/// log₁₀ of alarms a sample that open at score 0, along the line.
const ALARM_INTERCEPT: f64 = -2.15;
/// What each point of score takes from it.
const ALARM_SLOPE: f64 = -0.17;
/// The same for single samples that reach a score.
const SAMPLE_INTERCEPT: f64 = -1.05;
const SAMPLE_SLOPE: f64 = -0.24;

/// Probability that a sample of an undisturbed series reaches `score`, in (0, 1].
pub fn p_value(score: f64) -> f64 {
    // Half of all samples surprise no view and score 0; between 0 and 1 the logarithm is interpolated.
    10f64.powf(SAMPLE_INTERCEPT * score.clamp(0.0, 1.0) + SAMPLE_SLOPE * score.max(0.0))
}

/// The score whose [`p_value`] is 10^−`surprise`; `surprise` ≥ 0.
pub(super) fn score_of(surprise: f64) -> f64 {
    let first = -(SAMPLE_INTERCEPT + SAMPLE_SLOPE);
    if surprise <= first { surprise / first } else { (surprise + SAMPLE_INTERCEPT) / -SAMPLE_SLOPE }
}

/// Alarms that open in a week of an undisturbed series.
pub fn alarms_per_week(open_score: f64, grain: Grain) -> f64 {
    samples_per_week(grain) * 10f64.powf(ALARM_INTERCEPT + ALARM_SLOPE * open_score)
}

/// The score at which so many alarms a week open in an undisturbed series; at least 4, for below that the
/// line does not hold.
pub fn open_score_for(alarms_per_week: f64, grain: Grain) -> f64 {
    let rate = (alarms_per_week / samples_per_week(grain)).max(f64::MIN_POSITIVE);
    ((rate.log10() - ALARM_INTERCEPT) / ALARM_SLOPE).clamp(4.0, 40.0)
}

fn samples_per_week(grain: Grain) -> f64 {
    7.0 * Grain::DAY.micros() as f64 / grain.micros() as f64
}

#[cfg(test)]
mod tests {
    use manazir_model::{Sample, Timestamp};

    use super::*;
    use crate::Random;
    use crate::live::{LiveConfig, LiveDetector};
    use crate::stream::Setting;

    fn undisturbed(kind: &str, random: &mut Random, index: i64, last: &mut f64) -> f64 {
        let noise = random.normal();
        let season = (index as f64 / 288.0 * std::f64::consts::TAU).sin();
        match kind {
            "normal" => noise,
            "log-normal" => noise.exp(),
            "season" => (2.0 + season + 0.3 * noise).exp(),
            "autoregressive" => {
                *last = 0.9 * *last + noise;
                *last
            }
            other => panic!("no such kind: {other}"),
        }
    }

    #[test]
    fn the_rate_of_alarms_is_within_a_factor_of_four_of_the_nominal_one() {
        let grain = Grain::from_micros(300_000_000).unwrap();
        let setting = Setting { grain: Some(grain), ..Setting::default() };
        for kind in ["normal", "log-normal", "season", "autoregressive"] {
            let (mut alarms, mut samples) = (0u32, 0u32);
            for seed in 0..8 {
                let (mut random, mut last) = (Random::new(seed), 0.0);
                let mut detector = LiveDetector::new(&setting, LiveConfig::default());
                for index in 0..20_000 {
                    let value = undisturbed(kind, &mut random, index, &mut last);
                    let at = Timestamp::from_seconds(index * 300);
                    let told =
                        detector.update(Sample { at, value }, 0).is_some_and(|live| live.transition.tells());
                    samples += 1;
                    alarms += u32::from(told);
                }
            }
            let nominal = alarms_per_week(8.0, grain) * f64::from(samples) / 2_016.0;
            let ratio = f64::from(alarms) / nominal;
            assert!((0.25..4.0).contains(&ratio), "{kind}: {alarms} alarms, {nominal:.0} nominal");
        }
    }

    #[test]
    fn rates_and_scores_are_inverse() {
        let grain = Grain::MINUTE;
        for alarms in [0.1, 1.0, 2.0, 10.0] {
            let score = open_score_for(alarms, grain);
            assert!((alarms_per_week(score, grain) - alarms).abs() < 1e-9, "{alarms} {score}");
        }
        assert_eq!(open_score_for(1e9, grain), 4.0);
        assert_eq!(p_value(0.0), 1.0);
        assert!(p_value(8.0) < p_value(7.9));
        for score in [0.0, 0.4, 1.0, 3.0, 20.0] {
            assert!((score_of(-p_value(score).log10()) - score).abs() < 1e-9, "{score}");
        }
    }
}
