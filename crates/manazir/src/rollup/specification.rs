//! A specification and its reference tables, as files have them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use manazir_model::hash::{fnv1a, mixed};
use manazir_rollup::reference::Reference;
use manazir_rollup::{Compiled, Plan};

/// Between two looks at the tables' files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Rows of a table that are shown before it is refused.
const BROKEN_SHOWN: usize = 5;

/// What a rollup is made of.
#[derive(Debug)]
pub struct Specification {
    /// The specification, checked.
    pub compiled: Arc<Compiled>,
    /// Where its tables are.
    folder: PathBuf,
    /// Of the specification's text and the tables' folder: another of either is another rollup.
    pub identity: u64,
}

impl Specification {
    /// Reads a specification. Its tables are in `references`, or beside it.
    pub fn read(path: &Path, references: Option<&Path>) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let compiled = Compiled::read(&text).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = references.unwrap_or(beside).to_owned();
        let place = std::path::absolute(&folder)?;
        let identity = text.bytes().chain([0]).chain(place.as_os_str().as_encoded_bytes().iter().copied());
        Ok(Self { compiled: Arc::new(compiled), folder, identity: mixed(fnv1a(identity)) })
    }

    /// Reads the tables as they are now.
    pub fn plan(&self) -> Result<Plan> {
        let mut references = Vec::new();
        for reference in &self.compiled.spec.references {
            let path = self.folder.join(&reference.file);
            let bytes = std::fs::read(&path)
                .with_context(|| format!("read {}, the table `{}`", path.display(), reference.name))?;
            let (table, broken) = Reference::read(reference, &bytes);
            if !broken.is_empty() {
                // Findings would be joined with half a table, and nobody would know.
                let lines: Vec<String> = broken
                    .iter()
                    .take(BROKEN_SHOWN)
                    .map(|(line, what)| format!("\n  line {line}: {what}"))
                    .collect();
                bail!("{} cannot be used:{}", path.display(), lines.concat());
            }
            references.push(table);
        }
        Ok(Plan::new(Arc::clone(&self.compiled), references))
    }

    /// The exchange of its findings.
    pub fn exchange(&self) -> String {
        format!("manazir.rollup.{}", self.compiled.spec.name)
    }

    /// The queue of a destination.
    pub fn queue(&self, destination: &str) -> String {
        format!("{}.{destination}", self.exchange())
    }

    /// The queues of all destinations, in their order.
    pub fn queues(&self) -> Vec<String> {
        self.compiled.spec.destinations.iter().map(|one| self.queue(&one.name)).collect()
    }

    /// When its tables last changed, and how long they are; what cannot be asked is `None`.
    fn seen(&self) -> Vec<Option<(SystemTime, u64)>> {
        let seen = |reference: &manazir_rollup::spec::Reference| {
            let metadata = std::fs::metadata(self.folder.join(&reference.file)).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.compiled.spec.references.iter().map(seen).collect()
    }
}

/// Looks whether reference tables have changed.
#[derive(Debug)]
pub struct Watch<'s> {
    specification: &'s Specification,
    seen: Vec<Option<(SystemTime, u64)>>,
    looked: Instant,
}

impl<'s> Watch<'s> {
    /// From now on.
    pub fn new(specification: &'s Specification) -> Self {
        Self { specification, seen: specification.seen(), looked: Instant::now() }
    }

    /// The tables as they are now, if they have changed. Those that cannot be used are said once, and the earlier ones
    /// stay.
    pub fn changed(&mut self) -> Option<Plan> {
        if self.looked.elapsed() < LOOK_EVERY {
            return None;
        }
        self.looked = Instant::now();
        let seen = self.specification.seen();
        if seen == self.seen {
            return None;
        }
        self.seen = seen;
        match self.specification.plan() {
            Ok(plan) => Some(plan),
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "changed tables cannot be used; the earlier ones stay"
                );
                None
            }
        }
    }
}
