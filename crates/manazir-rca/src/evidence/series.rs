//! What is known of a system: series on one time grid, who depends on whom, and when it went wrong.

use std::ops::Range;

use crate::topology::{EntityId, Topology};

/// What a series measures. The kind says which side is bad and what a shift of it proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Time to answer, in any unit; the same unit for all entities.
    Latency,
    /// Share of calls that succeed, in [0, 1].
    Availability,
    /// Share of calls that fail, in [0, 1].
    Errors,
    /// Calls in each step of the grid.
    Traffic,
    /// What the entity uses up itself: processor, memory, disk.
    Resource,
    /// Lines of one log template in each step.
    Log,
    /// Spans of one operation in each step.
    Operation,
    /// Of a call: the caller's span minus the callee's, that is the time on the way.
    NetworkGap,
}

impl Kind {
    /// True for numbers of things that happened, whose noise grows with their root.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Traffic | Self::Log | Self::Operation)
    }
}

/// How the values of a step were condensed into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Statistic {
    /// Their mean, which times the traffic gives a total.
    Mean,
    /// Their sum or number.
    Sum,
    /// A quantile or anything else that has no total.
    Quantile,
}

/// One series.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Whose it is; of a call, the callee.
    pub entity: EntityId,
    /// Of a call, who calls.
    pub caller: Option<EntityId>,
    /// Name of the metric, template or operation. Series of one entity, caller and kind with the same name are
    /// statistics of one metric.
    pub metric: &'a str,
    /// What a value stands for.
    pub statistic: Statistic,
    /// What it measures.
    pub kind: Kind,
    /// Shape `(n_samples,)`, the same grid for all series; NaN where nothing was measured. A count that was
    /// looked for and not found is 0, not NaN.
    pub values: &'a [f64],
}

/// What called for help.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// Whose metric it is.
    pub entity: EntityId,
    /// The kind of the metric.
    pub kind: Kind,
    /// Its name, as in [`Series::metric`].
    pub metric: &'a str,
}

/// Everything a ranking is made from.
#[derive(Clone, Copy, Debug)]
pub struct Incident<'a> {
    /// In any order.
    pub series: &'a [Series<'a>],
    /// Who depends on whom.
    pub topology: &'a Topology,
    /// Positions on the grid from the onset on; a few samples.
    pub window: (usize, usize),
    /// Stretches of the grid that count as normal. They may hold other incidents, as long as those are rare.
    pub history: &'a [(usize, usize)],
    /// What called for help, if it belongs to an entity.
    pub alert: Option<Alert<'a>>,
}

impl Incident<'_> {
    /// Positions of the incident that `n_samples` hold.
    pub(crate) fn window(&self, n_samples: usize) -> Range<usize> {
        within(self.window, n_samples)
    }

    /// Normal stretches that `n_samples` hold.
    pub(crate) fn history(&self, n_samples: usize) -> impl Iterator<Item = Range<usize>> {
        self.history.iter().map(move |stretch| within(*stretch, n_samples))
    }

    /// How many positions the incident has, at least one.
    pub(crate) fn window_samples(&self) -> usize {
        self.window.1.saturating_sub(self.window.0).max(1)
    }
}

fn within((start, end): (usize, usize), n_samples: usize) -> Range<usize> {
    start.min(end).min(n_samples)..end.min(n_samples)
}
