//! One line a case: what a sentence says of an episode.

use expect_test::{Expect, expect};
use manazir_model::{Series, SeriesKey, Timestamp};
use manazir_testkit::series;

use super::*;

/// A series of hours from 2015-01-01T00:00 (a Thursday) on, one line a case.
struct Case {
    metric: &'static str,
    unit: Option<&'static str>,
    /// Values of the whole series in the notation of the test kit.
    values: &'static str,
    expected: &'static str,
    /// Half the width of the expected band.
    half_band: f64,
    kind: AnomalyKind,
    /// First and last sample of the episode.
    episode: (usize, usize),
    open: bool,
    baseline: &'static str,
}

const PLAIN: Case = Case {
    metric: "orders",
    unit: None,
    values: "800x100 312 800x100",
    expected: "800x201",
    half_band: 100.0,
    kind: AnomalyKind::Spike,
    episode: (100, 100),
    open: false,
    baseline: "what {weekday}s at that hour give",
};

fn mean(values: &[f64]) -> f64 {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.iter().sum::<f64>() / finite.len() as f64
}

#[track_caller]
fn check(case: &Case, sentence_expected: Expect) {
    let values = series(case.values);
    let mut expected = series(case.expected);
    expected.resize(values.len(), f64::NAN);
    let hour = |index: usize| Timestamp::from_seconds(1_420_070_400 + 3_600 * index as i64);
    let (first, last) = case.episode;
    let inside = first..=last;
    let peak = inside
        .clone()
        .max_by(|&a, &b| (values[a] - expected[a]).abs().total_cmp(&(values[b] - expected[b]).abs()))
        .unwrap();
    let anomaly = Anomaly {
        series: SeriesKey::new(case.metric, []),
        start_at: hour(first),
        end_at: hour(last),
        peak_at: hour(peak),
        kind: case.kind,
        direction: None,
        observed: mean(&values[inside.clone()]),
        expected: mean(&expected[inside]),
        peak_observed: values[peak],
        peak_expected: expected[peak],
        score: 12.0,
        detector: "test".to_owned(),
        open: case.open,
    };
    let report = SeriesReport {
        lower: expected.iter().map(|value| value - case.half_band).collect(),
        upper: expected.iter().map(|value| value + case.half_band).collect(),
        score: vec![0.0; values.len()],
        series: Series {
            key: anomaly.series.clone(),
            unit: case.unit.map(str::to_owned),
            grain: Some(Grain::HOUR),
            zone: "UTC".to_owned(),
            at: (0..values.len()).map(hour).collect(),
            values,
            ..Series::default()
        },
        expected,
        anomalies: vec![anomaly.clone()],
        choice: String::new(),
        baseline_words: case.baseline.to_owned(),
        confidence_note: None,
        total: None,
    };
    sentence_expected.assert_eq(&sentence(&report, &anomaly, 2015));
}

#[test]
fn a_spike_is_told_as_percentage_of_the_expectation() {
    check(
        &PLAIN,
        expect![
            "Orders were 61 % below what Mondays at that hour give (312 instead of 800), at 04:00 on 5 Jan"
        ],
    );
    check(
        &Case { values: "800x100 2500 800x100", ..PLAIN },
        expect![
            "Orders were 212 % above what Mondays at that hour give (2,500 instead of 800), at 04:00 on 5 Jan"
        ],
    );
    check(
        &Case {
            metric: "throughput",
            baseline: "its recent level",
            values: "800x100 803 800x100",
            half_band: 1.0,
            ..PLAIN
        },
        expect!["Throughput was 0.37 % above its recent level (803 instead of 800), at 04:00 on 5 Jan"],
    );
}

#[test]
fn more_than_tenfold_is_told_in_times() {
    check(
        &Case {
            metric: "latency_p95_ms",
            unit: Some("ms"),
            values: "68x100 820 68x100",
            expected: "68x201",
            half_band: 20.0,
            ..PLAIN
        },
        expect![
            "Latency p95 was 12 times what Mondays at that hour give (820 instead of 68 ms), at 04:00 on 5 Jan"
        ],
    );
}

#[test]
fn where_percentages_are_silly_the_difference_is_told() {
    let near_zero =
        Case { metric: "errors", values: "0x100 8.6 0x100", expected: "0.25x201", half_band: 0.15, ..PLAIN };
    check(
        &Case { half_band: 0.3, ..near_zero },
        expect!["Errors were 8.05 above the usual 0 to 0.55, at 04:00 on 5 Jan"],
    );
    check(
        &Case {
            metric: "balance",
            values: "40x100 -90 40x100",
            expected: "40x201",
            half_band: 30.0,
            ..PLAIN
        },
        expect!["Balance was 100 below the usual 10 to 70, at 04:00 on 5 Jan"],
    );
    check(
        &Case {
            metric: "room_temperature",
            unit: Some("°C"),
            values: "20x100 28.2 20x100",
            expected: "20x201",
            half_band: 1.5,
            ..PLAIN
        },
        expect!["Room temperature was 6.7 °C above the usual 18.5 to 21.5 °C, at 04:00 on 5 Jan"],
    );
    check(
        &Case {
            metric: "cpu",
            unit: Some("%"),
            values: "30x100 92 30x100",
            expected: "30x201",
            half_band: 10.0,
            ..PLAIN
        },
        expect!["CPU was 52 points above the usual 20 to 40 %, at 04:00 on 5 Jan"],
    );
}

