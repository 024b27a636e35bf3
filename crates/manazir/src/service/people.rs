//! People and the connections between them: the truth, and the copy in memory that follows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use manazir_http::People;
use manazir_people::Following;
use manazir_sql::{SqlPeople, Truth};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::config::{GraphPlace, People as Settings};

/// Between two looks at what other processes have written.
const EVERY: Duration = Duration::from_millis(500);

/// People as this process answers for them, and the task that keeps its copy up to date.
pub(super) struct Peopled {
    people: People,
    following: Option<(Arc<Notify>, JoinHandle<()>)>,
}

impl Peopled {
    /// Loads the connections if they are to be answered from memory.
    pub(super) async fn start(settings: &Settings, truth: &Truth) -> Result<Self> {
        let truth = SqlPeople { limits: settings.of_graph(), ..SqlPeople::new(truth.clone()) };
        let limits = settings.of_requests();
        if settings.graph == GraphPlace::Truth {
            let truth = Arc::new(truth);
            return Ok(Self { people: People::new(truth.clone(), truth, limits), following: None });
        }
        let following = Arc::new(load(truth).await.context("load the connections between people")?);
        let people = People::new(following.clone(), following.clone(), limits);
        let stop = Arc::<Notify>::default();
        let task = tokio::spawn(follow(following, Arc::clone(&stop)));
        Ok(Self { people, following: Some((stop, task)) })
    }

    /// People of a process that answers no questions about them: nothing is loaded.
    pub(super) fn idle(truth: &Truth) -> Self {
        let truth = Arc::new(SqlPeople::new(truth.clone()));
        Self { people: People::new(truth.clone(), truth, Settings::default().of_requests()), following: None }
    }

    /// For the routes.
    pub(super) fn people(&self) -> People {
        self.people.clone()
    }

    pub(super) async fn stop(self) {
        if let Some((stop, task)) = self.following {
            stop.notify_one();
            // The task itself does nothing that could fail.
            let _ = task.await;
        }
    }
}

async fn load(truth: SqlPeople) -> Result<Following<SqlPeople>> {
    let begun = Instant::now();
    let following = Following::load(truth).await?;
    let (people, connections) = {
        let graph = following.graph();
        (graph.people(), graph.connections())
    };
    let took_ms = begun.elapsed().as_millis() as u64;
    tracing::info!(people, connections, took_ms, "connections between people are in memory");
    Ok(following)
}

async fn follow(following: Arc<Following<SqlPeople>>, stop: Arc<Notify>) {
    let mut is_behind = false;
    while tokio::time::timeout(EVERY, stop.notified()).await.is_err() {
        match following.catch_up().await {
            Ok(_) if is_behind => {
                is_behind = false;
                tracing::info!("connections between people are followed again");
            }
            Ok(_) => {}
            // Said once, not twice a second.
            Err(error) if !is_behind => {
                is_behind = true;
                tracing::warn!(error = ?error, "connections between people are not followed; those known are shown");
            }
            Err(_) => {}
        }
    }
}
