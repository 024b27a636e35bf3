//! Events become series: how many an actor caused in each minute, and how many different actions.
//!
//! A minute is closed by event time alone: when an event of the same account is two minutes past its end. Then
//! it is a sample. An event that comes after that opens it again, and gives a sample of the same minute that
//! corrects the first. An actor that is silent gives zeros for an hour, and then nothing.

use std::collections::BTreeMap;

use manazir_model::{Event, Grain, Sample, SeriesKey, SeriesKind, SeriesSamples, Timestamp};
use manazir_rollup::aggregate::Distinct;
use serde::{Deserialize, Serialize};

use super::AHEAD_MICROS_MAX;

/// Events of an account may be so much out of order before a minute is closed.
const LATENESS_MICROS: i64 = 2 * Grain::MINUTE.micros();

/// Minutes after the last event for which an actor gives zeros, and for which closed minutes can be corrected.
const MINUTES_KEPT: i64 = 60;

/// Accounts of a partition; of more, the one whose last event is the oldest gives its place.
const ACCOUNTS_MAX: usize = 32;

/// Actors of an account.
const ACTORS_MAX: usize = 1_000;

/// Bytes of an account's or an actor's name: what a label of a series may have.
const NAME_BYTES_MAX: usize = 1_024;

/// Minutes of events that an actor was silent before it gives its place to a new one.
const SILENT_MINUTES: i64 = 24 * 60;

/// One minute of an actor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cell {
    count: u32,
    actions: Distinct,
}

/// Minutes are counted from 1970 on.
#[derive(Debug, Serialize, Deserialize)]
struct Actor {
    /// Of its newest event.
    last: i64,
    /// Minutes that events still come for, and closed ones that can be corrected.
    cells: BTreeMap<i64, Cell>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Account {
    newest: Timestamp,
    /// Everything up to this minute is closed.
    closed: i64,
    actors: BTreeMap<String, Actor>,
}

/// See the module.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EventSeries {
    accounts: BTreeMap<String, Account>,
    /// Events that were left out: too late, from a wrong clock, or of one actor too many.
    left_out: u64,
}

impl EventSeries {
    /// Events that no series counts: too late, from a clock that is wrong, of one actor too many, or of one whose name
    /// no series may have.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Counts an event; the samples of the minutes that it closed or corrected.
    pub fn event(&mut self, received_at: Timestamp, event: &Event<'_>) -> Vec<SeriesSamples> {
        let long = [&event.account, &event.actor].iter().any(|name| name.len() > NAME_BYTES_MAX);
        if long || event.at.micros_since(received_at) > AHEAD_MICROS_MAX {
            self.left_out += 1;
            return Vec::new();
        }
        let counted = self.account(event).and_then(|account| account.count(event));
        if counted.is_none() {
            self.left_out += 1;
        }
        counted.unwrap_or_default()
    }

    fn account(&mut self, event: &Event<'_>) -> Option<&mut Account> {
        if !self.accounts.contains_key(&*event.account) {
            if self.accounts.len() >= ACCOUNTS_MAX {
                let oldest = self.accounts.iter().min_by_key(|(_, account)| account.newest);
                let oldest = oldest.map(|(name, _)| name.clone())?;
                self.accounts.remove(&oldest);
            }
            let closed = minute(Timestamp(event.at.micros().saturating_sub(LATENESS_MICROS))) - 1;
            let account = Account { newest: event.at, closed, actors: BTreeMap::new() };
            self.accounts.insert(event.account.to_string(), account);
        }
        self.accounts.get_mut(&*event.account)
    }
}

impl Account {
    /// `None` if the event is counted nowhere.
    fn count(&mut self, event: &Event<'_>) -> Option<Vec<SeriesSamples>> {
        let minute = minute(event.at);
        if minute <= self.closed - MINUTES_KEPT {
            return None;
        }
        let closed = self.closed;
        let actor = self.actor(&event.actor, minute)?;
        actor.last = actor.last.max(minute);
        let cell = actor.cells.entry(minute).or_default();
        cell.count = cell.count.saturating_add(1);
        cell.actions.add(Distinct::hash(&event.action));
        let mut samples = Vec::new();
        if minute <= closed {
            tell(&mut samples, &event.account, &event.actor, &[(minute, cell.count, cell.actions.count())]);
        }
        if event.at > self.newest {
            self.newest = event.at;
            self.close(&event.account, &mut samples);
        }
        Some(samples)
    }

    fn actor(&mut self, name: &str, minute: i64) -> Option<&mut Actor> {
        if !self.actors.contains_key(name) {
            if self.actors.len() >= ACTORS_MAX {
                let heard = self.closed - SILENT_MINUTES;
                self.actors.retain(|_, actor| actor.last >= heard);
            }
            if self.actors.len() >= ACTORS_MAX {
                return None;
            }
            let actor = Actor { last: minute, cells: BTreeMap::new() };
            self.actors.insert(name.to_owned(), actor);
        }
        self.actors.get_mut(name)
    }

