//! Events: somebody did something to something, at some time.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One event of any source, in the words that event detectors and root cause share.
///
/// Fields that a source does not know are empty. Text is borrowed from the record it was read from wherever
/// that is possible: a detector hashes it and keeps nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Event<'a> {
    /// Who sent it: `cloudtrail`. An id is unique within its source.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// Its identity: the same id again is the same event again.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The request that it belongs to.
    #[serde(borrow)]
    pub request: Cow<'a, str>,
    /// When it happened, as its source says.
    pub at: Timestamp,
    /// Its class: `AwsApiCall`, `deploy`.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// The account, tenant or organisation that it happened in: actors of one account are peers.
    #[serde(borrow)]
    pub account: Cow<'a, str>,
    /// Who did it, in the identity that counts: a role, a user, a key.
    #[serde(borrow)]
    pub actor: Cow<'a, str>,
    /// The session of the actor, where there are sessions.
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// Whom the actor is like: people, machines, services; `human`, `service`, the name of a team.
    #[serde(borrow)]
    pub peers: Cow<'a, str>,
    /// What was done: `iam:CreateAccessKey`.
    #[serde(borrow)]
    pub action: Cow<'a, str>,
    /// True if it could change something, false if it only looked; `None` if the source does not say.
    pub writes: Option<bool>,
    /// To what.
    #[serde(borrow)]
    pub resources: Vec<Cow<'a, str>>,
    /// Why it failed; empty if it did not.
    #[serde(borrow)]
    pub error: Cow<'a, str>,
    /// Where it was done: a region, a cluster.
    #[serde(borrow)]
    pub place: Cow<'a, str>,
    /// From which network address or service.
    #[serde(borrow)]
    pub address: Cow<'a, str>,
    /// With which program.
    #[serde(borrow)]
    pub agent: Cow<'a, str>,
}

impl Event<'_> {
    /// The same event with text of its own.
    pub fn into_owned(self) -> Event<'static> {
        let own = |text: Cow<'_, str>| -> Cow<'static, str> { Cow::Owned(text.into_owned()) };
        Event {
            source: own(self.source),
            id: own(self.id),
            request: own(self.request),
            at: self.at,
            kind: own(self.kind),
            account: own(self.account),
            actor: own(self.actor),
            session: own(self.session),
            peers: own(self.peers),
            action: own(self.action),
            writes: self.writes,
            resources: self.resources.into_iter().map(own).collect(),
            error: own(self.error),
            place: own(self.place),
            address: own(self.address),
            agent: own(self.agent),
        }
    }
}

/// One expectation that an event broke, as a number and in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Name of the detector that held the expectation.
    pub detector: String,
    /// Its surprise, −log₁₀ of a probability, ≥ 0.
    pub surprise: f64,
    /// What was expected and what came, as a clause: "role build-7 never called iam:CreateUser in 14 days".
    pub text: String,
}

/// The judgement of one event; ordinary events have one too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventVerdict {
    /// Strangeness, real ≥ 0, higher is stranger.
    pub score: f64,
    /// True if it is worth a person's time.
    pub anomaly: bool,
    /// The expectations it broke, the most surprising first; empty for an ordinary event.
    pub reasons: Vec<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_event_outlives_its_record_and_is_equal() {
        let record = String::from("iam:CreateUser");
        let event = Event {
            action: Cow::Borrowed(&record),
            resources: vec![Cow::Borrowed(&record)],
            writes: Some(true),
            ..Event::default()
        };
        let owned: Event<'static> = event.clone().into_owned();
        assert_eq!(event, owned);
    }
}
