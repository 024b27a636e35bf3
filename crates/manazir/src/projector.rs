//! From the outbox of the embedded store into the relational truth, each entry once.
//!
//! The truth remembers, in the transaction that shows an entry, how far it has come. Whatever dies between two
//! steps, the next run goes on from there.

use std::time::Duration;

use manazir_fjall::Embedded;
use manazir_ingest::Error;
use manazir_ingest::backoff::Backoff;
use manazir_ingest::dead_letters::NewDeadLetter;
use manazir_ingest::findings::NewFinding;
use manazir_ingest::outbox::{Entry, Outbox, Shown};
use manazir_ingest::projection::Projection;
use manazir_model::GraphEvent;
use manazir_sql::Keeping;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Entries a transaction.
const BATCH: usize = 1_000;

/// After a failure the next attempt comes after this time at most, then after twice that, and so on up to the
/// longest.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A projector that runs beside the service.
#[derive(Debug)]
pub struct Projecting {
    store: Embedded,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Projecting {
    /// Starts it.
    pub fn start(store: Embedded, truth: Keeping) -> Self {
        let (stop, stopping) = watch::channel(false);
        let outbox = store.clone();
        let task = tokio::spawn(async move { run(&outbox, &truth, stopping).await });
        Self { store, stop, task }
    }

    /// Shows what is there and ends. To be called when nothing is committed any more.
    pub async fn stop(self) {
        // The other end is gone only if the task is.
        let _ = self.stop.send(true);
        self.store.close_outbox();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the projector ended by a panic; it goes on at the next start");
        }
    }
}

/// Shows what comes until the outbox is closed. A truth that fails is asked again and again, for the outbox
/// keeps what it has not shown; after `stopping` it is asked no more.
pub async fn run(outbox: &dyn Outbox, truth: &dyn Projection, mut stopping: watch::Receiver<bool>) {
    let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
    let mut reached = 0;
    while let Err(error) = project(outbox, truth, &mut reached, &mut backoff).await {
        if *stopping.borrow() {
            tracing::warn!(%error, "what was found last is shown at the next start");
            return;
        }
        let pause = backoff.failed(rand::random());
        tracing::warn!(%error, ?pause, "what was found cannot be shown now; trying again");
        // A sender that is gone means the same as one that says so.
        let _ = tokio::time::timeout(pause, stopping.wait_for(|stopping| *stopping)).await;
    }
}

/// Shows what comes until the outbox is closed or something fails.
async fn project(
    outbox: &dyn Outbox,
    truth: &dyn Projection,
    reached: &mut u64,
    backoff: &mut Backoff,
) -> Result<(), Error> {
    *reached = truth.projected(&outbox.name()).await?;
    if *reached > outbox.last() {
        tracing::warn!("the store was put back to an earlier state; what it found since may be shown twice");
        outbox.rename().await?;
        *reached = 0;
    }
    let name = outbox.name();
    loop {
        outbox.shown(*reached).await?;
        let entries = outbox.entries(*reached, BATCH).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        let through = last.seq;
        let (findings, letters, happened) = sorted(entries);
        *reached = truth.apply(&name, *reached, through, &findings, &letters, &happened).await?;
        backoff.worked();
    }
}

