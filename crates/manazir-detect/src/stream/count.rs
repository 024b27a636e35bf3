//! Sparse counts.

use manazir_model::{Direction, Sample};
use serde::{Deserialize, Serialize};

pub use super::calendar::Season;
use super::calendar::SlotClock;
use super::tail_probability::{CountDistribution, two_sided_score};
use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust;

/// What can be set of [`Count`]; values outside a range are moved to its nearer end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Season of the mean; none.
    pub season: Option<Season>,
    /// Weight of a sample in mean and dispersion, 1e-6..=1; 0.01.
    pub weight: f64,
    /// Weight of a season in its profile, 1e-3..=1; 0.1.
    pub profile_weight: f64,
    /// Numbers to learn from before the first reading, 4..=4096; 32.
    pub warm_up_samples: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { season: None, weight: 0.01, profile_weight: 0.1, warm_up_samples: 32 }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            weight: robust::within(self.weight, 1e-6, 1.0, 0.01),
            profile_weight: robust::within(self.profile_weight, 1e-3, 1.0, 0.1),
            warm_up_samples: self.warm_up_samples.clamp(4, 4096),
            ..self
        }
    }
}

/// Mean of each slot of the season, shrunk to the mean of all.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Profile {
    clock: SlotClock,
    slots: Box<[f32]>,
    mean: f64,
    last_slot: u32,
    n_seasons: u32,
}

impl Profile {
    fn new(season: &Season) -> Self {
        let slots = vec![0.0; season.slot_count()].into_boxed_slice();
        Self { clock: SlotClock::new(season), slots, mean: 0.0, last_slot: 0, n_seasons: 0 }
    }

    fn advance(&mut self, season: &Season, sample: Sample) -> usize {
        let slot = self.clock.advance(season, sample.at);
        if slot < self.last_slot as usize {
            self.n_seasons = self.n_seasons.saturating_add(1);
            self.mean = self.slots.iter().map(|&mean| f64::from(mean)).sum::<f64>() / self.slots.len() as f64;
        }
        self.last_slot = slot as u32;
        slot
    }

    /// Mean of a slot relative to that of all. A single event spread over the season's slots is the prior:
    /// slots that have seen none yet are not believed to be empty.
    fn factor(&self, slot: usize, weight: f64) -> f64 {
        let n_seasons = f64::from(self.n_seasons).min(1.0 / weight);
        let mean = self.slots.get(slot).map_or(self.mean, |&mean| f64::from(mean));
        ((n_seasons * mean + 1.0) / (n_seasons * self.mean + 1.0)).clamp(1e-6, 1e6)
    }

    fn learn(&mut self, slot: usize, count: f64, weight: f64) {
        let weight = weight.max(1.0 / (f64::from(self.n_seasons) + 1.0));
        if let Some(mean) = self.slots.get_mut(slot) {
            let moved = f64::from(*mean) + weight * (count - f64::from(*mean));
            *mean = moved.min(f64::from(f32::MAX)) as f32;
        }
    }
}

/// Counts with many zeros, judged by the probability of the count itself.
///
/// score = −log₁₀ min(1, 2 · min(P(X ≤ x), P(X ≥ x))),
/// P(X = 0) = π + (1 − π) P₀,   else (1 − π) · negative binomial with mean λ·s and variance λs + a·(λs)²
///
/// Source: Lambert 1992, *Zero-inflated Poisson regression*; Greene 1994 for the negative binomial. The four
/// parameters are exponentially weighted and learnt sample by sample: the mean μ of all counts; λ from the
/// counts above zero, whose mean is λ / (1 − P₀) (a step of Robbins and Monro 1951); π = 1 − μ / λ; a from the
/// second moment of the same counts. s is the profile of the season, if there is one. A count moves them by no
/// more than four standard deviations. While n samples were all zero, the mean is taken to be 0.5 / n.
///
/// O(count + mean) a sample up to 64, O(1) above by a saddlepoint approximation; about 200 bytes and 4 a slot.
/// Negative values cannot be judged. Not for large counts, where level and season do the same for less.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Count {
    config: Config,
    profile: Option<Profile>,
    model: Model,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Model {
    /// μ, relative to the profile.
    mean: f64,
    /// λ, relative to the profile.
    base_mean: f64,
    /// Numerator and denominator of the dispersion a.
    excess: f64,
    squared_mean: f64,
    n_samples: u32,
    n_positive: u32,
}

/// What the next count is drawn from.
struct Forecast {
    base: CountDistribution,
    /// π.
    inflation: f64,
    mean: f64,
    base_mean: f64,
    sigma: f64,
}

