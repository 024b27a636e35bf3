//! NAB's score: known cases, and the sweep against a scorer that follows the rules threshold by threshold.

#![allow(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fmt::Write;
use std::path::Path;

use expect_test::{Expect, expect};
use manazir_score::Error;
use manazir_score::nab::{Corpus, Profile};
use proptest::prelude::*;

const PROFILES: &str = r#"{
    "standard": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.11, "tnWeight": 1.0}},
    "reward_low_FP_rate": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.22, "tnWeight": 1.0}},
    "reward_low_FN_rate": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 2.0, "fpWeight": 0.11, "tnWeight": 1.0}}
}"#;

/// A file to be written: name, rows, windows as first and last row.
type Plan<'a> = (&'a str, usize, &'a [(usize, usize)]);

/// Row `row` as a time, one a minute.
fn minute(row: usize) -> String {
    format!("2024-01-{:02} {:02}:{:02}:00", 1 + row / 1440, row / 60 % 24, row % 60)
}

/// Writes a corpus in NAB's layout and reads it.
fn corpus(dir: &Path, plans: &[Plan]) -> Result<Corpus, Error> {
    for folder in ["labels", "config"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    std::fs::write(dir.join("config/profiles.json"), PROFILES).unwrap();
    let mut labels = serde_json::Map::new();
    for (name, n_rows, windows) in plans {
        let path = dir.join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut table = "timestamp,value\n".to_owned();
        (0..*n_rows).for_each(|row| writeln!(table, "{},{row}", minute(row)).unwrap());
        std::fs::write(path, table).unwrap();
        let limits = windows.iter().map(|&(first, last)| vec![minute(first) + ".000000", minute(last)]);
        labels.insert((*name).to_owned(), limits.collect::<Vec<_>>().into());
    }
    std::fs::write(dir.join("labels/combined_windows.json"), serde_json::to_string(&labels).unwrap())
        .unwrap();
    Corpus::load(dir)
}

/// `detections`: rows with score 1 in a file of 100 rows with windows 40..=49 and 70..=79; all others score 0.
#[track_caller]
fn check(detections: &[usize], expect: Expect) {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/one.csv", 100, &[(40, 49), (70, 79)])]).unwrap();
    let mut scores = vec![0.0; 100];
    detections.iter().for_each(|&row| scores[row] = 1.0);
    let tally = corpus.tally(&[scores], 1.0, [0]).unwrap();
    let score = |profile| tally.normalized(profile);
    let [standard, low_fp, low_fn] = corpus.profiles.each().map(score);
    expect.assert_eq(&format!(
        "{standard:.3} {low_fp:.3} {low_fn:.3}, {} hit, {} false",
        tally.windows_hit, tally.false_positives
    ));
}

#[test]
fn silence_is_0_and_the_first_row_of_each_window_is_100() {
    check(&[], expect!["0.000 0.000 0.000, 0 hit, 0 false"]);
    check(&[40, 70], expect!["100.000 100.000 100.000, 2 hit, 0 false"]);
}

#[test]
fn only_the_first_detection_in_a_window_counts() {
    check(&[40, 41, 45, 70], expect!["100.000 100.000 100.000, 2 hit, 0 false"]);
    check(&[45], expect!["46.495 46.495 47.663, 1 hit, 0 false"]);
    check(&[45, 49], expect!["46.495 46.495 47.663, 1 hit, 0 false"]);
}

#[test]
fn a_false_positive_costs_more_the_farther_behind_a_window_it_is() {
    check(&[40, 70, 50], expect!["99.255 98.510 99.503, 2 hit, 1 false"]);
    check(&[40, 70, 60], expect!["97.262 94.524 98.175, 2 hit, 1 false"]);
    check(&[40, 70, 30], expect!["97.250 94.500 98.167, 2 hit, 1 false"]);
}

#[test]
fn the_first_15_percent_are_not_scored() {
    check(&[0, 7, 14, 40, 70], expect!["100.000 100.000 100.000, 2 hit, 0 false"]);
    check(&[15, 40, 70], expect!["97.250 94.500 98.167, 2 hit, 1 false"]);
}

#[test]
fn probation_ends_at_750_rows() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/long.csv", 6_000, &[(5_000, 5_100)])]).unwrap();
    assert_eq!(corpus.files[0].probation_rows(), 750);
}

