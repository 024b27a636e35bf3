//! The live events, by entity, type and time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use manazir_model::Timestamp;

use super::event::Event;
use super::vocabulary::TypeId;
use crate::topology::EntityId;

/// A live event. The number of an event that is gone is not used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    slot: u32,
    generation: u32,
}

impl EventId {
    /// Below [`LiveEvents::slots`], and of no other live event.
    pub(super) fn slot(self) -> usize {
        self.slot as usize
    }
}

/// An event as its entity lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    event_type: TypeId,
    from: Timestamp,
    slot: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    event: Option<Event>,
}

/// Live events. Each entity lists its own in order of type and time, so that the causes that a rule asks for are a
/// run of neighbours. All of it is bounded: the oldest go first.
#[derive(Clone, Debug)]
pub(super) struct LiveEvents {
    slots: Vec<Slot>,
    free: Vec<u32>,
    by_entity: Vec<Vec<Listed>>,
    /// When each was last seen. What was seen again since is put back when its turn comes.
    oldest: BinaryHeap<Reverse<(Timestamp, u32, u32)>>,
    len: usize,
    max: usize,
    per_entity_max: usize,
}

impl LiveEvents {
    pub(super) fn new(max: usize, per_entity_max: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            by_entity: Vec::new(),
            oldest: BinaryHeap::new(),
            len: 0,
            max: max.max(1),
            per_entity_max: per_entity_max.max(1),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Slots are below this number.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn get(&self, id: EventId) -> Option<&Event> {
        let slot = self.slots.get(id.slot())?;
        slot.event.as_ref().filter(|_| slot.generation == id.generation)
    }

    /// The event of a slot that an entity lists.
    pub(super) fn at(&self, slot: u32) -> (EventId, &Event) {
        let found = &self.slots[slot as usize];
        let event = found.event.as_ref().expect("what an entity lists is live");
        (EventId { slot, generation: found.generation }, event)
    }

    /// All of them, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (EventId, &Event)> {
        self.slots.iter().zip(0..).filter_map(|(found, slot)| {
            found.event.as_ref().map(|event| (EventId { slot, generation: found.generation }, event))
        })
    }

    /// True if an entity has none.
    pub(super) fn has_none(&self, entity: EntityId) -> bool {
        self.by_entity.get(entity.index()).is_none_or(Vec::is_empty)
    }

    /// All of an entity, by type, then in order of time.
    pub(super) fn of_entity(&self, entity: EntityId) -> impl Iterator<Item = (EventId, &Event)> {
        let listed = self.by_entity.get(entity.index()).map_or(&[][..], Vec::as_slice);
        listed.iter().map(|listed| self.at(listed.slot))
    }

    /// Those of an entity and a type with an onset in `from..=until`, in order of time: onset and slot.
    pub(super) fn between(
        &self,
        entity: EntityId,
        event_type: TypeId,
        from: Timestamp,
        until: Timestamp,
    ) -> impl DoubleEndedIterator<Item = (Timestamp, u32)> {
        let listed = self.by_entity.get(entity.index()).map_or(&[][..], Vec::as_slice);
        let first = listed.partition_point(|known| (known.event_type, known.from) < (event_type, from));
        let run =
            listed[first..].partition_point(|known| (known.event_type, known.from) <= (event_type, until));
        listed[first..first + run].iter().map(|known| (known.from, known.slot))
    }

