//! `[explanations]`: what they are made by, and how long they follow what arrives.

use std::path::PathBuf;

use serde::Deserialize;

/// What explanations are made by, and how long they follow what arrives.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Explanations {
    /// Rules of the event graph; read again when the file changes. Those that come with the product if it is not given.
    pub rules: Option<PathBuf>,
    /// A table of who depends on whom, `caller,callee`; read again when the file changes.
    pub topology: Option<PathBuf>,
    /// `bolt://NAME:PASSWORD@HOST`: a graph database into which the event graph is copied.
    pub graph: Option<String>,
    /// Minutes after its time for which an explanation is asked again as evidence arrives.
    pub refresh_minutes: u32,
}

impl Default for Explanations {
    fn default() -> Self {
        Self { rules: None, topology: None, graph: None, refresh_minutes: 60 }
    }
}

impl std::fmt::Debug for Explanations {
    /// Without the address, which holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rules, topology, refresh_minutes, .. } = self;
        f.debug_struct("Explanations")
            .field("rules", rules)
            .field("topology", topology)
            .field("refresh_minutes", refresh_minutes)
            .finish_non_exhaustive()
    }
}
