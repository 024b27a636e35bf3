//! Jobs: progress, cancelling, and what a process that is gone left behind.

use manazir_model::Timestamp;

use super::NAMES;
use crate::jobs::{Heard, Job, JobState, Jobs, NewJob, Progress};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn new(kind: &str, incarnation: &str) -> NewJob {
    NewJob {
        kind: kind.to_owned(),
        input: r#"{"state":"waiting"}"#.to_owned(),
        incarnation: incarnation.to_owned(),
    }
}

fn running(done: u64) -> Progress {
    Progress {
        state: JobState::Running,
        done,
        total: Some(9),
        message: NAMES[11].to_owned(),
        ..Progress::default()
    }
}

/// Checks a table of jobs that is empty.
pub async fn check_jobs(jobs: &dyn Jobs) {
    a_job_says_how_far_it_is(jobs).await;
    a_job_can_be_stopped(jobs).await;
    what_was_left_behind_is_seen_to(jobs).await;
}

async fn a_job_says_how_far_it_is(jobs: &dyn Jobs) {
    let made = jobs.create(&new("replay", "one"), at(1)).await.unwrap();
    let expected = Job {
        id: 1,
        kind: "replay".to_owned(),
        input: r#"{"state":"waiting"}"#.to_owned(),
        incarnation: "one".to_owned(),
        created_at: at(1),
        updated_at: at(1),
        cancel_requested: false,
        progress: Progress::default(),
    };
    assert_eq!(made, expected);
    assert_eq!(jobs.update(1, "one", &running(3), at(2)).await.unwrap(), Heard::Continue);
    let expected = Job { updated_at: at(2), progress: running(3), ..expected };
    assert_eq!(jobs.get(1).await.unwrap(), Some(expected.clone()));
    let done = Progress {
        state: JobState::Done,
        result: Some(r#"{"replayed":9}"#.to_owned()),
        link: Some("/api/v1/dead_letters".to_owned()),
        ..running(9)
    };
    assert_eq!(jobs.update(1, "two", &done, at(3)).await.unwrap(), Heard::NotYours);
    assert_eq!(jobs.update(1, "one", &done, at(3)).await.unwrap(), Heard::Continue);
    assert_eq!(jobs.update(1, "one", &running(4), at(4)).await.unwrap(), Heard::NotYours, "it has ended");
    assert_eq!(jobs.update(9, "one", &running(4), at(4)).await.unwrap(), Heard::NotYours);
    let ended = Job { updated_at: at(3), progress: done, ..expected };
    assert_eq!(jobs.get(1).await.unwrap(), Some(ended.clone()));
    assert_eq!(jobs.request_cancel(1).await.unwrap(), Some(ended), "too late");
    assert_eq!(jobs.get(9).await.unwrap(), None);
}

async fn a_job_can_be_stopped(jobs: &dyn Jobs) {
    jobs.create(&new("replay", "one"), at(5)).await.unwrap();
    assert!(jobs.request_cancel(2).await.unwrap().unwrap().cancel_requested);
    assert_eq!(jobs.request_cancel(9).await.unwrap(), None);
    assert_eq!(jobs.update(2, "one", &running(1), at(6)).await.unwrap(), Heard::Cancel);
    let stopped = Progress { state: JobState::Cancelled, ..running(1) };
    assert_eq!(jobs.update(2, "one", &stopped, at(7)).await.unwrap(), Heard::Cancel);
    assert_eq!(jobs.get(2).await.unwrap().unwrap().progress, stopped);
    let ids = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(jobs.page(None, 9).await.unwrap()), [2, 1]);
    assert_eq!(ids(jobs.page(Some(2), 9).await.unwrap()), [1]);
    assert_eq!(ids(jobs.page(None, 1).await.unwrap()), [2]);
}

async fn what_was_left_behind_is_seen_to(jobs: &dyn Jobs) {
    // 3 and 4 of a process that is gone, 5 of one that was heard of lately, 6 of this one.
    for (kind, incarnation, seconds) in
        [("replay", "gone", 10), ("backup", "gone", 10), ("replay", "alive", 20), ("replay", "me", 10)]
    {
        jobs.create(&new(kind, incarnation), at(seconds)).await.unwrap();
    }
    jobs.update(3, "gone", &running(2), at(11)).await.unwrap();
    let resumed = jobs.recover("me", at(15), &["replay"], at(30)).await.unwrap();
    assert_eq!(resumed.iter().map(|job| job.id).collect::<Vec<_>>(), [3]);
    assert_eq!(jobs.get(3).await.unwrap().as_ref(), Some(&resumed[0]));
    let queued = Progress { state: JobState::Queued, ..running(2) };
    assert_eq!((resumed[0].incarnation.as_str(), &resumed[0].progress), ("me", &queued));
    let failed = jobs.get(4).await.unwrap().unwrap();
    assert_eq!(failed.progress.state, JobState::Failed);
    assert!(failed.progress.message.starts_with("interrupted"), "{}", failed.progress.message);
    assert_eq!(jobs.get(5).await.unwrap().unwrap().incarnation, "alive");
    assert_eq!(jobs.get(6).await.unwrap().unwrap().updated_at, at(10));
    assert_eq!(jobs.update(3, "gone", &running(9), at(31)).await.unwrap(), Heard::NotYours, "it only slept");
    assert_eq!(jobs.recover("me", at(15), &["replay"], at(32)).await.unwrap(), []);
    // What is handed back by a process that ends is anybody's at once.
    let back = Progress { state: JobState::Queued, ..running(7) };
    assert_eq!(jobs.update(5, "alive", &back, at(33)).await.unwrap(), Heard::Continue);
    assert_eq!(jobs.update(5, "alive", &running(8), at(34)).await.unwrap(), Heard::NotYours);
    let taken = jobs.recover("me", at(15), &["replay"], at(35)).await.unwrap();
    assert_eq!(taken.iter().map(|job| (job.id, &job.progress)).collect::<Vec<_>>(), [(5, &back)]);
}
