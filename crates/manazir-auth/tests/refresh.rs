//! Properties of refresh tokens: whatever is shown in which order and when, one is current, and nobody is signed out
//! who only raced.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_auth::AccountId;
use manazir_auth::session::{Device, EndedBy, Family, Presented, RefreshToken, SessionRules};
use manazir_model::Timestamp;
use proptest::prelude::*;

/// A session with every token that was ever given out, each with the time at which it was replaced, in seconds.
struct Played {
    family: Family,
    rules: SessionRules,
    issued: Vec<(RefreshToken, Option<i64>)>,
    drawn: u32,
}

impl Played {
    fn new() -> Self {
        let rules = SessionRules::default();
        let (family, token) =
            Family::open(AccountId([1; 16]), Device::default(), [2; 64], &rules, Timestamp::from_seconds(0));
        Self { family, rules, issued: vec![(token, None)], drawn: 0 }
    }

    /// Shows a token at a second; what came of it, and the token that its holder has now.
    fn show(&mut self, token: &RefreshToken, seconds: i64) -> (Presented, Option<RefreshToken>) {
        self.drawn += 1;
        let mut entropy = [9; 32];
        entropy[..4].copy_from_slice(&self.drawn.to_be_bytes());
        let next = token.successor(entropy);
        let now = Timestamp::from_seconds(seconds);
        let presented = self.family.present(token, next, &Device::default(), &self.rules, now);
        let held = match &presented {
            Presented::Rotated => {
                let held = token.follow(&[next.sealed], next.hash).unwrap();
                self.issued.last_mut().unwrap().1 = Some(seconds);
                self.issued.push((held.clone(), None));
                Some(held)
            }
            Presented::Replayed(chain, hash) => Some(token.follow(chain, *hash).unwrap()),
            _ => None,
        };
        (presented, held)
    }

    /// The tokens that would be followed by a new one if they were shown now.
    fn current(&self, seconds: i64) -> Vec<usize> {
        let rotates = |index: &usize| {
            let token = &self.issued[*index].0;
            let now = Timestamp::from_seconds(seconds);
            let next = token.successor([5; 32]);
            let presented = self.family.clone().present(token, next, &Device::default(), &self.rules, now);
            matches!(presented, Presented::Rotated | Presented::TooFast(_))
        };
        (0..self.issued.len()).filter(rotates).collect()
    }
}

/// Seconds between two tokens that are shown: a race, about the time of replay, or long after.
fn waits() -> impl Strategy<Value = i64> {
    prop_oneof![0i64..3, 0i64..40, 0i64..2_000]
}

