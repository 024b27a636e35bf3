//! The webhook of Prometheus' Alertmanager, version 4: each alert of a notification is an event.
//!
//! <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>. An alert is the same event as often
//! as Alertmanager repeats it: its identity is the fingerprint of its labels, its beginning and its state. The
//! action is its name, with `resolved` behind it when it ends; who did it is the label `service`, else `job`, else
//! `instance`; its labels are the resources.

use std::borrow::Cow;

use manazir_model::Event;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::generic::{self, Line, Lines};
use super::{Error, rfc3339};

#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    alerts: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    status: String,
    /// Sorted by name, as Alertmanager writes them.
    labels: std::collections::BTreeMap<String, String>,
    starts_at: String,
    #[serde(default)]
    ends_at: String,
    #[serde(default)]
    fingerprint: String,
}

/// Reads one notification.
pub fn decode(bytes: &[u8]) -> Lines {
    let mut lines = Lines::default();
    match serde_json::from_slice::<Notification<'_>>(bytes) {
        Ok(notification) if notification.version != "4" => {
            let wrong = vec![format!("version is `{}`; 4 is read", notification.version)];
            lines.rejects.push(Error::Wrong { item: 1, wrong });
        }
        Ok(notification) => {
            for alert in notification.alerts {
                let item = lines.next_item();
                lines.push_or_keep(event(alert, item), alert.get().as_bytes());
            }
        }
        Err(source) => lines.rejects.push(Error::Json { item: 1, source }),
    }
    lines
}

fn event(raw: &RawValue, item: usize) -> Result<Line, Error> {
    let alert: Alert = serde_json::from_str(raw.get()).map_err(|source| Error::Json { item, source })?;
    let mut wrong = Vec::new();
    let resolved = alert.status == "resolved";
    if !resolved && alert.status != "firing" {
        wrong.push(format!("status is `{}`; it is firing or resolved", alert.status));
    }
    let (key, time) = if resolved { ("endsAt", &alert.ends_at) } else { ("startsAt", &alert.starts_at) };
    let at = rfc3339::parse(time);
    if at.is_none() {
        wrong.push(format!("{key} is not a time as RFC 3339 writes it"));
    }
    let name = alert.labels.get("alertname").map_or("", String::as_str);
    if name.is_empty() {
        wrong.push("the label alertname is missing".to_owned());
    }
    let (Some(at), true) = (at, wrong.is_empty()) else { return Err(Error::Wrong { item, wrong }) };
    let pairs = alert.labels.iter().filter(|(name, _)| *name != "alertname");
    let resources: Vec<Cow<'_, str>> = pairs.map(|(name, value)| format!("{name}={value}").into()).collect();
    // Alertmanagers before 0.15 send no fingerprint; the labels, the name among them, are the same identity.
    let labels =
        || std::iter::once(name).chain(resources.iter().map(|label| &**label)).collect::<Vec<_>>().join(",");
    let identity = if alert.fingerprint.is_empty() { labels() } else { alert.fingerprint.clone() };
    let actor = ["service", "job", "instance"].iter().find_map(|label| alert.labels.get(*label));
    let label = |name: &str| Cow::Borrowed(alert.labels.get(name).map_or("", String::as_str));
    let event = Event {
        source: Cow::Borrowed("alertmanager"),
        id: format!("{identity}/{}/{}", alert.starts_at, alert.status).into(),
        at,
        kind: Cow::Borrowed("alert"),
        actor: Cow::Borrowed(actor.map_or("", String::as_str)),
        action: if resolved { format!("{name} resolved").into() } else { Cow::Borrowed(name) },
        place: label("cluster"),
        resources,
        ..Event::default()
    };
    generic::line(&event, raw, item)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    const NOTIFICATION: &str = r#"{"version": "4", "groupKey": "{}:{alertname=\"Down\"}", "status": "firing", "receiver": "m",
        "groupLabels": {"alertname": "Down"}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0,
        "alerts": [
          {"status": "firing", "labels": {"alertname": "Down", "job": "shop", "instance": "a:1", "severity": "page"}, "annotations": {"summary": "down"},
           "startsAt": "2023-06-23T16:23:18.5Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "f1"},
          {"status": "resolved", "labels": {"alertname": "Down", "service": "pay"}, "startsAt": "2023-06-23T16:00:00Z", "endsAt": "2023-06-23T16:30:00Z"},
          {"status": "asleep", "labels": {}, "startsAt": "noon"}, {}]}"#;

    #[track_caller]
    fn check(bytes: &[u8], expect: Expect) {
        let lines = decode(bytes);
        let read = lines.lines.iter().map(|line| {
            let record = generic::decode(&line.body, 1).unwrap();
            assert!(line.body.windows(6).any(|window| window == b"\"raw\":"));
            let event = record.event;
            format!(
                "{} {} {} {} {:?} {:?}",
                event.id, event.at, event.kind, event.action, event.actor, event.resources
            )
        });
        let all: Vec<_> = read.chain(lines.rejects.iter().map(|why| format!("! {why}"))).collect();
        expect.assert_eq(&all.join("\n"));
    }

    #[test]
    fn each_alert_is_an_event() {
        check(
            NOTIFICATION.as_bytes(),
            expect![[r#"
                f1/2023-06-23T16:23:18.5Z/firing 2023-06-23T16:23:18.5Z alert Down "shop" ["instance=a:1", "job=shop", "severity=page"]
                Down,service=pay/2023-06-23T16:00:00Z/resolved 2023-06-23T16:30:00Z alert Down resolved "pay" ["service=pay"]
                ! item 3: status is `asleep`; it is firing or resolved; startsAt is not a time as RFC 3339 writes it; the label alertname is missing
                ! item 4 cannot be read as JSON of this kind: missing field `status` at line 1 column 2"#]],
        );
        check(br#"{"version": "3", "alerts": []}"#, expect!["! item 1: version is `3`; 4 is read"]);
        check(
            b"{}",
            expect![
                "! item 1 cannot be read as JSON of this kind: missing field `version` at line 1 column 2"
            ],
        );
    }

    proptest! {
        #[test]
        fn no_damage_panics(at in 0usize..1200, byte: u8, cut in 0usize..1200) {
            let mut bytes = NOTIFICATION.as_bytes().to_vec();
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - cut % length);
            decode(&bytes);
        }
    }
}
