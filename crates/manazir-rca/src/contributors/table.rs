//! From the series of a table to the cube of an episode.
//!
//! A leaf is a combination of dimension values with its samples. What was measured of it is the sum over the episode;
//! what was to be expected is what its detector forecast, or what the same span came to earlier. A sample that is
//! not there counts for nothing: a table that counts things has no row where there was nothing to count.

use std::collections::BTreeSet;

use manazir_model::{Grain, Timestamp};

use super::cube::{Cube, Dimension, Error, Measure, Rows};
use crate::normal::MAD_TO_SIGMA;

const DAY: i64 = Grain::DAY.micros();
const WEEK: i64 = 7 * DAY;

/// Instants from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first.
    pub start: Timestamp,
    /// The last.
    pub end: Timestamp,
}

impl Span {
    fn has(&self, at: Timestamp) -> bool {
        self.start <= at && at <= self.end
    }

    fn earlier(&self, micros: i64) -> Self {
        let earlier = |at: Timestamp| Timestamp(at.micros().saturating_sub(micros));
        Self { start: earlier(self.start), end: earlier(self.end) }
    }
}

/// One series of numbers that add up, of shape `(n_samples,)` each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers<'a> {
    /// Event times, ascending.
    pub at: &'a [Timestamp],
    /// As measured; what is not finite counts as if it had not come.
    pub actual: &'a [f64],
    /// As forecast, NaN where nothing was; empty without a forecast.
    pub expected: &'a [f64],
}

/// A combination of dimension values.
#[derive(Clone, Debug, Default)]
pub struct Leaf<'a> {
    /// A value for each dimension, in their order.
    pub values: Vec<&'a str>,
    /// Its numbers, or the numerators of a ratio.
    pub over: Numbers<'a>,
    /// The denominators of a ratio.
    pub under: Option<Numbers<'a>>,
}

/// What was to be expected of an episode.
#[derive(Clone, Debug, PartialEq)]
pub enum Baseline {
    /// What was forecast. Where nothing was, what was forecast or measured so many microseconds earlier.
    Expected {
        /// Positive; 0 if nothing lies so far back.
        before: i64,
        /// What all leaves of an amount together were forecast to come to in the episode, if that is known: their
        /// forecasts are scaled to it. A total shows a week that its noisy leaves hide, and all of them would be
        /// off alike on a Sunday.
        whole: Option<f64>,
    },
    /// The median of what was measured in these spans; one of them is itself.
    Spans(Vec<Span>),
}

/// How far back a span lies that can be compared with an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// Whole weeks.
    Weeks(i64),
    /// Whole days, where there are no weeks of data.
    Days(i64),
    /// Its own length: the span just before it.
    Length(i64),
}

impl Back {
    /// The least distance at which the data, which begin at `first`, have the span of an episode; `None` if it
    /// begins too early for any.
    pub fn of(episode: Span, grain: Grain, first: Timestamp) -> Option<Self> {
        let length = episode.end.micros_since(episode.start).saturating_add(grain.micros());
        let whole = |unit: i64| length.saturating_add(unit - 1) / unit;
        let fits = |micros: i64| {
            episode.start.micros().checked_sub(micros).is_some_and(|start| start >= first.micros())
        };
        let weeks = Self::Weeks(whole(WEEK));
        let days = Self::Days(whole(DAY));
        // Slots of more than a week, months say, do not fall on the same day.
        let choices =
            [(weeks, grain.micros() <= WEEK), (days, grain.micros() <= DAY), (Self::Length(length), true)];
        choices.into_iter().find(|(back, usable)| *usable && fits(back.micros())).map(|(back, _)| back)
    }

    /// The distance, positive; a day has 24 hours.
    pub fn micros(self) -> i64 {
        match self {
            Self::Weeks(weeks) => weeks.saturating_mul(WEEK),
            Self::Days(days) => days.saturating_mul(DAY),
            Self::Length(length) => length,
        }
    }

    /// The spans of an episode once, twice, and up to `n` times so far back, as far as the data, which begin at
    /// `first`, have them; the nearest first.
    pub fn spans(self, episode: Span, first: Timestamp, n: usize) -> Vec<Span> {
        let span = |times: i64| episode.earlier(self.micros().saturating_mul(times));
        (1..=n as i64).map(span).take_while(|span| span.start >= first).collect()
    }
}

/// Leaves with what is usual for each.
#[derive(Clone, Debug)]
pub struct History<'a> {
    dimensions: Vec<String>,
    leaves: Vec<Leaf<'a>>,
    /// What forecasts of a leaf miss on the whole, a sample; of numerators and denominators.
    bias: Vec<[f64; 2]>,
}

