//! Live detection of a group: several channels of one entity, or one series as a whole, with each channel's
//! share in what is strange.
//!
//! score = Σ ln (1 + distance of the last 4, 10, 20 rows) + ⅕ · mean of the three strangest channels
//!
//! The distances are those of [`Neighbours`], from all stretches of the past and in units of the usual one. They
//! see what channels do together, and forms of any kind. The second part is the score of each channel's own
//! [`LiveDetector`]: it knows the hour of the day and slow drifts, which windows of twenty rows do not. A single
//! channel whose form repeats is judged by [`Cycle`] alone, as the batch side does.
//!
//! Short windows, because a window's score stays high for its length after the event. The same lengths for
//! everything: a fourth of 40 rows, half of the weight and half of the memory each moved the mean VUS-PR of five
//! labelled sets by at most 0.012.
//!
//! Everything here is for ranking: this score has no measured rate of alarms, so alarms stay with the
//! [`LiveDetector`] of each series.
//!
//! Memory is fixed, by the number of channels; a row costs up to 1,024 distances for each length. `cargo bench -p
//! manazir-detect --bench live` measures both.

use manazir_model::{Sample, Timestamp};
use serde::{Deserialize, Serialize};

use super::{LiveConfig, LiveDetector};
use crate::stream::cycle::Cycle;
use crate::stream::forest::share;
use crate::stream::neighbours::{self, Neighbours};
use crate::stream::{ChannelDetector, Learn, Setting, StreamDetector};

/// Rows that are looked at together.
const LENGTHS: [usize; 3] = [4, 10, 20];
/// What the score of one series counts beside a logarithm of a distance.
const SERIES_WEIGHT: f64 = 0.2;
/// Channels whose own scores count: an incident rarely stays in one, and seldom takes all.
const STRANGEST: usize = 3;

/// The live detector of a group. A plain value: serialised and restored in the middle of a stream, it goes on
/// with the same bits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LiveGroup {
    series: Vec<LiveDetector>,
    lengths: [Neighbours; 3],
    /// For a single channel only.
    cycle: Option<Cycle>,
    /// Room for the score of each channel, with its number.
    own: Vec<(f64, usize)>,
    /// Room for shares.
    shares: Vec<f64>,
}

impl LiveGroup {
    /// A detector for rows of `n_features` channels that has seen nothing.
    pub fn new(n_features: usize, setting: &Setting) -> Self {
        let n_features = n_features.max(1);
        let length = |window| {
            Neighbours::new(neighbours::Config { window, ..neighbours::Config::default() }, n_features)
        };
        Self {
            series: vec![LiveDetector::new(setting, LiveConfig::default()); n_features],
            lengths: LENGTHS.map(length),
            cycle: (n_features == 1).then(|| Cycle::from_setting(setting)),
            own: Vec::with_capacity(n_features),
            shares: vec![0.0; n_features],
        }
    }

    /// Judges a row of the group at `at` by the rows before it, then learns from it.
    ///
    /// Fills `attribution`, shape `(n_features,)`, as [`ChannelDetector::update`] does. `None` during warm-up
    /// and for a row without a number.
    pub fn update(
        &mut self,
        at: Timestamp,
        utc_offset_micros: i64,
        values: &[f64],
        attribution: &mut [f64],
    ) -> Option<f64> {
        attribution.fill(0.0);
        let by_series = self.by_series(at, utc_offset_micros, values, attribution);
        let by_length = self.by_length(values, attribution);
        let by_cycle = self.by_cycle(at, values);
        let score = match (by_cycle, by_length, by_series) {
            (Some(score), _, _) => score,
            (None, None, None) => return None,
            (None, by_length, by_series) => by_length.unwrap_or(0.0) + by_series.unwrap_or(0.0),
        };
        if score > 0.0 {
            share(values, attribution);
        } else {
            attribution.fill(0.0);
        }
        Some(score)
    }

    /// Bytes that the group costs: the value itself and what it has on the heap.
    pub fn state_bytes(&self) -> usize {
        let series = |one: &LiveDetector| {
            let (state, season) = one.state_bytes();
            state + season
        };
        let lengths: usize =
            self.lengths.iter().map(|length| length.state_bytes() - size_of_val(length)).sum();
        let cycle = self.cycle.as_ref().map_or(0, |cycle| cycle.state_bytes() - size_of_val(cycle));
        let room = self.shares.len() * (size_of::<f64>() + size_of::<(f64, usize)>());
        size_of::<Self>() + self.series.iter().map(series).sum::<usize>() + lengths + cycle + room
    }

    /// What the channels' own detectors say; each part is added to its channel's share.
    fn by_series(
        &mut self,
        at: Timestamp,
        utc_offset_micros: i64,
        values: &[f64],
        attribution: &mut [f64],
    ) -> Option<f64> {
        self.own.clear();
        for (channel, (series, &value)) in self.series.iter_mut().zip(values).enumerate() {
            if let Some(live) = series.update(Sample { at, value }, utc_offset_micros) {
                self.own.push((live.verdict.score, channel));
            }
        }
        self.own.sort_by(|left, right| right.0.total_cmp(&left.0));
        self.own.truncate(STRANGEST);
        let weight = SERIES_WEIGHT / STRANGEST.min(self.series.len()) as f64;
        for &(score, channel) in &self.own {
            if let Some(part) = attribution.get_mut(channel) {
                *part += weight * score;
            }
        }
        (!self.own.is_empty()).then(|| self.own.iter().map(|(score, _)| weight * score).sum())
    }

