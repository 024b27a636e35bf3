//! Which job a request with an `Idempotency-Key` began.

use std::collections::HashMap;

use manazir_ingest::jobs::Job;
use tokio::sync::{Mutex, MutexGuard};

use super::work::{Input, KIND};
use crate::{App, Problem};

/// More keys are not remembered at a time: with them all are forgotten.
const KNOWN_MAX: usize = 10_000;

/// So many of the last jobs are looked through for a key that this process does not know: those of the process before
/// it, and of others.
const LOOKED_THROUGH_MAX: usize = 200;

/// Jobs that are read at once; their inputs are long.
const PAGE: usize = 20;

/// Jobs by key.
///
/// A key that is forgotten does no harm: the batch is done again, and finds everybody connected.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<Known>);

/// The same while nobody else looks.
#[derive(Debug, Default)]
pub(super) struct Known {
    jobs: HashMap<String, (String, u64)>,
}

impl KnownKeys {
    pub(super) async fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().await
    }
}

impl Known {
    /// The job that a key began; a refusal if it began another.
    pub(super) async fn find(
        &mut self,
        app: &App,
        input: &Input,
    ) -> Result<Option<Result<Job, Problem>>, Problem> {
        let Some(key) = &input.key else { return Ok(None) };
        let known = match self.jobs.get(key) {
            Some((body, id)) => app.jobs.get(*id).await?.map(|job| (body.clone(), job)),
            None => looked_up(app, key).await?,
        };
        let Some((body, job)) = known else { return Ok(None) };
        self.learn(&Input { body: body.clone(), ..input.clone() }, job.id);
        Ok(Some(if body == input.body { Ok(job) } else { Err(Problem::key_of_another()) }))
    }

    /// Remembers which job a key began.
    pub(super) fn learn(&mut self, input: &Input, job: u64) {
        let Some(key) = &input.key else { return };
        if self.jobs.len() >= KNOWN_MAX && !self.jobs.contains_key(key) {
            self.jobs.clear();
        }
        self.jobs.insert(key.clone(), (input.body.clone(), job));
    }
}

async fn looked_up(app: &App, key: &str) -> Result<Option<(String, Job)>, Problem> {
    let mut before = None;
    for _ in 0..LOOKED_THROUGH_MAX / PAGE {
        let jobs = app.jobs.page(before, PAGE).await?;
        before = jobs.last().map(|job| job.id);
        for job in jobs.into_iter().filter(|job| job.kind == KIND) {
            let input: Option<Input> = serde_json::from_str(&job.input).ok();
            if let Some(input) = input.filter(|input| input.key.as_deref() == Some(key)) {
                return Ok(Some((input.body, job)));
            }
        }
        if before.is_none() {
            break;
        }
    }
    Ok(None)
}
