//! Files that explanations are made by, read again when they change.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use manazir_explain::gather::GIVEN;
use manazir_explain::{EventGraphStore, Explainer};
use manazir_model::{Dependency, Timestamp};
use manazir_rca::events::RuleSet;
use manazir_rca::topology::text::pairs;

use crate::config::Explanations;

/// Rules, and a table of dependencies.
pub(super) struct Files {
    rules: Option<Watched>,
    topology: Option<Watched>,
    /// Pairs of the table as it was read last.
    given: Vec<(String, String)>,
}

/// A file and when it was changed last.
struct Watched {
    path: PathBuf,
    changed: Option<SystemTime>,
}

impl Watched {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), changed: None }
    }

    /// Its text, if it was changed since it was read last.
    fn text(&mut self) -> Result<Option<String>> {
        let reading = || format!("read {}", self.path.display());
        let changed = std::fs::metadata(&self.path).and_then(|file| file.modified()).with_context(reading)?;
        if self.changed == Some(changed) {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&self.path).with_context(reading)?;
        // A file that cannot be understood is not read again before it changes: its fault is said once.
        self.changed = Some(changed);
        Ok(Some(text))
    }
}

impl Files {
    pub(super) fn new(settings: &Explanations) -> Self {
        Self {
            rules: settings.rules.as_deref().map(Watched::new),
            topology: settings.topology.as_deref().map(Watched::new),
            given: Vec::new(),
        }
    }

    /// Takes over what has changed.
    pub(super) async fn read(&mut self, explainer: &Explainer, now: Timestamp) -> Result<()> {
        if let Some(file) = &mut self.rules
            && let Some(text) = file.text()?
        {
            let rules =
                RuleSet::from_toml(&text).with_context(|| format!("understand {}", file.path.display()))?;
            tracing::info!(rules = rules.len(), "rules of the event graph were read");
            explainer.set_rules(rules);
        }
        if let Some(file) = &mut self.topology
            && let Some(text) = file.text()?
        {
            let pairs = pairs(&text).with_context(|| format!("understand {}", file.path.display()))?;
            give(&*explainer.sources().events, &self.given, &pairs, now).await?;
            self.given = pairs;
        }
        Ok(())
    }
}

/// Pairs of the table hold from the beginning, or from when they came in; those that are gone end now.
async fn give(
    events: &dyn EventGraphStore,
    before: &[(String, String)],
    pairs: &[(String, String)],
    now: Timestamp,
) -> Result<(), manazir_explain::Error> {
    let from = if before.is_empty() { Timestamp(i64::MIN) } else { now };
    let is_new = |pair: &&(String, String)| before.binary_search(pair).is_err();
    let dependency = |(caller, callee): &(String, String)| Dependency {
        caller: caller.clone(),
        callee: callee.clone(),
        source: GIVEN.to_owned(),
        from,
        until: Timestamp(i64::MAX),
    };
    let new: Vec<Dependency> = pairs.iter().filter(is_new).map(dependency).collect();
    events.add_dependencies(&new).await?;
    for (caller, callee) in before.iter().filter(|pair| pairs.binary_search(pair).is_err()) {
        events.end_dependency(caller, callee, GIVEN, now).await?;
    }
    Ok(())
}
