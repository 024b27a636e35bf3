//! Series like those of a business, with incidents whose place and kind are known.
//!
//! The demo and the example `make_series` draw from here, so that what a newcomer sees and what is measured
//! are of one kind. The same seed gives the same bytes.

mod write;

use std::f64::consts::TAU;

use manazir_detect::Random;
use manazir_model::{Grain, Series, SeriesKey, SeriesKind, Timestamp};
use serde::Serialize;

pub use write::{write_each, write_long, write_truth};

const DAY: i64 = Grain::DAY.micros();

/// What was done to a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disturbance {
    /// A few samples far above.
    Spike,
    /// A few hours far below.
    Dip,
    /// Days at another level.
    LevelShift,
    /// The same value again and again.
    FlatLine,
    /// Scatter several times as wide.
    Variance,
    /// The values of another time of day.
    SeasonBreak,
}

impl Disturbance {
    /// The five kinds that a fleet is given in turn.
    pub const FLEET: [Self; 5] = [Self::Spike, Self::Dip, Self::LevelShift, Self::FlatLine, Self::Variance];

    /// As it stands in `truth.csv`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Dip => "dip",
            Self::LevelShift => "level_shift",
            Self::FlatLine => "flat_line",
            Self::Variance => "variance",
            Self::SeasonBreak => "season_break",
        }
    }
}

/// An incident that was put into a series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Injected {
    /// The series.
    pub series: SeriesKey,
    /// First sample that was changed.
    pub start_at: Timestamp,
    /// Last sample that was changed.
    pub end_at: Timestamp,
    /// How.
    pub kind: Disturbance,
}

/// How a series usually runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// Mean on a workday.
    pub level: f64,
    /// Height of the daily wave, as a share of the level, in [0, 1].
    pub day_share: f64,
    /// Hour of the day at which the wave is highest.
    pub peak_hour: f64,
    /// Factor on Saturdays and Sundays.
    pub weekend: f64,
    /// Growth over the whole span, as a share of the level.
    pub growth: f64,
    /// Standard deviation of the noise, as a share of what is expected.
    pub noise: f64,
    /// Whole numbers drawn around the expectation, as events that are counted.
    pub counts: bool,
}

impl Rhythm {
    /// What is expected at an instant; `age` is its place in the whole span, in [0, 1].
    pub fn expected(&self, at: Timestamp, age: f64) -> f64 {
        let hour = at.micros().rem_euclid(DAY) as f64 / Grain::HOUR.micros() as f64;
        // 1970-01-01 was a Thursday.
        let weekday = (at.micros().div_euclid(DAY) + 3).rem_euclid(7);
        let wave = (TAU * (hour - self.peak_hour) / 24.0).cos();
        // The second harmonic makes nights flat and noons broad, as traffic is.
        let shape = wave + 0.25 * (2.0 * TAU * (hour - self.peak_hour) / 24.0).cos();
        let factor = if weekday >= 5 { self.weekend } else { 1.0 };
        self.level * factor * (1.0 + self.day_share * shape / 1.25) * (1.0 + self.growth * age)
    }

    /// One sample around `expected`, whose noise is `scatter` times as wide as usual.
    fn draw(&self, expected: f64, scatter: f64, random: &mut Random) -> f64 {
        if self.counts {
            return poisson(expected * (1.0 + self.noise * scatter * random.normal()).max(0.0), random);
        }
        expected * (1.0 + self.noise * scatter * random.normal())
    }
}

/// Number of events where `mean` are expected (Knuth 1969 below 30, the normal limit above).
fn poisson(mean: f64, random: &mut Random) -> f64 {
    if mean > 30.0 {
        return (mean + mean.sqrt() * random.normal()).round().max(0.0);
    }
    let limit = (-mean).exp();
    let (mut product, mut events) = (random.uniform(), 0.0);
    while product > limit {
        product *= random.uniform();
        events += 1.0;
    }
    events
}

/// Where and when the samples of a series lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First sample.
    pub start: Timestamp,
    /// Distance of samples.
    pub grain: Grain,
    /// How many.
    pub n_samples: usize,
}

impl Span {
    /// Whole days from `start` on.
    pub fn days(start: Timestamp, grain: Grain, days: usize) -> Self {
        Self { start, grain, n_samples: grain.samples_in(days as i64 * DAY) }
    }

    /// Event time of a sample.
    pub fn at(&self, index: usize) -> Timestamp {
        Timestamp(self.start.micros() + index as i64 * self.grain.micros())
    }

