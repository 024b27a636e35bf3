//! The properties that every streaming detector has, checked on series that are unkind.
//!
//! `check_detector(|| Level::new(Config::default()))` in a detector's tests is all it takes.

use manazir_model::{Sample, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::{ChannelDetector, Learn, StreamDetector};
use crate::Random;

/// The bits of a reading; comparing them tells NaN from NaN and 0 from −0.
type Bits = Vec<u64>;

/// Univariate or many channels: one slot in, all numbers of the reading out.
trait Subject: Serialize + DeserializeOwned {
    fn feed(&mut self, slot: Sample, learn: Learn) -> Option<Bits>;
    fn bytes(&self) -> usize;
}

#[derive(Serialize, serde::Deserialize)]
struct Single<D>(D);

impl<D: StreamDetector + Serialize + DeserializeOwned> Subject for Single<D> {
    fn feed(&mut self, slot: Sample, learn: Learn) -> Option<Bits> {
        let reading = self.0.update(slot, learn)?;
        assert!(reading.score.is_finite() && reading.score >= 0.0, "{reading:?} of {slot:?}");
        assert!(!reading.expected.is_infinite(), "{reading:?} of {slot:?}");
        assert!(
            reading.scale.is_nan() || (reading.scale > 0.0 && reading.scale.is_finite()),
            "{reading:?} of {slot:?}"
        );
        let direction = reading.direction.map_or(0, |direction| 1 + direction as u64);
        Some(vec![reading.score.to_bits(), reading.expected.to_bits(), reading.scale.to_bits(), direction])
    }

    fn bytes(&self) -> usize {
        self.0.state_bytes()
    }
}

#[derive(Serialize, serde::Deserialize)]
struct Channels<D> {
    detector: D,
    n_features: usize,
}

impl<D: ChannelDetector + Serialize + DeserializeOwned> Subject for Channels<D> {
    /// Channel i is the value times i + 1; one slot in five lacks the channel whose turn it is.
    fn feed(&mut self, slot: Sample, learn: Learn) -> Option<Bits> {
        let turn = (slot.at.micros() / HALF_HOUR_MICROS).rem_euclid(5 * self.n_features as i64) as usize;
        let row: Vec<f64> = (0..self.n_features)
            .map(|channel| if channel == turn { f64::NAN } else { slot.value * (channel + 1) as f64 })
            .collect();
        let mut attribution = vec![f64::NAN; self.n_features];
        let score = self.detector.update(&row, learn, &mut attribution);
        assert!(attribution.iter().all(|share| share.is_finite() && *share >= 0.0), "{attribution:?}");
        let sum: f64 = attribution.iter().sum();
        let expected = if score.is_some_and(|score| score > 0.0) { 1.0 } else { 0.0 };
        assert!((sum - expected).abs() < 1e-6, "{score:?} {attribution:?} of {row:?}");
        let score = score?;
        assert!(score.is_finite() && score >= 0.0, "{score} of {row:?}");
        Some(std::iter::once(score).chain(attribution).map(f64::to_bits).collect())
    }

    fn bytes(&self) -> usize {
        self.detector.state_bytes()
    }
}

/// Distance of the samples in all series.
const HALF_HOUR_MICROS: i64 = 1_800_000_000;

/// Long enough for the slowest default warm-up.
const N_SAMPLES: usize = 3_000;

/// Checks a detector over one series. `build` must give the same detector each time.
#[track_caller]
pub(crate) fn check_detector<D: StreamDetector + Serialize + DeserializeOwned>(build: impl Fn() -> D) {
    check_subject(&|| Single(build()));
}

/// Checks a detector over `n_features` channels. `build` must give the same detector each time.
#[track_caller]
pub(crate) fn check_channel_detector<D: ChannelDetector + Serialize + DeserializeOwned>(
    n_features: usize,
    build: impl Fn() -> D,
) {
    check_subject(&|| Channels { detector: build(), n_features });
}

fn check_subject<S: Subject>(build: &dyn Fn() -> S) {
    let usual = usual_series();
    warms_up(build, &usual);
    memory_is_bounded(build, &usual);
    for (name, samples) in series_zoo() {
        println!("series {name}");
        let whole = readings(&mut build(), &samples);
        assert_eq!(whole, readings(&mut build(), &samples), "{name}: two runs differ");
        goes_on_after_restore(build, &samples, &whole);
        is_causal(build, &samples, &whole);
    }
}

/// Learns fully but for every seventh run of forty samples, as if an alarm were open there.
fn learn_at(position: usize) -> Learn {
    if (position / 40) % 7 == 6 { Learn::Frozen } else { Learn::Fully }
}

fn readings<S: Subject>(subject: &mut S, samples: &[Sample]) -> Vec<Option<Bits>> {
    samples.iter().enumerate().map(|(position, &slot)| subject.feed(slot, learn_at(position))).collect()
}

fn warms_up<S: Subject>(build: &dyn Fn() -> S, usual: &[Sample]) {
    let seen = readings(&mut build(), usual);
    assert_eq!(seen[0], None, "the first sample cannot be judged");
    assert!(seen[N_SAMPLES / 2..].iter().any(Option::is_some), "no reading after {} samples", N_SAMPLES / 2);
}

fn memory_is_bounded<S: Subject>(build: &dyn Fn() -> S, usual: &[Sample]) {
    let mut subject = build();
    readings(&mut subject, &usual[..N_SAMPLES / 2]);
    let warm = subject.bytes();
    assert!(warm >= size_of::<S>() / 2, "state of {warm} bytes is smaller than the value itself");
    for (position, &slot) in usual.iter().enumerate().skip(N_SAMPLES / 2) {
        subject.feed(slot, learn_at(position));
        assert_eq!(subject.bytes(), warm, "state grew at sample {position}");
    }
}

fn goes_on_after_restore<S: Subject>(build: &dyn Fn() -> S, samples: &[Sample], whole: &[Option<Bits>]) {
    for cut in [0, 1, 7, 40, 333, samples.len() / 2, samples.len() - 1] {
        let mut before = build();
        readings(&mut before, &samples[..cut]);
        let saved = postcard::to_allocvec(&before).unwrap();
        let mut after: S = postcard::from_bytes(&saved).unwrap();
        for position in cut..samples.len() {
            let seen = after.feed(samples[position], learn_at(position));
            assert_eq!(seen, whole[position], "restored at {cut}, sample {position}");
        }
    }
}

/// What comes later, however wild, changes nothing that was said before.
fn is_causal<S: Subject>(build: &dyn Fn() -> S, samples: &[Sample], whole: &[Option<Bits>]) {
    let prefix = samples.len() * 2 / 3;
    let mut other = samples.to_vec();
    for slot in &mut other[prefix..] {
        slot.value = 1e6 - slot.value;
    }
    let seen = readings(&mut build(), &other);
    assert_eq!(seen[..prefix], whole[..prefix], "a later sample changed an earlier reading");
}

/// A day of 48 half hours with noise: what a detector should be able to judge.
fn usual_series() -> Vec<Sample> {
    let mut random = Random::new(11);
    at_grain((0..N_SAMPLES).map(|position| {
        let phase = std::f64::consts::TAU * (position % 48) as f64 / 48.0;
        100.0 + 20.0 * phase.sin() + random.normal()
    }))
}

fn at_grain(values: impl IntoIterator<Item = f64>) -> Vec<Sample> {
    let start = Timestamp::from_seconds(1_400_000_400).micros();
    values
        .into_iter()
        .enumerate()
        .map(|(position, value)| Sample { at: Timestamp(start + position as i64 * HALF_HOUR_MICROS), value })
        .collect()
}

fn series_zoo() -> Vec<(&'static str, Vec<Sample>)> {
    let constant = |value: f64| at_grain(std::iter::repeat_n(value, 600));
    let mut zoo = vec![
        ("usual", usual_series()),
        ("zero", constant(0.0)),
        ("constant", constant(0.1)),
        ("all missing", constant(f64::NAN)),
        ("huge", constant(-1e300)),
        ("alternating giants", at_grain((0..600).map(|at| if at % 2 == 0 { f64::MAX } else { f64::MIN }))),
        ("tiny", at_grain((0..600).map(|at| f64::from(at % 7) * 1e-300))),
        ("denormal", at_grain((0..600).map(|at| f64::from(at % 3) * 5e-324))),
        ("steps", at_grain((0..900).map(|at| f64::from(at / 100) * 50.0))),
        ("ramp", at_grain((0..900).map(|at| f64::from(at) * 1e12))),
    ];
    zoo.push(("counts", counts()));
    zoo.push(("wild", wild()));
    zoo.push(("broken clock", broken_clock()));
    zoo
}

fn counts() -> Vec<Sample> {
    let mut random = Random::new(5);
    at_grain((0..1_000).map(|_| random.below(12).saturating_sub(8) as f64))
}

/// Noise with holes, infinities and monsters.
fn wild() -> Vec<Sample> {
    let mut random = Random::new(23);
    let extremes = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 1e-300, f64::MAX, 0.0, -0.0];
    at_grain((0..2_000).map(|position| match position % 97 {
        0..10 if position % 5 == 0 => f64::NAN,
        _ if random.below(20) == 0 => extremes[random.below(extremes.len())],
        _ => 10.0 + random.normal(),
    }))
}

/// Gaps, repeated and backward times, and the ends of the range.
fn broken_clock() -> Vec<Sample> {
    let mut samples = usual_series();
    samples.truncate(800);
    for (position, slot) in samples.iter_mut().enumerate().skip(300) {
        slot.at = match position % 50 {
            7 => Timestamp(slot.at.micros() - 86_400_000_000),
            8 => Timestamp(slot.at.micros() + 864_000_000_000),
            21 => Timestamp(i64::MAX),
            22 => Timestamp(i64::MIN),
            33 => Timestamp(0),
            _ => Timestamp(slot.at.micros() / 7_200_000_000 * 7_200_000_000),
        };
    }
    samples
}
