//! Events of the graph from episodes of series: whose, of which type by name and direction, how grave by p-value.

use manazir_model::{Anomaly, Direction, GraphEvent, SeriesFinding, SeriesKey, Timestamp};

use super::{SENTENCE_BYTES_MAX, cut, dims, identity, labels, nats, severity, types};

/// Who reported it: the detectors of series.
pub const SOURCE: &str = "series";

/// The event of an episode as it stands. Told again, the episode gives the same identity with a later `until`.
pub fn of_finding(finding: &SeriesFinding) -> GraphEvent {
    let shape = Shape {
        series: &finding.series,
        start_at: finding.start_at,
        end_at: finding.end_at,
        direction: finding.direction,
        p_value: finding.p_value,
        received_at: finding.received_at,
    };
    event(&shape, finding.sentence.clone())
}

/// The event of an anomaly found in a whole series. `p_value` is that of its score: whoever has the detector knows it.
pub fn of_anomaly(anomaly: &Anomaly, p_value: f64, received_at: Timestamp) -> GraphEvent {
    let shape = Shape {
        series: &anomaly.series,
        start_at: anomaly.start_at,
        end_at: anomaly.end_at,
        direction: anomaly.direction,
        p_value,
        received_at,
    };
    let sentence = format!(
        "{} was {} at its strangest, where {} was expected",
        anomaly.series, anomaly.peak_observed, anomaly.peak_expected
    );
    event(&shape, sentence)
}

/// What both have in common.
struct Shape<'a> {
    series: &'a SeriesKey,
    start_at: Timestamp,
    end_at: Timestamp,
    direction: Option<Direction>,
    p_value: f64,
    received_at: Timestamp,
}

fn event(shape: &Shape<'_>, sentence: String) -> GraphEvent {
    let SeriesKey { metric, labels } = shape.series;
    let of_series = identity(
        std::iter::once(metric.as_str())
            .chain(labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()])),
    );
    let limits = labels.iter().filter(|(name, _)| !labels::names_entity(name));
    GraphEvent {
        id: format!("{SOURCE}/{of_series:016x}/{}", shape.start_at.micros()),
        entity: labels::entity(metric, labels),
        event_type: types::of_metric(metric, shape.direction).to_owned(),
        from: shape.start_at,
        until: shape.end_at.max(shape.start_at),
        received_at: shape.received_at,
        severity: severity(nats(shape.p_value)),
        target: None,
        dims: dims(limits.map(|(name, value)| (name.as_str(), value.as_str()))),
        source: SOURCE.to_owned(),
        sentence: cut(&sentence, SENTENCE_BYTES_MAX).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use manazir_model::{AnomalyKind, EpisodeState};
    use proptest::prelude::*;

    use super::*;

    fn finding(metric: &str, labels: &[(&str, &str)], direction: Option<Direction>) -> SeriesFinding {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        SeriesFinding {
            series: SeriesKey::new(metric, labels),
            state: EpisodeState::Opened,
            start_at: Timestamp::from_seconds(60),
            end_at: Timestamp::from_seconds(120),
            peak_at: Timestamp::from_seconds(120),
            received_at: Timestamp::from_seconds(121),
            direction,
            observed: 9.0,
            expected: 1.0,
            lower: 0.5,
            upper: 2.0,
            score: 20.0,
            p_value: 1e-6,
            detector: "level".to_owned(),
            sentence: "it rose".to_owned(),
        }
    }

    #[test]
    fn an_episode_is_an_event_and_stays_the_same_while_it_grows() {
        let labels = [("service", "pay"), ("zone", "b"), ("instance", "pay-1:80")];
        let mut growing = finding("http_request_duration_seconds", &labels, Some(Direction::Up));
        let first = of_finding(&growing);
        expect![[r#"
            GraphEvent {
                id: "series/46277d3d88c54e40/60000000",
                entity: "pay",
                event_type: "latency_spike",
                from: Timestamp(
                    60000000,
                ),
                until: Timestamp(
                    120000000,
                ),
                received_at: Timestamp(
                    121000000,
                ),
                severity: 0.6,
                target: None,
                dims: [
                    (
                        "instance",
                        "pay-1:80",
                    ),
                    (
                        "zone",
                        "b",
                    ),
                ],
                source: "series",
                sentence: "it rose",
            }
        "#]]
        .assert_debug_eq(&first);
        growing.end_at = Timestamp::from_seconds(600);
        growing.state = EpisodeState::Closed;
        growing.p_value = 1e-9;
        let last = of_finding(&growing);
        assert_eq!((&last.id, last.from, last.until), (&first.id, first.from, growing.end_at));
        assert!(last.severity > first.severity);
        growing.start_at = Timestamp::from_seconds(61);
        assert_ne!(of_finding(&growing).id, first.id);
    }

    #[test]
    fn an_anomaly_of_a_file_is_the_same_event() {
        let live = finding("orders", &[("country", "DE")], Some(Direction::Down));
        let anomaly = Anomaly {
            series: live.series.clone(),
            start_at: live.start_at,
            end_at: live.end_at,
            peak_at: live.peak_at,
            kind: AnomalyKind::LevelShift,
            direction: live.direction,
            observed: 1.0,
            expected: 9.0,
            peak_observed: 0.0,
            peak_expected: 9.5,
            score: live.score,
            detector: live.detector.clone(),
            open: false,
        };
        let event = of_anomaly(&anomaly, live.p_value, live.received_at);
        assert_eq!(event.sentence, "orders{country=DE} was 0 at its strangest, where 9.5 was expected");
        let mut same = of_finding(&live);
        same.sentence.clone_from(&event.sentence);
        assert_eq!(event, same);
        assert_eq!((event.entity.as_str(), event.event_type.as_str()), ("orders", "business_drop"));
    }

    proptest! {
        #[test]
        fn any_episode_is_an_event(metric: String, pairs: Vec<(String, String)>, p_value: f64, start: i64, end: i64) {
            let mut any = finding("", &[], None);
            any.series = SeriesKey::new(metric, pairs);
            (any.p_value, any.start_at, any.end_at) = (p_value, Timestamp(start), Timestamp(end));
            let event = of_finding(&any);
            prop_assert!((0.0..=1.0).contains(&event.severity) && event.from <= event.until);
            prop_assert!(event.dims.len() <= super::super::DIMS_MAX);
        }
    }
}