#[test]
fn a_detector_without_a_forecast_leaves_the_usual_values() {
    check(
        &Case { expected: "", values: "800x50 900x50 312 850x100", ..PLAIN },
        expect!["Orders were 312, usual are 800 to 900, at 04:00 on 5 Jan"],
    );
}

#[test]
fn each_kind_has_words_of_its_own() {
    let run = Case { episode: (100, 102), ..PLAIN };
    check(
        &Case {
            kind: AnomalyKind::Season,
            values: "312x50 800x50 312x3 800x100",
            expected: "800x203",
            ..run
        },
        expect![
            "Orders were 61 % below what Mondays at that hour give (312 instead of 800), a value that is usual at other times, 04:00 to 07:00 on 5 Jan"
        ],
    );
    check(
        &Case {
            kind: AnomalyKind::LevelShift,
            values: "800x100 1200x50",
            expected: "800x150",
            episode: (100, 149),
            open: true,
            ..PLAIN
        },
        expect![
            "Orders moved up to 1,200, 50 % above what the same hours of other weeks give (800), since 04:00 on 5 Jan, still so when the data ends"
        ],
    );
    check(
        &Case {
            kind: AnomalyKind::LevelShift,
            values: "2x100 31x50",
            expected: "2x150",
            episode: (100, 149),
            half_band: 0.5,
            baseline: "its recent level",
            ..PLAIN
        },
        expect!["Orders moved up to 31, 16 times their recent level (2), 04:00 on 5 Jan to 06:00 on 7 Jan"],
    );
    check(
        &Case {
            kind: AnomalyKind::VarianceChange,
            values: "799 801 799 801 800 810 790 810 790",
            expected: "800x9",
            episode: (5, 8),
            ..PLAIN
        },
        expect![
            "Orders scattered 12 times as widely as usual (±11.5 instead of ±1), 05:00 to 09:00 on 1 Jan"
        ],
    );
    check(
        &Case {
            kind: AnomalyKind::VarianceChange,
            values: "790 810 790 810 805 799 801 799 801",
            expected: "800x9",
            episode: (5, 8),
            ..PLAIN
        },
        expect!["Orders scattered 89 % less than usual (±1.15 instead of ±10.2), 05:00 to 09:00 on 1 Jan"],
    );
    check(
        &Case {
            kind: AnomalyKind::Shape,
            values: "1 2 3 4 5 6 7 8 9 5 5 5",
            expected: "",
            episode: (9, 11),
            ..PLAIN
        },
        expect![
            "Orders ran unlike the rest for 3 h, at values that are usual (1 to 9), 09:00 to 12:00 on 1 Jan"
        ],
    );
    check(
        &Case {
            kind: AnomalyKind::Shape,
            values: "1 2 3 4 5 6 7 8 9 50 5 5",
            expected: "",
            episode: (9, 11),
            ..PLAIN
        },
        expect!["Orders ran unlike the rest for 3 h (5 to 50; usual are 1 to 9), 09:00 to 12:00 on 1 Jan"],
    );
    check(
        &Case {
            kind: AnomalyKind::FlatLine,
            metric: "pressure_hpa",
            unit: Some("hpa"),
            values: "1 3 1 3 2x7",
            expected: "",
            episode: (4, 10),
            ..PLAIN
        },
        expect!["Pressure stood still at 2 hpa for 7 h (usual steps are 2 hpa), 04:00 to 11:00 on 1 Jan"],
    );
    check(
        &Case { kind: AnomalyKind::Missing, values: "800x100 _x3 800x50", ..run },
        expect!["Orders sent nothing for 3 h (3 samples missing at one every 1 h), 04:00 to 07:00 on 5 Jan"],
    );
}

#[test]
fn an_episode_of_days_is_not_compared_with_one_weekday() {
    check(
        &Case { values: "800x100 312x200 800x10", expected: "800x310", episode: (100, 299), ..PLAIN },
        expect![
            "Orders were 61 % below what the same hours of other weeks give (312 instead of 800), 5 Jan to 13 Jan"
        ],
    );
}

#[test]
fn broken_numbers_make_no_broken_sentence() {
    check(
        &Case { values: "800x100 _ 800x100", ..PLAIN },
        expect!["Orders came without a number, at 04:00 on 5 Jan"],
    );
    check(
        &Case { values: "_x3", expected: "", episode: (1, 1), ..PLAIN },
        expect!["Orders came without a number, at 01:00 on 1 Jan"],
    );
}
