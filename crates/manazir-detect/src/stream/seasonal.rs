//! Seasonal profile with a level.

use manazir_model::{Grain, Sample};
use serde::{Deserialize, Serialize};

use super::calendar::SlotClock;
pub use super::calendar::{Calendar, Cycle, Season, UtcOffset};
use super::{Learn, Reading, Setting, StreamDetector};
use crate::robust::{self, ResidualScale};

/// What can be set of [`Seasonal`]; values outside a range are moved to its nearer end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The season and its slots; hour of the week in UTC.
    pub season: Season,
    /// Distance of samples; with it, a slot wider than a sample learns as fast per season as one of a sample.
    pub grain: Option<Grain>,
    /// Weight of a residual in the level, 0..=1; 0.02. A larger one follows faster and forgets anomalies sooner.
    pub level_weight: f64,
    /// Weight of a season in the profile, 0..=1; 0.1 remembers some ten seasons.
    pub profile_weight: f64,
    /// Weight of a residual in the scale, 1e-6..=1; 0.01.
    pub scale_weight: f64,
    /// Weight of a season in the scale that each slot has of its own, 0..=1; 0, one scale for all.
    /// For a series whose noise has a season too.
    pub slot_scale_weight: f64,
    /// Residuals move level and profile by no more than so many scales, 0.5..=1e6; 3.
    pub clip_sigmas: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            season: Season::Calendar(Calendar::hour_of_week()),
            grain: None,
            level_weight: 0.02,
            profile_weight: 0.1,
            scale_weight: 0.01,
            slot_scale_weight: 0.0,
            clip_sigmas: 3.0,
        }
    }
}

impl Config {
    fn in_range(self) -> Self {
        Self {
            level_weight: robust::within(self.level_weight, 0.0, 1.0, 0.02),
            profile_weight: robust::within(self.profile_weight, 0.0, 1.0, 0.1),
            scale_weight: robust::within(self.scale_weight, 1e-6, 1.0, 0.01),
            slot_scale_weight: robust::within(self.slot_scale_weight, 0.0, 1.0, 0.0),
            clip_sigmas: robust::within(self.clip_sigmas, 0.5, 1e6, 3.0),
            ..self
        }
    }

    /// The weight that, given to each sample of a slot, amounts to `weight` in a season.
    fn per_sample(&self, weight: f64) -> f64 {
        let samples = match (self.season.slot_micros(), self.grain) {
            (Some(slot), Some(grain)) => grain.samples_in(slot),
            _ => 1,
        };
        1.0 - (1.0 - weight).powf(1.0 / samples as f64)
    }
}

/// Additive seasonal profile with a level: Holt-Winters without trend, with clipped updates.
///
/// expected = l + s\[slot\],   r = x − expected,   score = |r| / σ
/// l ← l + α ψ(r),   s\[slot\] ← s\[slot\] + γ (1 − α) ψ(r),   ψ(r) = r held within ±c·σ
///
/// Source: Gelper, Fried and Croux 2010, *Robust forecasting with exponential and Holt-Winters smoothing*.
/// The profile sees only what the level left, and its mean goes into the level once a season: so a trend
/// moves the level and does not bend the profile. The weight of a season is 1/n until `profile_weight`.
///
/// A slot that is cut in two seasons running moves half the way at once.
///
/// Warm-up is one season; a slot that was empty in it says `None` once. O(1) a sample; about 300 bytes and
/// 5 bytes a slot (9 with a scale per slot). The profile is kept in single precision relative to the level:
/// seasons stronger than 3e38 are cut off. Not for waveforms whose period wanders: the slots smear.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seasonal {
    config: Config,
    clock: SlotClock,
    first_season: FirstSeason,
    level: f64,
    scale: ResidualScale,
    /// Difference to the level, slot by slot; NaN where no number was seen.
    profile: Box<[f32]>,
    /// How many seasons in succession a slot was cut, upward or downward.
    cut_streak: Box<[i8]>,
    /// Scale of a slot relative to that of all; empty if there is only one.
    slot_scale: Box<[f32]>,
    last_slot: u32,
    n_seasons: u32,
    /// Residuals that the scale has seen.
    n_residuals: u32,
    /// Weight of a sample in its slot, which follows from the number of seasons seen.
    slot_weight: f64,
    slot_scale_weight: f64,
}

