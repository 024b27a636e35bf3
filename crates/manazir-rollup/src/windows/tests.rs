//! Windows as those who count see them: what comes in, and what is told.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::aggregate::{Aggregate, Distinct};

fn at(minute: i64, second: i64) -> Timestamp {
    Timestamp::from_seconds(60 * minute + second)
}

fn minutes() -> Setting {
    let wanted = Wanted { distinct: true, quantiles: false };
    Setting { wanted, ..Setting::of_width(Grain::MINUTE.micros()) }
}

/// `minute=count/distinct` of each bucket, behind its key.
fn words(told: &[Told<'_>]) -> String {
    let run = |run: &Told<'_>| {
        let bucket = |(start, cell): &(Timestamp, &Cell)| {
            let distinct = cell.value(Aggregate::Distinct, 0).unwrap();
            format!("{}={}/{distinct}", start.micros() / Grain::MINUTE.micros(), cell.count)
        };
        let buckets: Vec<String> = run.buckets.iter().map(bucket).collect();
        format!("{} {}", run.key, buckets.join(" "))
    };
    told.iter().map(run).collect::<Vec<_>>().join(", ")
}

/// Things as `minute:second key` with what they are of, all of one group; what they closed, with a bar between.
#[track_caller]
fn check(setting: Setting, things: &[(i64, i64, &str, &str)], expected: Expect) {
    let mut windows = Windows::new(setting);
    let told: Vec<String> = things
        .iter()
        .map(|&(minute, second, key, thing)| {
            words(&windows.add("eu", key, at(minute, second), 1, Some(Distinct::hash(thing))))
        })
        .collect();
    expected.assert_eq(&format!("{} left out {}", told.join("|"), windows.left_out()));
}

#[test]
fn a_bucket_of_all_keys_is_closed_by_whatever_is_late_enough() {
    check(
        minutes(),
        &[
            (100, 0, "a", "x"),
            (100, 9, "b", "x"),
            (100, 10, "b", "y"),
            (102, 59, "a", "x"),
            (103, 0, "c", "x"),
        ],
        expect!["||||a 100=1/1, b 100=2/2 left out 0"],
    );
}

#[test]
fn a_correction_tells_the_whole_bucket_again() {
    check(
        minutes(),
        &[(100, 0, "a", "x"), (105, 0, "a", "x"), (100, 1, "a", "y"), (102, 1, "a", "y"), (42, 0, "a", "z")],
        expect!["|a 100=1/1 101=0/0 102=0/0|a 100=2/2|a 102=1/1| left out 1"],
    );
}

#[test]
fn buckets_are_as_wide_as_they_should_be() {
    let setting = Setting { width_micros: 5 * Grain::MINUTE.micros(), ..minutes() };
    check(
        setting,
        &[
            (100, 0, "a", "x"),
            (104, 59, "a", "y"),
            (106, 59, "a", "y"),
            (107, 0, "a", "y"),
            (112, 0, "b", "x"),
        ],
        expect!["|||a 100=2/2|a 105=2/1 left out 0"],
    );
}

#[test]
fn of_too_many_keys_the_silent_ones_give_their_place() {
    let setting = Setting { keys_max: 1, silent_buckets: 3, ..minutes() };
    check(
        setting,
        &[(100, 0, "a", "x"), (101, 0, "b", "x"), (107, 0, "a", "x"), (107, 1, "b", "x"), (112, 0, "a", "x")],
        expect![
            "||a 100=1/1 101=0/0 102=0/0 103=0/0 104=0/0||a 105=0/0 106=0/0 107=1/1 108=0/0 109=0/0 left out 2"
        ],
    );
    let mut windows = Windows::new(setting);
    windows.add("eu", "a", at(100, 0), 1, None);
    windows.pass("eu", at(110, 0));
    windows.add("eu", "b", at(110, 0), 1, None);
    assert_eq!(windows.left_out(), 0, "a was silent for more than three minutes");
}

