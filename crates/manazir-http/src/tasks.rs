//! Long tasks of this process: begun by a request, recorded as jobs, and finished or given back before it ends.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Problem;

/// Tasks that run or wait for their turn; more are refused.
const TASKS_MAX: usize = 100;

/// Tasks at work at the same time.
const TURNS: usize = 2;

/// The long tasks of this process; clones share them.
#[derive(Clone, Debug)]
pub struct Tasks {
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    incarnation: String,
    tasks: Mutex<JoinSet<()>>,
    turns: Semaphore,
    stopping: AtomicBool,
}

impl Tasks {
    /// `incarnation` names this process and is new at each start.
    pub fn new(incarnation: impl Into<String>) -> Self {
        let inside = Inside {
            incarnation: incarnation.into(),
            tasks: Mutex::default(),
            turns: Semaphore::new(TURNS),
            stopping: AtomicBool::new(false),
        };
        Self { inside: Arc::new(inside) }
    }

    /// This process.
    pub fn incarnation(&self) -> &str {
        &self.inside.incarnation
    }

    /// True if the process is about to end: a task leaves its job queued, to be gone on with.
    pub(crate) fn stopping(&self) -> bool {
        self.inside.stopping.load(Ordering::Acquire)
    }

    /// Refuses if too many tasks wait already.
    pub(crate) fn room(&self) -> Result<(), Problem> {
        let mut tasks = self.lock();
        while tasks.try_join_next().is_some() {}
        if tasks.len() < TASKS_MAX && !self.stopping() {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-jobs",
            "Too many jobs",
            format!("{} jobs run or wait for their turn; try again when some have ended", tasks.len()),
        ))
    }

    /// Runs a task when its turn comes.
    pub(crate) fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        let inside = Arc::clone(&self.inside);
        self.lock().spawn(async move {
            // Nobody closes the semaphore.
            let _turn = inside.turns.acquire().await;
            task.await;
        });
    }

    /// Tells tasks to stop at their next step and waits until they have.
    pub async fn stop(&self) {
        self.inside.stopping.store(true, Ordering::Release);
        let mut tasks = std::mem::take(&mut *self.lock());
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job ended by a panic; it is gone on with at the next start");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        // A set of tasks is whole after every statement.
        self.inside.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
