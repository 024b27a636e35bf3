//! Injected forms of many kinds on series of many kinds: kind, start, end and direction of what is found.

use std::f64::consts::TAU;

use expect_test::{Expect, expect};
use manazir_model::{Direction, Grain, Series, Timestamp};

use super::*;
use crate::Random;

/// A kind of series: where it begins, its grain, how many samples, and its undisturbed value.
#[derive(Clone, Copy)]
enum Base {
    /// Ten weeks of hours with a wave of the day and quiet weekends.
    Hourly,
    /// Three weeks of five minutes with a wave of the day.
    Minutes,
    /// Three weeks of five minutes without a season.
    Level,
    /// Six weeks of hours, counts around 4 with a wave.
    Counts,
    /// Four weeks of ten minutes that rest at zero and wake for a while each day.
    Resting,
}

impl Base {
    fn grain(self) -> Grain {
        let minutes = match self {
            Self::Hourly | Self::Counts => 60,
            Self::Minutes | Self::Level => 5,
            Self::Resting => 10,
        };
        Grain::from_micros(minutes * Grain::MINUTE.micros()).unwrap()
    }

    fn n_samples(self) -> usize {
        match self {
            Self::Hourly => 70 * 24,
            Self::Minutes | Self::Level => 21 * 288,
            Self::Counts => 42 * 24,
            Self::Resting => 28 * 144,
        }
    }

    /// Samples of a day.
    fn day(self) -> usize {
        self.grain().samples_in(Grain::DAY.micros())
    }

    /// What is expected of a sample, and its noise.
    fn usual(self, index: usize) -> (f64, f64) {
        let phase = index as f64 / self.day() as f64;
        let wave = (phase * TAU).sin();
        match self {
            Self::Hourly => {
                let weekend = phase as usize % 7 >= 5;
                (100.0 + if weekend { 15.0 } else { 40.0 } * wave, 3.0)
            }
            Self::Minutes => (100.0 + 40.0 * wave, 4.0),
            Self::Level => (100.0, 4.0),
            Self::Counts => (4.0 + 2.0 * wave, 0.0),
            Self::Resting => (if phase.fract() < 0.125 { 20.0 } else { 0.0 }, 0.0),
        }
    }

    fn draw(self, (expected, noise): (f64, f64), random: &mut Random) -> f64 {
        match self {
            Self::Counts => poisson(expected, random),
            Self::Resting if expected > 0.0 => (expected + 2.0 * random.normal()).round(),
            _ => expected + noise * random.normal(),
        }
    }
}

fn poisson(mean: f64, random: &mut Random) -> f64 {
    let (limit, mut product, mut events) = ((-mean).exp(), random.uniform(), 0.0);
    while product > limit {
        product *= random.uniform();
        events += 1.0;
    }
    events
}

/// What is done from the middle of the series on.
#[derive(Clone, Copy)]
enum Form {
    /// Nothing.
    None,
    /// Added to so many samples.
    Add(f64, usize),
    /// Added more and more over so many samples.
    Ramp(f64, usize),
    /// Times as much noise, for so many samples; at least one of each.
    Noise(f64, usize),
    /// The same value.
    Flat(usize),
    /// The mean instead of the season.
    NoSeason(usize),
    /// The season of half a day later.
    Phase(usize),
    /// Samples that do not come.
    Gap(usize),
}

fn series(base: Base, form: Form) -> (Series, usize) {
    let mut random = Random::new(8);
    let start = base.n_samples() / 2 + base.day() / 4 + 3;
    let mut series = Series { grain: Some(base.grain()), ..Series::default() };
    let mut frozen = f64::NAN;
    for index in 0..base.n_samples() {
        let since = index.checked_sub(start);
        let within = |length: usize| since.is_some_and(|since| since < length);
        let (expected, noise) = base.usual(index);
        let usual = base.draw((expected, noise), &mut random);
        let value = match form {
            Form::Add(size, length) if within(length) => usual + size,
            Form::Ramp(size, length) if within(length) => {
                usual + size * (index - start + 1) as f64 / length as f64
            }
            Form::Noise(times, length) if within(length) => {
                expected + times * noise.max(1.0) * random.normal()
            }
            Form::Flat(length) if within(length) => {
                if index == start {
                    frozen = usual;
                }
                frozen
            }
            Form::NoSeason(length) if within(length) => base.draw((100.0, noise), &mut random),
            Form::Phase(length) if within(length) => {
                base.draw(base.usual(index + base.day() / 2), &mut random)
            }
            Form::Gap(length) if within(length) => continue,
            _ => usual,
        };
        series.at.push(Timestamp(index as i64 * base.grain().micros()));
        series.values.push(value);
    }
    (series, start)
}

