//! Who depends on whom, and when.

pub mod text;

use std::collections::HashMap;
use std::sync::Arc;

use manazir_model::Timestamp;

/// A service, host, table, function or whatever else may break, by its place in a [`Topology`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u32);

impl EntityId {
    /// As an index into what is kept for each entity.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// When a dependency held: from the first instant on, up to the second and without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The instant at which it no longer held.
    pub until: Timestamp,
}

impl Span {
    /// Without a beginning and an end.
    pub const ALWAYS: Self = Self { from: Timestamp(i64::MIN), until: Timestamp(i64::MAX) };

    /// True if the instant lies in it.
    pub fn holds_at(self, time: Timestamp) -> bool {
        self.from <= time && time < self.until
    }
}

/// Entities and the calls between them.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, EntityId>,
    callees: Vec<Vec<EntityId>>,
    callers: Vec<Vec<EntityId>>,
    /// Beside each of `callees` its place in `spans`, or `ALWAYS`.
    callee_spans: Vec<Vec<u32>>,
    caller_spans: Vec<Vec<u32>>,
    /// Of each dependency that comes and goes: when it held, in order of time, without touching one another.
    spans: Vec<Vec<Span>>,
}

/// The place of a dependency that holds for ever.
const ALWAYS: u32 = u32::MAX;

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
        self.callee_spans.push(Vec::new());
        self.caller_spans.push(Vec::new());
        entity
    }

    /// One calls, reads or runs on the other, whenever one asks. Saying it twice changes nothing.
    pub fn depends(&mut self, caller: EntityId, callee: EntityId) {
        match self.place(caller, callee) {
            None => self.connect(caller, callee, ALWAYS),
            Some(place) if self.callee_spans[caller.index()][place] != ALWAYS => {
                let spans = self.callee_spans[caller.index()][place] as usize;
                self.spans[spans] = vec![Span::ALWAYS];
            }
            Some(_) => {}
        }
    }

    /// One depends on the other for some time only: it may come and go any number of times. Adds nothing to a
    /// dependency that holds for ever, and nothing if `until` does not lie after `from`.
    pub fn depends_during(&mut self, caller: EntityId, callee: EntityId, span: Span) {
        if span.from >= span.until {
            return;
        }
        match self.place(caller, callee) {
            None => {
                self.spans.push(vec![span]);
                self.connect(caller, callee, (self.spans.len() - 1) as u32);
            }
            Some(place) => {
                let spans = self.callee_spans[caller.index()][place];
                if spans != ALWAYS {
                    join(&mut self.spans[spans as usize], span);
                }
            }
        }
    }

    /// From `at` on the one no longer depends on the other; what was before stays.
    pub fn ends(&mut self, caller: EntityId, callee: EntityId, at: Timestamp) {
        let Some(place) = self.place(caller, callee) else { return };
        if self.callee_spans[caller.index()][place] == ALWAYS {
            self.spans.push(vec![Span::ALWAYS]);
            let spans = (self.spans.len() - 1) as u32;
            self.callee_spans[caller.index()][place] = spans;
            let from_callee = self.callers[callee.index()].iter().position(|known| *known == caller);
            if let Some(place) = from_callee {
                self.caller_spans[callee.index()][place] = spans;
            }
        }
        let spans = &mut self.spans[self.callee_spans[caller.index()][place] as usize];
        spans.retain(|span| span.from < at);
        for span in spans {
            span.until = span.until.min(at);
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

    /// What it depends on, or ever did.
    pub fn callees(&self, entity: EntityId) -> &[EntityId] {
        &self.callees[entity.index()]
    }

    /// What depends on it, or ever did.
    pub fn callers(&self, entity: EntityId) -> &[EntityId] {
        &self.callers[entity.index()]
    }

    /// The dependencies that held at some instant.
    pub fn as_of(&self, time: Timestamp) -> AsOf<'_> {
        AsOf { topology: self, time }
    }

    fn place(&self, caller: EntityId, callee: EntityId) -> Option<usize> {
        self.callees[caller.index()].iter().position(|known| *known == callee)
    }

    fn connect(&mut self, caller: EntityId, callee: EntityId, spans: u32) {
        if caller != callee {
            self.callees[caller.index()].push(callee);
            self.callee_spans[caller.index()].push(spans);
            self.callers[callee.index()].push(caller);
            self.caller_spans[callee.index()].push(spans);
        }
    }

    fn held_at(&self, spans: u32, time: Timestamp) -> bool {
        spans == ALWAYS || self.spans[spans as usize].iter().any(|span| span.holds_at(time))
    }
}

