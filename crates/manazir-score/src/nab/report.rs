//! The figures of one run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Corpus;
use super::sweep::{Best, Scope, sweep};
use super::worth::{Profile, Tally};
use crate::Result;

/// One thing for each of NAB's three application profiles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerProfile<T> {
    /// Even weights.
    pub standard: T,
    /// `reward_low_FP_rate`: false positives cost twice.
    pub low_fp: T,
    /// `reward_low_FN_rate`: missed windows cost twice.
    pub low_fn: T,
}

impl<T> PerProfile<T> {
    /// Applies `f` to each.
    pub fn map<U>(&self, f: impl Fn(&T) -> U) -> PerProfile<U> {
        PerProfile { standard: f(&self.standard), low_fp: f(&self.low_fp), low_fn: f(&self.low_fn) }
    }

    /// Standard, low false positives, low false negatives.
    pub fn each(&self) -> [&T; 3] {
        [&self.standard, &self.low_fp, &self.low_fn]
    }

    pub(super) fn each_mut(&mut self) -> [&mut T; 3] {
        [&mut self.standard, &mut self.low_fp, &mut self.low_fn]
    }

    fn zip<'a, U>(&'a self, other: &'a PerProfile<U>) -> PerProfile<(&'a T, &'a U)> {
        PerProfile {
            standard: (&self.standard, &other.standard),
            low_fp: (&self.low_fp, &other.low_fp),
            low_fn: (&self.low_fn, &other.low_fn),
        }
    }
}

/// What `score nab` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The published figure: threshold best on the labels themselves; 0 for silence, 100 for perfection.
    #[serde(flatten)]
    pub scores: PerProfile<f64>,
    /// The same with a threshold that has not seen the labels it is applied to.
    pub out_of_group: OutOfGroup,
    /// The best threshold and what it catches.
    pub optimum: PerProfile<Optimum>,
    /// Samples scored a second; the caller fills it.
    pub points_per_second: Option<f64>,
    /// Peak memory of the process; the caller fills it.
    pub peak_rss_mib: Option<f64>,
}

/// The best threshold on the whole corpus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Optimum {
    /// Infinite, which JSON writes as `null`, if silence is best.
    pub threshold: f64,
    /// Windows in which it detects something.
    pub windows_hit: usize,
    /// All windows.
    pub windows: usize,
    /// Rows at or above the threshold outside of all windows.
    pub false_positives: usize,
}

/// For each group the threshold that is best on all other groups, applied to it; raw scores are summed and
/// normalised over the whole corpus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutOfGroup {
    /// The figure.
    #[serde(flatten)]
    pub scores: PerProfile<f64>,
    /// The threshold each group was judged by.
    pub thresholds: BTreeMap<String, PerProfile<f64>>,
}

impl Corpus {
    /// All of NAB's figures for `scores`: one vector a file in the order of [`Corpus::files`], each of shape
    /// `(n_samples,)`; higher is stranger, NaN is never a detection. O(n log n).
    pub fn score(&self, scores: &[Vec<f64>]) -> Result<Report> {
        self.check(scores)?;
        let groups = self.groups();
        let scopes = sweep(self, scores, &groups);
        let (whole, others) = scopes.split_first().expect("the sweep always has the whole corpus");
        let normalized = |(best, profile): (&Best, &Profile)| best.tally.normalize(best.raw, profile);
        Ok(Report {
            scores: whole.best.zip(&self.profiles).map(|&pair| normalized(pair)),
            out_of_group: self.out_of_group(scores, &groups, others, whole.best.standard.tally),
            optimum: whole.best.map(|best| Optimum {
                threshold: best.threshold,
                windows_hit: best.tally.windows_hit,
                windows: best.tally.windows,
                false_positives: best.tally.false_positives,
            }),
            points_per_second: None,
            peak_rss_mib: None,
        })
    }

    /// `whole`: any tally of the whole corpus, for its windows.
    fn out_of_group(
        &self,
        scores: &[Vec<f64>],
        groups: &[String],
        others: &[Scope],
        whole: Tally,
    ) -> OutOfGroup {
        let mut raw = self.profiles.map(|_| 0.0);
        let mut thresholds = BTreeMap::new();
        for (group, scope) in groups.iter().zip(others) {
            let in_group = || self.files.iter().zip(scores).filter(|(file, _)| file.group == *group);
            for ((sum, best), profile) in
                raw.each_mut().into_iter().zip(scope.best.each()).zip(self.profiles.each())
            {
                let tallies = in_group().map(|(file, scores)| file.tally(scores, best.threshold));
                *sum += tallies.map(|tally| tally.raw(profile)).sum::<f64>();
            }
            thresholds.insert(group.clone(), scope.best.map(|best| best.threshold));
        }
        let scores = raw.zip(&self.profiles).map(|&(&raw, profile)| whole.normalize(raw, profile));
        OutOfGroup { scores, thresholds }
    }
}
