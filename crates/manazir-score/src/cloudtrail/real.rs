//! A real log of fifty-five minutes, of which an attack tool wrote a twelfth.

use std::path::Path;

use serde::Deserialize;

use super::technique::MARK;
use crate::table::lines;
use crate::{Error, Result, average_precision};

/// The log, with the marks of the tool hidden.
#[derive(Clone, Debug)]
pub struct Real {
    /// A record a line, in order of time.
    pub lines: Vec<u8>,
    /// True for what the attack did.
    pub labels: Vec<bool>,
}

#[derive(Deserialize)]
struct Label {
    #[serde(rename = "eventID")]
    event_id: String,
    phase: String,
}

impl Real {
    /// `None` if the folder has no such log.
    pub(super) fn load(dir: &Path) -> Result<Option<Self>> {
        let (log, labels) = (dir.join("invictus.ndjson.gz"), dir.join("invictus.labels.csv.gz"));
        if !log.exists() || !labels.exists() {
            return Ok(None);
        }
        let phases = lines(&labels)?.join("\n");
        let attack: std::collections::HashMap<String, bool> = csv::Reader::from_reader(phases.as_bytes())
            .deserialize()
            .map(|label: csv::Result<Label>| label.map(|of| (of.event_id, of.phase.starts_with("attack"))))
            .collect::<csv::Result<_>>()
            .map_err(|source| Error::Csv { path: labels, source })?;
        let mut real = Self { lines: Vec::new(), labels: Vec::new() };
        for line in lines(&log)? {
            let mut record: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&line).map_err(|source| Error::Json { path: log.clone(), source })?;
            let id = record.get("eventID").and_then(serde_json::Value::as_str).unwrap_or_default();
            let Some(&attack) = attack.get(id) else {
                return Err(Error::layout(&log, format!("the event {id} has no label")));
            };
            real.labels.push(attack);
            // The tool signs itself here; which programs were used is lost with it.
            record.insert("userAgent".to_owned(), "hidden".into());
            let line = serde_json::Value::Object(record).to_string().replace(MARK, "team");
            real.lines.extend_from_slice(line.as_bytes());
            real.lines.push(b'\n');
        }
        Ok(Some(real))
    }

    /// Average precision of scores, one a line.
    pub fn judge(&self, scores: &[f64]) -> Result<f64> {
        if scores.len() != self.labels.len() {
            let what = "the real log".to_owned();
            return Err(Error::Shape { what, given: scores.len(), wanted: self.labels.len() });
        }
        Ok(average_precision(&self.labels, scores))
    }
}
