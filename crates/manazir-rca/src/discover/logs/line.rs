//! A log line that was judged strange: a service says what it never said.

use manazir_model::{Event, EventVerdict, GraphEvent, Timestamp};

use super::super::{SENTENCE_BYTES_MAX, cut, dims, named, severity};
use super::NEW_TEMPLATE;

/// The kind of an event that is a log line.
const KIND: &str = "log";

/// The event of the graph that a strange log line is; `None` for whatever is no log line, or not strange.
pub fn strange_line(event: &Event<'_>, received_at: Timestamp, verdict: &EventVerdict) -> Option<GraphEvent> {
    if event.kind != KIND || !verdict.anomaly {
        return None;
    }
    let entity = named(&event.actor)?.to_owned();
    let surprise = verdict.reasons.first().map_or(0.0, |reason| reason.surprise * std::f64::consts::LN_10);
    let why = verdict.reasons.first().map_or("", |reason| reason.text.as_str());
    let sentence = format!("{entity} logged `{}`: {why}", event.action);
    Some(GraphEvent {
        id: format!("{}/{}", event.source, event.id),
        event_type: NEW_TEMPLATE.to_owned(),
        from: event.at,
        until: event.at,
        received_at,
        severity: severity(surprise),
        target: None,
        dims: dims([("host", &*event.agent), ("environment", &*event.place)]),
        source: super::SOURCE.to_owned(),
        sentence: cut(&sentence, SENTENCE_BYTES_MAX).to_owned(),
        entity,
    })
}

#[cfg(test)]
mod tests {
    use manazir_model::Reason;

    use super::*;

    #[test]
    fn only_a_strange_log_line_is_an_event() {
        let line = Event {
            source: "otlp".into(),
            id: "a1".into(),
            kind: "log".into(),
            actor: "pay".into(),
            action: "ERROR cannot charge".into(),
            ..Event::default()
        };
        let reason = Reason { detector: "new".into(), surprise: 4.0, text: "pay never said it".into() };
        let strange = EventVerdict { anomaly: true, reasons: vec![reason], ..EventVerdict::default() };
        let told = strange_line(&line, Timestamp(7), &strange).unwrap();
        assert_eq!((told.entity.as_str(), told.event_type.as_str()), ("pay", "new_log_template"));
        assert!((told.severity - 0.5).abs() < 1e-6 && told.sentence.contains("cannot charge"));
        assert_eq!(strange_line(&line, Timestamp(7), &EventVerdict::default()), None);
        let other = Event { kind: "deploy".into(), ..line };
        assert_eq!(strange_line(&other, Timestamp(7), &strange), None);
    }
}