/// A [`Topology`] at some instant.
#[derive(Clone, Copy, Debug)]
pub struct AsOf<'a> {
    topology: &'a Topology,
    time: Timestamp,
}

impl<'a> AsOf<'a> {
    /// What it depended on.
    pub fn callees(self, entity: EntityId) -> impl Iterator<Item = EntityId> + 'a {
        self.held(&self.topology.callees, &self.topology.callee_spans, entity)
    }

    /// What depended on it.
    pub fn callers(self, entity: EntityId) -> impl Iterator<Item = EntityId> + 'a {
        self.held(&self.topology.callers, &self.topology.caller_spans, entity)
    }

    fn held(
        self,
        others: &'a [Vec<EntityId>],
        spans: &'a [Vec<u32>],
        entity: EntityId,
    ) -> impl Iterator<Item = EntityId> + 'a {
        let both = others[entity.index()].iter().zip(&spans[entity.index()]);
        both.filter(move |(_, spans)| self.topology.held_at(**spans, self.time)).map(|(other, _)| *other)
    }
}

/// Adds a span; those that overlap or touch become one.
fn join(spans: &mut Vec<Span>, mut span: Span) {
    spans.retain(|known| {
        let apart = known.until < span.from || span.until < known.from;
        if !apart {
            span.from = span.from.min(known.from);
            span.until = span.until.max(known.until);
        }
        apart
    });
    let place = spans.partition_point(|known| known.from < span.from);
    spans.insert(place, span);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: i64, until: i64) -> Span {
        Span { from: Timestamp(from), until: Timestamp(until) }
    }

    #[test]
    fn a_dependency_holds_when_it_was_said_to() {
        let mut topology = Topology::default();
        let (web, api, old) = (topology.entity("web"), topology.entity("api"), topology.entity("old"));
        topology.depends(web, api);
        topology.depends_during(web, old, span(10, 20));
        topology.depends_during(web, old, span(40, 50));
        topology.depends_during(web, old, span(20, 30));
        topology.depends_during(web, api, span(1, 2));
        let at = |time| topology.as_of(Timestamp(time)).callees(web).collect::<Vec<_>>();
        assert_eq!(at(9), [api]);
        assert_eq!(at(10), [api, old]);
        assert_eq!(at(29), [api, old]);
        assert_eq!(at(30), [api]);
        assert_eq!(at(45), [api, old]);
        assert_eq!(topology.callees(web), [api, old]);
        assert_eq!(topology.as_of(Timestamp(0)).callers(old).count(), 0);
    }

    #[test]
    fn a_dependency_that_ends_was_there_before() {
        let mut topology = Topology::default();
        let (web, api) = (topology.entity("web"), topology.entity("api"));
        topology.depends(web, api);
        topology.ends(web, api, Timestamp(100));
        topology.ends(api, web, Timestamp(100));
        let callers = |topology: &Topology, time| topology.as_of(Timestamp(time)).callers(api).count();
        assert_eq!((callers(&topology, 99), callers(&topology, 100)), (1, 0));
        topology.depends_during(web, api, span(200, i64::MAX));
        assert_eq!((callers(&topology, 150), callers(&topology, 200)), (0, 1));
        topology.depends(web, api);
        assert_eq!(callers(&topology, 150), 1);
    }

    #[test]
    fn nothing_depends_on_itself() {
        let mut topology = Topology::default();
        let web = topology.entity("web");
        topology.depends(web, web);
        topology.depends_during(web, web, span(0, 9));
        assert!(topology.callees(web).is_empty() && topology.callers(web).is_empty());
    }
}