    /// Closes what the newest event allows, minute by minute for each actor that was heard of late.
    fn close(&mut self, account: &str, samples: &mut Vec<SeriesSamples>) {
        let closed = minute(Timestamp(self.newest.micros().saturating_sub(LATENESS_MICROS))) - 1;
        if closed <= self.closed {
            return;
        }
        for (name, actor) in &mut self.actors {
            let minutes = actor.minutes(self.closed + 1, closed);
            tell(samples, account, name, &minutes);
            while actor.cells.first_key_value().is_some_and(|(&minute, _)| minute <= closed - MINUTES_KEPT) {
                actor.cells.pop_first();
            }
        }
        self.closed = closed;
    }
}

impl Actor {
    /// Number of events and of different actions of each minute from `first` to `last`, without those that follow
    /// an hour of silence.
    fn minutes(&self, first: i64, last: i64) -> Vec<(i64, u32, f64)> {
        let mut minutes = Vec::new();
        let mut heard = self.cells.range(..first).next_back().map(|(&minute, _)| minute);
        let mut minute = first;
        while minute <= last {
            if let Some(cell) = self.cells.get(&minute) {
                heard = Some(minute);
                minutes.push((minute, cell.count, cell.actions.count()));
            } else if heard.is_some_and(|heard| minute - heard <= MINUTES_KEPT) {
                minutes.push((minute, 0, 0.0));
            } else {
                // However long the silence was, it costs one step.
                let Some((&next, _)) = self.cells.range(minute..).next() else { break };
                minute = next;
                continue;
            }
            minute += 1;
        }
        minutes
    }
}

fn minute(at: Timestamp) -> i64 {
    at.micros().div_euclid(Grain::MINUTE.micros())
}

/// Adds the samples of an actor's minutes.
fn tell(samples: &mut Vec<SeriesSamples>, account: &str, actor: &str, minutes: &[(i64, u32, f64)]) {
    if minutes.is_empty() {
        return;
    }
    let mut add = |metric: &str, value: &dyn Fn(&(i64, u32, f64)) -> f64| {
        let labels = [("account", account), ("actor", actor)];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned()));
        let sample = |minute: &(i64, u32, f64)| Sample {
            at: Timestamp(minute.0.saturating_mul(Grain::MINUTE.micros())),
            value: value(minute),
        };
        let key = SeriesKey::new(metric, labels);
        samples.push(SeriesSamples {
            key,
            kind: Some(SeriesKind::Gauge),
            samples: minutes.iter().map(sample).collect(),
        });
    };
    add("events_per_minute", &|minute| f64::from(minute.1));
    add("actions_distinct_per_minute", &|minute| minute.2);
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// Events as `minute:second action` of one actor; the samples they gave, in their order, as
    /// `minute=count/distinct`, with a bar between events.
    #[track_caller]
    fn check(events: &[(i64, i64, &str)], expected: Expect) {
        let mut series = EventSeries::default();
        let told: Vec<String> = events
            .iter()
            .map(|&(minute, second, action)| {
                let at = Timestamp::from_seconds(60 * minute + second);
                let event = Event {
                    at,
                    account: "1".into(),
                    actor: "build".into(),
                    action: action.into(),
                    ..Event::default()
                };
                let samples = series.event(Timestamp::from_seconds(1 << 40), &event);
                let of = |index: usize| samples.get(index).map_or(&[][..], |series| &series.samples);
                let pairs = of(0).iter().zip(of(1));
                let word = |(count, distinct): (&Sample, &Sample)| {
                    format!("{}={}/{}", super::minute(count.at), count.value, distinct.value)
                };
                pairs.map(word).collect::<Vec<_>>().join(" ")
            })
            .collect();
        expected.assert_eq(&format!("{} left out {}", told.join("|"), series.left_out()));
    }

    #[test]
    fn a_minute_is_closed_two_minutes_later() {
        check(
            &[(100, 0, "a"), (100, 30, "b"), (100, 59, "a"), (101, 0, "a"), (102, 59, "a"), (103, 0, "a")],
            expect!["|||||100=3/2 left out 0"],
        );
    }

    #[test]
    fn quiet_minutes_are_zeros_for_an_hour() {
        check(&[(100, 0, "a"), (104, 0, "b")], expect!["|100=1/1 101=0/0 left out 0"]);
        let mut series = EventSeries::default();
        let at = |minute: i64| Timestamp::from_seconds(60 * minute);
        let event = |minute| Event { at: at(minute), ..Event::default() };
        series.event(at(1 << 30), &event(100));
        let samples = series.event(at(1 << 30), &event(10_000_000));
        assert_eq!(samples[0].samples.len(), 61, "the minute of the event and an hour of zeros");
    }

    #[test]
    fn a_late_event_corrects_its_minute_and_one_that_is_too_late_is_left_out() {
        check(
            &[(100, 0, "a"), (110, 0, "a"), (105, 0, "b"), (100, 1, "b"), (20, 0, "a")],
            expect![
                "|100=1/1 101=0/0 102=0/0 103=0/0 104=0/0 105=0/0 106=0/0 107=0/0|105=1/1|100=2/2| left out 1"
            ],
        );
    }

    #[test]
    fn a_clock_that_is_wrong_moves_nothing() {
        let mut series = EventSeries::default();
        let event = Event { at: Timestamp::from_seconds(1_000_000), ..Event::default() };
        assert!(series.event(Timestamp::from_seconds(0), &event).is_empty());
        assert_eq!(series.left_out(), 1);
    }
}
