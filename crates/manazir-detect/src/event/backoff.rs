//! How expected a value is, given who did it: counts that back off to the group and to all.

use serde::{Deserialize, Serialize};

use super::hash;
use super::store::{Store, Worth};

/// Contexts of one question, from the most general to the most special.
pub(super) const CONTEXTS_MAX: usize = 4;

/// How likely was `value`, in these contexts?
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Question {
    /// Each is the name of a context; the last is the actor's own.
    pub(super) contexts: [u64; CONTEXTS_MAX],
    /// How many of them there are, at least 1.
    pub(super) n_contexts: usize,
    /// What came.
    pub(super) value: u64,
    /// Who asks: remembered as the one who last did it.
    pub(super) actor: u64,
}

impl Question {
    pub(super) fn new<const N: usize>(contexts: [u64; N], value: u64, actor: u64) -> Self {
        let mut all = [0; CONTEXTS_MAX];
        for (slot, context) in all.iter_mut().zip(contexts) {
            *slot = context;
        }
        Self { contexts: all, n_contexts: N.clamp(1, CONTEXTS_MAX), value, actor }
    }

    fn contexts(&self) -> impl Iterator<Item = u64> {
        // A context is told from the same name on another level.
        (0..self.n_contexts).map(|level| hash::pair(level as u64 + 1, self.contexts[level]))
    }
}

impl Pair {
    pub(super) fn hour(&self) -> u32 {
        self.hour
    }

    pub(super) fn who(&self) -> u64 {
        self.who
    }
}

/// A value in a context.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pair {
    /// Hours in which it was seen, fading.
    count: f32,
    /// The last of them …
    hour: u32,
    /// … and the one before, 0 if there was none.
    pub(super) before: u32,
    /// What the first sight in this hour meant; the same for all others in it.
    surprise: f32,
    /// Who did it last, and who before.
    who: u64,
    /// The actor before the last one, 0 if there was none.
    pub(super) who_before: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Context {
    /// Sum of the counts of its values.
    total: f32,
    /// Number of its values, fading.
    distinct: f32,
    hour: u32,
}

/// An entry stays a day longer for each hour in which it was used.
fn worth(hour: u32, count: f32) -> f32 {
    hour as f32 + 24.0 * count.min(60.0)
}

impl Worth for Pair {
    fn worth(&self) -> f32 {
        worth(self.hour, self.count)
    }
}

impl Worth for Context {
    fn worth(&self) -> f32 {
        worth(self.hour, self.total)
    }
}

/// After four weeks a habit counts half: long enough for what is done once a month, short enough to forget
/// a service that is gone.
const HALF_LIFE_HOURS: f32 = 28.0 * 24.0;

fn faded(amount: f32, hours: u32) -> f32 {
    if hours == 0 { amount } else { amount * (-(hours as f32) / HALF_LIFE_HOURS).exp2() }
}

/// Probability of a value in a context, each context backing off to the one before it:
///
/// p(v | c) = (n(c, v) + d(c) · p(v | parent)) / (n(c) + d(c))
///
/// where n counts the hours in which it was seen, d the values that were ever seen in c. The more different
/// things a context has shown, the more of a new one is believed to be ordinary for it: Witten and Bell 1991,
/// *The zero-frequency problem*, method C, interpolated as in Chen and Goodman 1998. Above the most general
/// context all values known there and one more are equally likely.
///
/// Hours and not events are counted: a loop that calls the same thing a thousand times has one habit, not a
/// thousand. The surprise is therefore judged at the first sight in an hour, and kept for the rest of it.
///
/// O(contexts) at the first sight, one look-up afterwards; memory is fixed at construction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Backoff {
    pairs: Store<Pair>,
    contexts: Store<Context>,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    /// Asked before in this hour; the final surprise it was given then.
    Known(f64),
    /// −log₁₀ of the probability, and whether the value was never seen in the actor's own context.
    Fresh { raw: f64, first: bool },
}

impl Backoff {
    pub(super) fn new(pairs: usize) -> Self {
        Self { pairs: Store::new(pairs), contexts: Store::new(pairs / 2) }
    }

    fn own_key(question: &Question) -> u64 {
        let level = question.n_contexts;
        hash::pair(hash::pair(level as u64, question.contexts[level - 1]), question.value)
    }

    /// Judges by what was learnt before, then learns.
    pub(super) fn ask(&mut self, question: &Question, hour: u32) -> Answer {
        if let Some(own) = self.pairs.get(Self::own_key(question))
            && own.hour >= hour
        {
            return Answer::Known(f64::from(own.surprise));
        }
        let mut probability = None;
        let mut first = true;
        for key in question.contexts() {
            let (pair, _) = self.pairs.entry(hash::pair(key, question.value));
            let count = faded(pair.count, hour.saturating_sub(pair.hour));
            first = pair.count == 0.0;
            (pair.before, pair.who_before) = (pair.hour, pair.who);
            (pair.count, pair.hour, pair.who) = (count + 1.0, hour.max(pair.hour), question.actor);
            let (context, _) = self.contexts.entry(key);
            let hours = hour.saturating_sub(context.hour);
            let (total, distinct) = (faded(context.total, hours), faded(context.distinct, hours));
            let parent = probability.unwrap_or(1.0 / (f64::from(distinct) + 1.0));
            let mass = f64::from(total) + f64::from(distinct);
            probability = Some(if mass > 0.0 {
                (f64::from(count) + f64::from(distinct) * parent) / mass
            } else {
                parent
            });
            *context = Context {
                total: total + 1.0,
                distinct: distinct + if first { 1.0 } else { 0.0 },
                hour: hour.max(context.hour),
            };
        }
        let raw = -probability.unwrap_or(1.0).clamp(1e-12, 1.0).log10();
        Answer::Fresh { raw, first }
    }

    /// Keeps the surprise of a fresh answer for the rest of the hour.
    pub(super) fn keep(&mut self, question: &Question, surprise: f64) {
        if let Some(own) = self.pairs.get_mut(Self::own_key(question)) {
            own.surprise = surprise as f32;
        }
    }

    /// What is remembered of a value on one level of its contexts; level 0 is the most general.
    pub(super) fn memory(&self, question: &Question, level: usize) -> Option<&Pair> {
        let key = question.contexts().nth(level)?;
        self.pairs.get(hash::pair(key, question.value))
    }

    pub(super) fn bytes(&self) -> usize {
        self.pairs.bytes() + self.contexts.bytes()
    }
}
