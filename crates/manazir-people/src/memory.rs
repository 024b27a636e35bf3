//! The truth in memory: profiles, the connection graph, its log.

mod graph;
mod profiles;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Change, ConnectionGraph, Error, Limits, Numbered, Profile, ProfileKey, Recommendation, UserId};

/// Changes that the log keeps; who follows from further back loads anew.
const LOG_MAX: usize = 1 << 16;

/// All ports of this crate; clones share their content. Nothing outlives the process.
#[derive(Clone, Debug)]
pub struct InMemoryPeople(Arc<RwLock<Inside>>);

#[derive(Debug)]
struct Inside {
    limits: Limits,
    log_max: usize,
    /// By number.
    profiles: BTreeMap<UserId, Profile>,
    /// By each key but the number.
    keys: HashMap<ProfileKey, UserId>,
    graph: ConnectionGraph,
    /// The last changes; the last of them is the last of the graph.
    log: VecDeque<Change>,
    recommendations: BTreeMap<UserId, BTreeMap<UserId, Recommendation>>,
}

impl InMemoryPeople {
    /// Nobody. The log keeps `log_max` changes.
    pub fn new(limits: Limits, log_max: usize) -> Self {
        Self(Arc::new(RwLock::new(Inside {
            limits,
            log_max,
            profiles: BTreeMap::new(),
            keys: HashMap::new(),
            graph: ConnectionGraph::default(),
            log: VecDeque::new(),
            recommendations: BTreeMap::new(),
        })))
    }

    fn read(&self) -> RwLockReadGuard<'_, Inside> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Inside> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InMemoryPeople {
    fn default() -> Self {
        Self::new(Limits::default(), LOG_MAX)
    }
}

impl Inside {
    /// Numbers a change and makes it hold.
    fn commit(&mut self, change: Change) -> Result<(), Error> {
        self.graph.follow(&Numbered { seq: self.graph.version() + 1, change })?;
        self.log.push_back(change);
        while self.log.len() > self.log_max {
            self.log.pop_front();
        }
        Ok(())
    }
}
