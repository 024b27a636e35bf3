//! From the surprise of a model to one that can be compared: how often does an hour of this actor hold so much?

use serde::{Deserialize, Serialize};

use super::hash;
use super::store::{Store, Worth};

/// Surprises are told apart up to 8 in steps of a quarter.
const BINS: usize = 32;
const BINS_PER_UNIT: f64 = 4.0;
/// What the general tail counts against the special one, in hours.
const PRIOR_HOURS: f64 = 8.0;
/// No single expectation says more than one in a million.
pub(super) const SURPRISE_MAX: f64 = 6.0;

/// Ranks of actions: any, those that may change something, those of a sensitive family.
pub(super) const RANKS: usize = 3;

/// How high the highest surprise of an active hour was, for one actor or many.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Tail {
    /// By rank: an action of a rank counts for those below it as well.
    bins: [[f32; BINS]; RANKS],
    total: f32,
    /// The hour that goes on, and its highest so far by rank.
    hour: u32,
    highest: [f32; RANKS],
}

impl Worth for Tail {
    fn worth(&self) -> f32 {
        self.hour as f32 + 24.0 * self.total.min(60.0)
    }
}

impl Tail {
    /// Hours that reached `raw`, with a share of the bin it lies in.
    fn reached(&self, raw: f64, rank: usize) -> f64 {
        let bins = &self.bins[rank];
        let position = (raw * BINS_PER_UNIT).clamp(0.0, BINS as f64 - 1e-6);
        let bin = position as usize;
        let above: f32 = bins[bin + 1..].iter().sum();
        f64::from(above) + f64::from(bins[bin]) * (1.0 - position.fract())
    }

    fn learn(&mut self, highest: [f32; RANKS]) {
        // Halved once it is full: a habit of long ago fades, and counts stay exact in 32 bits.
        const HOURS_MAX: f32 = 2_000.0;
        if self.total >= HOURS_MAX {
            self.bins.as_flattened_mut().iter_mut().for_each(|count| *count *= 0.5);
            self.total *= 0.5;
        }
        for (bins, highest) in self.bins.iter_mut().zip(highest) {
            bins[((f64::from(highest) * BINS_PER_UNIT) as usize).min(BINS - 1)] += 1.0;
        }
        self.total += 1.0;
    }

    /// P(an hour reaches `raw`), where `general` is the same for hours of others.
    fn probability(&self, raw: f64, rank: usize, general: f64) -> f64 {
        (self.reached(raw, rank) + PRIOR_HOURS * general) / (f64::from(self.total) + PRIOR_HOURS)
    }
}

/// Distributions of the highest surprise in an active hour: of each actor, of its peers, of all.
///
/// p(s | actor) = (n(actor, ≥ s) + κ p(s | peers)) / (n(actor) + κ), the same for peers and all,
/// p(s) = 10^−s above all.
///
/// An action that could do harm is held against the hours that held such an action: whoever often looks at new
/// things is not therefore expected to change them.
///
/// A program that does the same every day is alarmed by little, a person who tries things by much: the scale
/// is the actor's own as soon as it has shown enough of itself. Hours are the unit because what is strange
/// comes in bursts that are one finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Calibration {
    tails: Store<Tail>,
    all: Tail,
}

impl Calibration {
    pub(super) fn new(entries: usize) -> Self {
        Self { tails: Store::new(entries), all: Tail::default() }
    }

    /// Surprise of `raw` for this actor, in [0, 6]; learns once the hour is over.
    pub(super) fn judge(&mut self, raw: f64, rank: usize, actor: u64, peers: u64, hour: u32) -> f64 {
        let rank = rank.min(RANKS - 1);
        let (own_key, peers_key) = (hash::pair(1, actor), hash::pair(2, peers));
        let (own, _) = self.tails.entry(own_key);
        let over = (own.hour != 0 && own.hour < hour).then_some(own.highest);
        if let Some(highest) = over {
            own.learn(highest);
        }
        if own.hour < hour {
            (own.hour, own.highest) = (hour, [0.0; RANKS]);
        }
        own.highest[..=rank].iter_mut().for_each(|highest| *highest = highest.max(raw as f32));
        let own = *own;
        let (group, _) = self.tails.entry(peers_key);
        group.hour = group.hour.max(hour);
        if let Some(highest) = over {
            group.learn(highest);
            self.all.learn(highest);
        }
        let nominal = 10f64.powf(-raw);
        let general = group.probability(raw, rank, self.all.probability(raw, rank, nominal));
        let probability = own.probability(raw, rank, general);
        (-probability.log10()).clamp(0.0, SURPRISE_MAX)
    }

    pub(super) fn bytes(&self) -> usize {
        self.tails.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two actors of one group: one always plain, one often strange.
    #[test]
    fn the_same_surprise_means_more_from_the_steady_one() {
        let mut calibration = Calibration::new(64);
        for hour in 1..200 {
            calibration.judge(0.5, 0, 1, 9, hour);
            calibration.judge(if hour % 4 == 0 { 4.0 } else { 0.5 }, 0, 2, 9, hour);
        }
        let steady = calibration.judge(4.0, 0, 1, 9, 300);
        let wild = calibration.judge(4.0, 0, 2, 9, 300);
        let unknown = calibration.judge(4.0, 0, 3, 9, 300);
        assert!(
            steady > 2.0 && wild < 0.8 && wild < unknown && unknown < steady,
            "{steady} {wild} {unknown}"
        );
    }

    /// One who often looks at new things, and never changes anything.
    #[test]
    fn looking_around_does_not_excuse_a_change() {
        let mut calibration = Calibration::new(64);
        for hour in 1..200 {
            calibration.judge(4.0, 0, 1, 9, hour);
        }
        let (look, change) = (calibration.judge(4.0, 0, 1, 9, 300), calibration.judge(4.0, 1, 1, 9, 300));
        assert!(look < 0.1 && change > 2.0, "{look} {change}");
    }

    #[test]
    fn without_history_the_model_is_believed() {
        let mut calibration = Calibration::new(64);
        assert!((calibration.judge(3.0, 0, 1, 2, 1) - 3.0).abs() < 1e-9);
        assert!((calibration.judge(99.0, 0, 1, 2, 1) - SURPRISE_MAX).abs() < 1e-9);
        assert_eq!(calibration.judge(0.0, 0, 1, 2, 1), 0.0);
    }
}
