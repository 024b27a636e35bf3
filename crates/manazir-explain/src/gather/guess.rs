//! Where nobody says who depends on whom: weak edges between series that move one after the other.

use manazir_model::Timestamp;
use manazir_rca::discover::lag::{Config, Residuals, edges};
use manazir_rca::events::EventGraph;
use manazir_rca::topology::Span;

use super::series::Recording;

/// Fewer entities have no graph.
const ENTITIES_MIN: usize = 2;

/// Guesses dependencies if nothing is known of any; how many.
pub(super) fn dependencies(recording: &mut Recording, graph: &mut EventGraph) -> usize {
    let is_known = (0..graph.topology().len() as u32)
        .map(manazir_rca::topology::EntityId)
        .any(|entity| !graph.topology().callees(entity).is_empty());
    let (Some(&from), Some(&last)) = (recording.times.first(), recording.times.last()) else { return 0 };
    let symptoms = recording.symptoms();
    if is_known || symptoms.len() < ENTITIES_MIN {
        return 0;
    }
    let entities: Vec<&str> = symptoms.keys().copied().collect();
    let values: Vec<f64> = symptoms.values().copied().flatten().copied().collect();
    let span = Span { from, until: Timestamp(last.micros().saturating_add(1)) };
    let found = edges(&Residuals { entities: &entities, values: &values, span }, &Config::default());
    let pairs: Vec<(String, String)> =
        found.edges.into_iter().map(|edge| (edge.dependency.caller, edge.dependency.callee)).collect();
    for (caller, callee) in &pairs {
        recording.depends(caller, callee);
        let topology = graph.topology_mut();
        let (caller, callee) = (topology.entity(caller), topology.entity(callee));
        topology.depends(caller, callee);
    }
    pairs.len()
}