proptest! {
    /// A thief, a backup, a hundred tabs: any token that was ever given out, at any time.
    #[test]
    fn at_any_time_one_token_is_current_and_every_other_leads_to_it_or_ends_the_session(
        steps in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, waits()), 1..60),
    ) {
        let (mut played, mut now, mut over) = (Played::new(), 0, false);
        for (index, back, wait) in steps {
            now += wait;
            // Mostly one of the last few, as it is in life.
            let newest = played.issued.len() - 1;
            let index = if back < 3 { newest.saturating_sub(back) } else { index.index(newest + 1) };
            let (token, replaced) = played.issued[index].clone();
            let (presented, held) = played.show(&token, now);
            match (over, replaced) {
                (true, _) => prop_assert_eq!(presented, Presented::Ended(EndedBy::Reuse)),
                (false, None) => prop_assert!(matches!(presented, Presented::Rotated | Presented::TooFast(_))),
                (false, Some(at)) if now - at <= 30 => {
                    prop_assert!(matches!(presented, Presented::Replayed(..)), "{:?}", presented);
                    prop_assert_eq!(held.as_ref(), played.issued.last().map(|(token, _)| token), "the current one");
                }
                (false, Some(_)) => {
                    prop_assert_eq!(presented, Presented::Reused);
                    over = true;
                }
            }
            let expected = if over { vec![] } else { vec![played.issued.len() - 1] };
            prop_assert_eq!(played.current(now), expected, "one is current, none after reuse");
            prop_assert!(played.family.replaced.len() <= 16, "the row stays small");
        }
    }

    /// Tabs that share one cookie jar. A request takes the cookie along when it leaves and puts what it got there when
    /// its answer comes, up to 14 s later, in any order. A tab refreshes when it finds what it has half a minute old or
    /// more: so it is for whoever waits until the access token is about to expire.
    #[test]
    fn nobody_is_signed_out_who_only_raced(
        tabs in prop::collection::vec((0i64..3_000, 0i64..7_000, 0i64..7_000), 1..120),
    ) {
        // In milliseconds: leaves, is answered, arrives.
        let mut leaving: Vec<(i64, i64, i64)> = Vec::new();
        let mut clock = 0;
        for (wait, there, back) in tabs {
            // Mostly at the same moment, now and then much later.
            clock += if wait < 2_800 { wait / 400 } else { (wait - 2_799) * 500 };
            leaving.push((clock, clock + there, clock + there + back));
        }
        let mut played = Played::new();
        let mut jar = (played.issued[0].0.clone(), -60_000);
        // Events by time: leave (with the cookie), be answered, arrive.
        let mut taken: Vec<Option<RefreshToken>> = vec![None; leaving.len()];
        let mut got: Vec<Option<(RefreshToken, i64)>> = vec![None; leaving.len()];
        let mut events: Vec<(i64, u8, usize)> = Vec::new();
        for (index, (leaves, answered, arrives)) in leaving.iter().enumerate() {
            events.extend([(*leaves, 0, index), (*answered, 1, index), (*arrives, 2, index)]);
        }
        events.sort_unstable();
        for (at, what, index) in events {
            match what {
                0 if at - jar.1 >= 30_000 => taken[index] = Some(jar.0.clone()),
                1 => {
                    let Some(token) = taken[index].clone() else { continue };
                    let (presented, held) = played.show(&token, at / 1_000);
                    prop_assert!(held.is_some(), "signed out at {}: {:?}", at, presented);
                    got[index] = held.map(|held| (held, at));
                }
                2 => if let Some(got) = got[index].take() { jar = got },
                _ => {}
            }
        }
        let newest = played.issued.last().map(|(token, _)| token.clone());
        prop_assert_eq!(Some(jar.0), newest, "in the end the jar holds the current one");
    }
}

#[test]
fn a_session_that_is_used_lives_for_ninety_days_and_one_that_is_not_for_fourteen() {
    let day = 24 * 3_600;
    let mut played = Played::new();
    let mut token = played.issued[0].0.clone();
    for days in (10..90).step_by(10) {
        token = played.show(&token, days * day).1.unwrap();
    }
    assert_eq!(played.show(&token, 90 * day).0, Presented::Expired);
    let mut unused = Played::new();
    let token = unused.issued[0].0.clone();
    assert_eq!(unused.show(&token, 14 * day).0, Presented::Expired);
    assert!(unused.show(&token, 14 * day - 1).1.is_some());
}

#[test]
fn whoever_refreshes_too_often_waits_and_keeps_the_token() {
    let mut played = Played::new();
    let mut token = played.issued[0].0.clone();
    for _ in 0..10 {
        token = played.show(&token, 100).1.unwrap();
    }
    let (presented, _) = played.show(&token, 100);
    assert_eq!(presented, Presented::TooFast(std::time::Duration::from_secs(6)));
    assert!(played.show(&token, 106).1.is_some());
}

#[test]
fn a_clock_that_lags_signs_nobody_out() {
    let mut played = Played::new();
    let first = played.issued[0].0.clone();
    let second = played.show(&first, 100).1.unwrap();
    // Another node, four seconds behind.
    let third = played.show(&second, 96).1.unwrap();
    assert_eq!(played.show(&first, 97).1, Some(third.clone()));
    assert_eq!(played.show(&second, 130).1, Some(third));
    assert_eq!(played.show(&first, 131).0, Presented::Reused);
}