/// Kind, first and last sample counted from where the form begins, and direction.
#[track_caller]
fn check(base: Base, form: Form, expected: Expect) {
    let (series, start) = series(base, form);
    let local: Vec<i64> = series.at.iter().map(|at| at.micros()).collect();
    let history = judge(&series, &local, &HistoryConfig::default());
    let slot = |at: Timestamp| at.micros() / base.grain().micros() - start as i64;
    let found: Vec<String> = history
        .anomalies
        .iter()
        .map(|anomaly| {
            let side = match anomaly.direction {
                Some(Direction::Up) => " up",
                Some(Direction::Down) => " down",
                None => "",
            };
            format!("{:?} {}..={}{side}", anomaly.kind, slot(anomaly.start_at), slot(anomaly.end_at))
        })
        .collect();
    expected.assert_eq(&found.join(", "));
}

#[test]
fn forms_in_hours_with_a_week() {
    use Base::Hourly;
    check(Hourly, Form::None, expect![[""]]);
    check(Hourly, Form::Add(90.0, 1), expect!["Spike 0..=0 up"]);
    check(Hourly, Form::Add(-60.0, 1), expect!["Spike 0..=0 down"]);
    check(Hourly, Form::Add(-40.0, 8), expect!["LevelShift 0..=7 down"]);
    check(Hourly, Form::Add(40.0, 30), expect!["LevelShift 0..=29 up"]);
    check(Hourly, Form::Add(40.0, 200), expect!["LevelShift 0..=199 up"]);
    check(Hourly, Form::Ramp(60.0, 40), expect!["LevelShift 8..=39 up"]);
    check(Hourly, Form::Noise(8.0, 36), expect!["VarianceChange 0..=35"]);
    check(Hourly, Form::Flat(30), expect!["Season 0..=29 up"]);
    check(Hourly, Form::NoSeason(24), expect!["Season 0..=23"]);
    check(Hourly, Form::Phase(24), expect!["Season 0..=23"]);
    check(Hourly, Form::Gap(20), expect!["Missing 0..=19"]);
}

#[test]
fn forms_in_minutes_with_a_day() {
    use Base::Minutes;
    check(Minutes, Form::None, expect![""]);
    check(Minutes, Form::Add(90.0, 1), expect!["Spike 0..=0 up"]);
    check(Minutes, Form::Add(-60.0, 3), expect!["Spike 0..=2 down"]);
    check(Minutes, Form::Add(-40.0, 8), expect!["LevelShift 0..=7 down"]);
    check(Minutes, Form::Add(40.0, 30), expect!["LevelShift -1..=29 up"]);
    check(Minutes, Form::Add(40.0, 200), expect!["LevelShift -1..=199 up"]);
    check(Minutes, Form::Ramp(60.0, 60), expect!["LevelShift 14..=59 up"]);
    check(Minutes, Form::Noise(8.0, 60), expect!["VarianceChange 1..=59"]);
    check(Minutes, Form::Flat(40), expect!["FlatLine 0..=39"]);
    check(Minutes, Form::NoSeason(288), expect!["Season 0..=287"]);
    check(Minutes, Form::Phase(288), expect!["Season 0..=287"]);
    check(Minutes, Form::Gap(60), expect!["Missing 0..=59"]);
}

