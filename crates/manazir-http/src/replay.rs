//! Sending dead letters again: one, or all that pass a filter as a job.

use std::time::Duration;

use axum::http::StatusCode;
use manazir_ingest::dead_letters::{DeadLetterEntry, DeadLetterFilter, LetterState};
use manazir_ingest::decode::sensor::{self, Reading};
use manazir_ingest::jobs::{Heard, Job, JobState, NewJob, Progress};
use manazir_ingest::{Format, Message, decode, parts};
use serde::{Deserialize, Serialize};

use crate::dead_letters::ReplayFilter;
use crate::ingest::{event_link, path_segment, samples};
use crate::{App, Problem};

/// The kind of these jobs.
pub(crate) const KIND: &str = "replay_dead_letters";

/// Letters between two words about the progress.
const PAGE: usize = 100;

/// A queue that is full is asked again after this time.
const FULL_PAUSE: Duration = Duration::from_millis(200);

/// What a job works on: letters up to a number, so that those that come meanwhile are no part of it.
#[derive(Debug, Deserialize, Serialize)]
struct Input {
    filter: ReplayFilter,
    through: u64,
}

/// What a job has come to, and where it goes on if its process ends.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Outcome {
    replayed: u64,
    failed: u64,
    /// The last letter that was seen to; absent when all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<u64>,
}

impl Outcome {
    /// What the process before wrote down.
    fn of(progress: &Progress) -> Self {
        let written = progress.result.as_deref().and_then(|result| serde_json::from_str(result).ok());
        written.unwrap_or_default()
    }

