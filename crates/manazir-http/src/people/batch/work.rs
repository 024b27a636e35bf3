//! The job of a batch.

use manazir_ingest::jobs::{Heard, Job, JobState, Progress};
use manazir_people::{Act, Action, PersonState, Profile, ProfileKey, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::{Outcome, Outcomes};
use crate::{App, Problem};

/// The kind of these jobs.
pub(crate) const KIND: &str = "connect_people";

/// What a job works on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Input {
    /// Who is connected.
    pub(super) user: Uuid,
    /// To whom.
    pub(super) ids: Vec<Uuid>,
    /// What its idempotency key comes down to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// What its people come down to.
    pub(super) body: String,
}

/// Does, or goes on with, a job of this kind.
pub(crate) async fn run(app: App, job: Job) {
    let mut outcomes = Outcomes::of(&job.progress);
    let mut progress = Progress {
        state: JobState::Running,
        done: outcomes.len() as u64,
        total: None,
        message: "connects people".to_owned(),
        result: outcomes.written(),
        link: job.progress.link.clone(),
    };
    let ended = connect_all(&app, &job, &mut progress, &mut outcomes).await;
    (progress.state, progress.message) = match ended {
        Ok(state) => (state, said(state, &outcomes)),
        Err(why) => (JobState::Failed, why.detail().to_owned()),
    };
    (progress.done, progress.result) = (outcomes.len() as u64, outcomes.written());
    if let Err(error) = app.jobs.update(job.id, app.tasks.incarnation(), &progress, (app.now)()).await {
        // It will be found as interrupted, and gone on with.
        tracing::error!(job = job.id, %error, "the end of a job could not be written down");
    }
}

fn said(state: JobState, outcomes: &Outcomes) -> String {
    let (connected, refused) = (outcomes.connected(), outcomes.len() as u64 - outcomes.connected());
    let so_far = format!("{connected} connected, {refused} refused");
    match state {
        JobState::Queued => format!("{so_far}; goes on when the service does"),
        JobState::Cancelled => format!("{so_far}; stopped by request"),
        _ => so_far,
    }
}

/// Goes on after those who were seen to; how it ended. Whoever was connected by a process that did not live to say so
/// is found connected, which counts as the same.
async fn connect_all(
    app: &App,
    job: &Job,
    progress: &mut Progress,
    outcomes: &mut Outcomes,
) -> Result<JobState, Problem> {
    let input: Input = serde_json::from_str(&job.input).map_err(|error| Problem::internal(&error))?;
    progress.total = Some(input.ids.len() as u64);
    progress.link = Some(format!("/api/v1/users/{}/connections/batch/{}", input.user, job.id));
    let Some(user) = person(app, input.user).await? else {
        return Err(Problem::not_found("the user was erased meanwhile"));
    };
    let mut group = look_up(app, &user, group_from(app, &input, outcomes.len())).await?;
    loop {
        (progress.done, progress.result) = (outcomes.len() as u64, outcomes.written());
        match app.jobs.update(job.id, app.tasks.incarnation(), progress, (app.now)()).await? {
            Heard::Continue => {}
            Heard::Cancel => return Ok(JobState::Cancelled),
            Heard::NotYours => return Ok(JobState::Failed),
        }
        if group.is_empty() {
            return Ok(JobState::Done);
        }
        if app.tasks.stopping() {
            return Ok(JobState::Queued);
        }
        let next = group_from(app, &input, outcomes.len() + group.len());
        // The next are looked up while these are written.
        let (connected, next) = tokio::join!(connect(app, &user, &group), look_up(app, &user, next));
        for outcome in connected? {
            outcomes.push(outcome);
        }
        group = next?;
    }
}

/// The group that begins after so many.
fn group_from<'i>(app: &App, input: &'i Input, done: usize) -> &'i [Uuid] {
    let rest = input.ids.get(done..).unwrap_or_default();
    &rest[..rest.len().min(app.people.limits.batch_group)]
}

async fn person(app: &App, id: Uuid) -> Result<Option<Profile>, Problem> {
    let found = app.people.store.profile(&ProfileKey::Public(id)).await;
    let found = found.map_err(|error| Problem::of_people(error, &[]))?;
    Ok(found.filter(|user| user.state != PersonState::Erased))
}

async fn look_up(app: &App, user: &Profile, group: &[Uuid]) -> Result<Vec<Option<UserId>>, Problem> {
    app.people.store.numbers(group).await.map_err(|error| Problem::of_people(error, &[user]))
}

/// Half of a group is decided, or told to a copy, while the store writes the other.
async fn connect(app: &App, user: &Profile, group: &[Option<UserId>]) -> Result<Vec<Outcome>, Problem> {
    let half = app.people.limits.batch_group.div_ceil(2);
    let (one, other) = group.split_at(half.min(group.len()));
    let (one, other) = tokio::join!(connect_half(app, user, one), connect_half(app, user, other));
    Ok([one?, other?].concat())
}

async fn connect_half(app: &App, user: &Profile, half: &[Option<UserId>]) -> Result<Vec<Outcome>, Problem> {
    if half.is_empty() {
        return Ok(Vec::new());
    }
    let at = (app.now)();
    let act = |to: &UserId| Act { by: user.id, to: *to, action: Action::Connect, at };
    let acts: Vec<Act> = half.iter().flatten().map(act).collect();
    let done = app.people.graph.write(&acts).await;
    let mut done = done.map_err(|error| Problem::of_people(error, &[user]))?.into_iter();
    let outcome = |number: &Option<_>| match number.and_then(|_| done.next()) {
        Some(done) => Outcome::of(&done, user.id),
        None => Outcome::Unknown,
    };
    Ok(half.iter().map(outcome).collect())
}
