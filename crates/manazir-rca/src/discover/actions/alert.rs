//! Alerts of other tools, as Alertmanager tells them: labels as `label=value` among the resources.

use manazir_model::{Event, GraphEvent, Timestamp};

use super::{SENTENCE_BYTES_MAX, cut, dims, labels, limits, named, pairs, types};

/// What Alertmanager's readers put behind the name and the identity of an alert that is over.
const OVER: &str = " resolved";

/// Alerts that say that the alerting itself works, or that others are to be silent.
const ABOUT_ALERTS: &[&str] = &["Watchdog", "DeadMansSwitch", "InfoInhibitor"];

/// Severities in the words of alerts. What has none is in the middle.
const SEVERITIES: &[(&[&str], f32)] = &[
    (&["critical", "page", "fatal", "emergency", "p1", "sev1"], 0.9),
    (&["error", "major", "high", "p2", "sev2"], 0.75),
    (&["warning", "warn", "minor", "medium", "p3", "sev3"], 0.5),
    (&["info", "notice", "low", "p4", "sev4"], 0.2),
];
const SEVERITY: f32 = 0.6;

pub(super) fn graph_event(event: &Event<'_>, received_at: Timestamp) -> Option<GraphEvent> {
    let name = event.action.strip_suffix(OVER);
    let is_over = name.is_some();
    let name = named(name.unwrap_or(&event.action))?;
    let pairs = pairs(event);
    let grade = labels::value(&pairs, &["severity", "priority", "level"]);
    if ABOUT_ALERTS.contains(&name)
        || pairs.iter().any(|(label, value)| label == "severity" && value == "none")
    {
        return None;
    }
    let told = labels::entity("", &pairs);
    let entity = named(&told).or_else(|| named(&event.actor))?.to_owned();
    let (id, began) = identity_and_onset(&event.id);
    let from = began.filter(|began| *began <= event.at).unwrap_or(event.at);
    let limited = limits(event, &pairs).into_iter().filter(|(label, _)| *label != "severity");
    let state = if is_over { "is over" } else { "fires" };
    Some(GraphEvent {
        id: format!("{}/{id}", event.source),
        event_type: types::of_alert(name).to_owned(),
        from,
        until: event.at,
        received_at,
        severity: grade.map_or(SEVERITY, severity),
        target: None,
        dims: dims(limited.chain([("alert", name)])),
        source: event.source.clone().into_owned(),
        sentence: cut(&format!("alert {name} of {entity} {state}"), SENTENCE_BYTES_MAX).to_owned(),
        entity,
    })
}

/// An alert's identity without its state, and when it began: it is `labels/onset/state`.
fn identity_and_onset(id: &str) -> (&str, Option<Timestamp>) {
    match id.rsplit_once('/') {
        Some((rest, "firing" | "resolved")) => {
            let onset = rest.rsplit_once('/').and_then(|(_, onset)| onset.parse::<jiff::Timestamp>().ok());
            (rest, onset.map(Timestamp::from))
        }
        _ => (id, None),
    }
}

fn severity(grade: &str) -> f32 {
    let known = |words: &[&str]| words.iter().any(|word| grade.eq_ignore_ascii_case(word));
    SEVERITIES.iter().find(|(words, _)| known(words)).map_or(SEVERITY, |(_, severity)| *severity)
}
