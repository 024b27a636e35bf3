//! Which keys may be shown wrongly: those that were counted and not yet shown, and those that an addition may yet reach
//! whose answer was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::tables::Id;

/// After this no addition is made any more: a replica drops what it could not begin within the time-out of counters,
/// which is five seconds unless somebody changed it.
pub(crate) const LATE_MAX: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    /// To be shown.
    now: BTreeSet<Id>,
    /// To be looked at once more, then or later.
    later: BTreeMap<Id, Instant>,
    /// Additions that are under way, or whose answer was lost.
    sent: BTreeSet<Id>,
}

impl Behind {
    /// These were counted.
    pub(crate) fn counted(&mut self, ids: impl IntoIterator<Item = Id>) {
        self.now.extend(ids);
    }

    /// Whoever was here before may have left additions to these under way.
    pub(crate) fn doubted(&mut self, ids: impl IntoIterator<Item = Id>, now: Instant) {
        self.later.extend(ids.into_iter().map(|id| (id, now + LATE_MAX)));
    }

    /// What is to be shown now. What was sent by somebody who did not live to see the answer is doubted.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Id> {
        let unanswered = std::mem::take(&mut self.sent);
        self.counted(unanswered.iter().cloned());
        self.doubted(unanswered, now);
        let over: Vec<Id> =
            self.later.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in over {
            self.later.remove(&id);
            self.now.insert(id);
        }
        self.now.iter().cloned().collect()
    }

    /// Additions to these are about to be sent.
    pub(crate) fn sending(&mut self, ids: impl IntoIterator<Item = Id>) {
        self.sent.extend(ids);
    }

    /// All that was sent was answered, and these are as they should be.
    pub(crate) fn shown<'i>(&mut self, ids: impl IntoIterator<Item = &'i Id>) {
        self.sent.clear();
        for id in ids {
            self.now.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<const N: usize>(ids: [i64; N]) -> [Id; N] {
        ids.map(Id::Integer)
    }

    #[test]
    fn a_key_is_behind_until_it_is_shown() {
        let (mut behind, now) = (Behind::default(), Instant::now());
        behind.counted(ids([2, 1]));
        assert_eq!(behind.due(now), ids([1, 2]));
        behind.sending(ids([1]));
        behind.shown(&ids([1]));
        assert_eq!(behind.due(now + LATE_MAX), ids([2]));
    }

    #[test]
    fn an_addition_whose_answer_was_lost_is_looked_at_again_and_once_more() {
        let (mut behind, now) = (Behind::default(), Instant::now());
        behind.counted(ids([1, 2]));
        behind.sending(ids([1]));
        assert_eq!(behind.due(now), ids([1, 2]));
        behind.shown(&ids([1, 2]));
        assert_eq!(behind.due(now), []);
        assert_eq!(behind.due(now + LATE_MAX), ids([1]));
        // It is taken out of the doubts, but not of what is to be shown.
        assert_eq!(behind.due(now + LATE_MAX), ids([1]));
        behind.shown(&ids([1]));
        assert_eq!(behind.due(now + 2 * LATE_MAX), []);
    }
}