impl Model {
    /// Beyond this a negative binomial is a lottery, and a few samples do not show it.
    const DISPERSION_MAX: f64 = 20.0;

    fn forecast(&self, factor: f64, weight: f64) -> Forecast {
        let n_remembered = f64::from(self.n_samples.max(1)).min(1.0 / weight);
        let mean = self.mean.max(0.5 / n_remembered);
        let base_mean = self.base_mean.max(mean);
        let inflation = 1.0 - mean / base_mean;
        let (mean, base_mean) = (mean * factor, base_mean * factor);
        let dispersion = self.dispersion();
        let second = (1.0 - inflation) * (base_mean + (1.0 + dispersion) * base_mean * base_mean);
        let sigma = (second - mean * mean).max(mean).sqrt();
        Forecast { base: CountDistribution::new(base_mean, dispersion), inflation, mean, base_mean, sigma }
    }

    fn dispersion(&self) -> f64 {
        if self.squared_mean > 0.0 {
            (self.excess / self.squared_mean).clamp(0.0, Self::DISPERSION_MAX)
        } else {
            0.0
        }
    }

    fn learn(&mut self, count: f64, factor: f64, forecast: &Forecast, weight: f64) {
        self.n_samples = self.n_samples.saturating_add(1);
        let recent = weight.max(1.0 / f64::from(self.n_samples));
        self.mean += recent * (count / factor - self.mean);
        if count > 0.0 {
            self.n_positive = self.n_positive.saturating_add(1);
            let recent = weight.max(1.0 / f64::from(self.n_positive));
            let positive = (1.0 - forecast.base.zero()).max(1e-12);
            let m = forecast.base_mean;
            self.base_mean = (self.base_mean + recent * (count - m / positive) / factor).max(0.0);
            self.excess += recent * (count * count * positive - m - m * m - self.excess);
            self.squared_mean += recent * (m * m - self.squared_mean);
        }
    }
}

impl Count {
    /// The largest count that is told apart; beyond it a deviance drowns in rounding.
    const COUNT_MAX: f64 = 1e12;

    /// Starts in warm-up.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        let model =
            Model { mean: 0.0, base_mean: 0.0, excess: 0.0, squared_mean: 0.0, n_samples: 0, n_positive: 0 };
        Self { profile: config.season.as_ref().map(Profile::new), model, config }
    }

    /// With the season of the setting, if it knows one.
    pub fn from_setting(setting: &Setting) -> Self {
        let season = setting
            .period_samples
            .map(|period_samples| Season::Samples { period_samples, grain: setting.grain });
        Self::new(Config { season, ..Config::default() })
    }

    /// A count moves what is learnt by no more than four standard deviations; the first ones are free.
    fn cut(&self, count: f64, forecast: &Forecast) -> f64 {
        const FREE_SAMPLES: u32 = 8;
        if self.model.n_samples < FREE_SAMPLES {
            return count;
        }
        count.min(forecast.mean + 4.0 * forecast.sigma + 2.0)
    }
}

impl Forecast {
    fn read(&self, count: f64) -> Reading {
        let (lower, upper) = (self.base.ln_tails(count.floor()).0, self.base.ln_tails(count.ceil()).1);
        let base_share = 1.0 - self.inflation;
        let lower = (self.inflation + base_share * lower.exp()).ln().max(lower);
        let upper = if count > 0.0 { upper + base_share.ln() } else { 0.0 };
        let direction = if count > self.mean { Direction::Up } else { Direction::Down };
        Reading {
            score: two_sided_score(lower, upper).min(robust::SCORE_MAX),
            expected: self.mean,
            scale: self.sigma,
            direction: Some(direction),
        }
    }
}

