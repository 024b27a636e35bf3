//! Reading a source whole.

use manazir_catalog::{Collection, FileSource, Limits, Rejects, collect, unwatched};

/// Discovers and reads `sources`.
pub(crate) fn read(sources: &[String]) -> (Collection, Rejects) {
    let source = FileSource::new(sources.iter().cloned(), Limits::default());
    let mut rejects = Rejects::in_memory(100);
    let collection = collect(&source, &mut rejects, &mut unwatched).unwrap();
    (collection, rejects)
}