    /// Adds an event and tells whether it is new. The same again (entity, type, onset, target, dimensions) is one
    /// event, as grave as the gravest and as long as the longest.
    pub(super) fn add(&mut self, event: Event) -> (EventId, bool) {
        if let Some(known) = self.same(&event) {
            let there = self.slots[known.slot()].event.as_mut().expect("what an entity lists is live");
            there.until = there.until.max(event.until);
            there.severity = there.severity.max(event.severity);
            return (known, false);
        }
        if self.by_entity.len() <= event.entity.index() {
            self.by_entity.resize_with(event.entity.index() + 1, Vec::new);
        }
        if self.by_entity[event.entity.index()].len() >= self.per_entity_max {
            self.remove_oldest_of(event.entity);
        }
        if self.len >= self.max {
            self.remove_oldest();
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, event: None });
            (self.slots.len() - 1) as u32
        });
        self.slots[slot as usize].event = Some(event);
        let generation = self.slots[slot as usize].generation;
        let listed = Listed { event_type: event.event_type, from: event.from, slot };
        let list = &mut self.by_entity[event.entity.index()];
        let place = list.partition_point(|known| *known < listed);
        list.insert(place, listed);
        self.oldest.push(Reverse((event.until, slot, generation)));
        self.len += 1;
        self.sweep();
        (EventId { slot, generation }, true)
    }

    /// An event was seen again. False if it is not live.
    pub(super) fn seen_until(&mut self, id: EventId, until: Timestamp) -> bool {
        let slot = self.slots.get_mut(id.slot()).filter(|slot| slot.generation == id.generation);
        let Some(event) = slot.and_then(|slot| slot.event.as_mut()) else { return false };
        event.until = event.until.max(until);
        true
    }

    /// Forgets what was not seen since; returns how many that were.
    pub(super) fn expire(&mut self, before: Timestamp) -> usize {
        let mut gone = 0;
        while let Some((until, id)) = self.pop_oldest() {
            if until >= before {
                self.oldest.push(Reverse((until, id.slot, id.generation)));
                break;
            }
            self.remove(id);
            gone += 1;
        }
        gone
    }

    fn same(&self, event: &Event) -> Option<EventId> {
        let there = self.between(event.entity, event.event_type, event.from, event.from);
        let there = there.map(|(_, slot)| self.at(slot));
        there
            .filter(|(_, known)| known.dims == event.dims && known.target == event.target)
            .map(|(id, _)| id)
            .next()
    }

    /// The event that was not seen for longest, taken from the queue.
    fn pop_oldest(&mut self) -> Option<(Timestamp, EventId)> {
        while let Some(Reverse((queued, slot, generation))) = self.oldest.pop() {
            let id = EventId { slot, generation };
            match self.get(id).map(|event| event.until) {
                Some(until) if until > queued => self.oldest.push(Reverse((until, slot, generation))),
                Some(until) => return Some((until, id)),
                None => {}
            }
        }
        None
    }

    /// Drops the turns of events that are gone, when they are more than those that are live: an entity that is full
    /// leaves one behind for each event that it forgets.
    fn sweep(&mut self) {
        const SPARE: usize = 64;
        if self.oldest.len() <= 2 * self.len + SPARE {
            return;
        }
        let slots = &self.slots;
        self.oldest.retain(|Reverse((_, slot, generation))| {
            let found = &slots[*slot as usize];
            found.generation == *generation && found.event.is_some()
        });
    }

    fn remove_oldest(&mut self) {
        if let Some((_, id)) = self.pop_oldest() {
            self.remove(id);
        }
    }

    fn remove_oldest_of(&mut self, entity: EntityId) {
        // The content decides between two of the same age, never the order in which they came.
        let order = |event: &Event| (event.until, event.from, event.event_type, event.dims, event.target);
        let oldest = self.of_entity(entity).min_by_key(|(_, event)| order(event)).map(|(id, _)| id);
        if let Some(id) = oldest {
            self.remove(id);
        }
    }

    fn remove(&mut self, id: EventId) {
        let slot = &mut self.slots[id.slot()];
        let Some(event) = slot.event.take() else { return };
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
        self.len -= 1;
        let listed = Listed { event_type: event.event_type, from: event.from, slot: id.slot };
        let list = &mut self.by_entity[event.entity.index()];
        if let Ok(place) = list.binary_search(&listed) {
            list.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Kind;
    use super::*;

    #[test]
    fn an_entity_that_is_full_leaves_no_turns_behind() {
        let mut live = LiveEvents::new(1_000, 4);
        for second in 0..10_000 {
            live.add(Event::new(EntityId(3), TypeId(0), Kind::Change, Timestamp::from_seconds(second)));
        }
        assert_eq!(live.len(), 4);
        assert!(live.oldest.len() < 100, "{}", live.oldest.len());
        assert_eq!(live.expire(Timestamp::from_seconds(9_998)), 2);
    }
}
