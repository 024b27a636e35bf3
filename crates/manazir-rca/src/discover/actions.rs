//! Events of the graph from events of the world: writes in a cloud's audit log, alerts of other tools, deployments,
//! configurations, flags, scripts.
//!
//! What only looked, failed, or says nothing of any entity is no event of the graph.

mod alert;
mod cloud;

use manazir_model::{Event, GraphEvent, Timestamp};

use super::{NAME_BYTES_MAX, SENTENCE_BYTES_MAX, cut, dims, labels, named, types};

/// How grave a deed is that makes events of its own entity as a rule, and one that seldom does: half of all changes are
/// configuration, and most of them change nothing that anybody would notice.
const DEED: f32 = 1.0;
const SMALL_DEED: f32 = 0.5;

/// The event of the graph that an event of the world is; `None` if it is none.
pub fn graph_event(event: &Event<'_>, received_at: Timestamp) -> Option<GraphEvent> {
    if event.writes == Some(false) {
        return None;
    }
    if event.source == "cloudtrail" {
        return cloud::graph_event(event, received_at);
    }
    if event.source == "alertmanager" || event.kind == "alert" {
        return alert::graph_event(event, received_at);
    }
    deed(event, received_at)
}

/// Somebody did something, as a generic event or a CloudEvent tells it. Log lines are not such.
fn deed(event: &Event<'_>, received_at: Timestamp) -> Option<GraphEvent> {
    if event.kind == "log" || !event.error.is_empty() || types::only_looks(&event.action) {
        return None;
    }
    let event_type = types::of_deed(&event.action).or_else(|| types::of_deed(&event.kind))?;
    let pairs = pairs(event);
    let plain = event.resources.iter().find_map(|text| if text.contains('=') { None } else { named(text) });
    let (name, version) = plain.map_or((None, None), |name| {
        let (name, version) = versioned(name);
        (Some(of_arn(name)), version)
    });
    let told = labels::entity("", &pairs);
    let entity = name.or_else(|| named(&told).map(str::to_owned))?;
    let mut limits = limits(event, &pairs);
    limits.extend(version.map(|version| ("version", version)));
    if types::goes_back(&event.action) {
        limits.push(("change", "rollback"));
    }
    Some(happened(event, received_at, event_type, entity, limits))
}

/// What limits an event: its labels, but those that name the entity; where, and in whose account.
fn limits<'a>(event: &'a Event<'_>, pairs: &'a [(String, String)]) -> Vec<(&'a str, &'a str)> {
    let told = pairs.iter().filter(|(name, _)| !labels::names_entity(name));
    let mut limits: Vec<_> = told.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    limits.push(("region", &event.place));
    limits.push(("account", &event.account));
    limits
}

/// A deed at an instant.
fn happened<'a>(
    event: &Event<'_>,
    received_at: Timestamp,
    event_type: &str,
    entity: String,
    limits: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> GraphEvent {
    let actor = named(&event.actor).unwrap_or("somebody");
    let sentence = format!("{actor} did {} to {entity}", event.action);
    GraphEvent {
        id: format!("{}/{}", event.source, event.id),
        entity,
        event_type: event_type.to_owned(),
        from: event.at,
        until: event.at,
        received_at,
        severity: if event_type == "config_change" { SMALL_DEED } else { DEED },
        target: None,
        dims: dims(limits),
        source: event.source.clone().into_owned(),
        sentence: cut(&sentence, SENTENCE_BYTES_MAX).to_owned(),
    }
}

/// Resources of the form `label=value`.
fn pairs(event: &Event<'_>) -> Vec<(String, String)> {
    let pairs = event.resources.iter().filter_map(|text| text.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), cut(value, NAME_BYTES_MAX).to_owned())).collect()
}

/// `shop` and `5.2` of `shop@5.2`, `shop:5.2` and `shop v5.2`.
fn versioned(name: &str) -> (&str, Option<&str>) {
    if name.starts_with("arn:") {
        return (name, None);
    }
    match name.rsplit_once(['@', ':', ' ']) {
        Some((name, version)) if is_version(version) && named(name).is_some() => {
            (name.trim_end(), Some(version))
        }
        _ => (name, None),
    }
}

fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit())
}

/// The entity of a resource in the names of a cloud: the name alone where it is what the service is called elsewhere
/// (functions, services of a cluster, environments), else with its type, as `role/ci/build`. Anything else stays.
fn of_arn(text: &str) -> String {
    /// Types whose name is that of a service, as traces and labels know it.
    const SERVICES: &[&str] = &[
        "function",
        "service",
        "environment",
        "application",
        "deploymentgroup",
        "targetgroup",
        "loadbalancer",
    ];
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let (["arn", _, product, _, _, resource], false) = (parts.as_slice(), text.len() > NAME_BYTES_MAX * 4)
    else {
        return cut(text, NAME_BYTES_MAX).to_owned();
    };
    let Some((kind, name)) = resource.split_once(['/', ':']) else {
        // A queue, topic or bucket has no type: the product says what it is.
        return cut(&format!("{product}/{resource}"), NAME_BYTES_MAX).to_owned();
    };
    let entity = if SERVICES.contains(&kind) {
        match kind {
            // A version or alias of a function stands behind it, the name of a balancer before its number.
            "function" => name.split(':').next().unwrap_or(name).to_owned(),
            "targetgroup" => name.split('/').next().unwrap_or(name).to_owned(),
            "loadbalancer" => name.split('/').nth(1).unwrap_or(name).to_owned(),
            _ => name.rsplit(['/', ':']).next().unwrap_or(name).to_owned(),
        }
    } else {
        format!("{kind}/{name}")
    };
    cut(&entity, NAME_BYTES_MAX).to_owned()
}

#[cfg(test)]
mod tests;