#[test]
fn a_window_in_probation_cannot_be_won_but_belongs_to_perfection() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/one.csv", 100, &[(2, 9), (40, 49)])]).unwrap();
    let mut scores = vec![0.0; 100];
    scores[2] = 1.0;
    scores[40] = 1.0;
    let report = corpus.score(&[scores]).unwrap();
    // One of two windows: raw 1, silence -1, perfection 2.
    assert!((report.scores.standard - 200.0 / 3.0).abs() < 1e-9, "{report:?}");
    assert_eq!((report.optimum.standard.windows_hit, report.optimum.standard.windows), (1, 2));
}

#[test]
fn a_window_that_began_in_probation_keeps_its_width() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/one.csv", 100, &[(11, 20)])]).unwrap();
    let mut scores = vec![0.0; 100];
    scores[11] = 1.0;
    scores[16] = 1.0;
    let tally = corpus.tally(&[scores], 1.0, [0]).unwrap();
    // Row 16 is halfway through the ten rows; row 11 is not scored.
    let halfway = |position: f64| 2.0 / (1.0 + (5.0 * position).exp()) - 1.0;
    assert!((tally.hit_value - halfway(-0.5) / halfway(-1.0)).abs() < 1e-12, "{tally:?}");
}

#[test]
fn the_report_has_the_fixed_keys() {
    let dir = tempfile::tempdir().unwrap();
    let plans: [Plan; 2] = [("a/one.csv", 100, &[(40, 49)]), ("b/two.csv", 100, &[(60, 69)])];
    let corpus = corpus(dir.path(), &plans).unwrap();
    let mut scores = vec![vec![0.0; 100]; 2];
    scores[0][40] = 2.0;
    scores[1][60] = 1.0;
    scores[1][90] = f64::NAN;
    let report = corpus.score(&scores).unwrap();
    // Group a is judged by the threshold of b, 1, and b by that of a, 2, which misses its window.
    expect![[r#"{"standard":100.0,"low_fp":100.0,"low_fn":100.0,"out_of_group":{"standard":50.0,"low_fp":50.0,"low_fn":50.0,"thresholds":{"a":{"standard":1.0,"low_fp":1.0,"low_fn":1.0},"b":{"standard":2.0,"low_fp":2.0,"low_fn":2.0}}},"optimum":{"standard":{"threshold":1.0,"windows_hit":2,"windows":2,"false_positives":0},"low_fp":{"threshold":1.0,"windows_hit":2,"windows":2,"false_positives":0},"low_fn":{"threshold":1.0,"windows_hit":2,"windows":2,"false_positives":0}},"points_per_second":null,"peak_rss_mib":null}"#]]
        .assert_eq(&serde_json::to_string(&report).unwrap());
}

#[test]
fn useless_scores_are_best_kept_silent() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/one.csv", 400, &[(390, 399)])]).unwrap();
    for score in [0.5, f64::INFINITY, f64::NAN] {
        let report = corpus.score(&[vec![score; 400]]).unwrap();
        assert_eq!(report.scores.standard, 0.0, "{score}");
        assert_eq!(report.optimum.standard.threshold, f64::INFINITY, "{score}");
        assert_eq!(report.out_of_group.scores.standard, 0.0, "{score}");
    }
}

#[test]
fn files_come_sorted_and_may_be_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let plans: [Plan; 3] = [("b/x.csv", 40, &[(20, 22)]), ("a/z.csv", 40, &[]), ("a/y.csv", 40, &[])];
    corpus(dir.path(), &plans).unwrap();
    let plain = dir.path().join("data/a/z.csv");
    let text = std::fs::read(&plain).unwrap();
    std::fs::remove_file(&plain).unwrap();
    let packed = std::fs::File::create(dir.path().join("data/a/z.csv.gz")).unwrap();
    let mut packer = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, &text).unwrap();
    packer.finish().unwrap();
    let corpus = Corpus::load(dir.path()).unwrap();
    let names: Vec<&str> = corpus.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a/y.csv", "a/z.csv", "b/x.csv"]);
    assert_eq!(corpus.groups(), ["a", "b"]);
    assert_eq!(corpus.files[1].values[39], 39.0);
    assert_eq!(corpus.files[2].windows, [Some(20..23)]);
    assert_eq!(corpus.files[0].at[0].to_string(), "2024-01-01T00:00:00Z");
}

