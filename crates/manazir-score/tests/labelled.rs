//! Folders of labelled sets: what is read, what is refused, what is reported.

#![allow(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int8Array, Int32Array,
    LargeStringArray, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::Int8Type;
use expect_test::{Expect, expect};
use manazir_score::Error;
use manazir_score::labelled::{Labelled, load, write_scores};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use tempfile::TempDir;

/// A folder with the given files, path and text.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// `header`, then `n_rows` lines; row 50 is labelled.
fn table(header: &str, n_rows: usize, line: impl Fn(usize, u8) -> String) -> String {
    let mut text = format!("{header}\n");
    (0..n_rows).for_each(|row| writeln!(text, "{}", line(row, u8::from(row == 50))).unwrap());
    text
}

fn plain(n_rows: usize) -> String {
    table("value,label", n_rows, |row, label| format!("{row},{label}"))
}

/// One line a set and a series.
#[track_caller]
fn check(dir: &Path, expect: Expect) {
    let labelled = load(dir).unwrap();
    let mut text = format!("skipped {:?}\n", labelled.skipped);
    for set in &labelled.sets {
        writeln!(text, "{}: buffer {:?}, {} not scored", set.name, set.vus_buffer, set.unscored).unwrap();
        for series in &set.series {
            let channels: Vec<usize> = series.channels.iter().map(Vec::len).collect();
            let events: Vec<usize> = (0..series.labels.len()).filter(|&row| series.labels[row]).collect();
            writeln!(
                text,
                "  {}: channels {channels:?}, train {}, labelled {events:?}, t from {}, {:?}",
                series.name,
                series.n_train,
                series.t[0],
                series.timestamps.as_ref().map(|at| at[0].to_string())
            )
            .unwrap();
        }
    }
    expect.assert_eq(&text);
}