impl StreamDetector for Count {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let slot = match (&mut self.profile, &self.config.season) {
            (Some(profile), Some(season)) => profile.advance(season, sample),
            _ => 0,
        };
        let count = robust::usable(sample.value).filter(|value| *value >= 0.0)?.min(Self::COUNT_MAX);
        let factor =
            self.profile.as_ref().map_or(1.0, |profile| profile.factor(slot, self.config.profile_weight));
        let forecast = self.model.forecast(factor, self.config.weight);
        let warm = self.model.n_samples as usize >= self.config.warm_up_samples;
        let reading = warm.then(|| forecast.read(count));
        if learn == Learn::Fully || !warm {
            let count = self.cut(count, &forecast);
            self.model.learn(count, factor, &forecast, self.config.weight);
            if let Some(profile) = &mut self.profile {
                profile.learn(slot, count, self.config.profile_weight);
            }
        }
        reading
    }

    fn state_bytes(&self) -> usize {
        let profile = self.profile.as_ref().map_or(0, |profile| size_of_val(&*profile.slots));
        let calendar = match &self.config.season {
            Some(Season::Calendar(calendar)) => calendar.heap_bytes(),
            _ => 0,
        };
        size_of::<Self>() + profile + calendar
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::Timestamp;
    use manazir_testkit::series;

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Count::from_setting(&Setting::default()));
        check_detector(|| Count::from_setting(&Setting { period_samples: Some(48), ..Setting::default() }));
        let wild = Config { weight: f64::NAN, profile_weight: 9.0, warm_up_samples: 0, season: None };
        check_detector(move || Count::new(wild.clone()));
    }

    fn feed(count: &mut Count, value: f64) -> Option<Reading> {
        count.update(Sample { at: Timestamp::default(), value }, Learn::Fully)
    }

    fn poisson(random: &mut Random, mean: f64) -> f64 {
        let mut product = random.uniform();
        let limit = (-mean).exp();
        let mut count = 0.0;
        while product > limit {
            product *= random.uniform();
            count += 1.0;
        }
        count
    }

    /// What 4,000 draws teach: mean, inflation and dispersion, and the scores of some counts after them.
    #[track_caller]
    fn check(draw: impl Fn(&mut Random) -> f64, then: &str, expect: Expect) {
        let mut random = Random::new(31);
        let mut count = Count::new(Config { weight: 0.002, ..Config::default() });
        (0..4_000).for_each(|_| {
            feed(&mut count, draw(&mut random));
        });
        let forecast = count.model.forecast(1.0, 0.002);
        let scores: Vec<String> = series(then)
            .into_iter()
            .map(|value| format!("{value}: {:.1}", forecast.read(value).score))
            .collect();
        expect.assert_eq(&format!(
            "μ {:.2} π {:.2} a {:.2} | {}",
            forecast.mean,
            forecast.inflation,
            count.model.dispersion(),
            scores.join(", ")
        ));
    }

    #[test]
    fn the_model_learns_what_it_is_given() {
        check(
            |random| poisson(random, 0.1),
            "0 1 2 3 6",
            expect!["μ 0.12 π 0.00 a 0.00 | 0: 0.0, 1: 0.6, 2: 1.9, 3: 3.3, 6: 8.1"],
        );
        check(
            |random| poisson(random, 5.0),
            "0 1 5 12 30",
            expect!["μ 4.91 π 0.00 a 0.00 | 0: 1.8, 1: 1.1, 5: 0.0, 12: 2.0, 30: 13.4"],
        );
        // Gamma mixed Poisson of shape 2: dispersion 0.5.
        let mixed = |random: &mut Random| {
            let rate = -2.0 * (random.uniform() * random.uniform()).ln();
            poisson(random, rate)
        };
        check(mixed, "0 4 12 30", expect!["μ 4.10 π 0.00 a 0.51 | 0: 0.7, 4: 0.0, 12: 1.1, 30: 3.8"]);
        // Seven in ten are structural zeros.
        let inflated = |random: &mut Random| if random.uniform() < 0.7 { 0.0 } else { poisson(random, 10.0) };
        check(inflated, "0 1 10 25", expect!["μ 3.28 π 0.67 a 0.06 | 0: 0.0, 1: 0.2, 10: 0.5, 25: 3.0"]);
        check(|_| 0.0, "0 1 3", expect!["μ 0.00 π 0.00 a 0.00 | 0: 0.0, 1: 2.7, 3: 9.5"]);
    }

    #[test]
    fn scores_are_p_values() {
        let mut random = Random::new(77);
        let mut count = Count::from_setting(&Setting::default());
        let n_rare = (0..50_000)
            .filter_map(|_| feed(&mut count, poisson(&mut random, 3.0)))
            .filter(|reading| reading.score >= 2.0)
            .count();
        // At most one in a hundred; fewer, since counts are discrete.
        assert!((100..=600).contains(&n_rare), "{n_rare}");
    }

    #[test]
    fn a_season_of_counts_is_expected() {
        let mut random = Random::new(7);
        let mut count = Count::from_setting(&Setting { period_samples: Some(24), ..Setting::default() });
        let mut feed = |value| feed(&mut count, value);
        for hour in 0..24 * 40 {
            let mean = if hour % 24 < 8 { 0.05 } else { 6.0 };
            feed(poisson(&mut random, mean));
        }
        let night = feed(6.0).unwrap();
        (0..11).for_each(|_| {
            feed(0.0);
        });
        let day = feed(6.0).unwrap();
        assert!(night.score > 5.0 && night.expected < 0.5, "{night:?}");
        assert!(day.score < 1.0 && day.expected > 3.0, "{day:?}");
    }
}
