//! The event graph is copied into a graph database, for as long as that answers.

use std::time::Duration;

use anyhow::Result;
use manazir_bolt::BoltGraph;
use manazir_explain::mirror::follow;
use manazir_sql::Truth;
use tokio::sync::watch;

/// Between two looks at what is new.
const EVERY: Duration = Duration::from_secs(2);

/// Changes that are copied at a time.
const AT_A_TIME: usize = 1_000;

/// A copy that follows the truth.
pub(super) struct Copying {
    copy: BoltGraph,
}

impl Copying {
    /// The database need not answer yet; an address that is none is refused.
    pub(super) fn open(address: &str) -> Result<Self> {
        Ok(Self { copy: BoltGraph::new(address)? })
    }

    /// Follows until the service stops. What fails is tried again: the truth is whole without the copy.
    pub(super) async fn run(self, truth: Truth, mut stopped: watch::Receiver<bool>) {
        let mut is_away = false;
        while tokio::time::timeout(EVERY, stopped.wait_for(|stopped| *stopped)).await.is_err() {
            loop {
                match follow(&truth, &self.copy, AT_A_TIME).await {
                    Ok(copied) => {
                        if std::mem::take(&mut is_away) {
                            tracing::info!("the graph database is followed again");
                        }
                        if copied < AT_A_TIME || *stopped.borrow() {
                            break;
                        }
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut is_away, true) {
                            tracing::warn!(error = ?error, "the graph database is not followed; it is tried again");
                        }
                        break;
                    }
                }
            }
        }
    }
}
