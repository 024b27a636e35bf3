//! Threads that hash passwords, and give way to everything else.

use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use async_trait::async_trait;
use manazir_auth::hashing::{
    HashingDone, HashingError, HashingPlace, HashingPlaces, HashingRefused, HashingWork,
};
use manazir_auth::{Hasher, HashingCost, HashingGate};
use tokio::sync::oneshot;

/// How much these threads give way, of 19: at 10 one gets a tenth of a core that another wants. Idle cores are theirs.
const NICENESS: i32 = 10;
/// So many may wait for each thread: about a second.
const WAITING_FOR_EACH: usize = 32;

/// Work, and who waits for it.
struct Task {
    work: HashingWork,
    reply: oneshot::Sender<Result<HashingDone, HashingError>>,
    /// Kept until a thread has done with it, also if nobody waits any more: there is room for all that have one.
    _place: HashingPlace,
}

/// Threads of their own, since a thread whose priority was lowered cannot raise it again. They end with this.
pub(super) struct Threads {
    tasks: SyncSender<Task>,
    places: HashingPlaces,
}

impl Threads {
    /// One thread less than there are cores, and at least one.
    pub(super) fn start(cost: HashingCost) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let at_once = cores.saturating_sub(1).max(1);
        let waiting = at_once * WAITING_FOR_EACH;
        let hasher = Hasher::new(cost)?;
        let (tasks, receiver) = sync_channel(at_once + waiting);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..at_once {
            let (receiver, hasher) = (Arc::clone(&receiver), hasher.clone());
            let thread = std::thread::Builder::new().name(format!("hashing {number}"));
            thread.spawn(move || work(&receiver, &hasher)).context("start a thread for passwords")?;
        }
        Ok(Self { tasks, places: HashingPlaces::new(at_once, waiting) })
    }
}

fn work(receiver: &Mutex<Receiver<Task>>, hasher: &Hasher) {
    // Of this thread alone: on Linux each has its own. Where it cannot be lowered, one core is left to others.
    let _ = rustix::process::nice(NICENESS);
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Task { work, reply, _place }) = next else { return };
        // Whoever has gone needs no answer.
        if !reply.is_closed() {
            let _ = reply.send(work.perform(hasher));
        }
    }
}

#[async_trait]
impl HashingGate for Threads {
    async fn run(&self, work: HashingWork) -> Result<HashingDone, HashingRefused> {
        let place = self.places.enter().ok_or(HashingRefused::Busy)?;
        let (reply, done) = oneshot::channel();
        self.tasks.try_send(Task { work, reply, _place: place }).map_err(|_| HashingRefused::Busy)?;
        // No answer comes from a thread that panicked.
        Ok(done.await.map_err(|_| HashingError::Failed)??)
    }
}

#[cfg(test)]
mod tests {
    use manazir_auth::Password;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn bb_w54_of_a_crowd_as_many_are_served_as_there_are_places_and_others_are_told_at_once() {
        let gate = Arc::new(Threads::start(HashingCost::CHEAPEST).unwrap());
        let password = Password::shown("a quiet harbor").unwrap();
        let asked = (0..1_000).map(|_| {
            let (gate, password) = (Arc::clone(&gate), password.clone());
            tokio::spawn(async move { gate.run(HashingWork::Verify { password, stored: None }).await })
        });
        let (mut served, mut busy) = (0, 0);
        for task in asked.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(_) => served += 1,
                Err(HashingRefused::Busy) => busy += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(served + busy, 1_000);
        assert!(served > WAITING_FOR_EACH, "{served} were served");
        let after = gate.run(HashingWork::Hash { password, salt: [1; 16] }).await.unwrap();
        assert!(matches!(after, HashingDone::Hashed(_)), "the places are free again");
    }

    #[tokio::test]
    async fn who_has_gone_leaves_the_place() {
        let gate = Threads::start(HashingCost::CHEAPEST).unwrap();
        let work = || HashingWork::Verify { password: Password::shown("x").unwrap(), stored: None };
        for _ in 0..10 * WAITING_FOR_EACH {
            drop(futures_util::FutureExt::now_or_never(gate.run(work())));
        }
        let served = async {
            while gate.run(work()).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), served).await.unwrap();
    }
}