#[test]
fn forms_without_a_season() {
    use Base::Level;
    check(Level, Form::None, expect![""]);
    check(Level, Form::Add(40.0, 1), expect!["Spike 0..=0 up"]);
    check(Level, Form::Add(-40.0, 8), expect!["LevelShift 0..=7 down"]);
    check(Level, Form::Add(30.0, 200), expect!["LevelShift -1..=199 up"]);
    check(Level, Form::Noise(6.0, 60), expect!["VarianceChange 2..=59"]);
    check(Level, Form::Flat(40), expect!["FlatLine 0..=39"]);
    check(Level, Form::Gap(60), expect!["Missing 0..=59"]);
}

#[test]
fn forms_in_counts_and_at_rest() {
    use Base::{Counts, Resting};
    check(Counts, Form::None, expect![[""]]);
    check(Counts, Form::Add(25.0, 2), expect!["Spike 0..=1 up"]);
    check(Counts, Form::Add(12.0, 12), expect!["LevelShift 0..=11 up"]);
    check(Counts, Form::Flat(40), expect!["FlatLine 0..=39"]);
    // At this grain the usual opening score allows one false alarm in three weeks.
    check(Resting, Form::None, expect!["Spike -899..=-899 up"]);
    check(Resting, Form::Add(60.0, 3), expect!["Spike 0..=2 up"]);
    check(Resting, Form::Flat(300), expect!["Season 105..=122 down, Season 249..=266 down"]);
    check(Resting, Form::Gap(100), expect!["Spike -899..=-899 up, Missing 0..=99"]);
}

#[test]
fn nothing_is_no_failure() {
    let history = judge(&Series::default(), &[], &HistoryConfig::default());
    assert!(history.score.is_empty() && history.anomalies.is_empty());
    let values = vec![f64::NAN; 300];
    let at = (0..300).map(Timestamp::from_seconds).collect();
    let history = judge(&Series { values, at, ..Series::default() }, &[], &HistoryConfig::default());
    assert!(history.anomalies.is_empty());
}

/// A sample beside a spike is not strange itself.
#[test]
fn the_score_of_a_spike_is_not_smeared() {
    let (series, start) = series(Base::Hourly, Form::Add(90.0, 1));
    let local: Vec<i64> = series.at.iter().map(|at| at.micros()).collect();
    let history = judge(&series, &local, &HistoryConfig::default());
    let beside = (start - 20..start + 20).filter(|&index| index != start);
    let highest = beside.map(|index| history.score[index]).fold(0.0, f64::max);
    assert!(history.score[start] > 3.0 * highest, "{} beside {}", highest, history.score[start]);
}

/// What is told of a history in which nothing is strange is less than what live detection tells.
#[test]
fn an_undisturbed_history_has_fewer_alarms_than_are_nominal() {
    const SAMPLES: usize = 6_048;
    let grain = Grain::from_micros(5 * Grain::MINUTE.micros()).unwrap();
    let nominal = crate::live::alarms_per_week(8.0, grain) * 3.0;
    for kind in ["normal", "heavy", "autoregressive", "season", "counts"] {
        let mut told = 0;
        for seed in 0..4 {
            let (mut random, mut last) = (Random::new(seed), 0.0);
            let values = (0..SAMPLES)
                .map(|index| {
                    let noise = random.normal();
                    last = 0.9 * last + noise;
                    match kind {
                        "normal" => noise,
                        "heavy" => noise.exp(),
                        "autoregressive" => last,
                        "season" => (3.0 + (index as f64 / 288.0 * TAU).sin() + 0.3 * noise).exp(),
                        _ => poisson(2.0, &mut random),
                    }
                })
                .collect();
            let at: Vec<Timestamp> =
                (0..SAMPLES as i64).map(|index| Timestamp(index * grain.micros())).collect();
            let local: Vec<i64> = at.iter().map(|at| at.micros()).collect();
            let series = Series { values, at, grain: Some(grain), ..Series::default() };
            told += judge(&series, &local, &HistoryConfig::default()).anomalies.len();
        }
        assert!((told as f64) <= 4.0 * nominal, "{kind}: {told}, nominal {:.1}", 4.0 * nominal);
    }
}
