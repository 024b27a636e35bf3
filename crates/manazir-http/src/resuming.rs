//! Jobs that other processes left behind are gone on with.

use std::time::Duration;

use manazir_model::Timestamp;

use crate::people::batch;
use crate::{App, replay};

/// Kinds of jobs that can be gone on with.
const RESUMED: [&str; 2] = [replay::KIND, batch::KIND];

/// Goes on with the jobs that processes left behind which were not heard of for this time.
pub async fn resume(app: &App, silence: Duration) -> Result<(), manazir_ingest::Error> {
    let now = (app.now)();
    let since = Timestamp(now.micros().saturating_sub(silence.as_micros() as i64));
    for job in app.jobs.recover(app.tasks.incarnation(), since, &RESUMED, now).await? {
        if job.kind == batch::KIND {
            app.tasks.begin(batch::run(app.clone(), job));
        } else {
            app.tasks.begin(replay::run(app.clone(), job));
        }
    }
    Ok(())
}