#[test]
fn reference_scores_are_put_to_their_files_and_rows() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/one.csv", 3, &[(1, 1)]), ("a/two.csv", 2, &[])]).unwrap();
    write_reference(dir.path());
    let references = corpus.reference(dir.path()).unwrap();
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].detector, "loud");
    assert_eq!(format!("{:?}", references[0].scores), "[[NaN, 0.25, NaN], [0.5, 0.75]]");
}

/// Rows out of order, one missing, one of a file that the corpus does not have.
fn write_reference(dir: &Path) {
    use arrow::array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let files = StringArray::from(vec!["a/two.csv", "a/one.csv", "a/two.csv", "b/none.csv", "a/one.csv"]);
    let batch = RecordBatch::try_from_iter([
        ("file", Arc::new(files) as ArrayRef),
        ("row", Arc::new(Int32Array::from(vec![1, 1, 0, 0, 7]))),
        ("loud", Arc::new(Float64Array::from(vec![0.75, 0.25, 0.5, 9.0, 9.0]))),
    ])
    .unwrap();
    let file = std::fs::File::create(dir.join("reference_scores.parquet")).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = |dir: &Path| Corpus::load(dir).unwrap_err().to_string();
    assert!(error(dir.path()).ends_with("combined_windows.json"));
    corpus(dir.path(), &[("a/one.csv", 20, &[(10, 12)])]).unwrap();
    std::fs::write(dir.path().join("data/a/new.csv"), "timestamp,value\n").unwrap();
    assert!(
        error(dir.path()).ends_with("new.csv: the labels have no entry a/new.csv"),
        "{}",
        error(dir.path())
    );
    std::fs::remove_file(dir.path().join("data/a/new.csv")).unwrap();
    std::fs::write(dir.path().join("data/a/one.csv"), "timestamp,value\n2024-01-01 00:00:00,1\nnever,2\n")
        .unwrap();
    assert!(error(dir.path()).ends_with("one.csv: line 3: no timestamp"), "{}", error(dir.path()));
}

#[test]
fn scores_of_another_shape_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let corpus = corpus(dir.path(), &[("a/one.csv", 20, &[(10, 12)])]).unwrap();
    assert!(matches!(corpus.score(&[]), Err(Error::Shape { given: 0, wanted: 1, .. })));
    assert!(matches!(corpus.score(&[vec![0.0; 19]]), Err(Error::Shape { given: 19, wanted: 20, .. })));
}

/// The raw score by NAB's rules, written down once more for one threshold: window after window, row after row.
fn raw_by_the_rules(plans: &[Plan], scores: &[Vec<f64>], threshold: f64, profile: &Profile) -> f64 {
    let sigmoid =
        |position: f64| if position > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 };
    let mut raw = 0.0;
    for (&(_, n_rows, windows), scores) in plans.iter().zip(scores) {
        let probation = ((0.15 * n_rows as f64).floor() as usize).min(750);
        let detected = |row: usize| row >= probation && scores[row] >= threshold;
        for &(first, last) in windows.iter().filter(|window| window.1 >= probation) {
            let width = (last - first + 1) as f64;
            raw += match (first..=last).find(|&row| detected(row)) {
                Some(row) => {
                    profile.true_positive * sigmoid(-((last - row + 1) as f64) / width) / sigmoid(-1.0)
                }
                None => -profile.false_negative,
            };
        }
        let inside = |row: usize| windows.iter().any(|&(first, last)| (first..=last).contains(&row));
        for row in (0..n_rows).filter(|&row| detected(row) && !inside(row)) {
            let behind = windows.iter().rev().find(|&&(_, last)| last < row);
            raw += profile.false_positive
                * behind.map_or(-1.0, |&(first, last)| sigmoid((row - last) as f64 / (last - first) as f64));
        }
    }
    raw
}

/// Rows, windows and scores of a file.
type Draw = (usize, Vec<(usize, usize)>, Vec<f64>);

