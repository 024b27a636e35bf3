//! Which series events become: two that are always there, and those of the configuration.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use manazir_model::Event;
use manazir_rollup::aggregate::Aggregate;
use serde::{Deserialize, Serialize};

/// Seconds of a bucket: below a minute there is little to count, and a day has its own name.
const EVERY_SECONDS: RangeInclusive<u32> = 60..=DAY_SECONDS;

const DAY_SECONDS: u32 = 86_400;

/// Series that a configuration may add: each event is counted for all of them.
const SERIES_MAX: usize = 16;

/// Bytes of a metric's name, far below what a series may have.
const METRIC_BYTES_MAX: usize = 255;

/// A series of events for each of the texts that they have in some fields.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventRollup {
    /// Name of the series.
    pub metric: String,
    /// Fields that are its labels, `account` among them.
    pub by: Vec<Field>,
    /// Seconds that a sample stands for.
    pub every_seconds: u32,
    /// `count`, or `distinct`: how many different texts the field `of` had.
    pub aggregate: Aggregate,
    /// For `distinct`.
    pub of: Option<Field>,
    /// Which events count; all, if it is not said.
    pub only: Option<Only>,
}

/// A field of an event that is one text; empty if its source does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the field of `Event` of that name")]
pub enum Field {
    // The order is part of snapshots: new ones come last.
    Account,
    Actor,
    Action,
    Error,
    Kind,
    Place,
    Peers,
    Session,
    Source,
    Address,
    Agent,
}

impl Field {
    pub(super) fn text<'e>(self, event: &'e Event<'_>) -> &'e str {
        match self {
            Self::Account => &event.account,
            Self::Actor => &event.actor,
            Self::Action => &event.action,
            Self::Error => &event.error,
            Self::Kind => &event.kind,
            Self::Place => &event.place,
            Self::Peers => &event.peers,
            Self::Session => &event.session,
            Self::Source => &event.source,
            Self::Address => &event.address,
            Self::Agent => &event.agent,
        }
    }

    /// As it is written.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Actor => "actor",
            Self::Action => "action",
            Self::Error => "error",
            Self::Kind => "kind",
            Self::Place => "place",
            Self::Peers => "peers",
            Self::Session => "session",
            Self::Source => "source",
            Self::Address => "address",
            Self::Agent => "agent",
        }
    }
}

/// Events that count: those whose field is a text, or is not. Those that failed have an `error` that is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// The field.
    pub field: Field,
    /// What it is.
    pub is: Option<String>,
    /// What it is not.
    pub is_not: Option<String>,
}

impl Only {
    pub(super) fn holds(&self, event: &Event<'_>) -> bool {
        let text = self.field.text(event);
        self.is.as_ref().is_none_or(|is| is == text) && self.is_not.as_ref().is_none_or(|not| not != text)
    }
}

impl EventRollup {
    /// The series that events become whatever the configuration says.
    pub(super) fn built_in() -> [Self; 2] {
        let every_minute = |metric: &str, aggregate, of| Self {
            metric: metric.to_owned(),
            by: vec![Field::Account, Field::Actor],
            every_seconds: 60,
            aggregate,
            of,
            only: None,
        };
        [
            every_minute("events_per_minute", Aggregate::Count, None),
            every_minute("actions_distinct_per_minute", Aggregate::Distinct, Some(Field::Action)),
        ]
    }

    /// Why these cannot be series beside those that are always there; for a person.
    pub fn check(all: &[Self]) -> Result<(), String> {
        if all.len() > SERIES_MAX {
            return Err(format!("there are {}, and {SERIES_MAX} are the most", all.len()));
        }
        let built_in = Self::built_in();
        let mut metrics: BTreeSet<&str> = built_in.iter().map(|rollup| &*rollup.metric).collect();
        for rollup in all {
            let why = if metrics.insert(&rollup.metric) {
                rollup.fault()
            } else {
                Some("its name is that of another series".to_owned())
            };
            if let Some(why) = why {
                return Err(format!("{:?}: {why}", rollup.metric));
            }
        }
        Ok(())
    }

    fn fault(&self) -> Option<String> {
        let Self { metric, by, every_seconds, aggregate, of, only } = self;
        let first = |first: char| first.is_ascii_alphabetic() || first == '_';
        let plain = metric.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !(metric.starts_with(first) && plain && metric.len() <= METRIC_BYTES_MAX) {
            return Some(format!(
                "`metric` has letters, digits and `_`, not a digit first, at most {METRIC_BYTES_MAX} of them"
            ));
        }
        if !by.contains(&Field::Account) {
            // An account is a clock of its own, and may be judged on another machine than the next.
            return Some(
                "`by` has no \"account\", and events of several are not counted together".to_owned(),
            );
        }
        if by.iter().collect::<BTreeSet<_>>().len() < by.len() {
            return Some("`by` names a field twice".to_owned());
        }
        if !EVERY_SECONDS.contains(every_seconds) || !DAY_SECONDS.is_multiple_of(*every_seconds) {
            return Some(format!(
                "`every_seconds` is {every_seconds}; it lies between {} and {}, and a day is a whole number of them",
                EVERY_SECONDS.start(),
                EVERY_SECONDS.end()
            ));
        }
        if only.as_ref().is_some_and(|only| only.is.is_some() == only.is_not.is_some()) {
            return Some("`only` says of its field what it `is`, or what it `is_not`".to_owned());
        }
        match (aggregate, of) {
            (Aggregate::Count, None) => None,
            (Aggregate::Count, Some(_)) => {
                Some("`of` is for \"distinct\": a count is one of events".to_owned())
            }
            (Aggregate::Distinct, Some(of)) if by.contains(of) => Some(format!(
                "`of` is {:?}, of which there is never more than one, for it is in `by`",
                of.word()
            )),
            (Aggregate::Distinct, Some(_)) => None,
            (Aggregate::Distinct, None) => Some("\"distinct\" needs the field that it is `of`".to_owned()),
            (other, _) => Some(format!(
                "`aggregate` is \"{other}\", and an event has no amount: \"count\" it, or count what is \"distinct\""
            )),
        }
    }
}
