//! What must hold of rules.

use expect_test::{Expect, expect};
use manazir_model::{Grain, Timestamp};
use manazir_testkit::series;

use super::*;
use crate::stream::check::check_detector;

fn hourly() -> Setting {
    Setting { grain: Some(Grain::HOUR), ..Setting::default() }
}

fn parse(rule: &str) -> Result<RuleDetector, String> {
    let rule: Rule = toml::from_str(rule).map_err(|err| err.message().to_owned())?;
    rule.detector(&hourly()).map_err(|err| err.to_string())
}

/// Scores of all samples of an hourly series.
#[track_caller]
fn check(rule: &str, notation: &str, expect: Expect) {
    let mut detector = parse(rule).unwrap();
    let scores: Vec<String> = series(notation)
        .into_iter()
        .enumerate()
        .map(|(hour, value)| Sample { at: Timestamp::from_seconds(3_600 * hour as i64), value })
        .map(|sample| detector.update(sample, Learn::Fully))
        .map(|reading| reading.map_or("-".into(), |reading| format!("{:.2}", reading.score)))
        .collect();
    expect.assert_eq(&scores.join(" "));
}

#[track_caller]
fn check_error(rule: &str, expect: Expect) {
    expect.assert_eq(&parse(rule).unwrap_err());
}

const WEEK_OVER_WEEK: &str = "kind = 'percentage_change'\npercent = 30.0\noffset = '3h'\n";

#[test]
fn threshold() {
    check(
        "kind = 'threshold'\nmin = 10.0\nmax = 20.0",
        "15 20 10 25 12.5 _ 1e300",
        expect!["0.00 1.00 1.00 2.00 0.50 - 1000000000.00"],
    );
    check("kind = 'threshold'\nmax = 80", "0 40 80 100 -500", expect!["0.00 0.50 1.00 1.25 0.00"]);
    check("kind = 'threshold'\nmin = 0", "0 1 -1", expect!["1.00 0.00 2.00"]);
}

#[test]
fn percentage_change() {
    check(WEEK_OVER_WEEK, "100 100 100 130 70 85 0 70", expect!["- - - 1.00 1.00 0.50 3.33 0.00"]);
    check(&format!("{WEEK_OVER_WEEK}pattern = 'down'"), "100x3 130 70 85", expect!["- - - 0.00 1.00 0.50"]);
    // Nothing is a share of nothing.
    check(WEEK_OVER_WEEK, "0x3 5", expect!["- - - -"]);
    // The median of three offsets forgives one bad week.
    check(
        &format!("{WEEK_OVER_WEEK}baselines = 3"),
        "100x3 900x3 100x3 100x3",
        expect!["- - - 26.67 26.67 26.67 2.67 2.67 2.67 0.00 0.00 0.00"],
    );
}

#[test]
fn absolute_change() {
    let rule = "kind = 'absolute_change'\nchange = 5\noffset = 2\n";
    check(rule, "0 0 5 -10 5", expect!["- - 1.00 2.00 0.00"]);
    check(&format!("{rule}pattern = 'up'"), "0 0 5 -10", expect!["- - 1.00 0.00"]);
}

#[test]
fn mean_variance() {
    let rule = "kind = 'mean_variance'\nlookback = 4\n";
    check(rule, "1 3 1 3 2 5", expect!["- - 0.71 1.15 0.00 2.87"]);
    check(
        &format!("{rule}sensitivity = 10\npattern = 'down'"),
        "1 3 1 3 2 5 0",
        expect!["- - 1.41 0.00 0.00 0.00 3.22"],
    );
    // Phases are kept apart: 9 is usual at every second hour.
    check(
        &format!("{rule}seasonality = '2h'"),
        "1 9 2 8 1 9 2 8 9 9",
        expect!["- - - - 0.71 0.71 1.15 1.15 12.99 0.87"],
    );
}