    /// What the distances say; each part is added to its channel's share.
    fn by_length(&mut self, values: &[f64], attribution: &mut [f64]) -> Option<f64> {
        let mut sum = None;
        for length in &mut self.lengths {
            if let Some(score) = length.update(values, Learn::Fully, &mut self.shares) {
                *sum.get_or_insert(0.0) += score;
                attribution.iter_mut().zip(&self.shares).for_each(|(part, share)| *part += score * share);
            }
        }
        sum
    }

    /// What the form says if there is one, on the scale of the sum over all lengths.
    fn by_cycle(&mut self, at: Timestamp, values: &[f64]) -> Option<f64> {
        let cycle = self.cycle.as_mut()?;
        let reading = cycle.update(Sample { at, value: *values.first()? }, Learn::Fully)?;
        Some(LENGTHS.len() as f64 * reading.score)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Random;

    const N_FEATURES: usize = 4;
    const MINUTE: i64 = 60_000_000;

    /// Bits of score and shares of each row.
    fn feed(group: &mut LiveGroup, start: usize, rows: &[Vec<f64>]) -> Vec<Option<Vec<u64>>> {
        let mut judge = |(index, row): (usize, &Vec<f64>)| {
            let mut shares = vec![f64::NAN; row.len()];
            let score = group.update(Timestamp((start + index) as i64 * MINUTE), 0, row, &mut shares);
            let sum: f64 = shares.iter().sum();
            let whole = if score.is_some_and(|score| score > 0.0) { 1.0 } else { 0.0 };
            assert!((sum - whole).abs() < 1e-6, "{score:?} {shares:?}");
            assert!(score.is_none_or(|score| score.is_finite() && score >= 0.0), "{score:?}");
            Some(std::iter::once(score?).chain(shares).map(f64::to_bits).collect())
        };
        rows.iter().enumerate().map(&mut judge).collect()
    }

    fn group(n_features: usize) -> LiveGroup {
        LiveGroup::new(n_features, &Setting::default())
    }

    /// Noise, a channel that never moves and one that is often missing.
    fn rows(n_rows: usize) -> Vec<Vec<f64>> {
        let mut random = Random::new(21);
        let mut row = |index: usize| {
            let gap = if index.is_multiple_of(7) { f64::NAN } else { random.normal() };
            let wave = (index as f64 / 12.0).sin();
            vec![wave + 0.1 * random.normal(), 5.0, gap, 100.0 - 3.0 * wave]
        };
        (0..n_rows).map(&mut row).collect()
    }

    #[test]
    fn the_channel_to_blame_is_named() {
        let mut rows = rows(1_200);
        rows[1_100..].iter_mut().for_each(|row| row[3] += 8.0);
        let mut group = group(N_FEATURES);
        feed(&mut group, 0, &rows[..1_102]);
        let mut shares = [0.0; N_FEATURES];
        let score = group.update(Timestamp(1_102 * MINUTE), 0, &rows[1_102], &mut shares).unwrap();
        assert!(score > 3.0 && shares[3] > 0.6, "{score} {shares:?}");
    }

    #[test]
    fn memory_does_not_grow() {
        let (mut group, rows) = (group(N_FEATURES), rows(600));
        feed(&mut group, 0, &rows[..300]);
        let before = group.state_bytes();
        feed(&mut group, 300, &rows[300..]);
        assert_eq!(group.state_bytes(), before);
    }

    #[test]
    fn a_row_without_a_number_is_not_judged() {
        let mut group = group(N_FEATURES);
        feed(&mut group, 0, &rows(300));
        assert_eq!(feed(&mut group, 300, &[vec![f64::NAN; N_FEATURES]]), [None]);
    }

    fn unkind_row(n_features: usize) -> impl Strategy<Value = Vec<f64>> {
        let value =
            prop_oneof![6 => -10.0..10.0f64, 1 => Just(f64::NAN), 1 => Just(0.0), 1 => prop::num::f64::ANY];
        prop::collection::vec(value, n_features)
    }

    /// Enough rows for scales, references and a usual distance, then unkind ones.
    fn unkind_rows() -> impl Strategy<Value = Vec<Vec<f64>>> {
        prop_oneof![Just(1usize), Just(N_FEATURES)].prop_flat_map(|n_features| {
            prop::collection::vec(unkind_row(n_features), 1..120).prop_map(move |unkind| {
                let known = rows(150).into_iter().map(|row| row[..n_features].to_vec());
                known.chain(unkind).collect()
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Whatever comes: a snapshot in the middle of the stream changes no bit.
        #[test]
        fn a_restored_group_goes_on_with_the_same_bits(rows in unkind_rows(), cut in 0usize..270) {
            let (cut, n_features) = (cut.min(rows.len()), rows[0].len());
            let expected = feed(&mut group(n_features), 0, &rows);
            let mut first = group(n_features);
            let mut judged = feed(&mut first, 0, &rows[..cut]);
            let snapshot = postcard::to_allocvec(&first).expect("a group is a plain value");
            let mut second: LiveGroup = postcard::from_bytes(&snapshot).expect("what was written can be read");
            judged.extend(feed(&mut second, cut, &rows[cut..]));
            prop_assert_eq!(judged, expected);
        }

        /// Causal: what comes later changes nothing.
        #[test]
        fn a_prefix_gets_the_scores_of_the_whole(rows in unkind_rows()) {
            let n_features = rows[0].len();
            let whole = feed(&mut group(n_features), 0, &rows);
            let prefix = rows.len() * 3 / 4;
            prop_assert_eq!(&feed(&mut group(n_features), 0, &rows[..prefix])[..], &whole[..prefix]);
        }
    }
}
