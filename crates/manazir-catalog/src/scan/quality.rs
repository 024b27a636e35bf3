//! Statistics of a series that fit in a few hundred bytes, whatever its length.

use manazir_model::{Grain, SeriesKind, Timestamp};
use serde::Serialize;

use crate::decide::grain;
use crate::decide::kind::Course;

/// First distances, from which the grain of a series is taken.
const EARLY: usize = 64;

/// A series with fewer distances follows the grain of its table.
const SHORT: usize = 8;

/// A distance beyond one and a half grains holds a gap; jitter stays below.
const GAP_FACTOR: f64 = 1.5;

/// What is wrong with a series, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SeriesQuality {
    /// Samples, those without a number included.
    pub samples: u64,
    /// First event time.
    pub first_at: Option<Timestamp>,
    /// Last event time.
    pub last_at: Option<Timestamp>,
    /// The usual distance of this very series.
    pub grain: Option<Grain>,
    /// Slots without a number.
    pub nulls: u64,
    /// Rows at a time at which the series already had one.
    pub duplicates: u64,
    /// Rows that came after a row of a later time.
    pub late: u64,
    /// Distances longer than one and a half grains.
    pub gaps: u64,
    /// Samples that are missing in them.
    pub missing: u64,
    /// The longest of them, in microseconds.
    pub longest_gap_micros: i64,
    /// Share of the slots between first and last time that are missing, in [0, 1].
    pub missing_share: f64,
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// True if all numbers are equal.
    pub constant: bool,
    /// Falls of a counter to near zero.
    pub resets: u64,
}

/// Takes the samples of a series in the order in which they come.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    quality: SeriesQuality,
    course: Course,
    last: Option<(i64, f64)>,
    early: Vec<i64>,
    /// The grain that gaps are judged by; that of the table until the series has shown its own.
    grain: Option<Grain>,
    settled: bool,
}

impl Arrivals {
    pub(crate) fn new(grain: Option<Grain>) -> Self {
        Self {
            quality: SeriesQuality::default(),
            course: Course::default(),
            last: None,
            early: Vec::new(),
            grain,
            settled: false,
        }
    }

    pub(crate) fn course(&self) -> &Course {
        &self.course
    }

    pub(crate) fn push(&mut self, at: i64, value: f64) {
        let quality = &mut self.quality;
        quality.samples += 1;
        if value.is_nan() {
            quality.nulls += 1;
        } else {
            quality.min = Some(quality.min.map_or(value, |min| min.min(value)));
            quality.max = Some(quality.max.map_or(value, |max| max.max(value)));
        }
        let Some((last_at, last_value)) = self.last else {
            quality.first_at = Some(Timestamp(at));
            self.last = Some((at, value));
            return;
        };
        let distance = at.saturating_sub(last_at);
        if distance < 0 {
            quality.late += 1;
            quality.first_at = quality.first_at.min(Some(Timestamp(at)));
            return;
        }
        if distance == 0 {
            quality.duplicates += 1;
        } else {
            self.distance(distance);
        }
        if !value.is_nan() && !last_value.is_nan() {
            self.course.step(last_value, value);
        }
        // A slot without a number does not interrupt the course of a counter.
        self.last = Some((at, if value.is_nan() { last_value } else { value }));
    }

    fn distance(&mut self, distance: i64) {
        if !self.settled {
            self.early.push(distance);
            if self.early.len() == EARLY {
                self.settle();
            }
            return;
        }
        if let Some(grain) = self.grain {
            gap(&mut self.quality, distance, grain);
        }
    }

    /// Fixes the grain and judges the distances that came before.
    fn settle(&mut self) {
        self.settled = true;
        if self.early.len() >= SHORT || self.grain.is_none() {
            self.grain = grain::of_distances(self.early.iter().copied()).value;
        }
        if let Some(grain) = self.grain {
            for distance in std::mem::take(&mut self.early) {
                gap(&mut self.quality, distance, grain);
            }
        }
    }
}

fn gap(quality: &mut SeriesQuality, distance: i64, grain: Grain) {
    if distance as f64 > GAP_FACTOR * grain.micros() as f64 {
        quality.gaps += 1;
        quality.missing += grain.samples_in(distance).saturating_sub(1) as u64;
        quality.longest_gap_micros = quality.longest_gap_micros.max(distance);
    }
}

impl SeriesQuality {
    pub(crate) fn of(mut arrivals: Arrivals) -> Self {
        if !arrivals.settled {
            arrivals.settle();
        }
        let mut quality = arrivals.quality;
        quality.grain = arrivals.grain;
        quality.resets = arrivals.course.resets;
        quality.last_at = arrivals.last.map(|(at, _)| Timestamp(at));
        quality.constant = quality.min.is_some() && quality.min == quality.max;
        let slots = quality.samples + quality.missing;
        quality.missing_share = if slots == 0 { 0.0 } else { quality.missing as f64 / slots as f64 };
        quality
    }

    /// Falls to near zero are resets of a counter only.
    pub(crate) fn judged(self, kind: SeriesKind) -> Self {
        match kind {
            SeriesKind::Counter => self,
            SeriesKind::Gauge => Self { resets: 0, ..self },
        }
    }

    /// The statistics of samples in the order of their times, as they are after sorting. The grain is taken
    /// from all distances; `grain` is that of the table, for a series too short to show its own.
    pub(crate) fn of_sorted(at: &[Timestamp], values: &[f64], grain: Option<Grain>) -> Self {
        let distances = at.windows(2).map(|pair| pair[1].micros_since(pair[0]));
        let own = if at.len() > SHORT { grain::of_distances(distances).value } else { grain };
        let mut arrivals = Arrivals { settled: true, ..Arrivals::new(own) };
        for (at, &value) in at.iter().zip(values) {
            arrivals.push(at.micros(), value);
        }
        Self::of(arrivals)
    }
}
