//! The twelve views.

use manazir_model::Grain;
use serde::{Deserialize, Serialize};

use super::pattern::PatternMemory;
use super::profile::{Profile, ProfileConfig};
use super::window::{LENGTHS, Windows};
use crate::robust::{ResidualScale, median, median_and_sigma};
use crate::stream::{Learn, Setting};

/// One line of the table of views.
#[derive(Clone, Copy, Debug)]
pub struct ViewInfo {
    /// Its name.
    pub name: &'static str,
    /// Its share in the score.
    pub weight: f64,
    /// True if only large values are strange.
    pub one_sided: bool,
    /// What it looks at.
    pub about: &'static str,
}

pub(super) const N_VIEWS: usize = 12;

/// Views of which small values are strange, too.
pub(super) const N_LOWER: usize = {
    let (mut view, mut count) = (0, 0);
    while view < N_VIEWS {
        count += !VIEWS[view].one_sided as usize;
        view += 1;
    }
    count
};

/// Where the lower tail of each view stands: among those of the two-sided views, in their order.
const LOWER_PLACES: [Option<usize>; N_VIEWS] = {
    let mut places = [None; N_VIEWS];
    let (mut view, mut count) = (0, 0);
    while view < N_VIEWS {
        if !VIEWS[view].one_sided {
            places[view] = Some(count);
            count += 1;
        }
        view += 1;
    }
    places
};

/// Where the lower tail of a view stands; `None` of a view that has none.
#[inline]
pub(super) fn lower_place(view: usize) -> Option<usize> {
    LOWER_PLACES[view]
}

/// What the expectation of a sample rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Basis {
    /// The level of the last samples.
    Level,
    /// What this time of day gives, or this part of the period.
    Day,
    /// What this hour of the week gives.
    Week,
}

macro_rules! views {
    ($($constant:ident = $position:literal, $name:literal, $weight:literal, $one_sided:literal, $about:literal;)*) => {
        $(const $constant: usize = $position;)*
        /// All views, in the order in which evidence is given.
        pub const VIEWS: [ViewInfo; N_VIEWS] = [
            $(ViewInfo { name: $name, weight: $weight, one_sided: $one_sided, about: $about },)*
        ];
    };
}

views! {
    VALUE = 0, "value", 1.0, false, "the value itself, against the highest and lowest so far";
    DAY = 1, "day", 0.75, false, "the distance from what this time of day gives";
    WEEK = 2, "week", 0.5, false, "the distance from what this hour of the week gives";
    MEAN_8 = 3, "mean 8", 0.5, false, "the mean of the last 8 samples";
    MEAN_32 = 4, "mean 32", 0.5, false, "the mean of the last 32 samples";
    MEAN_128 = 5, "mean 128", 0.75, false, "the mean of the last 128 samples";
    FORM_8 = 6, "form 8", 0.5, true, "the form of the last 8 samples, against all forms seen";
    FORM_32 = 7, "form 32", 1.25, true, "the form of the last 32 samples in 8 steps";
    FORM_96 = 8, "form 96", 0.5, true, "the form of the last 96 samples in 8 steps";
    DAY_MEAN = 9, "day mean", 0.75, false, "the mean distance from the time of day over 16 samples";
    WEEK_MEAN = 10, "week mean", 0.5, false, "the slow mean of the distance from the hour of the week";
    BURSTS = 11, "bursts", 1.75, false, "how often the series has jumped of late";
}

/// What a view sees: a deviation in its own unit, and a robust scale of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Deviation {
    pub(super) value: f64,
    pub(super) unit: f64,
}

/// Samples before the first view opens: enough for a median.
const WARM_SAMPLES: usize = 20;

/// Weight of a sample in the slow level and of a residual in the scales: half a day at five minutes.
const SLOW_WEIGHT: f64 = 0.002;
const SCALE_WEIGHT: f64 = 0.005;

const MICROS_PER_DAY: i64 = Grain::DAY.micros();

/// A level that follows with clipped steps, and the scale of what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Follower {
    level: f64,
    scale: ResidualScale,
}

impl Follower {
    fn start(values: &mut [f64]) -> Self {
        let (level, sigma) = median_and_sigma(values);
        Self { level, scale: ResidualScale::new(sigma) }
    }

    /// Moves the level by at most three scales times `weight`; returns residual and scale before the move.
    #[inline]
    fn update(&mut self, value: f64, weight: f64, learn: Learn) -> (f64, f64) {
        let residual = value - self.level;
        let sigma = self.scale.sigma(self.level);
        if learn == Learn::Fully {
            self.level += weight * residual.clamp(-3.0 * sigma, 3.0 * sigma);
            self.scale.learn(residual, self.level, SCALE_WEIGHT);
        }
        (residual, sigma)
    }
}