fn sorted(entries: Vec<Entry>) -> (Vec<NewFinding>, Vec<NewDeadLetter>, Vec<GraphEvent>) {
    let (mut findings, mut letters, mut happened) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry.shown {
            Shown::Finding(judged) => findings.push(NewFinding::from(&judged)),
            Shown::Episode(episode) => findings.push(NewFinding::from(&episode)),
            Shown::Dead(dead) => letters.push(NewDeadLetter::from(dead)),
            Shown::Happened(event) => happened.push(event),
        }
    }
    (findings, letters, happened)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use manazir_fjall::Config;
    use manazir_ingest::dead_letters::{DeadLetterFilter, DeadLetters};
    use manazir_ingest::findings::{FindingFilter, Findings};
    use manazir_ingest::truth::memory::InMemory;
    use manazir_ingest::{Commit, DeadLetter, EventId, EventStore, Format, Judged, Message, Stored};
    use manazir_model::{EventVerdict, Timestamp};

    use super::*;

    const ENTRIES: u64 = 2_300;

    fn entry(seq: u64) -> Entry {
        let id = EventId::new("plain", format!("e{seq}"));
        let shown = if seq.is_multiple_of(7) {
            Shown::Happened(GraphEvent { id: format!("e{seq}"), ..GraphEvent::default() })
        } else if seq.is_multiple_of(5) {
            Shown::Dead(DeadLetter {
                id,
                partition: 0,
                seq,
                reason: "broken".to_owned(),
                received_at: Timestamp(1),
                format: Format::Plain,
                body: b"{".to_vec(),
            })
        } else {
            let verdict = EventVerdict { score: 9.0, anomaly: true, reasons: Vec::new() };
            let event = Stored { action: "a".to_owned(), ..Stored::default() };
            Shown::Finding(Judged { id, partition: 0, seq, received_at: Timestamp(1), event, verdict })
        };
        Entry { seq, shown }
    }

    /// An outbox and a truth that die at a given step: before it was done, or after.
    struct Dying {
        truth: InMemory,
        shown: AtomicUsize,
        steps: AtomicUsize,
        dies_at: usize,
        after: bool,
    }

    impl Dying {
        async fn step<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
            let dies = self.steps.fetch_add(1, Ordering::Relaxed) >= self.dies_at;
            if dies && !self.after {
                return Err(Error::Closed);
            }
            let done = work.await?;
            if dies { Err(Error::Closed) } else { Ok(done) }
        }
    }

    #[async_trait]
    impl Outbox for Dying {
        fn name(&self) -> String {
            "dying".to_owned()
        }

        fn last(&self) -> u64 {
            ENTRIES
        }

        async fn rename(&self) -> Result<(), Error> {
            unreachable!("it is never put back")
        }

        async fn entries(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error> {
            let first = after.max(self.shown.load(Ordering::Relaxed) as u64) + 1;
            self.step(async { Ok((first..=ENTRIES).take(max).map(entry).collect()) }).await
        }

        async fn shown(&self, through: u64) -> Result<(), Error> {
            let forget = async {
                self.shown.fetch_max(through as usize, Ordering::Relaxed);
                Ok(())
            };
            self.step(forget).await
        }
    }

    #[async_trait]
    impl Projection for Dying {
        async fn projected(&self, outbox: &str) -> Result<u64, Error> {
            self.step(self.truth.projected(outbox)).await
        }

        async fn apply(
            &self,
            outbox: &str,
            after: u64,
            through: u64,
            findings: &[NewFinding],
            letters: &[NewDeadLetter],
            happened: &[GraphEvent],
        ) -> Result<u64, Error> {
            self.step(self.truth.apply(outbox, after, through, findings, letters, happened)).await
        }
    }

    #[tokio::test]
    async fn killed_between_any_two_steps_each_entry_is_shown_once() {
        // Three batches and the end: fewer steps than this.
        for dies_at in 0..14 {
            for after in [false, true] {
                let mut dying = Dying {
                    truth: InMemory::default(),
                    shown: AtomicUsize::new(0),
                    steps: AtomicUsize::new(0),
                    dies_at,
                    after,
                };
                let (mut reached, mut backoff) = (0, Backoff::new(PAUSE, PAUSE_MAX));
                let died = project(&dying, &dying, &mut reached, &mut backoff).await.is_err();
                assert_eq!(died, dies_at < 12, "step {dies_at}");
                dying.dies_at = usize::MAX;
                project(&dying, &dying, &mut reached, &mut backoff).await.unwrap();
                let all = FindingFilter::default();
                let found = Findings::page(&dying.truth, &all, None, 9_999).await.unwrap();
                let letters =
                    DeadLetters::page(&dying.truth, &DeadLetterFilter::default(), None, 9_999).await;
                let mut seen: Vec<String> = found.into_iter().map(|finding| finding.what.event_id).collect();
                seen.extend(letters.unwrap().into_iter().map(|letter| letter.id));
                seen.extend(dying.truth.happened().into_iter().map(|event| event.id));
                let mut expected: Vec<String> = (1..=ENTRIES).map(|seq| format!("e{seq}")).collect();
                seen.sort();
                expected.sort();
                assert_eq!(seen, expected, "step {dies_at}, after it: {after}");
            }
        }
    }

    #[tokio::test]
    async fn a_truth_that_fails_is_asked_again_until_the_end() {
        let dying = Dying {
            truth: InMemory::default(),
            shown: AtomicUsize::new(0),
            steps: AtomicUsize::new(0),
            dies_at: 2,
            after: false,
        };
        let (stop, stopping) = watch::channel(false);
        let asked = async {
            while dying.steps.load(Ordering::Relaxed) < 5 {
                tokio::task::yield_now().await;
            }
            stop.send(true).unwrap();
        };
        tokio::join!(run(&dying, &dying, stopping), asked);
    }

    /// Commits an anomaly of this number.
    async fn found(store: &Embedded, number: u64) {
        let Shown::Finding(judged) = entry(35 * number + 1).shown else { panic!("a finding") };
        let message = Message {
            format: Format::Plain,
            partition: 0,
            id: judged.id.clone(),
            received_at: judged.received_at,
            reply_to: None,
            body: Vec::new(),
        };
        let commit = Commit { judged: vec![judged], messages: vec![&message], ..Commit::default() };
        store.commit(&commit).await.unwrap();
    }

    async fn shown(truth: &InMemory) -> usize {
        Findings::page(truth, &FindingFilter::default(), None, 99).await.unwrap().len()
    }

    /// Shows what is there, as a process that then ends.
    async fn show(store: &Embedded, truth: &InMemory) {
        let (_stop, stopping) = watch::channel(false);
        let end = async {
            while truth.projected(&store.name()).await.unwrap() < store.last() {
                tokio::task::yield_now().await;
            }
            store.close_outbox();
        };
        tokio::join!(run(store, truth, stopping), end);
    }

    #[tokio::test]
    async fn a_truth_or_a_store_that_is_replaced_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| Embedded::open(&folder.path().join(name), &Config::default()).unwrap();
        let truth = InMemory::default();
        let store = open("store");
        found(&store, 1).await;
        found(&store, 2).await;
        show(&store, &truth).await;
        assert_eq!(shown(&truth).await, 2);
        drop(store);

        // The truth is new: what was shown is gone with the old one, what comes is shown.
        let (store, fresh) = (open("store"), InMemory::default());
        let (_stop, stopping) = watch::channel(false);
        let comes = async {
            tokio::task::yield_now().await;
            found(&store, 3).await;
            while shown(&fresh).await == 0 {
                tokio::task::yield_now().await;
            }
            store.close_outbox();
        };
        tokio::join!(run(&store, &fresh, stopping), comes);
        assert_eq!(shown(&fresh).await, 1);
        drop(store);

        // The store is new, and counts from one: nothing of it is taken for shown.
        let store = open("another");
        found(&store, 4).await;
        show(&store, &truth).await;
        assert_eq!(shown(&truth).await, 3);
    }

    /// As when a copy of yesterday is put back.
    #[tokio::test]
    async fn a_store_that_knows_less_than_the_truth_takes_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(&folder.path().join("store"), &Config::default()).unwrap();
        let truth = InMemory::default();
        let before = store.name();
        truth.apply(&before, 0, 100, &[], &[], &[]).await.unwrap();
        found(&store, 1).await;
        show(&store, &truth).await;
        assert_eq!(shown(&truth).await, 1);
        assert_ne!(store.name(), before);
    }
}