/// How far the warm-up is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum FirstSeason {
    /// No sample yet.
    Ahead,
    /// The profile is being filled.
    Filling {
        started_at: i64,
        n_samples: u64,
        n_numbers: u64,
    },
    Over,
}

impl Seasonal {
    /// What is cut twice in succession is the season: a job that has moved to another hour, or an outlier in
    /// the first season. Cut to 3σ it would be learnt in a hundred seasons, and alarm in each of them.
    const CUTS_BELIEVED: i8 = 2;

    /// Starts in warm-up, which takes a season.
    pub fn new(config: Config) -> Self {
        let config = config.in_range();
        let n_slots = config.season.slot_count();
        let n_scales = if config.slot_scale_weight > 0.0 { n_slots } else { 0 };
        Self {
            clock: SlotClock::new(&config.season),
            first_season: FirstSeason::Ahead,
            level: 0.0,
            scale: ResidualScale::default(),
            profile: vec![f32::NAN; n_slots].into_boxed_slice(),
            cut_streak: vec![0; n_slots].into_boxed_slice(),
            slot_scale: vec![1.0; n_scales].into_boxed_slice(),
            last_slot: 0,
            n_seasons: 1,
            n_residuals: 0,
            // In the first season a slot has nothing better than its own samples.
            slot_weight: config.per_sample(0.75),
            slot_scale_weight: config.per_sample(config.slot_scale_weight),
            config,
        }
    }

    /// The period that is known, slot by slot; without one, the hours of the week in UTC.
    pub fn from_setting(setting: &Setting) -> Self {
        let season = match setting.period_samples {
            Some(period_samples) => Season::Samples { period_samples, grain: setting.grain },
            None => Season::Calendar(Calendar::hour_of_week()),
        };
        Self::new(Config { season, grain: setting.grain, ..Config::default() })
    }

    #[cold]
    fn fill(&mut self, slot: usize, sample: Sample) {
        let value = robust::usable(sample.value);
        let (started_at, n_samples, n_numbers) = match self.first_season {
            FirstSeason::Filling { started_at, n_samples, n_numbers } => (started_at, n_samples, n_numbers),
            _ => (sample.at.micros(), 0, 0),
        };
        let n_numbers = n_numbers + u64::from(value.is_some());
        self.first_season = FirstSeason::Filling { started_at, n_samples: n_samples + 1, n_numbers };
        self.last_slot = slot as u32;
        let Some(value) = value else { return };
        if n_numbers == 1 {
            // Slots are kept relative to the level, and any number near the series serves as one.
            self.level = value;
        }
        let weight = self.slot_weight;
        if let Some(entry) = self.profile.get_mut(slot) {
            let offset = value - self.level;
            let known = f64::from(*entry);
            *entry = single(if entry.is_nan() { offset } else { known + weight * (offset - known) });
        }
    }

    /// Whether the sample at hand begins the second season.
    fn first_season_ends(&self, sample: Sample) -> bool {
        let FirstSeason::Filling { started_at, n_samples, n_numbers } = self.first_season else {
            return false;
        };
        let passed = match self.config.season.cycle_micros() {
            Some(cycle) => sample.at.micros().saturating_sub(started_at) >= cycle,
            None => n_samples >= self.profile.len() as u64,
        };
        passed && n_numbers >= 2
    }

