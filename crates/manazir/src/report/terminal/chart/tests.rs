//! Charts as the terminal shows them.

use expect_test::{Expect, expect};
use manazir_model::{Anomaly, AnomalyKind, Grain, Series, SeriesKey, Timestamp};
use manazir_testkit::series;

use super::*;

/// Hours from 2015-01-01T00:00Z on, expected at 10 ± 2; an episode between two samples.
fn report(values: &str, episode: Option<(usize, usize)>) -> SeriesReport {
    let values = series(values);
    let hour = |index: usize| Timestamp::from_seconds(1_420_070_400 + 3_600 * index as i64);
    let n_samples = values.len();
    let anomaly = |(first, last): (usize, usize)| Anomaly {
        series: SeriesKey::default(),
        start_at: hour(first),
        end_at: hour(last),
        peak_at: hour(first),
        kind: AnomalyKind::Spike,
        direction: None,
        observed: values[first],
        expected: 10.0,
        peak_observed: values[first],
        peak_expected: 10.0,
        score: 12.0,
        detector: "test".to_owned(),
        open: false,
    };
    SeriesReport {
        anomalies: episode.map(anomaly).into_iter().collect(),
        series: Series {
            grain: Some(Grain::HOUR),
            zone: "UTC".to_owned(),
            at: (0..n_samples).map(hour).collect(),
            values,
            ..Series::default()
        },
        expected: vec![10.0; n_samples],
        lower: vec![8.0; n_samples],
        upper: vec![12.0; n_samples],
        score: vec![0.0; n_samples],
        choice: String::new(),
        baseline_words: String::new(),
        confidence_note: None,
        total: None,
    }
}

const STYLE: Style = Style { width: 60, colour: false };

#[track_caller]
fn check(values: &str, episode: Option<(usize, usize)>, expected: Expect) {
    let report = report(values, episode);
    let window = Window::whole(&report.series).unwrap();
    // A line without blanks before it, so that those of the chart count.
    expected.assert_eq(&format!("{values}\n{}", chart(&report, window, STYLE)));
}

#[test]
fn value_band_episode_and_gap() {
    check(
        "10x20 _x6 10x10 30 10x10",
        Some((36, 36)),
        expect![[r#"
            10x20 _x6 10x10 30 10x10
                     30 ┤                                    ⡆
                        │                                   ⢀⣇
                        │                                   ⢸⢸
                     20 ┤                                   ⢸⢸
                        │                                   ⢸⢸
                        │                                   ⡏⠈⡇
                     10 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡀░░░░░░⣀⣀⣀⣀⣀⣀⣀⣀⣀⡇░⣇⣀⣀⣀⣀⣀⣀⣀⣀⡀
                        │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
                        │
                      0 ┤
                        └                                    ▲
                         ╵1 Jan                 ╵2 Jan
                         ⠤⠒ value  ░ expected  ▲ strange  (UTC)"#]],
    );
}

#[test]
fn a_spike_among_thousands_of_samples_is_drawn() {
    check(
        "10x4000 30 10x4000",
        Some((4_000, 4_000)),
        expect![[r#"
            10x4000 30 10x4000
                     30 ┤                       ⡆
                        │                       ⡇
                        │                       ⡇
                     20 ┤                       ⣧
                        │                       ⣿
                        │                       ⣿
                     10 ┤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣿⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀
                        │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
                        │
                      0 ┤
                        └                       ▲
                         ╵2015                    ╵Jul
                         ⠤⠒ value  ░ expected  ▲ strange  (UTC)"#]],
    );
}

#[test]
fn colours_change_no_letter() {
    let report = report("10x20 30 10x20", Some((20, 20)));
    let window = Window::whole(&report.series).unwrap();
    let plain = chart(&report, window, STYLE);
    let coloured = chart(&report, window, Style { colour: true, ..STYLE });
    let mut stripped = String::new();
    for (position, part) in coloured.split('\u{1b}').enumerate() {
        stripped.push_str(if position == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_ne!(plain, coloured);
    let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(trimmed(&plain), trimmed(&stripped));
}
