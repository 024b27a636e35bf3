//! Who depends on whom, as the labels of series tell it, kept with the time in which they were seen.

use manazir_ingest::lake::{SampleQuery, SeriesFilter};
use manazir_model::{Dependency, Timestamp};
use manazir_rca::discover::labels;
use manazir_rca::topology::Span;

use crate::Error;
use crate::gather::Sources;

/// Series that are asked for at a time.
const PAGE: usize = 1_000;

/// Dependencies that one round keeps.
const DEPENDENCIES_MAX: usize = 50_000;

/// Looks through at most `series_max` series for those whose labels tell of a dependency and that had a sample in
/// `from..until`, and keeps that it held in this time; how many dependencies that were.
///
/// # Errors
///
/// If a store fails.
pub async fn dependencies(
    sources: &Sources,
    from: Timestamp,
    until: Timestamp,
    series_max: usize,
) -> Result<usize, Error> {
    let span = Span { from, until };
    let mut seen: Vec<Vec<(String, String)>> = Vec::new();
    let (mut after, mut looked_at) = (None, 0);
    while looked_at < series_max {
        let page = sources.lake.series(&SeriesFilter::default(), after, PAGE).await?;
        looked_at += page.len();
        for series in &page {
            let query = SampleQuery { series: series.id, from, until, as_of: None, revisions: false, max: 1 };
            let tells = !labels::dependencies(&series.key.labels, span).is_empty();
            if tells && !sources.lake.samples(&query).await?.is_empty() {
                seen.push(series.key.labels.clone());
            }
        }
        after = page.last().map(|series| series.id);
        if page.len() < PAGE {
            break;
        }
    }
    let told = seen.iter().map(|labels| (labels.as_slice(), span));
    let (found, _): (Vec<Dependency>, usize) = labels::all_dependencies(told, DEPENDENCIES_MAX);
    sources.events.add_dependencies(&found).await?;
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use manazir_ingest::lake::Lake;
    use manazir_ingest::lake::memory::MemoryLake;
    use manazir_model::{JudgedSample, SeriesKey, SeriesRows};

    use super::*;
    use crate::memory::InMemoryGraph;

    #[test]
    fn a_dependency_holds_while_its_series_has_samples() {
        futures_executor::block_on(async {
            let lake = Arc::new(MemoryLake::default());
            let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let row = |labels: Vec<(String, String)>, second: i64| {
                let at = Timestamp::from_seconds(second);
                SeriesRows {
                    key: SeriesKey::new("edge.count", labels),
                    samples: vec![JudgedSample::unjudged(at, 1.0, at)],
                }
            };
            let rows = [
                row(vec![label("caller", "web"), label("callee", "api")], 30),
                row(vec![label("caller", "api"), label("callee", "db")], 90),
                row(vec![label("colour", "red")], 30),
            ];
            lake.append(&rows, &[]).await.unwrap();
            let sources = Sources { events: Arc::new(InMemoryGraph::default()), lake };
            let minute = |minute: i64| Timestamp::from_seconds(60 * minute);
            for at in 0..2 {
                assert_eq!(dependencies(&sources, minute(at), minute(at + 1), 100).await.unwrap(), 1);
            }
            let held = sources.events.dependencies(minute(0), minute(1), None, 10).await.unwrap();
            assert_eq!((held.len(), held[0].caller.as_str(), held[0].source.as_str()), (1, "web", "labels"));
        });
    }
}
