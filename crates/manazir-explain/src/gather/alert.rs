//! Which event is asked about.

use manazir_model::{Direction, GraphEvent};
use manazir_rca::discover::{labels, types};
use manazir_rca::events::{self, EventGraph, EventId};

use super::Ask;
use super::series::Known;

/// The entity of a question: the one that it names, that of its event, or of the first series of its metric.
pub(super) fn entity(ask: &Ask, events: &[GraphEvent], of_metric: &[&Known]) -> String {
    let of_event = || {
        let id = ask.event_id.as_deref()?;
        events.iter().find(|event| event.id == id).map(|event| event.entity.clone())
    };
    let of_series = || of_metric.first().map(|series| labels::entity(&series.key.metric, &series.key.labels));
    ask.entity
        .clone()
        .or_else(of_event)
        .or_else(of_series)
        .unwrap_or_else(|| labels::entity(&ask.metric, &[]))
}

/// The event itself: by its identity; else the one of the entity that is going on then, of the same type if there is one;
/// else a new one, for somebody asks because something is wrong.
pub(super) fn of(
    ask: &Ask,
    entity: &str,
    told: &[GraphEvent],
    ids: &[EventId],
    graph: &mut EventGraph,
) -> Result<EventId, events::Error> {
    let with_ids = || told.iter().zip(ids).filter(|(_, id)| graph.get(**id).is_some());
    if let Some(asked) = &ask.event_id
        && let Some((_, id)) = with_ids().find(|(event, _)| event.id == *asked)
    {
        return Ok(*id);
    }
    let event_type = type_of(ask);
    let goes_on =
        |event: &GraphEvent| event.entity == entity && event.from <= ask.at && event.until >= ask.at;
    let nearest = with_ids()
        .filter(|(event, _)| goes_on(event))
        .max_by_key(|(event, _)| (event.event_type == event_type, event.from, &event.id))
        .map(|(_, id)| *id);
    if let Some(nearest) = nearest {
        return Ok(nearest);
    }
    let of = graph.topology_mut().entity(entity);
    let event = graph.event(of, &event_type, ask.at)?;
    Ok(graph.add(event).id)
}

/// A metric that rose, or a type of event.
fn type_of(ask: &Ask) -> String {
    let up = types::of_metric(&ask.metric, Some(Direction::Up));
    if up != types::OTHER {
        return up.to_owned();
    }
    let down = types::of_metric(&ask.metric, Some(Direction::Down));
    if down != types::OTHER { down.to_owned() } else { ask.metric.clone() }
}
