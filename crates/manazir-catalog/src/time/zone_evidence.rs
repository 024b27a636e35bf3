//! Which zone a clock without one may have followed: the hours that it showed twice or never.

use jiff::tz::TimeZone;

use super::zone::ZoneClock;
use crate::table::Decision;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// One zone for each set of rules that many people live under; zones with equal rules cannot be told apart.
const ZONES: [(&str, &str); 14] = [
    ("Europe/Berlin", "central European time"),
    ("Europe/London", "British time"),
    ("Europe/Helsinki", "eastern European time"),
    ("America/New_York", "US Eastern time"),
    ("America/Chicago", "US Central time"),
    ("America/Denver", "US Mountain time"),
    ("America/Los_Angeles", "US Pacific time"),
    ("America/St_Johns", "Newfoundland time"),
    ("America/Havana", "Cuban time"),
    ("America/Santiago", "Chilean time"),
    ("Australia/Sydney", "eastern Australian time"),
    ("Australia/Adelaide", "central Australian time"),
    ("Pacific/Auckland", "New Zealand time"),
    ("Asia/Jerusalem", "Israeli time"),
];

/// What local times show at the turns of a zone's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Match {
    repeated: usize,
    missing: usize,
    against: usize,
}

/// Guesses the zone from the local times of one series in the order of its rows.
///
/// A clock that is turned back shows an hour twice, one that is turned forward never shows an hour. A zone is
/// believed if every turn within the data shows so and nothing speaks against it.
pub(crate) fn guess(locals: &[i64]) -> Decision<String> {
    let utc = |confidence, reason: &str| Decision::new("UTC".to_owned(), confidence, reason);
    let (Some(&first), Some(&last)) = (locals.iter().min(), locals.iter().max()) else {
        return utc(0.3, "no zone is written, and there is nothing to go by");
    };
    let mut sorted = locals.to_vec();
    sorted.sort_unstable();
    let mut best: Option<(usize, usize)> = None;
    let mut turns_seen = false;
    for (index, (name, _)) in ZONES.iter().enumerate() {
        let found = at_turns(name, &sorted, first, last);
        turns_seen |= found != Match::default();
        // A repeated hour does not come about by chance; a missing one may.
        let weight = 2 * found.repeated + found.missing;
        if found.against == 0 && weight > 0 && best.is_none_or(|(_, most)| weight > most) {
            best = Some((index, weight));
        }
    }
    match best {
        Some((index, weight)) => {
            let (name, words) = ZONES[index];
            let what = if weight > 1 { "hours are repeated or missing" } else { "an hour is missing" };
            let reason = format!("no zone is written, but {what} where the clock of {words} is turned");
            Decision::new(name.to_owned(), if weight > 1 { 0.85 } else { 0.6 }, reason)
        }
        None if turns_seen => {
            utc(0.6, "no zone is written, and no hour is repeated or missing where clocks are turned")
        }
        None => utc(0.3, "no zone is written, and no clock is turned within the sample: taken as UTC"),
    }
}

fn at_turns(zone: &str, sorted: &[i64], first: i64, last: i64) -> Match {
    let mut found = Match::default();
    let (Ok(zone_rules), Some(_)) = (TimeZone::get(zone), ZoneClock::new(zone)) else { return found };
    let Ok(start) = jiff::Timestamp::from_microsecond(first) else { return found };
    // A century of turns is enough; more would make a wild time cost a second.
    for turn in zone_rules.following(start).take(200) {
        let at = turn.timestamp().as_microsecond();
        let after = i64::from(turn.offset().seconds()) * 1_000_000;
        let Ok(just_before) = jiff::Timestamp::from_microsecond(at - 1) else { break };
        let before = i64::from(zone_rules.to_offset(just_before).seconds()) * 1_000_000;
        let (from, to) = (at + before.min(after), at + before.max(after));
        if to + DAY > last {
            break;
        }
        if from - DAY < first || from == to {
            continue;
        }
        judge(sorted, from, to, after < before, &mut found);
    }
    found
}

/// Compares the hour of the turn with the same hour of the days before and after.
fn judge(sorted: &[i64], from: i64, to: i64, back: bool, found: &mut Match) {
    let count = |shift: i64| {
        let begin = sorted.partition_point(|&local| local < from + shift);
        let end = sorted.partition_point(|&local| local < to + shift);
        end - begin
    };
    let distinct = |shift: i64| {
        let begin = sorted.partition_point(|&local| local < from + shift);
        let end = sorted.partition_point(|&local| local < to + shift);
        sorted[begin..end].chunk_by(|one, other| one == other).count()
    };
    let usual = count(-DAY).min(count(DAY));
    if usual == 0 || usual != count(-DAY).max(count(DAY)) || usual != distinct(-DAY) {
        // Irregular data shows nothing either way.
        return;
    }
    let here = count(0);
    match back {
        true if here == 2 * usual => found.repeated += 1,
        false if here == 0 => found.missing += 1,
        _ => found.against += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::text::{DateOrder, parse};

    /// What a clock in `zone` showed every half hour from `from` on.
    fn clock(zone: &str, from: &str, days: i64) -> Vec<i64> {
        let start = parse(from, DateOrder::YearFirst).unwrap().micros();
        let zone = TimeZone::get(zone).unwrap();
        (0..days * 48)
            .map(|step| {
                let at = start + step * HOUR / 2;
                let offset = zone.to_offset(jiff::Timestamp::from_microsecond(at).unwrap());
                at + i64::from(offset.seconds()) * 1_000_000
            })
            .collect()
    }

    #[test]
    fn turned_clocks_give_their_zone_away() {
        let check = |zone, from, days, expected: &str, at_least: f64| {
            let found = guess(&clock(zone, from, days));
            assert_eq!(found.value, expected);
            assert!(found.confidence >= at_least, "{found:?}");
        };
        check("Europe/Berlin", "2014-10-01", 60, "Europe/Berlin", 0.85);
        check("America/New_York", "2014-10-25", 20, "America/New_York", 0.85);
        check("America/New_York", "2015-03-01", 20, "America/New_York", 0.6);
        check("UTC", "2014-10-01", 60, "UTC", 0.6);
        check("UTC", "2014-06-01", 20, "UTC", 0.3);
        assert_eq!(guess(&[]).value, "UTC");
    }
}
