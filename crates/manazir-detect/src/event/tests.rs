//! The judge as its callers see it.

use std::borrow::Cow;

use expect_test::expect;
use manazir_model::{Event, EventVerdict, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::Random;

fn event(minute: i64, actor: &'static str, action: &'static str) -> Event<'static> {
    Event {
        at: Timestamp::from_seconds(1_714_950_000 + minute * 60),
        actor: Cow::Borrowed(actor),
        peers: Cow::Borrowed(if actor.starts_with("role") { "role" } else { "human" }),
        action: Cow::Borrowed(action),
        writes: Some(!action.contains(":Get")),
        place: Cow::Borrowed("eu-west-1"),
        address: Cow::Borrowed("192.0.2.7"),
        agent: Cow::Borrowed("aws-cli/2.1 Python/3.11"),
        ..Event::default()
    }
}

const ACTORS: [&str; 4] = ["role/app", "role/build", "user/ann", "user/bob"];
const ACTIONS: [&str; 5] =
    ["s3:GetObject", "s3:PutObject", "sqs:SendMessage", "ec2:GetConsoleOutput", "iam:GetUser"];

/// A fortnight in which everybody does a few things, often.
fn fortnight(judge: &mut EventJudge) -> Vec<EventVerdict> {
    let mut random = Random::new(4);
    (0..14 * 24 * 6)
        .map(|step| {
            let who = random.below(4);
            let what = (who + random.below(3)) % ACTIONS.len();
            judge.update(&event(step * 10, ACTORS[who], ACTIONS[what]))
        })
        .collect()
}

#[test]
fn a_broken_expectation_is_said_in_words() {
    let mut judge = EventJudge::new(EventConfig { entries: 4_096, ..EventConfig::default() });
    let verdicts = fortnight(&mut judge);
    let told = verdicts[1_000..].iter().filter(|verdict| verdict.anomaly).count();
    assert_eq!(told, 0);
    let strange = judge.update(&event(14 * 24 * 60 + 1, "role/app", "cloudtrail:StopLogging"));
    assert!(strange.anomaly, "{strange:?}");
    let words: Vec<String> =
        strange.reasons.iter().map(|of| format!("{}: {}", of.detector, of.text)).collect();
    expect![[r#"
        rare action: role/app never called cloudtrail:StopLogging in 14 days; nor did anyone else; this is log tampering: whoever turns off what records has something to hide
        odd sequence: cloudtrail:StopLogging does not follow on what role/app did before it
        unlike peers: 0 of 1 peers of role/app ever called cloudtrail:StopLogging"#]].assert_eq(&words.join("\n"));
}

#[test]
fn the_table_names_each_detector_once() {
    let mut names: Vec<_> = detectors().map(|info| info.name).collect();
    let before = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!((before, names.len()), (14, 14));
    assert!(detectors().all(|info| !info.summary.is_empty() && (0.0..=1.0).contains(&info.weight)));
}

/// That it is new is said; doing what its peers do adds little.
#[test]
fn a_new_peer_that_does_what_peers_do_is_hardly_strange() {
    let mut judge = EventJudge::new(EventConfig { entries: 4_096, ..EventConfig::default() });
    fortnight(&mut judge);
    let start = 14 * 24 * 60;
    let mut judge_at =
        |minute: i64, action: &'static str| judge.update(&event(start + minute, "user/eve", action));
    let first = judge_at(0, "iam:GetUser");
    assert_eq!(
        first.reasons[0].text,
        "user/eve is new here; this is discovery: an intruder has to look around first"
    );
    let highest =
        (1..60).map(|minute| judge_at(minute, ACTIONS[minute as usize % 5]).score).fold(0.0, f64::max);
    let strange = judge_at(60, "cloudtrail:StopLogging");
    assert!(highest < 0.5 * strange.score, "{highest} {}", strange.score);
}

/// Any text anywhere, in any order of time.
fn any_event() -> impl Strategy<Value = Event<'static>> {
    let text = || "[a-c]{0,2}|\\PC{0,12}".prop_map(Cow::<'static, str>::Owned);
    let who = (text(), text(), text(), text());
    let how = (text(), text(), text(), text(), proptest::collection::vec(text(), 0..6));
    let when = prop_oneof![0i64..40_000_000_000_000, any::<i64>()];
    (who, how, when, any::<Option<bool>>()).prop_map(|(who, how, at, writes)| Event {
        actor: who.0,
        session: who.1,
        peers: who.2,
        action: who.3,
        error: how.0,
        place: how.1,
        address: how.2,
        agent: how.3,
        resources: how.4,
        at: Timestamp(at),
        writes,
        ..Event::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Finite scores, the same bits after save and restore at any point, memory that does not grow.
    #[test]
    fn a_restored_judge_goes_on_with_the_same_bits(
        events in proptest::collection::vec(any_event(), 1..80),
        at in any::<prop::sample::Index>(),
    ) {
        let mut judge = EventJudge::new(EventConfig { entries: 256, alarms_per_day: 2 });
        let cut = at.index(events.len());
        for event in &events[..cut] {
            judge.update(event);
        }
        let saved = postcard::to_allocvec(&judge).unwrap();
        let mut restored: EventJudge = postcard::from_bytes(&saved).unwrap();
        for event in &events[cut..] {
            let (verdict, again) = (judge.update(event), restored.update(event));
            prop_assert!(verdict.score.is_finite() && verdict.score >= 0.0);
            prop_assert_eq!(verdict.score.to_bits(), again.score.to_bits());
            prop_assert_eq!(verdict, again);
        }
        prop_assert!(judge.state_bytes() < 3 << 20);
    }
}