    /// Level and scale out of the filled profile.
    #[cold]
    fn end_first_season(&mut self) {
        let known = self.profile.iter().copied().filter(|entry| !entry.is_nan()).map(f64::from);
        let mut offsets: Vec<f64> = known.collect();
        // Neighbours differ by noise and by the slope of the season, so this is an upper bound at first.
        let mut steps: Vec<f64> = offsets.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (_, sigma) = robust::median_and_sigma(&mut steps);
        self.scale = ResidualScale::new(sigma);
        self.shift_profile(robust::median(&mut offsets));
        self.first_season = FirstSeason::Over;
        self.n_residuals = 4;
        self.season_weights();
    }

    #[cold]
    fn end_season(&mut self) {
        self.n_seasons = self.n_seasons.saturating_add(1);
        self.season_weights();
        let known = self.profile.iter().filter(|entry| !entry.is_nan());
        let (sum, n) = known.fold((0.0, 0.0), |(sum, n), &entry| (sum + f64::from(entry), n + 1.0));
        if n > 0.0 {
            self.shift_profile(sum / n);
        }
    }

    fn season_weights(&mut self) {
        let recent = 1.0 / (f64::from(self.n_seasons) + 1.0);
        self.slot_weight = self.config.per_sample(self.config.profile_weight.max(recent));
    }

    /// Moves `offset` from the profile into the level; no forecast changes but by rounding.
    fn shift_profile(&mut self, offset: f64) {
        self.level += offset;
        for entry in &mut self.profile {
            *entry = single(f64::from(*entry) - offset);
        }
    }

    /// `entered`: the sample is the first of this visit to its slot.
    #[inline]
    fn learn(&mut self, slot: usize, entered: bool, residual: f64, expected: f64) {
        let config = &self.config;
        self.n_residuals = self.n_residuals.saturating_add(1);
        let scale_weight = config.scale_weight.max(1.0 / f64::from(self.n_residuals));
        let mut ratio = 1.0;
        if let Some(slot_scale) = self.slot_scale.get_mut(slot) {
            ratio = f64::from(*slot_scale);
            let standard = (1.2545 * residual.abs() / self.scale.sigma(expected)).min(3.0 * ratio);
            let moved = ratio + self.slot_scale_weight * (standard - ratio);
            // A slot is never believed to be wholly quiet: the next sample would be infinitely strange.
            *slot_scale = moved.clamp(0.25, 8.0) as f32;
        }
        self.scale.learn(residual, expected, scale_weight);
        let bound = config.clip_sigmas * ratio * self.scale.sigma(expected);
        let step = residual.clamp(-bound, bound);
        self.level += config.level_weight * step;
        let step = (1.0 - config.level_weight) * step;
        if !entered || self.cut_again(slot, residual, bound) < Self::CUTS_BELIEVED {
            self.move_slot(slot, self.slot_weight * step);
        } else {
            self.move_slot(slot, 0.5 * residual);
        }
    }

    #[inline]
    fn move_slot(&mut self, slot: usize, step: f64) {
        if let Some(entry) = self.profile.get_mut(slot) {
            *entry = single(f64::from(*entry) + step);
        }
    }

    /// How many seasons in succession, this one included, the slot was cut on the same side.
    #[inline]
    fn cut_again(&mut self, slot: usize, residual: f64, bound: f64) -> i8 {
        let Some(streak) = self.cut_streak.get_mut(slot) else { return 0 };
        *streak = if residual > bound {
            (*streak).max(0).saturating_add(1)
        } else if residual < -bound {
            (*streak).min(0).saturating_sub(1)
        } else {
            0
        };
        streak.saturating_abs()
    }
}