    fn written(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

pub(crate) fn missing(number: u64) -> Problem {
    Problem::not_found(format!("there is no dead letter {number}"))
}

/// The answer to a change that was made, or was not because no such letter waits.
pub(crate) async fn changed(app: &App, number: u64, done: bool) -> Result<StatusCode, Problem> {
    if done {
        return Ok(StatusCode::NO_CONTENT);
    }
    let letter = app.dead_letters.get(number).await?.ok_or_else(|| missing(number))?;
    Err(conflict(number, letter.state().word()))
}

/// It was seen to before.
pub(crate) fn conflict(number: u64, state: &str) -> Problem {
    let detail = format!("dead letter {number} is {state} and waits no longer");
    Problem::new(StatusCode::CONFLICT, "not-waiting", "This dead letter waits no longer", detail)
}

/// Reads a letter again and publishes its event, or its samples; gives the link to the verdict, or to a series.
///
/// It is marked after it was published: whatever dies in between, it is sent once more, and its identity shows
/// that it was judged.
pub(crate) async fn replay_one(app: &App, number: u64) -> Result<String, Problem> {
    let found = app.dead_letters.get(number).await?.zip(app.dead_letters.body(number).await?);
    let (letter, body) = found.ok_or_else(|| missing(number))?;
    if letter.state() != LetterState::Waiting {
        return Err(conflict(number, letter.state().word()));
    }
    let link = if letter.format == Format::Samples {
        if letter.source != sensor::SOURCE {
            return Err(samples_stay(number));
        }
        replay_reading(app, &letter, &body).await?
    } else {
        let record = match decode::record(letter.format, &body) {
            Ok(record) => record,
            Err(error) => return Err(still_broken(app, number, &error).await?),
        };
        let message = Message::of_event(letter.format, &record.event, record.raw, (app.now)());
        let link = event_link(&message.id);
        app.queue.publish(vec![message]).await?;
        link
    };
    app.dead_letters.mark_replayed(number, (app.now)()).await?;
    Ok(link)
}

/// What ended a worker is a message for one partition at one time: it cannot be judged later as if it came now.
fn samples_stay(number: u64) -> Problem {
    let detail = format!(
        "dead letter {number} holds samples, which are judged in the order of their time: send them again from where \
         they came, and discard this"
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "samples-stay", "Samples are not replayed", detail)
}

/// Reads what a sensor said as if it arrived when it did.
async fn replay_reading(app: &App, letter: &DeadLetterEntry, body: &[u8]) -> Result<String, Problem> {
    let (topic, received_at) = (&letter.id, letter.received_at);
    let decoded = sensor::decode(&Reading { topic, payload: body, received_at, retained: false });
    if let Some(error) = decoded.rejects.first() {
        return Err(still_broken(app, letter.number, error).await?);
    }
    let metric = decoded.series.first().map_or("", |series| &series.key.metric);
    let link = format!("/api/v1/series?metric={}", path_segment(metric));
    let digest = parts::digest([topic.as_bytes(), &received_at.micros().to_be_bytes(), body]);
    samples::publish(app, decoded, digest).await?;
    Ok(link)
}

/// Writes down what is wrong with a letter, and tells it.
async fn still_broken(app: &App, number: u64, error: &decode::Error) -> Result<Problem, Problem> {
    app.dead_letters.mark_failed(number, &error.to_string()).await?;
    let wrong = match error {
        decode::Error::Wrong { wrong, .. } => wrong.clone(),
        other => vec![other.to_string()],
    };
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "still-broken",
        "The dead letter still cannot be read",
        format!("repair it with PUT /api/v1/dead_letters/{number}/body"),
    );
    Ok(problem.with_errors(wrong))
}

/// Makes a job that replays what passes the filter, and begins it.
pub(crate) async fn begin(app: &App, filter: ReplayFilter) -> Result<Job, Problem> {
    app.tasks.room()?;
    let newest = app.dead_letters.page(&DeadLetterFilter::default(), None, 1).await?;
    let input = Input { filter, through: newest.first().map_or(0, |letter| letter.number) };
    let input = serde_json::to_string(&input).map_err(|error| Problem::internal(&error))?;
    let new = NewJob { kind: KIND.to_owned(), input, incarnation: app.tasks.incarnation().to_owned() };
    let job = app.jobs.create(&new, (app.now)()).await?;
    app.tasks.begin(run(app.clone(), job.clone()));
    Ok(job)
}

/// Does, or goes on with, a job of this kind.
pub(crate) async fn run(app: App, job: Job) {
    let mut outcome = Outcome::of(&job.progress);
    let mut progress = Progress {
        state: JobState::Running,
        done: outcome.replayed + outcome.failed,
        total: None,
        message: "replays dead letters".to_owned(),
        result: outcome.written(),
        link: Some("/api/v1/dead_letters?state=waiting".to_owned()),
    };
    let ended = replay_all(&app, &job, &mut progress, &mut outcome).await;
    (progress.state, progress.message) = match ended {
        Ok(state) => (state, said(state, &outcome)),
        Err(why) => (JobState::Failed, why.detail().to_owned()),
    };
    outcome.reached = outcome.reached.filter(|_| progress.state == JobState::Queued);
    progress.result = outcome.written();
    if let Err(error) = app.jobs.update(job.id, app.tasks.incarnation(), &progress, (app.now)()).await {
        // It will be found as interrupted, and gone on with.
        tracing::error!(job = job.id, %error, "the end of a job could not be written down");
    }
}

fn said(state: JobState, outcome: &Outcome) -> String {
    let Outcome { replayed, failed, .. } = outcome;
    let so_far = format!("{replayed} sent again, {failed} still broken");
    match state {
        JobState::Queued => format!("{so_far}; goes on when the service does"),
        JobState::Cancelled => format!("{so_far}; stopped by request"),
        _ => so_far,
    }
}

/// Goes through the letters from the newest to the oldest; how it ended.
async fn replay_all(
    app: &App,
    job: &Job,
    progress: &mut Progress,
    outcome: &mut Outcome,
) -> Result<JobState, Problem> {
    let input: Input = serde_json::from_str(&job.input).map_err(|error| Problem::internal(&error))?;
    let filter = input.filter.filter()?;
    loop {
        progress.result = outcome.written();
        match app.jobs.update(job.id, app.tasks.incarnation(), progress, (app.now)()).await? {
            Heard::Continue => {}
            Heard::Cancel => return Ok(JobState::Cancelled),
            Heard::NotYours => return Ok(JobState::Failed),
        }
        let before = outcome.reached.unwrap_or_else(|| input.through.saturating_add(1));
        let letters = app.dead_letters.page(&filter, Some(before), PAGE).await?;
        if letters.is_empty() {
            return Ok(JobState::Done);
        }
        for letter in letters {
            if app.tasks.stopping() {
                return Ok(JobState::Queued);
            }
            match replay_patiently(app, letter.number).await {
                Ok(()) => outcome.replayed += 1,
                Err(problem) if problem.is_of_the_service() => return Err(problem),
                // The process is to end, and this letter was not looked at.
                Err(problem) if problem.is_full() => return Ok(JobState::Queued),
                // Broken still, or somebody else saw to it meanwhile.
                Err(_) => outcome.failed += 1,
            }
            progress.done += 1;
            outcome.reached = Some(letter.number);
        }
    }
}

/// Replays a letter; while the queue is full, again and again until the process is to end.
async fn replay_patiently(app: &App, number: u64) -> Result<(), Problem> {
    loop {
        match replay_one(app, number).await {
            Err(problem) if problem.is_full() && !app.tasks.stopping() => {
                tokio::time::sleep(FULL_PAUSE).await;
            }
            other => return other.map(drop),
        }
    }
}