    fn age(&self, index: usize) -> f64 {
        index as f64 / self.n_samples.max(1) as f64
    }
}

/// An incident to be put into a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Incident {
    /// How the series is disturbed.
    pub kind: Disturbance,
    /// First sample.
    pub first: usize,
    /// Number of samples.
    pub length: usize,
    /// How much: the factor on the expectation, or on the scatter of a [`Disturbance::Variance`].
    pub factor: f64,
}

/// Draws the samples of a series with its incidents.
pub fn draw(
    key: SeriesKey,
    rhythm: &Rhythm,
    span: Span,
    incidents: &[Incident],
    random: &mut Random,
) -> Series {
    let mut values = Vec::with_capacity(span.n_samples);
    for index in 0..span.n_samples {
        let open = incidents
            .iter()
            .find(|incident| (incident.first..incident.first + incident.length).contains(&index));
        let expected = rhythm.expected(span.at(index), span.age(index));
        let value = match open.map(|incident| (incident, incident.kind)) {
            None => rhythm.draw(expected, 1.0, random),
            Some((incident, Disturbance::Variance)) => rhythm.draw(expected, incident.factor, random),
            Some((incident, Disturbance::FlatLine)) if index > incident.first => values[incident.first],
            Some((_, Disturbance::FlatLine)) => rhythm.draw(expected, 1.0, random),
            Some((_, Disturbance::SeasonBreak)) => {
                let other = Timestamp(span.at(index).micros() + DAY / 2);
                rhythm.draw(rhythm.expected(other, span.age(index)), 1.0, random)
            }
            Some((incident, _)) => rhythm.draw(incident.factor * expected, 1.0, random),
        };
        values.push(rounded(value));
    }
    Series {
        key,
        kind: SeriesKind::Gauge,
        unit: None,
        grain: Some(span.grain),
        zone: "UTC".to_owned(),
        at: (0..span.n_samples).map(|index| span.at(index)).collect(),
        values,
    }
}

/// Four decimals: files stay small, and a sensor is no more precise.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Many series of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetConfig {
    /// How many series.
    pub n_series: usize,
    /// Days of hourly samples.
    pub days: usize,
    /// Incidents, of the five kinds in turn, at most one a series.
    pub n_incidents: usize,
    /// The same seed gives the same fleet.
    pub seed: u64,
}

/// Series and what was put into them, both in order.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// The series.
    pub series: Vec<Series>,
    /// Their incidents.
    pub injected: Vec<Injected>,
}

/// Draws a fleet. Series differ in level, season, growth, noise and kind of value.
///
/// Incidents lie in the last two thirds of the span: before that there is no history to tell them by.
pub fn fleet(config: &FleetConfig) -> Fleet {
    let mut random = Random::new(config.seed);
    // Monday, 2 March 2026.
    let span = Span::days(Timestamp::from_seconds(1_772_409_600), Grain::HOUR, config.days);
    let disturbed = chosen(config.n_incidents.min(config.n_series), config.n_series, &mut random);
    let mut fleet = Fleet::default();
    for index in 0..config.n_series {
        let rhythm = any_rhythm(&mut random);
        let turn = disturbed.iter().position(|&place| place == index);
        let incident = turn.map(|turn| any_incident(Disturbance::FLEET[turn % 5], span, &mut random));
        let key = SeriesKey::new("value", [("series".to_owned(), format!("s{index:05}"))]);
        let series = draw(key.clone(), &rhythm, span, incident.as_slice(), &mut random);
        if let Some(incident) = incident {
            fleet.injected.push(injected(key, span, &incident));
        }
        fleet.series.push(series);
    }
    fleet
}

/// What `incident` did, for the truth.
pub fn injected(series: SeriesKey, span: Span, incident: &Incident) -> Injected {
    let last = (incident.first + incident.length.max(1) - 1).min(span.n_samples.saturating_sub(1));
    Injected { series, start_at: span.at(incident.first), end_at: span.at(last), kind: incident.kind }
}

/// So many different places below `bound`, in the order in which they were drawn (Floyd's sampling).
fn chosen(count: usize, bound: usize, random: &mut Random) -> Vec<usize> {
    let mut places = Vec::with_capacity(count);
    for top in bound - count..bound {
        let place = random.below(top + 1);
        places.push(if places.contains(&place) { top } else { place });
    }
    places
}

