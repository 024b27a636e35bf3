//! Events become series: how many an actor caused in each minute, how many different actions, and what the
//! configuration adds.
//!
//! A minute is closed by event time alone: when an event of the same account is two minutes past its end. Then
//! it is a sample. An event that comes after that opens it again, and gives a sample of the same minute that
//! corrects the first. An actor that is silent gives zeros for an hour, and then nothing. So it is with all that the
//! configuration counts, in buckets of its own width.

mod rollup;

use std::mem;

use manazir_model::{Event, Grain, Sample, SeriesKey, SeriesKind, SeriesSamples, Timestamp};
use manazir_rollup::aggregate::{Aggregate, Cell, Distinct, Wanted};
use manazir_rollup::windows::{Setting, Told, Windows};
use serde::{Deserialize, Serialize};

use super::AHEAD_MICROS_MAX;
pub use rollup::{EventRollup, Field, Only};

/// Bytes of a text that becomes a label: what a label of a series may have.
const LABEL_BYTES_MAX: usize = 1_024;

/// Between the texts of a key that has several; a text that holds it is counted under none of these.
const BETWEEN: char = '\0';

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
pub struct EventSeries {
    passes: Vec<Pass>,
    /// Events that were left out before anybody counted.
    left_out: u64,
}

/// All series whose events, labels and buckets are the same: counted once.
#[derive(Debug, Serialize, Deserialize)]
struct Pass {
    what: What,
    windows: Windows,
    /// The name of each series, and what of a bucket it tells.
    metrics: Vec<(String, Aggregate)>,
    /// A key that has several texts, written anew for each event.
    #[serde(skip)]
    key: String,
}

/// What is counted in a pass.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct What {
    /// Labels beside the account.
    by: Vec<Field>,
    only: Option<Only>,
    /// Whose different texts are counted.
    of: Option<Field>,
}

impl Default for EventSeries {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl EventSeries {
    /// Those that are always there, and those of a configuration that was checked.
    pub fn new(configured: &[EventRollup]) -> Self {
        let mut plans: Vec<Plan> = Vec::new();
        for rollup in EventRollup::built_in().iter().chain(configured) {
            match plans.iter_mut().find(|plan| plan.takes(rollup)) {
                Some(plan) => plan.add(rollup),
                None => plans.push(Plan::of(rollup)),
            }
        }
        Self { passes: plans.into_iter().map(Pass::new).collect(), left_out: 0 }
    }

    /// The series of a configuration that was checked, with what was counted so far for those that were there before.
    pub fn configured(mut self, configured: &[EventRollup]) -> Self {
        let mut series = Self { left_out: self.left_out, ..Self::new(configured) };
        for pass in &mut series.passes {
            let same =
                |old: &&mut Pass| old.what == pass.what && old.windows.setting() == pass.windows.setting();
            if let Some(old) = self.passes.iter_mut().find(same) {
                mem::swap(&mut pass.windows, &mut old.windows);
            }
        }
        series
    }

    /// Events that a series does not count and should: too late, from a clock that is wrong, of one key too many, or
    /// with a text that no label may have. Counted for each width of buckets and set of labels.
    pub fn left_out(&self) -> u64 {
        self.left_out + self.passes.iter().map(|pass| pass.windows.left_out()).sum::<u64>()
    }

    /// Counts an event; the samples of the buckets that it closed or corrected.
    pub fn event(&mut self, received_at: Timestamp, event: &Event<'_>) -> Vec<SeriesSamples> {
        let mut samples = Vec::new();
        if event.at.micros_since(received_at) > AHEAD_MICROS_MAX {
            self.left_out += 1;
            return samples;
        }
        for pass in &mut self.passes {
            if !pass.event(event, &mut samples) {
                self.left_out += 1;
            }
        }
        samples
    }
}

/// What becomes a [`Pass`].
struct Plan {
    what: What,
    every_seconds: u32,
    metrics: Vec<(String, Aggregate)>,
}

impl Plan {
    fn of(rollup: &EventRollup) -> Self {
        let what = What { by: beside_account(rollup), only: rollup.only.clone(), of: None };
        let mut plan = Self { what, every_seconds: rollup.every_seconds, metrics: Vec::new() };
        plan.add(rollup);
        plan
    }

    fn takes(&self, rollup: &EventRollup) -> bool {
        let Self { what, every_seconds, .. } = self;
        let same_of = what.of.is_none() || rollup.of.is_none() || what.of == rollup.of;
        let same = what.by == beside_account(rollup) && what.only == rollup.only;
        same && *every_seconds == rollup.every_seconds && same_of
    }

    fn add(&mut self, rollup: &EventRollup) {
        self.what.of = self.what.of.or(rollup.of);
        self.metrics.push((rollup.metric.clone(), rollup.aggregate));
    }
}

/// Sorted, so that those are one that differ by their order alone.
fn beside_account(rollup: &EventRollup) -> Vec<Field> {
    let mut by: Vec<Field> = rollup.by.iter().copied().filter(|field| *field != Field::Account).collect();
    by.sort_unstable();
    by
}

impl Pass {
    fn new(Plan { what, every_seconds, metrics }: Plan) -> Self {
        let wanted: Wanted = metrics.iter().map(|(_, aggregate)| *aggregate).collect();
        let width_micros = i64::from(every_seconds) * Grain::SECOND.micros();
        let windows = Windows::new(Setting { wanted, ..Setting::of_width(width_micros) });
        Self { what, windows, metrics, key: String::new() }
    }