#[test]
fn each_sub_folder_is_a_set_and_those_without_labels_are_named() {
    let dir = folder(&[
        ("wells/a.csv", &plain(300)),
        ("wells/b.csv", &plain(300)),
        ("wells/notes.csv", "well,owner\na,x\n"),
        ("wells/README.md", "no table"),
        ("pumps/set.toml", "vus_buffer = 7 # points\nrows = 250"),
        ("pumps/a.csv", &plain(300)),
        ("other/a.csv", "value\n1\n"),
        ("empty/LICENSE", "none"),
    ]);
    check(
        dir.path(),
        expect![[r#"
            skipped ["empty", "other"]
            pumps: buffer Some(7), 0 not scored
              a: channels [250], train 0, labelled [50], t from 0, None
            wells: buffer None, 0 not scored
              a: channels [300], train 0, labelled [50], t from 0, None
              b: channels [300], train 0, labelled [50], t from 0, None
        "#]],
    );
}

#[test]
fn a_folder_with_labels_is_a_set_itself() {
    let dir = folder(&[("only/a.csv", &plain(300))]);
    check(
        &dir.path().join("only"),
        expect![[r#"
            skipped []
            only: buffer None, 0 not scored
              a: channels [300], train 0, labelled [50], t from 0, None
        "#]],
    );
}

#[test]
fn series_are_split_by_their_column_and_short_or_unlabelled_ones_only_counted() {
    let line = |row: usize, label: u8| format!("{row},left,{label}\n{row},right,{}", u8::from(row == 60));
    let many = table("value,series,label", 300, line);
    let again = table("value,channel,label", 300, |row, label| format!("{row},left,{label}"));
    let short = table("value,channel,label", 199, |row, label| format!("{row},s1,{label}"));
    let calm = table("value,channel,label", 300, |row, _| format!("{row},s2,0"));
    let dir = folder(&[
        ("s/many.csv", &many),
        ("s/again.csv", &again),
        ("s/short.csv", &short),
        ("s/calm.csv", &calm),
        ("o/many.csv", &many),
    ]);
    check(
        dir.path(),
        expect![[r#"
            skipped []
            o: buffer None, 0 not scored
              left: channels [300], train 0, labelled [50], t from 0, None
              right: channels [300], train 0, labelled [60], t from 0, None
            s: buffer None, 2 not scored
              again/left: channels [300], train 0, labelled [50], t from 0, None
              many/left: channels [300], train 0, labelled [50], t from 0, None
              right: channels [300], train 0, labelled [60], t from 0, None
        "#]],
    );
}

#[test]
fn train_rows_come_first_carry_no_label_and_do_not_count_as_scored() {
    // Written backwards and with test rows first: `t` gives the order.
    let line = |row: usize, label: u8| {
        format!("test,{},{row},2,{label}\ntrain,{},{row},1,{label}", 900 - row, 400 - row)
    };
    let dir = folder(&[
        ("long/a.csv", &table("split,t,x,y,label", 300, line)),
        ("short/a.csv", &table("split,t,x,y,label", 150, line)),
    ]);
    check(
        dir.path(),
        expect![[r#"
            skipped []
            long: buffer None, 0 not scored
              a: channels [600, 600], train 300, labelled [549], t from 101, None
            short: buffer None, 1 not scored
        "#]],
    );
    let labelled = load(dir.path()).unwrap();
    let series = &labelled.sets[0].series[0];
    assert_eq!(series.n_scored(), 300);
    assert_eq!(series.channels[1][299..301], [1.0, 2.0]);
    assert_eq!(series.t[299..302], [400, 601, 602]);
}

#[test]
fn timestamps_order_the_rows_and_are_kept() {
    let date = |row: usize, label: u8| {
        format!("2024-03-01T{:02}:{:02}:00+01:00,{row},{label}", 23 - row / 60, 59 - row % 60)
    };
    let epoch = |row: usize, label: u8| format!("{},{row},{label}", 1_700_000_000_000 + 1_000 * row);
    let dir = folder(&[
        ("dates/a.csv", &table("timestamp,value,label", 300, date)),
        ("epochs/a.csv", &table("timestamp,value,label", 300, epoch)),
    ]);
    check(
        dir.path(),
        expect![[r#"
            skipped []
            dates: buffer None, 0 not scored
              a: channels [300], train 0, labelled [249], t from 0, Some("2024-03-01T18:00:00Z")
            epochs: buffer None, 0 not scored
              a: channels [300], train 0, labelled [50], t from 0, Some("2023-11-14T22:13:20Z")
        "#]],
    );
}

#[test]
fn text_is_no_value_and_an_empty_cell_is_nan() {
    let line = |row: usize, label: u8| {
        format!(
            "{},comment,{},{label}",
            if row == 3 { String::new() } else { row.to_string() },
            if row == 4 { "NaN" } else { "0.5" }
        )
    };
    let dir = folder(&[("s/a.csv", &table("x,note,y,label", 300, line))]);
    let labelled = load(dir.path()).unwrap();
    let channels = &labelled.sets[0].series[0].channels;
    assert_eq!(channels.len(), 2);
    assert!(channels[0][3].is_nan() && channels[1][4].is_nan());
    assert_eq!((channels[0][4], channels[1][3]), (4.0, 0.5));
}

#[test]
fn gzip_is_read_like_what_it_packs() {
    let dir = folder(&[("s/LICENSE", "")]);
    let file = fs::File::create(dir.path().join("s/ecg.out.csv.gz")).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(plain(300).as_bytes()).unwrap();
    packer.finish().unwrap();
    check(
        dir.path(),
        expect![[r#"
            skipped []
            s: buffer None, 0 not scored
              ecg.out: channels [300], train 0, labelled [50], t from 0, None
        "#]],
    );
}

fn write_parquet(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The physical types that writers of Parquet really use.
fn parquet_set() -> TempDir {
    let dir = folder(&[("s/set.toml", "rows = 400"), ("d/LICENSE", "")]);
    let n_rows = 500i32;
    let split = (0..n_rows).map(|row| if row < 100 { "train" } else { "test" });
    let names: DictionaryArray<Int8Type> = (0..n_rows).map(|_| "pump").collect();
    write_parquet(
        &dir.path().join("s/a.parquet"),
        vec![
            ("split", Arc::new(LargeStringArray::from_iter_values(split))),
            ("t", Arc::new(Int32Array::from_iter_values(0..n_rows))),
            ("label", Arc::new(Int8Array::from_iter_values((0..n_rows).map(|row| i8::from(row == 150))))),
            ("series", Arc::new(names)),
            ("m0", Arc::new(Float32Array::from_iter_values((0..n_rows).map(|row| row as f32)))),
            ("m1", Arc::new(Float64Array::from_iter((0..n_rows).map(|row| (row != 3).then_some(0.5))))),
        ],
    );
    let at = (0..i64::from(n_rows)).map(|row| 1_700_000_000_000 + 60_000 * row);
    write_parquet(
        &dir.path().join("d/b.parquet"),
        vec![
            ("timestamp", Arc::new(TimestampMillisecondArray::from_iter_values(at))),
            ("label", Arc::new(BooleanArray::from_iter((0..n_rows).map(|row| Some(row == 7))))),
            ("host", Arc::new(StringArray::from_iter_values((0..n_rows).map(|_| "h1")))),
            ("value", Arc::new(Int32Array::from_iter_values(0..n_rows))),
        ],
    );
    dir
}

#[test]
fn parquet_is_read_whatever_its_physical_types() {
    let dir = parquet_set();
    check(
        dir.path(),
        expect![[r#"
            skipped []
            d: buffer None, 0 not scored
              b: channels [500], train 0, labelled [7], t from 0, Some("2023-11-14T22:13:20Z")
            s: buffer None, 0 not scored
              pump: channels [400, 400], train 100, labelled [150], t from 0, None
        "#]],
    );
    assert!(load(dir.path()).unwrap().sets[1].series[0].channels[1][3].is_nan());
}

/// The error and what lies under it, without the folder.
#[track_caller]
fn check_error(files: &[(&str, &str)], expect: Expect) {
    let dir = folder(files);
    let error = load(dir.path()).unwrap_err();
    let source = std::error::Error::source(&error).map_or(String::new(), |source| format!(": {source}"));
    let text = format!("{error}{source}").replace(&*dir.path().to_string_lossy(), "DIR");
    expect.assert_eq(text.trim_end());
}

#[test]
fn what_is_broken_is_named_with_its_place() {
    check_error(
        &[("s/a.csv", "value,label\n1,0\n2,yes\n")],
        expect![[r#"DIR/s/a.csv: row 2: label "yes" is neither 0 nor 1"#]],
    );
    check_error(
        &[("s/a.csv", "value,label\n1,0\n2,\n")],
        expect![[r#"DIR/s/a.csv: row 2: label "" is neither 0 nor 1"#]],
    );
    check_error(
        &[("s/a.csv", "value,label\n1,0\n2\n")],
        expect![
            "broken table DIR/s/a.csv: CSV error: record 2 (line: 3, byte: 16): found record with 1 fields, but the previous record has 2 fields"
        ],
    );
    check_error(
        &[("s/a.csv", "name,label\nx,0\n")],
        expect!["DIR/s/a.csv: no column of numbers beside `label`"],
    );
    check_error(
        &[("s/a.csv", "value,label,t\n1,0,1.5\n")],
        expect!["DIR/s/a.csv: row 1: t is no whole number"],
    );
    check_error(
        &[("s/a.csv", "value,label,timestamp\n1,0,soon\n")],
        expect![[r#"DIR/s/a.csv: row 1: timestamp "soon" is no time"#]],
    );
    check_error(
        &[("s/a.parquet", "PAR1")],
        expect!["broken table DIR/s/a.parquet: EOF: Parquet file too small. Size is 4 but need 8"],
    );
    check_error(
        &[("s/README.md", "")],
        expect!["DIR: no table with a column `label`, neither here nor one folder below"],
    );
    let set = |text| [("s/a.csv", "value,label\n1,0\n"), ("s/set.toml", text)];
    check_error(
        &set("rows = 10\nbuffer = 5"),
        expect![[r#"
        broken settings DIR/s/set.toml: TOML parse error at line 2, column 1
          |
        2 | buffer = 5
          | ^^^^^^
        unknown field `buffer`, expected `vus_buffer` or `rows`"#]],
    );
    check_error(
        &set("vus_buffer = 10001"),
        expect!["DIR/s/set.toml: vus_buffer is 10001, at most 10000 is possible"],
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = folder(&[]);
    let error = load(&dir.path().join("none")).unwrap_err();
    assert!(matches!(&error, Error::Read { path, .. } if path.ends_with("none")), "{error}");
}

/// Two sets; the first has two series, of which one is found and one is not.
fn two_sets() -> (TempDir, Labelled) {
    let dir = folder(&[
        ("one/a.csv", &plain(300)),
        ("one/b.csv", &plain(300)),
        ("two/a.csv", &plain(300)),
        ("x/a.csv", "v\n1\n"),
    ]);
    let labelled = load(dir.path()).unwrap();
    (dir, labelled)
}

#[test]
fn a_set_is_the_mean_over_its_series_and_the_whole_the_mean_over_sets() {
    let (_dir, labelled) = two_sets();
    let score = |at: usize| (0..300).map(|row| f64::from(u8::from(row == at))).collect::<Vec<_>>();
    let figures: Vec<_> = [(50, 50), (10, 10), (50, 10)]
        .into_iter()
        .zip(labelled.series())
        .map(|((batch, stream), series)| series.judge(&score(batch), &score(stream), 0).unwrap())
        .collect();
    let mut report = labelled.report(&figures).unwrap();
    report.points_per_second = Some(5.0);
    // A score that misses leaves 299 rows in a tie below its peak: 1 / 300.
    expect![[r#"
        {
          "sets": {
            "one": {
              "vus_pr": 0.5016666666666667,
              "stream_vus_pr": 0.5016666666666667,
              "auc_pr": 0.5016666666666667,
              "event_recall": 0.5,
              "stream_event_recall": 0.5,
              "delay_median_points": 0.0,
              "stream_delay_median_points": 0.0,
              "series": 2,
              "unscored": 0
            },
            "two": {
              "vus_pr": 1.0,
              "stream_vus_pr": 0.0033333333333333335,
              "auc_pr": 1.0,
              "event_recall": 1.0,
              "stream_event_recall": 0.0,
              "delay_median_points": 0.0,
              "stream_delay_median_points": null,
              "series": 1,
              "unscored": 0
            }
          },
          "mean_vus_pr": 0.7508333333333334,
          "mean_stream_vus_pr": 0.2525,
          "skipped": [
            "x"
          ],
          "points_per_second": 5.0,
          "peak_rss_mib": null
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
    assert!(labelled.report(&figures[1..]).is_err());
}

#[test]
fn without_a_fixed_buffer_the_period_is_taken_up_to_100_points() {
    let (_dir, labelled) = two_sets();
    let series = labelled.series().next().unwrap();
    let scores: Vec<f64> = (0..300).map(|row| -(row as f64 - 70.0).abs()).collect();
    let vus = |period| series.judge(&scores, &scores, period).unwrap().vus_pr;
    assert!(vus(10) < vus(60));
    assert_eq!(vus(100), vus(5_000));
    assert!(matches!(
        series.judge(&scores[1..], &scores, 0),
        Err(Error::Shape { given: 299, wanted: 300, .. })
    ));
}

#[test]
fn written_scores_can_be_read_by_anyone() {
    let dir = parquet_set();
    let labelled = load(dir.path()).unwrap();
    let scores: Vec<Vec<f64>> = labelled
        .series()
        .map(|series| (0..series.n_scored()).map(|row| row as f64 / 2.0).collect())
        .collect();
    let path = dir.path().join("scores.parquet");
    write_scores(&path, labelled.series().zip(scores.iter().map(Vec::as_slice))).unwrap();
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 500 + 300);
    let names: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["set", "series", "t", "score"]);
    // The train rows of the second series are not written: its first row is t = 100.
    let row: Vec<String> =
        batches[0].slice(500, 1).columns().iter().map(|cells| format!("{cells:?}")).collect();
    let cell = |column: usize| row[column].lines().nth(2).unwrap().trim();
    assert_eq!([cell(0), cell(1), cell(2), cell(3)], ["\"s\",", "\"pump\",", "100,", "0.0,"]);
    let series = labelled.series().next().unwrap();
    assert!(matches!(write_scores(&path, [(series, [].as_slice())]), Err(Error::Shape { given: 0, .. })));
}

proptest! {
    #[test]
    fn no_table_makes_the_reader_panic(text in "[a-z0-9,.\"\n:-]{0,200}", header in "(label,?|t,?|value,?|timestamp,?|split,?|series,?){1,6}") {
        let dir = folder(&[("s/a.csv", &format!("{header}\n{text}"))]);
        let _ = load(dir.path());
    }

    #[test]
    fn no_broken_parquet_makes_the_reader_panic(place in 0usize..4_000, byte: u8, cut: bool) {
        let dir = parquet_set();
        let path = dir.path().join("d/b.parquet");
        let mut bytes = fs::read(&path).unwrap();
        let place = place % bytes.len();
        bytes[place] = byte;
        bytes.truncate(if cut { place } else { usize::MAX });
        fs::write(&path, bytes).unwrap();
        let _ = load(dir.path());
    }
}