fn any_rhythm(random: &mut Random) -> Rhythm {
    let between = |random: &mut Random, low: f64, high: f64| low + (high - low) * random.uniform();
    Rhythm {
        level: 10f64.powf(between(random, 1.0, 4.5)),
        day_share: if random.below(5) == 0 { 0.0 } else { between(random, 0.1, 0.7) },
        peak_hour: between(random, 8.0, 22.0),
        weekend: if random.below(3) == 0 { 1.0 } else { between(random, 0.4, 1.3) },
        growth: between(random, -0.1, 0.3),
        noise: between(random, 0.01, 0.06),
        counts: random.below(3) == 0,
    }
}

fn any_incident(kind: Disturbance, span: Span, random: &mut Random) -> Incident {
    let hours = |random: &mut Random, low: usize, high: usize| low + random.below(high - low + 1);
    let (length, factor) = match kind {
        Disturbance::Spike => (hours(random, 1, 3), 2.0 + random.uniform()),
        Disturbance::Dip => (hours(random, 4, 10), 0.1 + 0.3 * random.uniform()),
        Disturbance::LevelShift => (hours(random, 48, 120), if random.below(2) == 0 { 0.55 } else { 1.6 }),
        Disturbance::FlatLine => (hours(random, 24, 60), 1.0),
        Disturbance::Variance => (hours(random, 24, 72), 8.0),
        Disturbance::SeasonBreak => (hours(random, 24, 48), 1.0),
    };
    let length = length.min(span.n_samples / 4).max(1);
    let earliest = span.n_samples / 3;
    let latest = span.n_samples.saturating_sub(length + 24).max(earliest + 1);
    Incident { kind, first: earliest + random.below(latest - earliest), length, factor }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: FleetConfig = FleetConfig { n_series: 40, days: 30, n_incidents: 10, seed: 1 };

    #[test]
    fn a_seed_gives_the_same_fleet_and_another_seed_another() {
        let values = |seed| {
            fleet(&FleetConfig { seed, ..CONFIG }).series.iter().map(|s| s.values.clone()).collect::<Vec<_>>()
        };
        assert_eq!(values(1), values(1));
        assert_ne!(values(1), values(2));
    }

    #[test]
    fn incidents_lie_on_different_series_within_the_span_and_are_of_five_kinds() {
        let fleet = fleet(&CONFIG);
        let kinds: std::collections::HashSet<_> =
            fleet.injected.iter().map(|incident| incident.kind).collect();
        let places: std::collections::HashSet<_> =
            fleet.injected.iter().map(|incident| &incident.series).collect();
        assert_eq!((fleet.injected.len(), kinds.len(), places.len()), (10, 5, 10));
        for incident in &fleet.injected {
            let series = fleet.series.iter().find(|series| series.key == incident.series).unwrap();
            assert!(incident.start_at <= incident.end_at);
            assert!(incident.start_at > series.at[200] && incident.end_at <= *series.at.last().unwrap());
        }
    }

    #[test]
    fn each_disturbance_does_what_its_name_says() {
        let rhythm = Rhythm {
            level: 100.0,
            day_share: 0.3,
            peak_hour: 12.0,
            weekend: 1.0,
            growth: 0.0,
            noise: 0.01,
            counts: false,
        };
        let span = Span::days(Timestamp(0), Grain::HOUR, 4);
        let run = |kind, factor| {
            let incident = Incident { kind, first: 48, length: 12, factor };
            let series = draw(SeriesKey::default(), &rhythm, span, &[incident], &mut Random::new(3));
            let ratio =
                |index: usize| series.values[index] / rhythm.expected(span.at(index), span.age(index));
            (48..60).map(ratio).collect::<Vec<f64>>()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean(&run(Disturbance::Spike, 3.0)) - 3.0).abs() < 0.1);
        assert!((mean(&run(Disturbance::Dip, 0.2)) - 0.2).abs() < 0.1);
        assert!(run(Disturbance::Variance, 20.0).iter().any(|ratio| (ratio - 1.0).abs() > 0.1));
        assert!(run(Disturbance::SeasonBreak, 1.0).iter().any(|ratio| (ratio - 1.0).abs() > 0.3));
    }

    #[test]
    fn counts_have_the_mean_that_was_asked_for() {
        let mut random = Random::new(5);
        for mean in [0.3, 4.0, 200.0] {
            let drawn = (0..20_000).map(|_| poisson(mean, &mut random)).sum::<f64>() / 20_000.0;
            assert!((drawn / mean - 1.0).abs() < 0.05, "{mean} {drawn}");
        }
    }
}
