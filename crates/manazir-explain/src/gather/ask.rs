//! What is asked.

use manazir_ingest::findings::{FindingKind, NewFinding};
use manazir_ingest::lake::Lake;
use manazir_model::Timestamp;
use manazir_rca::discover::labels;
use serde::{Deserialize, Serialize};

use crate::Error;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The entity; if it is not said, that of the event, or of the series of the metric.
    pub entity: Option<String>,
    /// The metric or the type of event that called for help.
    pub metric: String,
    /// When it began.
    pub at: Timestamp,
    /// The event of the graph that it is, if it is one.
    pub event_id: Option<String>,
    /// Only what was known by then.
    pub as_of: Option<Timestamp>,
}

impl Ask {
    /// Why this finding? An episode is asked about by its series, an event by itself.
    ///
    /// # Errors
    ///
    /// If the lake fails.
    pub async fn about(finding: NewFinding, lake: &dyn Lake) -> Result<Self, Error> {
        let event_id =
            (finding.kind == FindingKind::Event).then(|| format!("{}/{}", finding.source, finding.event_id));
        let key = match finding.series_id() {
            Some(id) => lake.series_of(id).await?,
            None => None,
        };
        let entity = key.map(|key| labels::entity(&key.metric, &key.labels));
        Ok(Self { entity, metric: finding.action, at: finding.at, event_id, as_of: None })
    }
}
