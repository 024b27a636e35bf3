//! The port of jobs: every long task of the product, with its progress, in one table.
//!
//! A job belongs to the process that runs it, named by its incarnation, which is new at each start. What a
//! process that is gone left behind is either gone on with or said to be interrupted; if that process was only
//! asleep, what it writes afterwards changes nothing.

use std::str::FromStr;

use async_trait::async_trait;
use manazir_model::Timestamp;

use crate::Error;

/// Jobs that are kept; of more, the oldest that have ended go.
pub const JOBS_KEPT_MAX: u64 = 10_000;

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It is at work.
    Running,
    /// It did what it should.
    Done,
    /// It could not.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// Its word, on the wire and in stores.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True if nothing more will happen.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.word() == word);
        known.ok_or_else(|| format!("`{word}` is no state of a job"))
    }
}

/// A task that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What kind of task: `replay_dead_letters`.
    pub kind: String,
    /// What it is to work on, as JSON; enough to begin it anew in another process.
    pub input: String,
    /// The process that is going to do it.
    pub incarnation: String,
}

/// A task and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Grows in the order in which jobs were made; from 1.
    pub id: u64,
    /// See [`NewJob`].
    pub kind: String,
    /// See [`NewJob`].
    pub input: String,
    /// See [`NewJob`].
    pub incarnation: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its process was last heard of.
    pub updated_at: Timestamp,
    /// Somebody wants it to stop.
    pub cancel_requested: bool,
    /// How far it has come.
    pub progress: Progress,
}

/// How far a job has come, as its process says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its state.
    pub state: JobState,
    /// Steps that are done.
    pub done: u64,
    /// Steps in all, once that is known.
    pub total: Option<u64>,
    /// What it does, or why it ended, for a person.
    pub message: String,
    /// What it came to, as JSON.
    pub result: Option<String>,
    /// Where that can be looked at.
    pub link: Option<String>,
}

impl Default for Progress {
    fn default() -> Self {
        let message = "waits for its turn".to_owned();
        Self { state: JobState::Queued, done: 0, total: None, message, result: None, link: None }
    }
}

/// What a process learns when it says how far its job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Go on.
    Continue,
    /// Somebody wants it to stop.
    Cancel,
    /// The job has ended, or is another process's by now; nothing was written.
    NotYours,
}

/// Keeps jobs.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Keeps a new job, queued.
    async fn create(&self, job: &NewJob, at: Timestamp) -> Result<Job, Error>;

    /// Keeps how far a job of this incarnation has come. One that is said to be queued is handed back: it is
    /// nobody's until somebody recovers it.
    async fn update(
        &self,
        id: u64,
        incarnation: &str,
        progress: &Progress,
        at: Timestamp,
    ) -> Result<Heard, Error>;

    /// One job, if there is such a one.
    async fn get(&self, id: u64) -> Result<Option<Job>, Error>;

    /// Jobs, the newest first, those before `before` if it is given, at most `max`.
    async fn page(&self, before: Option<u64>, max: usize) -> Result<Vec<Job>, Error>;

    /// Asks a job that has not ended to stop; gives the job as it is then.
    async fn request_cancel(&self, id: u64) -> Result<Option<Job>, Error>;

    /// Sees to jobs that have not ended and that were handed back, or whose processes, other than this one, were
    /// not heard of since `silent_since`: those of the kinds that can be gone on with become this process's, queued, and are
    /// given back; the others have failed.
    async fn recover(
        &self,
        incarnation: &str,
        silent_since: Timestamp,
        resumed_kinds: &[&str],
        at: Timestamp,
    ) -> Result<Vec<Job>, Error>;
}
