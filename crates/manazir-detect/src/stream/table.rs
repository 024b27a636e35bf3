//! The one table of streaming detectors. Parser, reference page, Python class list and UI picker derive from
//! it.
//!
//! A new detector is a file and an entry here. Entries are only ever added at the end of a list: saved states
//! name them by position.

use manazir_model::Sample;
use serde::{Deserialize, Serialize};

use super::{ChannelDetector, Learn, Reading, Setting, StreamDetector};
use super::{
    count, cusum, cycle, discord, flat_line, forest, half_space, level, level_shift, missing, page_hinkley,
};
use super::{neighbours, pca, polynomial, seasonal, silence, spectral, variance};

/// What a detector costs for each series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Well below a microsecond a sample and 4 KiB of state, beside a season's profile.
    Light,
    /// Microseconds a sample, or up to 256 KiB.
    Medium,
    /// More than that.
    Heavy,
}

impl Cost {
    /// Its name in the reference and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Medium => "medium",
            Self::Heavy => "heavy",
        }
    }
}

/// What there is to know of a detector before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name everywhere: configuration, command line, verdicts.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it costs.
    pub cost: Cost,
    /// Where it is at its best.
    pub good_for: &'static str,
    /// Where it misleads.
    pub not_for: &'static str,
}

/// One entry a detector: variant, held type, constructor from `setting`, then the fields of [`StreamInfo`].
macro_rules! stream_detectors {
    ($($variant:ident($held:ty) = |$setting:ident| $build:expr, $name:literal, $cost:ident,
        $summary:literal, good for $good_for:literal, not for $not_for:literal;)*) => {
        /// Any of the detectors over one series: a plain value that can be saved and restored.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum StreamState {
            $(#[doc = $summary] $variant($held),)*
        }

        /// All detectors over one series.
        pub const STREAM_DETECTORS: &[StreamInfo] = &[$(StreamInfo {
            name: $name,
            summary: $summary,
            cost: Cost::$cost,
            good_for: $good_for,
            not_for: $not_for,
        },)*];

        impl StreamState {
            /// An untaught detector by its name in [`STREAM_DETECTORS`]; `None` if there is none such.
            pub fn build(name: &str, setting: &Setting) -> Option<Self> {
                match name {
                    $($name => { let $setting = setting; Some(Self::$variant($build)) })*
                    _ => None,
                }
            }

            /// The name in [`STREAM_DETECTORS`].
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        impl StreamDetector for StreamState {
            fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
                match self { $(Self::$variant(detector) => detector.update(sample, learn),)* }
            }

            fn state_bytes(&self) -> usize {
                match self {
                    $(Self::$variant(held) => size_of::<Self>() - size_of::<$held>() + held.state_bytes(),)*
                }
            }
        }
    };
}

/// As [`stream_detectors`], with constructors from `n_features` and `setting`.
macro_rules! channel_detectors {
    ($($variant:ident($held:ty), $name:literal, $cost:ident,
        $summary:literal, good for $good_for:literal, not for $not_for:literal;)*) => {
        /// Any of the detectors over several channels: a plain value that can be saved and restored.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum ChannelState {
            $(#[doc = $summary] $variant($held),)*
        }

        /// All detectors over several channels of one entity; they say which channel is to blame.
        pub const CHANNEL_DETECTORS: &[StreamInfo] = &[$(StreamInfo {
            name: $name,
            summary: $summary,
            cost: Cost::$cost,
            good_for: $good_for,
            not_for: $not_for,
        },)*];

        impl ChannelState {
            /// An untaught detector over rows of `n_features`, by its name in [`CHANNEL_DETECTORS`]; `None`
            /// if there is none such.
            pub fn build(name: &str, n_features: usize, setting: &Setting) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant(<$held>::from_setting(n_features, setting))),)*
                    _ => None,
                }
            }

            /// The name in [`CHANNEL_DETECTORS`].
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        impl ChannelDetector for ChannelState {
            fn update(&mut self, values: &[f64], learn: Learn, attribution: &mut [f64]) -> Option<f64> {
                match self { $(Self::$variant(detector) => detector.update(values, learn, attribution),)* }
            }

            fn state_bytes(&self) -> usize {
                match self {
                    $(Self::$variant(held) => size_of::<Self>() - size_of::<$held>() + held.state_bytes(),)*
                }
            }
        }
    };
}

