//! Synthetic anomalies: a series with known strange stretches, at its own scale.
//!
//! What a method makes of stretches that were changed on purpose tells, without labels, what it can see in this
//! series (as in the benchmark of Lai et al. 2021, *Revisiting time series outlier detection*, from which most
//! forms are). A change is measured by what the series does by itself: a change that takes L samples in
//! multiples of the usual difference of samples L apart, σ_L = robust σ of xₜ₊ₗ − xₜ, divided by √2 so that it is
//! the standard deviation of white noise. So a size of 3 is as odd in a calm series as in a wild one, and
//! lasting changes must beat the season and the drift that lie within their length.

use std::ops::Range;

use crate::Random;
use crate::robust::median_and_sigma;

/// What is done to a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One to three samples upwards.
    Spike,
    /// One to three samples downwards.
    Dip,
    /// The whole stretch up or down.
    LevelShift,
    /// Linearly away, and back at once.
    Ramp,
    /// Wider or narrower around its own mean.
    Amplitude,
    /// The first value held.
    FlatLine,
    /// What comes half a stretch later, its end followed by its start.
    PhaseShift,
    /// Passed through at half the speed.
    TimeWarp,
    /// Normal noise added.
    Noise,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 9] = [
        Self::Spike,
        Self::Dip,
        Self::LevelShift,
        Self::Ramp,
        Self::Amplitude,
        Self::FlatLine,
        Self::PhaseShift,
        Self::TimeWarp,
        Self::Noise,
    ];

    /// With its article, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Spike => "a spike",
            Self::Dip => "a dip",
            Self::LevelShift => "a level shift",
            Self::Ramp => "a ramp",
            Self::Amplitude => "a wider or narrower swing",
            Self::FlatLine => "a flat line",
            Self::PhaseShift => "a shifted season",
            Self::TimeWarp => "a slower course",
            Self::Noise => "added noise",
        }
    }

    /// Whether it takes a few samples only.
    fn is_short(self) -> bool {
        matches!(self, Self::Spike | Self::Dip)
    }

    /// Changes `stretch`; `unit`: the usual change over its length, times the wanted size.
    fn apply(self, stretch: &mut [f64], unit: f64, noise: f64, size: f64, random: &mut Random) {
        let n = stretch.len().max(1) as f64;
        let sign = if random.below(2) == 0 { 1.0 } else { -1.0 };
        match self {
            Self::Spike => stretch.iter_mut().for_each(|value| *value += unit),
            Self::Dip => stretch.iter_mut().for_each(|value| *value -= unit),
            Self::LevelShift => stretch.iter_mut().for_each(|value| *value += sign * unit),
            Self::Ramp => {
                stretch
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, value)| *value += sign * unit * (at + 1) as f64 / n);
            }
            Self::Amplitude => {
                let factor = if sign > 0.0 { 1.0 + size / 2.0 } else { 1.0 / (1.0 + size / 2.0) };
                let mean = stretch.iter().map(|value| value / n).sum::<f64>();
                stretch.iter_mut().for_each(|value| *value = mean + factor * (*value - mean));
            }
            Self::FlatLine => {
                let first = stretch.first().copied().unwrap_or_default();
                stretch.fill(first);
            }
            Self::PhaseShift => stretch.rotate_left(stretch.len() / 2),
            Self::TimeWarp => {
                let before = stretch.to_vec();
                stretch.iter_mut().enumerate().for_each(|(at, value)| *value = before[at / 2]);
            }
            Self::Noise => stretch.iter_mut().for_each(|value| *value += size * noise * random.normal()),
        }
    }
}

/// One change that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// What was done.
    pub form: Form,
    /// In multiples of the usual change.
    pub size: f64,
    /// To which rows.
    pub rows: Range<usize>,
}

/// Channels with changes, and where these are.
#[derive(Clone, Debug, PartialEq)]
pub struct Injected {
    /// Each of shape `(n_samples,)`.
    pub channels: Vec<Vec<f64>>,
    /// In the order of rows; they do not meet.
    pub injections: Vec<Injection>,
}

/// What to inject.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<'a> {
    /// One injection for each, in this order: its form, and its size in multiples of the usual change.
    pub changes: &'a [(Form, f64)],
    /// Longest stretch, in samples, at least 8.
    pub length_max: usize,
}

/// Samples of the longest spike.
const SPIKE_MAX: usize = 3;

/// Samples of the shortest lasting change.
const LASTING_MIN: usize = 8;

/// One channel in so many takes part in a change, at least one: most incidents show on a part of the channels.
const CHANNELS_SHARE: usize = 4;

/// Injects into the rows `within`, each change into an equal share of them. A change that finds no room in half
/// of its share is left out. NaN stays NaN. O(n_samples · n_features · changes).
pub fn inject(channels: &[Vec<f64>], within: Range<usize>, plan: &Plan<'_>, random: &mut Random) -> Injected {
    let mut injected = Injected { channels: channels.to_vec(), injections: Vec::new() };
    let share = within.len() / plan.changes.len().max(1);
    for (which, &(form, size)) in plan.changes.iter().enumerate() {
        let length = if form.is_short() {
            1 + random.below(SPIKE_MAX)
        } else {
            LASTING_MIN + random.below(plan.length_max.min(share / 2).saturating_sub(LASTING_MIN) + 1)
        };
        if 2 * length > share || channels.is_empty() {
            continue;
        }
        // The middle half of the share, so that two changes never meet.
        let start =
            within.start + which * share + share / 4 + random.below((share / 2).saturating_sub(length) + 1);
        let rows = start..start + length;
        for _ in 0..channels.len().div_ceil(CHANNELS_SHARE) {
            let feature = random.below(channels.len());
            let (unit, noise) =
                (usual_change(&channels[feature], length), usual_change(&channels[feature], 1));
            let stretch = &mut injected.channels[feature][rows.clone()];
            form.apply(stretch, size * unit, noise, size, random);
        }
        injected.injections.push(Injection { form, size, rows });
    }
    injected
}