impl<'a> History<'a> {
    /// Measures on all samples but those of `strange` spans by how much forecasts are too low on the whole: the usual
    /// value of what is counted rarely is below its mean, and sums of it would be too. O(samples · strange spans).
    pub fn new(dimensions: Vec<String>, leaves: Vec<Leaf<'a>>, strange: &[Span]) -> Self {
        let of_leaf = |leaf: &Leaf<'_>| {
            [bias(&leaf.over, strange), leaf.under.as_ref().map_or(0.0, |under| bias(under, strange))]
        };
        let bias = leaves.iter().map(of_leaf).collect();
        Self { dimensions, leaves, bias }
    }

    /// Instants of an episode at which any leaf has a number.
    pub fn slots(&self, episode: Span) -> BTreeSet<Timestamp> {
        let numbers = self.leaves.iter().flat_map(|leaf| std::iter::once(&leaf.over).chain(&leaf.under));
        numbers.flat_map(|numbers| numbers.within(episode)).map(|index| index.0).collect()
    }

    /// What was measured and expected of each leaf in an episode. O(leaves · slots · log samples).
    ///
    /// # Errors
    ///
    /// If a leaf has not one value for each dimension, or a denominator is negative.
    pub fn cube(&self, episode: Span, baseline: &Baseline) -> Result<Cube, Error> {
        let slots = self.slots(episode);
        let sums = |numbers: &Numbers<'_>, bias: f64| match baseline {
            Baseline::Expected { before, .. } => {
                (numbers.sum(episode), numbers.forecast(&slots, *before, bias))
            }
            Baseline::Spans(spans) => (numbers.sum(episode), numbers.median(spans)),
        };
        let over: Vec<(f64, f64)> = self.each(|leaf, bias| sums(&leaf.over, bias[0])).collect();
        let is_ratio = self.leaves.iter().any(|leaf| leaf.under.is_some());
        let (actual, mut expected): (Vec<f64>, Vec<f64>) = over.into_iter().unzip();
        let measure = if is_ratio {
            let under = self.each(|leaf, bias| leaf.under.map_or((0.0, 0.0), |under| sums(&under, bias[1])));
            let (under, under_expected) = under.unzip();
            Measure::Ratio { actual: [actual, under], expected: [expected, under_expected] }
        } else {
            if let Baseline::Expected { whole: Some(whole), .. } = baseline {
                scale(&mut expected, *whole);
            }
            Measure::Additive { actual, expected }
        };
        let (dimensions, codes) = self.coded()?;
        Cube::new(Rows { dimensions, codes, measure })
    }

    /// How far large leaves were off by the same baseline in earlier spans, for no reason that is known: a relative
    /// standard deviation, 0 without spans. A span is compared with its forecast, or with the span before it.
    ///
    /// Half of the leaves, those of which more was measured, tell it by the median over leaves and spans, which an
    /// incident in some of them does not move. Of a ratio it is that of the numerators.
    pub fn noise(&self, baseline: &Baseline, earlier: &[Span]) -> f64 {
        let measured = |leaf: &Leaf<'_>| -> f64 { earlier.iter().map(|span| leaf.over.sum(*span)).sum() };
        let mut leaves: Vec<(f64, &Leaf<'_>, f64)> =
            self.leaves.iter().zip(&self.bias).map(|(leaf, bias)| (measured(leaf), leaf, bias[0])).collect();
        leaves.sort_by(|one, other| other.0.total_cmp(&one.0));
        leaves.truncate(leaves.len().div_ceil(2));
        let pairs: Vec<(Span, Option<Span>)> = match baseline {
            Baseline::Expected { .. } => earlier.iter().map(|span| (*span, None)).collect(),
            Baseline::Spans(_) => earlier.windows(2).map(|pair| (pair[0], Some(pair[1]))).collect(),
        };
        let mut off: Vec<f64> = Vec::new();
        for (span, other) in pairs {
            let slots = self.slots(span);
            off.extend(leaves.iter().filter_map(|(_, leaf, bias)| {
                let actual = leaf.over.sum(span);
                let expected =
                    other.map_or_else(|| leaf.over.forecast(&slots, 0, *bias), |other| leaf.over.sum(other));
                let size = actual.abs().max(expected.abs());
                (size > 0.0).then(|| ((actual - expected) / size).abs())
            }));
        }
        let middle = off.len() / 2;
        if off.is_empty() {
            0.0
        } else {
            MAD_TO_SIGMA * *off.select_nth_unstable_by(middle, f64::total_cmp).1
        }
    }

    fn each<T>(&self, of: impl Fn(&Leaf<'a>, &[f64; 2]) -> T) -> impl Iterator<Item = T> {
        self.leaves.iter().zip(&self.bias).map(move |(leaf, bias)| of(leaf, bias))
    }

    fn coded(&self) -> Result<(Vec<Dimension>, Vec<Vec<u32>>), Error> {
        if let Some(leaf) = self.leaves.iter().find(|leaf| leaf.values.len() != self.dimensions.len()) {
            return Err(Error::Dimensions(leaf.values.len()));
        }
        let dimension = |(place, name): (usize, &String)| {
            let values: BTreeSet<&str> = self.leaves.iter().map(|leaf| leaf.values[place]).collect();
            let values: Vec<&str> = values.into_iter().collect();
            // Each is in the list that was just made of them.
            let code = |leaf: &Leaf<'_>| values.partition_point(|value| *value < leaf.values[place]) as u32;
            let codes = self.leaves.iter().map(code).collect();
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            (Dimension { name: name.clone(), values }, codes)
        };
        Ok(self.dimensions.iter().enumerate().map(dimension).unzip())
    }
}

impl Numbers<'_> {
    /// Time and place of its numbers in a span.
    fn within(&self, span: Span) -> impl Iterator<Item = (Timestamp, usize)> + '_ {
        let first = self.at.partition_point(|at| *at < span.start);
        let after = self.at.partition_point(|at| *at <= span.end);
        (first..after.max(first))
            .filter(|index| self.actual[*index].is_finite())
            .map(|index| (self.at[index], index))
    }

    fn sum(&self, span: Span) -> f64 {
        self.within(span).map(|(_, index)| self.actual[index]).sum()
    }

    fn median(&self, spans: &[Span]) -> f64 {
        let mut sums: Vec<f64> = spans.iter().map(|span| self.sum(*span)).collect();
        sums.sort_unstable_by(f64::total_cmp);
        let middle = sums.len() / 2;
        match sums.len() {
            0 => 0.0,
            n if n % 2 == 1 => sums[middle],
            _ => 0.5 * (sums[middle - 1] + sums[middle]),
        }
    }

    fn expected_at(&self, index: usize) -> Option<f64> {
        self.expected.get(index).copied().filter(|expected| expected.is_finite())
    }

    fn forecast(&self, slots: &BTreeSet<Timestamp>, before: i64, bias: f64) -> f64 {
        let earlier = |at: Timestamp| {
            let at = Timestamp(at.micros().saturating_sub(before));
            let index = self.at.binary_search(&at).ok().filter(|_| before > 0)?;
            self.expected_at(index)
                .map(|expected| expected + bias)
                .or_else(|| Some(self.actual[index]).filter(|actual| actual.is_finite()))
        };
        let at_slot = |at: &Timestamp| {
            let index = self.at.binary_search(at).ok().filter(|index| self.actual[*index].is_finite());
            let forecast = index.and_then(|index| self.expected_at(index)).map(|expected| expected + bias);
            forecast.or_else(|| earlier(*at)).unwrap_or(0.0)
        };
        let sum: f64 = slots.iter().map(at_slot).sum();
        // What was never negative is not expected to be.
        if sum < 0.0 && self.actual.iter().all(|actual| !actual.is_finite() || *actual >= 0.0) {
            0.0
        } else {
            sum
        }
    }
}

/// Makes forecasts sum to what the whole was forecast to be. Where they disagree by more than a factor of five, one of
/// them knows nothing, and they are left as they are.
fn scale(expected: &mut [f64], whole: f64) {
    const FACTOR_MAX: f64 = 5.0;
    // In order of size, so that the order of leaves changes no bit of it.
    let mut sorted = expected.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let factor = whole / sorted.iter().sum::<f64>();
    if (1.0 / FACTOR_MAX..FACTOR_MAX).contains(&factor) {
        expected.iter_mut().for_each(|expected| *expected *= factor);
    }
}

/// Mean of actual − expected outside of the strange spans; 0 if there is none.
fn bias(numbers: &Numbers<'_>, strange: &[Span]) -> f64 {
    let samples = numbers.at.iter().zip(numbers.actual).zip(numbers.expected);
    let usual = samples.filter(|((at, actual), expected)| {
        actual.is_finite() && expected.is_finite() && !strange.iter().any(|span| span.has(**at))
    });
    let (sum, count) = usual
        .fold((0.0, 0_u32), |(sum, count), ((_, actual), expected)| (sum + actual - expected, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