/// To single precision; what is too large stays finite.
#[inline]
fn single(offset: f64) -> f32 {
    offset.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

impl StreamDetector for Seasonal {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        let slot = self.clock.advance(&self.config.season, sample.at);
        if self.first_season != FirstSeason::Over {
            if !self.first_season_ends(sample) {
                self.fill(slot, sample);
                return None;
            }
            self.end_first_season();
        } else if slot < self.last_slot as usize {
            self.end_season();
        }
        let entered = slot != self.last_slot as usize;
        self.last_slot = slot as u32;
        let value = robust::usable(sample.value)?;
        let offset = f64::from(*self.profile.get(slot)?);
        if offset.is_nan() {
            if learn == Learn::Fully {
                self.profile[slot] = single(value - self.level);
            }
            return None;
        }
        let expected = self.level + offset;
        let residual = value - expected;
        let ratio = self.slot_scale.get(slot).map_or(1.0, |&ratio| f64::from(ratio));
        let scale = ratio * self.scale.sigma(expected);
        if learn == Learn::Fully {
            self.learn(slot, entered, residual, expected);
        }
        Some(Reading {
            score: robust::residual_score(residual, scale),
            expected,
            scale,
            direction: robust::side(residual),
        })
    }

    fn state_bytes(&self) -> usize {
        let calendar = match &self.config.season {
            Season::Samples { .. } => 0,
            Season::Calendar(calendar) => calendar.heap_bytes(),
        };
        let slots =
            size_of_val(&*self.profile) + size_of_val(&*self.cut_streak) + size_of_val(&*self.slot_scale);
        size_of::<Self>() + slots + calendar
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use manazir_model::Timestamp;

    use super::*;
    use crate::{Random, stream::check::check_detector};

    #[test]
    fn has_the_properties_of_a_detector() {
        check_detector(|| Seasonal::from_setting(&Setting::default()));
        let half_hours = Setting { grain: Grain::from_micros(1_800_000_000), ..Setting::default() };
        check_detector(|| Seasonal::from_setting(&half_hours));
        check_detector(|| {
            Seasonal::from_setting(&Setting { period_samples: Some(48), ..Setting::default() })
        });
        check_detector(|| Seasonal::from_setting(&Setting { period_samples: Some(48), ..half_hours }));
        let heteroscedastic = Config { slot_scale_weight: 0.2, ..Config::default() };
        check_detector(move || Seasonal::new(heteroscedastic.clone()));
    }

    /// Hourly samples from Monday 2024-01-01, `value(hour, noise)`; NaN stands for a missing row.
    fn run(config: Config, n_hours: usize, value: impl Fn(usize, f64) -> f64) -> Vec<Option<Reading>> {
        let mut random = Random::new(2);
        let mut seasonal = Seasonal::new(config);
        (0..n_hours)
            .map(|hour| {
                let at = Timestamp::from_seconds(1_704_067_200 + 3_600 * hour as i64);
                let value = value(hour, random.normal());
                if value.is_nan() { None } else { seasonal.update(Sample { at, value }, Learn::Fully) }
            })
            .collect()
    }

    fn by_day() -> Config {
        let season = Season::Samples { period_samples: 24, grain: Some(Grain::HOUR) };
        Config { season, grain: Some(Grain::HOUR), ..Config::default() }
    }

    fn day(hour: usize) -> f64 {
        100.0 + 30.0 * (std::f64::consts::TAU * (hour % 24) as f64 / 24.0).sin()
    }

    fn mean_score(readings: &[Option<Reading>]) -> f64 {
        let scores: Vec<f64> = readings.iter().flatten().map(|reading| reading.score).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    }

    /// First reading, mean score of the last tenth (0.8 for normal noise) and scale at the end (1).
    #[track_caller]
    fn check(config: Config, n_hours: usize, value: impl Fn(usize, f64) -> f64, expect: Expect) {
        let readings = run(config, n_hours, value);
        let first = readings.iter().position(Option::is_some).unwrap();
        let scale = readings.iter().rev().flatten().next().unwrap().scale;
        let mean = mean_score(&readings[n_hours * 9 / 10..]);
        expect.assert_eq(&format!("first {first}, mean score {mean:.2}, scale {scale:.2}"));
    }

    #[test]
    fn the_residual_of_a_season_is_its_noise() {
        check(
            by_day(),
            24 * 60,
            |hour, noise| day(hour) + noise,
            expect!["first 24, mean score 0.77, scale 1.03"],
        );
        check(
            Config::default(),
            168 * 20,
            |hour, noise| day(hour) + noise,
            expect!["first 168, mean score 0.79, scale 1.00"],
        );
        let no_grain = Season::Samples { period_samples: 24, grain: None };
        check(
            Config { season: no_grain, ..by_day() },
            24 * 60,
            |hour, noise| day(hour) + noise,
            expect!["first 24, mean score 0.77, scale 1.03"],
        );
    }

    #[test]
    fn a_trend_moves_the_level_only() {
        check(
            by_day(),
            24 * 60,
            |hour, noise| day(hour) + 0.01 * hour as f64 + noise,
            expect!["first 24, mean score 0.78, scale 1.15"],
        );
    }

    #[test]
    fn missing_rows_do_not_shift_the_season() {
        let holes = |hour: usize, noise| {
            if hour % 37 == 5 || (500..520).contains(&hour) { f64::NAN } else { day(hour) + noise }
        };
        check(by_day(), 24 * 60, holes, expect!["first 24, mean score 0.78, scale 1.04"]);
    }

    #[test]
    fn an_outlier_in_the_first_season_is_forgotten() {
        let spiked = |hour: usize, noise| if hour == 12 { 1e4 } else { day(hour) + noise };
        check(by_day(), 24 * 60, spiked, expect!["first 24, mean score 0.77, scale 1.03"]);
    }

    #[test]
    fn a_job_that_moves_to_another_hour_alarms_for_two_seasons() {
        let job = |hour: usize, noise| {
            day(hour) + noise + if hour % 24 == if hour < 480 { 3 } else { 5 } { 500.0 } else { 0.0 }
        };
        let readings = run(by_day(), 24 * 30, job);
        let scores: Vec<f64> = (20..30).map(|day| readings[24 * day + 5].unwrap().score).collect();
        assert!(scores[..2].iter().all(|score| *score > 50.0), "{scores:?}");
        assert!(scores[8..].iter().all(|score| *score < 6.0), "{scores:?}");
    }

    #[test]
    fn a_usual_value_at_an_unusual_hour_is_strange() {
        let readings =
            run(by_day(), 24 * 30, |hour, noise| day(if hour == 700 { hour + 12 } else { hour }) + noise);
        let strange = readings[700].unwrap();
        assert!(strange.score > 15.0, "{strange:?}");
        assert!(readings[701].unwrap().score < 5.0);
    }

    #[test]
    fn a_slot_may_have_a_scale_of_its_own() {
        let night_is_quiet =
            |hour: usize, noise: f64| day(hour) + noise * if hour % 24 < 8 { 1.0 } else { 5.0 };
        let own = run(Config { slot_scale_weight: 0.1, ..by_day() }, 24 * 200, night_is_quiet);
        let mean_scale = |hours: std::ops::Range<usize>| {
            let scales = own[24 * 199..].iter().flatten().map(|reading| reading.scale);
            scales.take(hours.end).skip(hours.start).sum::<f64>() / hours.len() as f64
        };
        let ratio = mean_scale(8..24) / mean_scale(0..8);
        assert!((4.0..6.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_frozen_profile_stays() {
        let mut seasonal = Seasonal::new(by_day());
        let mut feed = |hour: usize, value, learn| {
            let at = Timestamp::from_seconds(3_600 * hour as i64);
            seasonal.update(Sample { at, value }, learn)
        };
        for hour in 0..240 {
            feed(hour, day(hour), Learn::Fully);
        }
        let expected: Vec<f64> =
            (240..264).map(|hour| feed(hour, 0.0, Learn::Frozen).unwrap().expected).collect();
        for hour in 264..480 {
            feed(hour, 0.0, Learn::Frozen);
        }
        let later: Vec<f64> =
            (480..504).map(|hour| feed(hour, 0.0, Learn::Frozen).unwrap().expected).collect();
        let worst = expected.iter().zip(&later).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-4, "{worst}");
    }
}