/// Samples that a usual change is measured on at most.
const PAIRS_MAX: usize = 4_000;

/// How much samples `lag` apart usually differ, as a standard deviation of one of them; 0 for a constant channel.
pub fn usual_change(channel: &[f64], lag: usize) -> f64 {
    let pairs = channel.len().saturating_sub(lag);
    let step = pairs.div_ceil(PAIRS_MAX).max(1);
    let change = |at: usize| (channel[at + lag] - channel[at]) / std::f64::consts::SQRT_2;
    let mut changes: Vec<f64> =
        (0..pairs).step_by(step).map(change).filter(|change| change.is_finite()).collect();
    median_and_sigma(&mut changes).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const N: usize = 3_000;

    fn channels(n_features: usize) -> Vec<Vec<f64>> {
        let mut random = Random::new(4);
        let wave = |at: usize| 5.0 * (at as f64 / 24.0 * std::f64::consts::TAU).sin();
        (0..n_features).map(|_| (0..N).map(|at| wave(at) + random.normal()).collect()).collect()
    }

    fn all(channels: &[Vec<f64>], size: f64, seed: u64) -> Injected {
        let changes = Form::ALL.map(|form| (form, size));
        inject(channels, 500..N, &Plan { changes: &changes, length_max: 60 }, &mut Random::new(seed))
    }

    #[test]
    fn white_noise_usually_changes_by_its_own_deviation() {
        let mut random = Random::new(2);
        let noise: Vec<f64> = (0..N).map(|_| 7.0 * random.normal()).collect();
        for lag in [1, 8, 60] {
            assert!((usual_change(&noise, lag) / 7.0 - 1.0).abs() < 0.1, "{lag}");
        }
        assert_eq!(usual_change(&[3.0; 40], 1), 0.0);
        assert_eq!(usual_change(&[3.0, f64::NAN], 5), 0.0);
    }

    #[test]
    fn each_form_changes_a_stretch_of_its_own_and_nothing_else() {
        let before = channels(1);
        let after = all(&before, 3.0, 1);
        let forms: Vec<Form> = after.injections.iter().map(|injection| injection.form).collect();
        assert_eq!(forms, Form::ALL);
        let injected = |at: usize| after.injections.iter().any(|injection| injection.rows.contains(&at));
        for (at, (before, after)) in before[0].iter().zip(&after.channels[0]).enumerate() {
            assert!(injected(at) || before == after, "{at}");
        }
        for Injection { form, rows, .. } in &after.injections {
            assert!(rows.clone().any(|at| before[0][at] != after.channels[0][at]), "{form:?}");
        }
    }

    #[test]
    fn a_spike_is_as_large_as_it_is_told_to_be() {
        let before = channels(1);
        let plan = Plan { changes: &[(Form::Spike, 4.0)], length_max: 8 };
        let after = inject(&before, 0..N, &plan, &mut Random::new(3));
        let rows = after.injections[0].rows.clone();
        let unit = usual_change(&before[0], rows.len());
        let height = after.channels[0][rows.start] - before[0][rows.start];
        assert!((height / unit - 4.0).abs() < 1e-9, "{height} {unit}");
    }

    #[test]
    fn a_part_of_many_channels_takes_part() {
        let before = channels(12);
        let after = all(&before, 3.0, 1);
        let changed = before.iter().zip(&after.channels).filter(|(before, after)| before != after).count();
        assert!((3..=12).contains(&changed), "{changed}");
        let Injection { rows, .. } = &after.injections[2];
        let at_once = before
            .iter()
            .zip(&after.channels)
            .filter(|(before, after)| before[rows.clone()] != after[rows.clone()])
            .count();
        assert!((1..=3).contains(&at_once), "{at_once}");
    }

    proptest! {
        #[test]
        fn a_seed_gives_the_same_changes_at_any_scale(seed: u64, scale in -6i32..6, size in 0.5f64..8.0) {
            // Powers of two, so that scaling rounds nothing.
            let factor = f64::from(scale).exp2();
            let before = channels(2);
            let scaled: Vec<Vec<f64>> =
                before.iter().map(|channel| channel.iter().map(|value| factor * value).collect()).collect();
            let (plain, wide) = (all(&before, size, seed), all(&scaled, size, seed));
            prop_assert_eq!(&plain.injections, &wide.injections);
            for (plain, wide) in plain.channels.iter().flatten().zip(wide.channels.iter().flatten()) {
                prop_assert!((factor * plain - wide).abs() <= 1e-9 * wide.abs().max(factor));
            }
        }

        #[test]
        fn any_length_is_injected_or_left(n_samples in 0usize..200, gap in 0usize..200, seed: u64) {
            let mut values: Vec<f64> = (0..n_samples).map(|at| at as f64).collect();
            values.iter_mut().skip(gap).take(5).for_each(|value| *value = f64::NAN);
            let changes = Form::ALL.map(|form| (form, 3.0));
            let plan = Plan { changes: &changes, length_max: 60 };
            let after = inject(&[values], 0..n_samples, &plan, &mut Random::new(seed));
            prop_assert_eq!(after.channels[0].len(), n_samples);
            prop_assert!(after.injections.iter().all(|injection| injection.rows.end <= n_samples));
        }
    }
}
