//! Who depends on whom.

use std::collections::HashMap;
use std::sync::Arc;

/// A service, host, table, function or whatever else may break, by its place in a [`Topology`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u32);

impl EntityId {
    /// As an index into what is kept for each entity.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Entities and the calls between them.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, EntityId>,
    callees: Vec<Vec<EntityId>>,
    callers: Vec<Vec<EntityId>>,
}

impl Topology {
    /// The entity of a name; makes it if it is not there.
    pub fn entity(&mut self, name: &str) -> EntityId {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let entity = EntityId(self.names.len() as u32);
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.by_name.insert(name, entity);
        self.callees.push(Vec::new());
        self.callers.push(Vec::new());
        entity
    }

    /// One calls, reads or runs on the other. Saying it twice changes nothing.
    pub fn depends(&mut self, caller: EntityId, callee: EntityId) {
        if caller != callee && !self.callees[caller.index()].contains(&callee) {
            self.callees[caller.index()].push(callee);
            self.callers[callee.index()].push(caller);
        }
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What it is called.
    pub fn name(&self, entity: EntityId) -> &str {
        &self.names[entity.index()]
    }

    /// The entity of a name, if there is one.
    pub fn named(&self, name: &str) -> Option<EntityId> {
        self.by_name.get(name).copied()
    }

    /// What it depends on.
    pub fn callees(&self, entity: EntityId) -> &[EntityId] {
        &self.callees[entity.index()]
    }

    /// What depends on it.
    pub fn callers(&self, entity: EntityId) -> &[EntityId] {
        &self.callers[entity.index()]
    }
}
