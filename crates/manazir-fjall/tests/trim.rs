//! Judged messages go when no restart can need them.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_fjall::{Config, Embedded};
use manazir_ingest::contract::message;
use manazir_ingest::{Commit, Consumer, EventStore, Judged, Message, Queue, Snapshot, Stored};
use manazir_model::EventVerdict;

fn judged(message: &Message, seq: u64) -> Judged {
    Judged::new(message, seq, Stored::default(), EventVerdict::default())
}

#[tokio::test]
async fn what_models_still_have_to_learn_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&folder.path().join("store"), &Config::default()).unwrap();
    let messages: Vec<Message> = (1..=10).map(|id| message(&id.to_string(), "ann")).collect();
    let partition = messages[0].partition;
    store.publish(messages.clone()).await.unwrap();
    assert_eq!(store.trim(100).unwrap(), 0, "nothing was judged");
    let commit = Commit {
        receipt: Some(6),
        judged: messages[..6].iter().zip(1..).map(|(message, seq)| judged(message, seq)).collect(),
        snapshots: vec![Snapshot { partition, seq: 4, state: vec![1] }],
        ..Commit::default()
    };
    store.commit(&commit).await.unwrap();
    assert_eq!(store.trim(3).unwrap(), 3);
    assert_eq!(store.trim(100).unwrap(), 1, "five and six were not written down");
    let replayed = store.replay(partition, 4, 100).await.unwrap();
    assert_eq!(replayed.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [5, 6]);
    let snapshots = vec![Snapshot { partition, seq: 6, state: vec![2] }];
    store.commit(&Commit { snapshots, ..Commit::default() }).await.unwrap();
    assert_eq!(store.trim(100).unwrap(), 2);
    let rest = store.consumer().receive(100).await.unwrap().unwrap();
    assert_eq!(rest.iter().map(|delivery| delivery.receipt).collect::<Vec<_>>(), [7, 8, 9, 10]);
    assert!(store.judged(&[messages[0].id.clone()]).await.unwrap()[0].is_some(), "its verdict stays");
}