/// When the slots of the seasons change.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Clock {
    /// By the calendar: time of day and hour of week.
    Calendar,
    /// By counting samples.
    Period { samples: u32, seen: u64 },
    /// There is no season to keep.
    None,
}

/// State of all views of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Views {
    /// The first values, until there are [`WARM_SAMPLES`]; `None` from then on.
    warm: Option<Vec<f64>>,
    /// Windows hold distances from here.
    origin: f64,
    last: f64,
    slow: Follower,
    level: Follower,
    jump: Follower,
    jump_share: f64,
    windows: Windows,
    forms: [PatternMemory; 3],
    clock: Clock,
    day: Option<Profile>,
    week: Option<Profile>,
    /// The last day residuals and their number.
    day_residuals: [f32; 16],
    day_residuals_seen: u64,
    week_mean: f64,
    /// What the last sample was expected to be by the day and the week.
    expected: [Option<f64>; 2],
}

impl Views {
    pub(super) fn new(setting: &Setting) -> Self {
        let (clock, day, week) = seasons(setting);
        Self {
            warm: Some(Vec::with_capacity(WARM_SAMPLES)),
            origin: 0.0,
            last: 0.0,
            slow: Follower::default(),
            level: Follower::default(),
            jump: Follower::default(),
            jump_share: 0.0,
            windows: Windows::default(),
            forms: [1, 4, 12].map(PatternMemory::new),
            clock,
            day,
            week,
            day_residuals: [0.0; 16],
            day_residuals_seen: 0,
            week_mean: 0.0,
            expected: [None; 2],
        }
    }

    /// The deviations of all views at this sample; `None` during warm-up. Learns from the sample; if `Frozen`,
    /// levels, scales and seasons stay where they are.
    pub(super) fn update(
        &mut self,
        local_micros: i64,
        value: f64,
        learn: Learn,
    ) -> Option<[Option<Deviation>; N_VIEWS]> {
        let mut seen = [None; N_VIEWS];
        self.see_season(local_micros, value, learn, &mut seen);
        if let Some(mut warm) = self.warm.take() {
            warm.push(value);
            self.last = value;
            if warm.len() < WARM_SAMPLES {
                self.warm = Some(warm);
            } else {
                self.start(warm);
            }
            return None;
        }
        self.see_level(value, learn, &mut seen);
        self.see_windows(value, &mut seen);
        self.see_form(value, &mut seen);
        self.last = value;
        Some(seen)
    }

    /// Levels, scales and windows from the samples of the warm-up.
    fn start(&mut self, mut warm: Vec<f64>) {
        let mut jumps: Vec<f64> = warm.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        self.jump = Follower::start(&mut jumps);
        self.origin = median(&mut warm.clone());
        for &value in &warm {
            self.windows.push(value - self.origin);
        }
        self.slow = Follower::start(&mut warm);
        self.level = self.slow;
    }

    fn see_level(&mut self, value: f64, learn: Learn, seen: &mut [Option<Deviation>; N_VIEWS]) {
        let (_, sigma) = self.slow.update(value, SLOW_WEIGHT, learn);
        self.level.update(value, 0.05, learn);
        seen[VALUE] = Some(Deviation { value: value - self.origin, unit: sigma });
        let (residual, sigma) = self.jump.update((value - self.last).abs(), SLOW_WEIGHT, learn);
        let jumped = if residual.abs() > 3.0 * sigma { 1.0 } else { 0.0 };
        self.jump_share += 0.03 * (jumped - self.jump_share);
        seen[BURSTS] = Some(Deviation { value: self.jump_share, unit: 0.05 });
    }

    fn see_windows(&mut self, value: f64, seen: &mut [Option<Deviation>; N_VIEWS]) {
        self.windows.push(value - self.origin);
        let sigma = self.slow.scale.sigma(self.slow.level);
        // A mean of n samples scatters less than one sample; less than 1/√n, for samples depend.
        for (position, view, share) in [(0, MEAN_8, 0.5), (1, MEAN_32, 0.3), (2, MEAN_128, 0.3)] {
            debug_assert!(position < LENGTHS.len());
            seen[view] =
                self.windows.mean(position).map(|mean| Deviation { value: mean, unit: share * sigma });
        }
    }

    fn see_form(&mut self, value: f64, seen: &mut [Option<Deviation>; N_VIEWS]) {
        let sigma = self.slow.scale.sigma(self.slow.level);
        let standardised = ((value - self.slow.level) / (3.0 * sigma)).asinh();
        for (memory, view) in self.forms.iter_mut().zip([FORM_8, FORM_32, FORM_96]) {
            seen[view] = memory.update(standardised).map(|(value, unit)| Deviation { value, unit });
        }
    }