/// Three files in two groups, with windows of at least two rows, and scores of few distinct values.
fn corpora() -> impl Strategy<Value = Vec<Draw>> {
    let file = (40usize..90, prop::collection::vec((0usize..25, 1usize..12), 0..3)).prop_flat_map(
        |(n_rows, steps)| {
            let mut windows = Vec::new();
            let mut next = 0;
            for (gap, width) in steps {
                if next + gap + width < n_rows {
                    windows.push((next + gap, next + gap + width));
                    next += gap + width + 1;
                }
            }
            let score =
                prop_oneof![9 => (0u8..12).prop_map(|score| f64::from(score) / 4.0), 1 => Just(f64::NAN)];
            (Just(n_rows), Just(windows), prop::collection::vec(score, n_rows))
        },
    );
    prop::collection::vec(file, 3)
        .prop_filter("a window", |files| files.iter().any(|file| !file.1.is_empty()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_sweep_finds_the_best_of_all_thresholds(files in corpora()) {
        let names = ["a/one.csv", "a/two.csv", "b/three.csv"];
        let plans: Vec<Plan> =
            names.iter().zip(&files).map(|(name, file)| (*name, file.0, file.1.as_slice())).collect();
        let scores: Vec<Vec<f64>> = files.iter().map(|file| file.2.clone()).collect();
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(dir.path(), &plans).unwrap();
        let report = corpus.score(&scores).unwrap();
        let thresholds = (0..12).map(|score| f64::from(score) / 4.0).chain([f64::INFINITY]);
        let silence = corpus.tally(&scores, f64::INFINITY, 0..3).unwrap();
        let figures = report.scores.each().into_iter().zip(report.optimum.each());
        for ((&figure, optimum), profile) in figures.zip(corpus.profiles.each()) {
            let raw = |threshold| raw_by_the_rules(&plans, &scores, threshold, profile);
            let best = thresholds.clone().map(raw).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((raw(optimum.threshold) - best).abs() < 1e-9, "{optimum:?}, best {best}");
            let perfect = profile.true_positive * silence.windows as f64;
            let expected = 100.0 * (best - silence.raw(profile)) / (perfect - silence.raw(profile));
            prop_assert!((figure - expected).abs() < 1e-9, "{figure} {expected}");
        }
    }

    #[test]
    fn a_group_is_judged_by_the_best_threshold_of_the_others(files in corpora(), shift in 0.1f64..9.0) {
        let names = ["a/one.csv", "a/two.csv", "b/three.csv"];
        let plans: Vec<Plan> =
            names.iter().zip(&files).map(|(name, file)| (*name, file.0, file.1.as_slice())).collect();
        let mut scores: Vec<Vec<f64>> = files.iter().map(|file| file.2.clone()).collect();
        let dir = tempfile::tempdir().unwrap();
        let corpus = corpus(dir.path(), &plans).unwrap();
        let before = corpus.score(&scores).unwrap();
        let mut expected = 0.0;
        let groups = [("a", vec![0, 1], vec![2]), ("b", vec![2], vec![0, 1])];
        for (group, positions, others) in groups {
            let threshold = before.out_of_group.thresholds[group].standard;
            let elsewhere = |threshold| {
                let tally = corpus.tally(&scores, threshold, others.clone()).unwrap();
                tally.raw(&corpus.profiles.standard)
            };
            let thresholds = (0..12).map(|score| f64::from(score) / 4.0).chain([f64::INFINITY]);
            let best = thresholds.map(elsewhere).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((elsewhere(threshold) - best).abs() < 1e-9, "{}", group);
            expected += corpus.tally(&scores, threshold, positions).unwrap().raw(&corpus.profiles.standard);
        }
        let silence = corpus.tally(&scores, f64::INFINITY, 0..3).unwrap();
        let silent = silence.raw(&corpus.profiles.standard);
        let expected = 100.0 * (expected - silent) / (silence.windows as f64 - silent);
        prop_assert!((before.out_of_group.scores.standard - expected).abs() < 1e-9);
        scores[2].iter_mut().for_each(|score| *score += shift);
        let after = corpus.score(&scores).unwrap();
        prop_assert_eq!(&before.out_of_group.thresholds["b"], &after.out_of_group.thresholds["b"]);
    }
}