    /// False if it has a text that no label may have.
    fn event(&mut self, event: &Event<'_>, samples: &mut Vec<SeriesSamples>) -> bool {
        let Self { what, windows, metrics, key } = self;
        let account = &*event.account;
        let long = |text: &str| text.len() > LABEL_BYTES_MAX;
        if long(account) || what.by.iter().any(|field| long(field.text(event))) {
            return false;
        }
        if what.only.as_ref().is_some_and(|only| !only.holds(event)) {
            tell(samples, metrics, (account, &what.by), &windows.pass(account, event.at));
            return true;
        }
        let key: &str = match what.by[..] {
            [] => "",
            [one] => one.text(event),
            ref several => {
                key.clear();
                for field in several {
                    key.push_str(field.text(event));
                    key.push(BETWEEN);
                }
                if key.matches(BETWEEN).count() > several.len() {
                    return false;
                }
                key
            }
        };
        let distinct = what.of.map(|of| Distinct::hash(of.text(event)));
        tell(samples, metrics, (account, &what.by), &windows.add(account, key, event.at, 1, distinct));
        true
    }
}

/// Adds the samples of what was closed or corrected.
fn tell(
    samples: &mut Vec<SeriesSamples>,
    metrics: &[(String, Aggregate)],
    (account, by): (&str, &[Field]),
    told: &[Told<'_>],
) {
    for run in told {
        for (metric, aggregate) in metrics {
            let texts: Vec<&str> =
                if by.len() > 1 { run.key.split_terminator(BETWEEN).collect() } else { vec![run.key] };
            let labels = by.iter().zip(texts).map(|(field, text)| (field.word(), text));
            let labels = labels.chain([(Field::Account.word(), account)]);
            let labels = labels.map(|(label, text)| (label.to_owned(), text.to_owned()));
            let value = |cell: &Cell| cell.value(*aggregate, 0).unwrap_or(f64::NAN);
            samples.push(SeriesSamples {
                key: SeriesKey::new(metric, labels),
                kind: Some(SeriesKind::Gauge),
                samples: run.buckets.iter().map(|&(at, cell)| Sample { at, value: value(cell) }).collect(),
            });
        }
    }
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
                    let minute = count.at.micros().div_euclid(Grain::MINUTE.micros());
                    format!("{minute}={}/{}", count.value, distinct.value)
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

    fn rollup(metric: &str, by: &[Field], rest: &str) -> EventRollup {
        let by: Vec<&str> = by.iter().map(|field| field.word()).collect();
        toml::from_str(&format!("metric = {metric:?}\nby = {by:?}\n{rest}")).unwrap()
    }

    #[test]
    fn series_of_the_same_events_labels_and_width_are_counted_once() {
        use Field::{Account, Action, Actor};
        let every_minute = |metric: &str, by: &[Field], rest: &str| {
            rollup(metric, by, &format!("every_seconds = 60\n{rest}"))
        };
        let passes = |configured: &[EventRollup]| {
            EventRollup::check(configured).unwrap();
            let names =
                |pass: Pass| pass.metrics.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join("+");
            EventSeries::new(configured).passes.into_iter().map(names).collect::<Vec<_>>().join(" ")
        };
        expect![[r#"events_per_minute+actions_distinct_per_minute"#]].assert_eq(&passes(&[]));
        let configured = [
            every_minute("a", &[Actor, Account], "aggregate = 'count'"),
            every_minute("b", &[Account], "aggregate = 'count'"),
            every_minute("c", &[Account], "aggregate = 'distinct'\nof = 'actor'"),
            every_minute("d", &[Account], "aggregate = 'distinct'\nof = 'action'"),
            rollup("e", &[Account], "every_seconds = 3600\naggregate = 'count'"),
            every_minute("f", &[Account, Action], "aggregate = 'count'"),
            every_minute("g", &[Account], "aggregate = 'count'\nonly = { field = 'error', is_not = '' }"),
        ];
        expect![[r#"events_per_minute+actions_distinct_per_minute+a b+c d e f g"#]]
            .assert_eq(&passes(&configured));
    }

    #[test]
    fn each_of_several_fields_is_a_label_and_what_no_label_may_have_is_left_out() {
        let by = [Field::Place, Field::Account, Field::Action];
        let mut series =
            EventSeries::new(&[rollup("calls", &by, "every_seconds = 300\naggregate = 'count'")]);
        let mut told = Vec::new();
        for (second, place) in [(0, "eu"), (1, ""), (2, "e\0u"), (3, &*"x".repeat(1_025)), (900, "eu")] {
            let event = Event {
                at: Timestamp::from_seconds(second),
                account: "1".into(),
                action: "deploy".into(),
                place: place.into(),
                ..Event::default()
            };
            let samples = series.event(Timestamp::from_seconds(1 << 40), &event);
            told.extend(samples.iter().map(|series| format!("{} {}", series.key, series.samples.len())));
        }
        assert_eq!(series.left_out(), 2);
        expect![[r#"
            events_per_minute{account=1, actor=} 13
            actions_distinct_per_minute{account=1, actor=} 13
            calls{account=1, action=deploy, place=} 2
            calls{account=1, action=deploy, place=eu} 2"#]]
        .assert_eq(&told.join("\n"));
    }

    #[test]
    fn what_does_not_count_closes_what_does() {
        let only = "every_seconds = 60\naggregate = 'count'\nonly = { field = 'error', is = 'denied' }";
        let mut series = EventSeries::new(&[rollup("denied", &[Field::Account], only)]);
        let mut told = Vec::new();
        for (second, error) in [(0, "denied"), (1, "throttled"), (200, "")] {
            let event =
                Event { at: Timestamp::from_seconds(second), error: error.into(), ..Event::default() };
            told.extend(series.event(Timestamp::from_seconds(1 << 40), &event));
        }
        let denied = told.iter().find(|series| series.key.metric == "denied").unwrap();
        assert_eq!(denied.samples, [Sample { at: Timestamp(0), value: 1.0 }]);
    }
}
