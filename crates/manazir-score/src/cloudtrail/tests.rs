//! What is hidden, how well, and in what.

use std::collections::BTreeSet;
use std::fs::File;

use super::*;

fn suite(lines: &[(&str, &str)]) -> Suite {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let file = File::create(dir.path().join("stratus_detonations.ndjson.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    for (technique, event) in lines {
        writeln!(packed, r#"{{"technique":"{technique}","event":{event}}}"#).unwrap();
    }
    packed.finish().unwrap();
    Suite::load(dir.path()).unwrap()
}

const STOP: &str = r#"{"eventTime":"2024-07-31T12:50:02Z","eventName":"StopLogging","eventSource":"cloudtrail.amazonaws.com","awsRegion":"cn-north-2r","recipientAccountId":"958312252124","userAgent":"stratus-red-team_1","requestParameters":{"name":"stratus-red-team-trail"},"userIdentity":{"arn":"arn:aws:iam::958312252124:user/christophe"},"sourceIPAddress":"221.254.191.250"}"#;

#[test]
fn nothing_tells_the_attack_but_what_it_does() {
    let suite = suite(&[("stop", STOP), ("stop", &STOP.replace("12:50:02", "12:50:12"))]);
    let pass = &suite.passes()[0];
    let day = pass.days().nth(DAYS_LEARNT).unwrap();
    let text = String::from_utf8(day.lines).unwrap();
    let hidden: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| line.contains("StopLogging")).collect();
    assert_eq!(hidden.len(), 2);
    for mark in ["stratus", "958312252124", "christophe", "cn-north-2r", "221.254.191.250", "2024-07-31"] {
        assert!(!text.contains(mark), "{mark}");
    }
    let at = |index: usize| day.origins[hidden[index].0];
    assert_eq!((at(0).technique, at(1).at - at(0).at), (Some(0), 10_000_000));
    let ids: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split("\"eventID\":\"").nth(1)?.get(..8)).collect();
    assert_eq!(ids.len(), day.origins.len());
    assert!(day.origins.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn a_seed_gives_the_same_days_and_another_seed_others() {
    let suite = suite(&[("stop", STOP)]);
    let passes = suite.passes();
    assert_eq!(passes.len(), SEEDS.len());
    let first = |pass: &Pass<'_>| pass.days().nth(1).unwrap().lines;
    assert_eq!(first(&passes[0]), first(&passes[0]));
    assert_ne!(first(&passes[0]), first(&passes[1]));
}

#[test]
fn each_technique_comes_once_with_every_seed() {
    let names: Vec<String> = (0..9).map(|index| format!("t{index}")).collect();
    let lines: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), STOP)).collect();
    let suite = suite(&lines);
    let mut tally = suite.tally();
    for pass in suite.passes() {
        for day in pass.days() {
            let hidden = |origin: &Origin| if origin.technique.is_some() { 1.0 } else { 0.0 };
            let scored: Vec<Scored> =
                day.origins.iter().map(|origin| Scored { score: hidden(origin), alarm: false }).collect();
            tally.add(&day, &scored).unwrap();
        }
    }
    let report = tally.report();
    assert_eq!((report.techniques, report.top10, report.alarms_per_day), (9, 1.0, 0.0));
    assert!(report.per_technique.values().all(|of| of.ranks == [1; SEEDS.len()]));
}

/// What makes a background hard is in it: people and programs, weekends, errors, sensitive chores, new faces.
#[test]
fn a_background_is_no_idyll() {
    let mut background = Background::new(SEEDS[0]);
    let days: Vec<_> = (0..DAYS).map(|day| background.day(day)).collect();
    let all = || days.iter().flatten();
    let saturday: BTreeSet<usize> = days[5].iter().map(|act| act.who).collect();
    let monday: BTreeSet<usize> = days[0].iter().map(|act| act.who).collect();
    assert!(saturday.len() + 3 < monday.len(), "{} {}", saturday.len(), monday.len());
    assert!(all().filter(|act| !act.error.is_empty()).count() > 500);
    assert!(
        all().any(|act| act.call.name == "CreateAccessKey") && all().any(|act| act.call.name == "CreateRole")
    );
    let first_week: BTreeSet<(usize, &str)> =
        days[..7].iter().flatten().map(|act| (act.who, act.call.name)).collect();
    let new = days[7..].iter().flatten().filter(|act| !first_week.contains(&(act.who, act.call.name)));
    let new: BTreeSet<(usize, &str)> = new.map(|act| (act.who, act.call.name)).collect();
    assert!(new.len() > 100, "{} things are done for the first time in the second week", new.len());
}
