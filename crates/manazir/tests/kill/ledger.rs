//! What the senders know, against what is stored.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use manazir_testkit::client::Client;
use manazir_testkit::events;
use serde_json::Value;

use crate::Sent;

/// Everything that was ever sent to one directory.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    events: u64,
    acknowledged: HashSet<u64>,
    told: HashMap<u64, Value>,
    stored: HashMap<u64, Value>,
}

impl Ledger {
    /// Numbers that were not used before.
    pub(crate) fn new_events(&mut self, count: usize) -> Vec<u64> {
        let first = self.events;
        self.events += count as u64;
        (first..self.events).collect()
    }

    /// Remembers what a sender was told, which must not differ from what was told before.
    pub(crate) fn acknowledged(&mut self, sent: Sent) {
        self.acknowledged.extend(sent.acknowledged);
        for (event, verdict) in sent.told {
            let before = self.told.entry(event).or_insert_with(|| verdict.clone());
            assert_eq!(before, &verdict, "event {event} was judged again");
        }
    }

    pub(crate) fn is_acknowledged(&self, event: u64) -> bool {
        self.acknowledged.contains(&event)
    }

    /// What is stored of an event that [`Self::check`] has seen.
    pub(crate) fn verdict(&self, event: u64) -> Option<&Value> {
        self.stored.get(&event)
    }

    /// Every event has one verdict, the one that was told, at a place of its own. Returns
    /// the events in the order in which they were judged.
    pub(crate) fn check(&mut self, client: &mut Client) -> Vec<u64> {
        let mut places: HashMap<(u64, u64), u64> = HashMap::new();
        for event in 0..self.events {
            assert!(self.is_acknowledged(event), "event {event} was never acknowledged");
            let stored = stored(client, event);
            let place = (stored["partition"].as_u64().unwrap(), stored["seq"].as_u64().unwrap());
            if let Some(other) = places.insert(place, event) {
                panic!("events {event} and {other} are at the same place {place:?}");
            }
            if let Some(told) = self.told.get(&event) {
                assert_eq!(told, &stored["verdict"], "event {event}: something else was told");
            }
            self.stored.insert(event, stored["verdict"].clone());
        }
        let mut order: Vec<((u64, u64), u64)> = places.into_iter().collect();
        order.sort_unstable();
        order.into_iter().map(|(_, event)| event).collect()
    }
}

/// The stored event, which was acknowledged and so must come, if not at once.
fn stored(client: &mut Client, event: u64) -> Value {
    let path = format!("/api/v1/events/plain/{}", events::id(event));
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = client.get(&path).unwrap();
        if answer.status == 200 {
            return answer.json();
        }
        assert!(Instant::now() < until, "event {event} was acknowledged and is lost: {}", answer.text());
        std::thread::sleep(Duration::from_millis(20));
    }
}
