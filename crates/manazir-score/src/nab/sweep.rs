//! The best threshold of all, exactly.
//!
//! Rows enter in the order of their scores, highest first. Between two different scores the sum of what has
//! entered is the score of that threshold, so one pass sees every threshold that can make a difference; the
//! hill climb that NAB shipped first sometimes stops at a lower peak. O(n log n), most of it the sort.

use super::worth::{Profile, Tally, Worth, finite};
use super::{Corpus, PerProfile};

/// The best threshold so far for one profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    /// Infinite if silence is best.
    pub(super) threshold: f64,
    pub(super) raw: f64,
    pub(super) tally: Tally,
}

/// One sum over part of the corpus: all of it, or all but one group.
pub(super) struct Scope {
    /// The group that is left out.
    pub(super) without: Option<usize>,
    tally: Tally,
    pub(super) best: PerProfile<Best>,
}

impl Scope {
    fn new(without: Option<usize>, tally: Tally, profiles: &PerProfile<Profile>) -> Self {
        let silence = |profile: &Profile| Best { threshold: f64::INFINITY, raw: tally.raw(profile), tally };
        Self { without, tally, best: profiles.map(silence) }
    }

    /// Keeps the current sum where it beats the best; of equal ones the highest threshold stays.
    fn weigh(&mut self, profiles: &PerProfile<Profile>, threshold: f64) {
        let tally = self.tally;
        for (best, profile) in self.best.each_mut().into_iter().zip(profiles.each()) {
            let raw = tally.raw(profile);
            if raw > best.raw {
                *best = Best { threshold, raw, tally };
            }
        }
    }
}

/// A row that counts: score, where it stands, what it is worth.
#[derive(Clone, Copy)]
struct Entry {
    score: f64,
    group: u32,
    /// Number of the window in the corpus; `NO_WINDOW` outside.
    window: u32,
    value: f64,
}

const NO_WINDOW: u32 = u32::MAX;

/// The best thresholds on the whole corpus, first, and on all but each group in the order of `groups`.
pub(super) fn sweep(corpus: &Corpus, scores: &[Vec<f64>], groups: &[String]) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = std::iter::once(None)
        .chain((0..groups.len()).map(Some))
        .map(|without| Scope::new(without, silence(corpus, groups, without), &corpus.profiles))
        .collect();
    let mut found: Vec<f64> = vec![f64::NAN; corpus.files.iter().map(|file| file.windows.len()).sum()];
    let entries = entries(corpus, scores, groups);
    for tied in entries.chunk_by(|left, right| left.score == right.score) {
        for entry in tied {
            enter(entry, &mut found, &mut scopes);
        }
        for scope in &mut scopes {
            scope.weigh(&corpus.profiles, tied[0].score);
        }
    }
    scopes
}

/// The tally of silence on the corpus without one group.
fn silence(corpus: &Corpus, groups: &[String], without: Option<usize>) -> Tally {
    let mut sum = Tally::default();
    for file in corpus.files.iter().filter(|file| without.is_none_or(|group| file.group != groups[group])) {
        sum.add(&file.silence());
    }
    sum
}

/// Adds one row to every scope that holds its group.
fn enter(entry: &Entry, found: &mut [f64], scopes: &mut [Scope]) {
    let apart = |scope: &&mut Scope| scope.without != Some(entry.group as usize);
    if entry.window == NO_WINDOW {
        for scope in scopes.iter_mut().filter(apart) {
            scope.tally.false_value += entry.value;
            scope.tally.false_positives += 1;
        }
        return;
    }
    let best = &mut found[entry.window as usize];
    let first = best.is_nan();
    let gain = if first { entry.value } else { entry.value - *best };
    if !first && gain <= 0.0 {
        return;
    }
    *best = entry.value;
    for scope in scopes.iter_mut().filter(apart) {
        scope.tally.hit_value += gain;
        scope.tally.windows_hit += usize::from(first);
    }
}

/// All rows behind probation that have a score, highest score first.
fn entries(corpus: &Corpus, scores: &[Vec<f64>], groups: &[String]) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(scores.iter().map(Vec::len).sum());
    let mut window_offset = 0u32;
    for (file, scores) in corpus.files.iter().zip(scores) {
        let group = groups.iter().position(|group| *group == file.group).unwrap_or(groups.len()) as u32;
        for (worth, score) in file.worths.iter().zip(scores).filter(|(_, score)| !score.is_nan()) {
            let score = finite(*score);
            match *worth {
                Worth::Nothing => {}
                Worth::False(value) => entries.push(Entry { score, group, window: NO_WINDOW, value }),
                Worth::Hit { window, value } => {
                    entries.push(Entry { score, group, window: window_offset + window, value });
                }
            }
        }
        window_offset += file.windows.len() as u32;
    }
    entries.sort_by(|left, right| right.score.total_cmp(&left.score));
    entries
}
