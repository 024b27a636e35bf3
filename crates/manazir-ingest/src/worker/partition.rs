//! One partition in a worker's hands.

use crate::worker::batch::taught;
use crate::worker::{Judge, Worker};
use crate::{Error, EventStore, Lease, Snapshot};

/// The models of a partition in which little happens are written down once the worker has seen so many times as
/// many messages as those of a busy one.
const LAG: u64 = 8;

/// Its models and where they stand.
#[derive(Debug)]
pub(super) struct Partition<J> {
    pub(super) lease: Lease,
    pub(super) judge: J,
    /// Number of the last message that was judged.
    pub(super) seq: u64,
    /// Events that the models have seen since they were last written down.
    pub(super) since_snapshot: usize,
    /// How many messages the worker had seen when the first of these came.
    pub(super) behind_since: Option<u64>,
}

impl<J: Judge> Partition<J> {
    /// The partition as it was at its last commit: the snapshot, and what came after it judged once more.
    /// Those verdicts are stored already and are dropped here.
    pub(super) async fn recover(
        lease: Lease,
        store: &dyn EventStore,
        worker: &Worker<J>,
    ) -> Result<Self, Error> {
        let Worker { decode, config, setting, .. } = worker;
        let standing = store.standing(lease.partition).await?;
        let (judge, mut after) = match &standing.snapshot {
            None => (J::fresh(), 0),
            Some(Snapshot { partition, seq, state }) => {
                let damaged =
                    |why| Error::Damaged { what: format!("the models of partition {partition}"), why };
                (J::load(state).map_err(damaged)?, *seq)
            }
        };
        let seq = standing.seq.max(after);
        let mut recovered =
            Self { lease, judge: judge.set(setting), seq, since_snapshot: 0, behind_since: None };
        loop {
            let missed = store.replay(recovered.lease.partition, after, config.batch_max).await?;
            let Some(&(last, _)) = missed.last() else { return Ok(recovered) };
            after = last;
            for (_, message) in &missed {
                // What cannot be read is no event that was judged: it taught nobody anything.
                let sampled = taught(&mut recovered.judge, message, *decode).unwrap_or_default();
                recovered.since_snapshot += sampled.len().max(1);
            }
        }
    }

    /// True if its models have learnt much since they were written down, or something a long time ago: what they
    /// learnt since must be kept for a restart, and with it all messages that came later.
    pub(super) fn is_due(&mut self, seen: u64, every: usize) -> bool {
        if self.since_snapshot == 0 {
            return false;
        }
        let behind = seen - *self.behind_since.get_or_insert(seen);
        self.since_snapshot >= every || behind >= LAG.saturating_mul(every as u64)
    }

    /// The models as they are now.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        self.since_snapshot = 0;
        self.behind_since = None;
        Snapshot { partition: self.lease.partition, seq: self.seq, state: self.judge.save() }
    }
}