#[test]
fn of_too_many_groups_the_oldest_is_forgotten() {
    let mut windows = Windows::new(Setting { groups_max: 2, ..minutes() });
    for (minute, group) in [(100, "a"), (101, "b"), (102, "a"), (103, "c")] {
        windows.add(group, "", at(minute, 0), 1, None);
    }
    assert_eq!(words(&windows.add("a", "", at(103, 0), 1, None)), " 100=1/0");
    assert_eq!(words(&windows.add("b", "", at(104, 0), 1, None)), "", "it begins anew");
}

#[test]
fn what_is_not_counted_moves_the_clock() {
    let mut windows = Windows::new(minutes());
    windows.add("eu", "a", at(100, 0), 1, None);
    assert_eq!(words(&windows.pass("us", at(200, 0))), "", "each group has its own");
    assert_eq!(words(&windows.pass("eu", at(103, 0))), "a 100=1/0");
    assert_eq!(words(&windows.pass("eu", at(102, 0))), "");
}

/// Steps of time, mostly forward, of few groups and keys; true for what is counted.
fn things() -> impl Strategy<Value = Vec<(u8, u8, i64, u8, bool)>> {
    let step = prop_oneof![8 => 0..40i64, 2 => -300..0i64, 1 => 0..20_000i64];
    prop::collection::vec((0..3u8, 0..3u8, step, 0..4u8, prop::bool::weighted(0.9)), 0..100).prop_map(
        |things| {
            let mut second = 1_000_000;
            let moved = things.into_iter().map(|(group, key, step, thing, counted)| {
                second += step;
                (group, key, second, thing, counted)
            });
            moved.collect()
        },
    )
}

fn take(windows: &mut Windows, &(group, key, second, thing, counted): &(u8, u8, i64, u8, bool)) -> String {
    let (group, key, at) = (group.to_string(), key.to_string(), Timestamp::from_seconds(second));
    let hash = Distinct::hash(&thing.to_string());
    if counted {
        words(&windows.add(&group, &key, at, 1, Some(hash)))
    } else {
        words(&windows.pass(&group, at))
    }
}

proptest! {
    #[test]
    fn a_restart_is_not_seen(things in things(), every in 1..20usize) {
        let (mut whole, mut restarted) = (Windows::new(minutes()), Windows::new(minutes()));
        for (index, thing) in things.iter().enumerate() {
            prop_assert_eq!(take(&mut whole, thing), take(&mut restarted, thing));
            if index % every == 0 {
                let saved = postcard::to_extend(&restarted, Vec::new()).unwrap();
                restarted = postcard::from_bytes(&saved).unwrap();
            }
        }
    }

    /// Whatever the order: of each closed bucket the last that was told is all that was taken in for it.
    #[test]
    fn what_was_told_last_is_right(things in things()) {
        let mut windows = Windows::new(minutes());
        let mut told = BTreeMap::new();
        let mut truth: BTreeMap<_, (u64, BTreeSet<u8>)> = BTreeMap::new();
        for &(group, key, second, thing, counted) in &things {
            let (of_group, of_key, at) = (group.to_string(), key.to_string(), Timestamp::from_seconds(second));
            let before = windows.left_out();
            let runs = if counted {
                windows.add(&of_group, &of_key, at, 1, Some(Distinct::hash(&thing.to_string())))
            } else {
                windows.pass(&of_group, at)
            };
            for run in runs {
                for (start, cell) in run.buckets {
                    let value = (cell.count, cell.value(Aggregate::Distinct, 0).unwrap());
                    told.insert((of_group.clone(), run.key.to_owned(), start.micros()), value);
                }
            }
            if counted && windows.left_out() == before {
                let start = at.micros().div_euclid(60_000_000) * 60_000_000;
                let (count, different) = truth.entry((of_group, of_key, start)).or_default();
                *count += 1;
                different.insert(thing);
            }
        }
        for (bucket, value) in told {
            let known = truth.get(&bucket).map_or((0, 0.0), |(count, of)| (*count, of.len() as f64));
            prop_assert_eq!(value, known, "{:?}", bucket);
        }
    }
}