#[test]
fn a_missing_row_keeps_its_slot() {
    let mut detector = parse(WEEK_OVER_WEEK).unwrap();
    let mut at = |hour: i64, value| {
        detector.update(Sample { at: Timestamp::from_seconds(3_600 * hour), value }, Learn::Fully)
    };
    at(0, 10.0);
    at(1, 20.0);
    // Hour 2 is missing.
    assert_eq!(at(3, 10.0).unwrap().expected, 10.0);
    assert_eq!(at(4, 20.0).unwrap().expected, 20.0);
    assert_eq!(at(5, 30.0), None);
}

#[test]
fn an_open_alarm_stops_the_mean() {
    for season in ["", "seasonality = 2"] {
        let mut detector = parse(&format!("kind = 'mean_variance'\nlookback = 8\n{season}")).unwrap();
        let mut feed = |hour: i64, value, learn| {
            detector.update(Sample { at: Timestamp::from_seconds(3_600 * hour), value }, learn)
        };
        for hour in 0..40 {
            feed(hour, (hour % 4) as f64, Learn::Fully);
        }
        let first = feed(40, 50.0, Learn::Frozen).unwrap();
        (41..100).for_each(|hour| {
            feed(hour, 50.0, Learn::Frozen);
        });
        let last = feed(100, 50.0, Learn::Frozen).unwrap();
        assert!((first.score - last.score).abs() < 1e-9, "{season}: {first:?} {last:?}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    check_error("kind = 'threshold'", expect!["threshold rule has neither `min` nor `max`"]);
    check_error(
        "kind = 'threshold'\nmin = 2\nmax = 1",
        expect!["threshold rule has `min` 2, which is not below `max` 1"],
    );
    check_error("kind = 'threshold'\nmax = inf", expect!["`max` is inf, expected a number within ±1e100"]);
    check_error(
        "kind = 'threshold'\nmaximum = 1",
        expect!["unknown field `maximum`, expected `min` or `max`"],
    );
    check_error(
        "kind = 'forecast'",
        expect![
            "unknown variant `forecast`, expected one of `threshold`, `percentage_change`, `absolute_change`, `mean_variance`"
        ],
    );
    check_error(
        "kind = 'percentage_change'\npercent = -3\noffset = '1w'",
        expect!["`percent` is -3, expected a number above 0"],
    );
    check_error("kind = 'percentage_change'\npercent = 3", expect!["missing field `offset`"]);
    check_error(
        "kind = 'percentage_change'\npercent = 3\noffset = 'a week'",
        expect![[
            r#"`offset` is "a week", expected a number of samples or a span such as "30min", "24h", "7d", "1w""#
        ]],
    );
    check_error(
        "kind = 'percentage_change'\npercent = 3\noffset = 0",
        expect!["`offset` is 0, expected at least one sample"],
    );
    check_error(
        "kind = 'percentage_change'\npercent = 3\noffset = '900w'",
        expect!["rule looks back 151200 samples, more than the 105000 that are kept"],
    );
    check_error(
        "kind = 'absolute_change'\nchange = nan\noffset = 1",
        expect!["`change` is NaN, expected a number above 0"],
    );
    check_error(
        "kind = 'absolute_change'\nchange = 1\noffset = 1\nbaselines = 17",
        expect!["`baselines` is 17, expected 1 to 16"],
    );
    check_error("kind = 'mean_variance'\nsensitivity = 11", expect!["`sensitivity` is 11, expected 0 to 10"]);
    check_error("kind = 'mean_variance'\nlookback = 1", expect!["`lookback` is 1, expected 3 to 10000"]);
    let rule: Rule = toml::from_str(WEEK_OVER_WEEK).unwrap();
    let no_grain = rule.detector(&Setting::default()).unwrap_err();
    expect![[r#"`offset` is the span "3h", but the series has no regular grain: write a number of samples"#]]
        .assert_eq(&no_grain.to_string());
}

#[test]
fn rules_have_the_properties_of_a_detector() {
    for rule in [
        WEEK_OVER_WEEK,
        "kind = 'absolute_change'\nchange = 5\noffset = 7\nbaselines = 2",
        "kind = 'mean_variance'\nseasonality = '24h'",
    ] {
        check_detector(|| parse(rule).unwrap());
    }
}

#[test]
fn a_threshold_judges_the_first_sample() {
    check("kind = 'threshold'\nmax = 1", "4", expect!["4.00"]);
}