    fn see_season(
        &mut self,
        local_micros: i64,
        value: f64,
        learn: Learn,
        seen: &mut [Option<Deviation>; N_VIEWS],
    ) {
        let slot = |season: &Profile, span: i64| {
            let within = local_micros.rem_euclid(span);
            (within as i128 * season.n_slots() as i128 / i128::from(span)) as usize
        };
        let (day_slot, week_slot) = match &mut self.clock {
            Clock::None => return,
            Clock::Calendar => (
                self.day.as_ref().map_or(0, |day| slot(day, MICROS_PER_DAY)),
                self.week.as_ref().map_or(0, |week| slot(week, 7 * MICROS_PER_DAY)),
            ),
            Clock::Period { samples, seen } => {
                let phase = (*seen % u64::from(*samples)) as usize;
                *seen += 1;
                let slots = self.day.as_ref().map_or(1, Profile::n_slots);
                ((phase as u64 * slots as u64 / u64::from(*samples)) as usize, 0)
            }
        };
        if let Some(day) = &mut self.day {
            self.expected[0] = day.expected(day_slot);
            if let Some(residual) = day.update(day_slot, value, learn) {
                let unit = day.sigma();
                seen[DAY] = Some(Deviation { value: residual, unit });
                let place = (self.day_residuals_seen % 16) as usize;
                self.day_residuals[place] = residual as f32;
                self.day_residuals_seen += 1;
                if self.day_residuals_seen >= 16 {
                    let mean = self.day_residuals.iter().copied().map(f64::from).sum::<f64>() / 16.0;
                    seen[DAY_MEAN] = Some(Deviation { value: mean, unit });
                }
            }
        }
        if let Some(week) = &mut self.week {
            self.expected[1] = week.expected(week_slot);
            if let Some(residual) = week.update(week_slot, value, learn) {
                let unit = week.sigma();
                seen[WEEK] = Some(Deviation { value: residual, unit });
                self.week_mean += 0.06 * (residual.clamp(-6.0 * unit, 6.0 * unit) - self.week_mean);
                seen[WEEK_MEAN] = Some(Deviation { value: self.week_mean, unit: 0.3 * unit });
            }
        }
    }

    /// What the last sample was expected to be, by the forecast that errs least, its scale, and the view that
    /// measures its errors.
    pub(super) fn expectation(&self) -> (f64, f64, Option<usize>) {
        let mut best = (self.level.level, self.level.scale.sigma(self.level.level), None);
        for (season, expected, view) in
            [(&self.day, self.expected[0], DAY), (&self.week, self.expected[1], WEEK)]
        {
            if let (Some(season), Some(expected)) = (season, expected)
                && season.sigma() < best.1
            {
                best = (expected, season.sigma(), Some(view));
            }
        }
        best
    }

    pub(super) fn basis(&self) -> Basis {
        match self.expectation().2 {
            Some(DAY) => Basis::Day,
            Some(_) => Basis::Week,
            None => Basis::Level,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.windows.heap_bytes() + self.warm.as_ref().map_or(0, |warm| warm.capacity() * size_of::<f64>())
    }

    pub(super) fn season_bytes(&self) -> usize {
        self.day.iter().chain(&self.week).map(Profile::heap_bytes).sum()
    }
}

/// Day and week where the grain fits into them, else the period that was found.
fn seasons(setting: &Setting) -> (Clock, Option<Profile>, Option<Profile>) {
    let day = |slots: i64| {
        Profile::new(ProfileConfig {
            slots: slots.clamp(1, 96) as u16,
            visits_min: 1.0,
            slot_weight: 0.15,
            level_weight: 0.005,
            clip_scales: 6.0,
        })
    };
    match (setting.grain.map(Grain::micros), setting.period_samples) {
        (Some(grain), _) if (1_000_000..=2 * MICROS_PER_DAY).contains(&grain) => {
            let slots = (7 * MICROS_PER_DAY / grain).clamp(1, 168);
            let visits = (7 * MICROS_PER_DAY / grain / slots).max(1) as f32;
            let week = Profile::new(ProfileConfig {
                slots: slots as u16,
                visits_min: visits,
                slot_weight: 0.2 / visits,
                level_weight: 0.002,
                clip_scales: f32::MAX,
            });
            let day_slots = MICROS_PER_DAY / grain;
            (Clock::Calendar, (day_slots >= 4).then(|| day(day_slots)), Some(week))
        }
        (_, Some(period)) if period >= 4 => {
            let samples = u32::try_from(period).unwrap_or(u32::MAX);
            (Clock::Period { samples, seen: 0 }, Some(day(i64::from(samples))), None)
        }
        _ => (Clock::None, None, None),
    }
}