// The heavy ones are boxed, so that a light one is not stored in their room.
stream_detectors! {
    Level(level::Level) = |setting| level::Level::from_setting(setting), "level", Light,
        "Robust level and scale with clipped updates",
        good for "gauges around a level; a first look at anything",
        not for "seasons and steep trends";
    Seasonal(seasonal::Seasonal) = |setting| seasonal::Seasonal::from_setting(setting), "seasonal", Light,
        "Seasonal profile with a level",
        good for "daily and weekly load, any period that is known",
        not for "waveforms whose period wanders";
    Polynomial(polynomial::Polynomial) = |setting| polynomial::Polynomial::from_setting(setting),
        "polynomial", Light,
        "One-step forecast of the polynomial that fits the last samples",
        good for "levels, trends and slow waves",
        not for "seasons with sharp corners, pure noise";
    LevelShift(level_shift::LevelShift) = |setting| level_shift::LevelShift::from_setting(setting),
        "level_shift", Light,
        "Median of the last samples against the median of those before",
        good for "lasting changes of level beneath spikes",
        not for "seasons longer than the windows";
    Cusum(cusum::Cusum) = |setting| cusum::Cusum::from_setting(setting), "cusum", Light,
        "Cumulative sum of deviations, two-sided",
        good for "small shifts that last",
        not for "seasons and strong autocorrelation: give it a residual";
    PageHinkley(page_hinkley::PageHinkley) = |setting| page_hinkley::PageHinkley::from_setting(setting),
        "page_hinkley", Light,
        "Change against the mean of everything since the last change",
        good for "slow drift; taking a new regime for normal at once",
        not for "seasons: give it a residual";
    Variance(variance::Variance) = |setting| variance::Variance::from_setting(setting), "variance", Light,
        "Scatter of the last samples against the usual scatter",
        good for "jitter that grows, sensors that go quiet",
        not for "counts near zero, whose scatter follows their level";
    Forest(Box<forest::Forest>) = |setting| Box::new(forest::Forest::from_setting(setting)), "forest", Heavy,
        "Random cut forest on shingles of eight samples",
        good for "odd forms and levels of any kind, without an assumption",
        not for "usual values at the wrong hour, counts that are mostly zero";
    HalfSpace(half_space::HalfSpace) = |setting| half_space::HalfSpace::from_setting(setting),
        "half_space", Medium,
        "Half-space trees on values: how rare this part of the range was of late",
        good for "several usual levels with nothing between, skewed values",
        not for "telling a spike from a larger one";
    HalfSpaceShingle(half_space::HalfSpace) = |setting| half_space::HalfSpace::shingled(setting),
        "half_space_shingle", Medium,
        "Half-space trees on shingles of eight samples",
        good for "odd forms at a sixth of a forest's state",
        not for "single spikes, which eight dimensions dilute";
    Discord(Box<discord::Discord>) = |setting| Box::new(discord::Discord::from_setting(setting)),
        "discord", Medium,
        "Distance of the last stretch from its nearest in the past, whatever its height and level",
        good for "waveforms: heartbeats, machine cycles, daily curves",
        not for "series without repeating form";
    Count(count::Count) = |setting| count::Count::from_setting(setting), "count", Light,
        "Low counts with many zeros, judged by their own probability",
        good for "errors, orders of a small shop, rare events",
        not for "large counts and negative values";
    Silence(silence::Silence) = |setting| silence::Silence::from_setting(setting), "silence", Light,
        "Nothing has happened for longer than usual",
        good for "sparse counts, heartbeats, jobs that should run",
        not for "series with quiet nights";
    FlatLine(flat_line::FlatLine) = |setting| flat_line::FlatLine::from_setting(setting), "flat_line", Light,
        "The same value again and again in a series that moves",
        good for "sensors that hang, caches that serve old answers",
        not for "series that rest by nature";
    Missing(missing::Missing) = |setting| missing::Missing::from_setting(setting), "missing", Light,
        "Samples that should have come and did not",
        good for "collectors that die, gaps in any series",
        not for "events that come when they like";
    Spectral(spectral::Spectral) = |setting| spectral::Spectral::from_setting(setting), "spectral", Medium,
        "Spectral residual: what is left when the usual of the spectrum is taken out",
        good for "spikes and breaks on seasons of unknown shape",
        not for "slow shifts, noise without form";
    Cycle(Box<cycle::Cycle>) = |setting| Box::new(cycle::Cycle::from_setting(setting)), "cycle", Heavy,
        "Distance of the last period from every one before, once a form repeats",
        good for "waveforms whose period nobody has told: heartbeats, machine cycles",
        not for "seasons of a calendar; it is silent where no form repeats";
}

