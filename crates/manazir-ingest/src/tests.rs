//! The contract on the twin in memory.

use futures_executor::block_on;

use crate::contract::{self, Fixture, Opened};
use crate::memory::{InMemory, InMemoryConsumer};

#[derive(Default)]
struct Twin(InMemory);

impl Fixture for Twin {
    type Queue = InMemory;
    type Store = InMemory;
    type Consumer = InMemoryConsumer;

    async fn open(&self) -> Opened<InMemory, InMemory, InMemoryConsumer> {
        self.0.open();
        Opened { queue: self.0.clone(), store: self.0.clone(), consumer: self.0.consumer() }
    }

    async fn close(&self, queue: &InMemory) {
        queue.close();
    }
}

#[test]
fn the_twin_in_memory_keeps_the_contract() {
    block_on(contract::check(Twin::default));
    block_on(contract::check_outbox(&Twin::default()));
}