channel_detectors! {
    Forest(forest::ChannelForest), "forest", Heavy,
        "Random cut forest on rows of channels",
        good for "few to dozens of channels, odd rows of any kind",
        not for "hundreds of channels of which one goes wrong";
    HalfSpace(half_space::ChannelHalfSpace), "half_space", Medium,
        "Half-space trees on rows of channels",
        good for "a handful of channels, cheaply",
        not for "many channels: eight halvings do not meet them all";
    Pca(pca::Pca), "pca", Medium,
        "What the leading principal components leave unexplained, four rows joined",
        good for "channels that move together: the metrics of a server",
        not for "less than three channels, or channels without relation";
    Neighbours(neighbours::Neighbours), "neighbours", Heavy,
        "Distance of the last ten rows from every ten rows before",
        good for "one to dozens of channels; anomalies that last and come again",
        not for "usual values at an unusual hour";
}

impl<D: StreamDetector> StreamDetector for Box<D> {
    fn update(&mut self, sample: Sample, learn: Learn) -> Option<Reading> {
        (**self).update(sample, learn)
    }

    fn state_bytes(&self) -> usize {
        size_of::<Self>() + (**self).state_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::stream::check::{check_channel_detector, check_detector};

    #[test]
    fn every_entry_builds_the_detector_of_its_name() {
        for info in STREAM_DETECTORS {
            let state = StreamState::build(info.name, &Setting::default()).unwrap();
            assert_eq!(state.name(), info.name);
        }
        for info in CHANNEL_DETECTORS {
            let state = ChannelState::build(info.name, 3, &Setting::default()).unwrap();
            assert_eq!(state.name(), info.name);
        }
        assert!(StreamState::build("oracle", &Setting::default()).is_none());
        assert!(ChannelState::build("oracle", 3, &Setting::default()).is_none());
    }

    #[test]
    fn names_occur_once_and_are_plain() {
        for table in [STREAM_DETECTORS, CHANNEL_DETECTORS] {
            let names: BTreeSet<&str> = table.iter().map(|info| info.name).collect();
            assert_eq!(names.len(), table.len());
            assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
        }
    }

    #[test]
    fn every_entry_is_a_detector() {
        for info in STREAM_DETECTORS {
            println!("{}", info.name);
            check_detector(|| StreamState::build(info.name, &Setting::default()).unwrap());
        }
        for info in CHANNEL_DETECTORS {
            println!("{}", info.name);
            check_channel_detector(4, || ChannelState::build(info.name, 4, &Setting::default()).unwrap());
        }
    }

    /// A season of 48 samples, as of half hours; the state of a series that is no one's favourite.
    #[test]
    fn costs_are_kept() {
        let setting = Setting { period_samples: Some(48), ..Setting::default() };
        for info in STREAM_DETECTORS {
            let bytes = StreamState::build(info.name, &setting).unwrap().state_bytes();
            let bound = match info.cost {
                Cost::Light => 4 << 10,
                Cost::Medium => 256 << 10,
                Cost::Heavy => 2 << 20,
            };
            assert!(bytes <= bound, "{} takes {bytes} bytes, {bound} is {}", info.name, info.cost.name());
        }
    }
}
