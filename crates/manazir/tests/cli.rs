//! The binary as users run it: arguments in; text, JSON, files and exit codes out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// An empty working directory.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_manazir"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("MANAZIR_DATA")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        assert_eq!(errors, "", "{arguments:?} says nothing on standard error without a terminal");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn shop() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/shop").to_string_lossy().into_owned()
}

#[test]
fn up_finds_what_is_strange_and_says_it_in_a_sentence() {
    let place = Place::new();
    let text = place.ok(&["up", &shop()]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Found 2 series in 2 tables"), "{text}");
    assert!(text.contains("rejected 1 row: number, first orders.csv:"), "{text}");
    assert!(text.contains("below what"), "{text}");
    assert!(words.contains("14:00 to 17:00 on 21 Jan"), "{text}");
    assert!(text.contains('⠉') || text.contains('⣀') || text.contains('⡇'), "a chart of dots: {text}");
    assert!(!text.contains('\u{1b}'), "no colours without a terminal: {text}");
    let html = fs::read_to_string(place.path(".manazir/manazir-report.html")).unwrap();
    assert!(html.contains("14:00 to 17:00 on 21 Jan"));
}

#[test]
fn up_as_json_holds_the_same_findings_as_numbers() {
    let place = Place::new();
    let json = place.json(&["up", &shop()]);
    let anomalies = json["anomalies"].as_array().unwrap();
    let dip = anomalies.iter().find(|anomaly| anomaly["name"] == "orders").expect("the dip of orders");
    assert_eq!(dip["start_at"], "2026-01-21T14:00:00Z");
    assert_eq!(dip["end_at"], "2026-01-21T16:00:00Z");
    assert_eq!(dip["direction"], "down");
    assert!(dip["observed"].as_f64().unwrap() < 0.5 * dip["expected"].as_f64().unwrap());
    assert_eq!(json["interrupted"], false);
    let rejects: u64 =
        json["found"]["rejects"].as_array().unwrap().iter().map(|line| line["count"].as_u64().unwrap()).sum();
    assert_eq!(rejects, 2);
    let ranks: Vec<u64> = anomalies.iter().map(|anomaly| anomaly["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, (1..=anomalies.len() as u64).collect::<Vec<_>>());
    let scores: Vec<f64> = anomalies.iter().map(|anomaly| anomaly["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
}

#[test]
fn a_second_up_uses_what_has_not_changed_and_says_the_same() {
    let place = Place::new();
    let folder = place.path("data");
    fs::create_dir(&folder).unwrap();
    for name in ["orders.csv", "latency.ndjson"] {
        fs::copy(Path::new(&shop()).join(name), folder.join(name)).unwrap();
    }
    let first = place.json(&["up", "data"]);
    let second = place.json(&["up", "data"]);
    assert_eq!((&first["tables_reused"], &second["tables_reused"]), (&Value::from(0), &Value::from(2)));
    assert_eq!(first["anomalies"], second["anomalies"]);
    assert_eq!(first["found"], second["found"], "what was found, rejects included, is kept with the results");
    assert_eq!(place.json(&["up", "data", "--fresh"])["tables_reused"], 0);
    // A row more is another file.
    let mut text = fs::read_to_string(folder.join("orders.csv")).unwrap();
    text.push_str("2026-01-26T00:00:00Z,221.0\n");
    fs::write(folder.join("orders.csv"), text).unwrap();
    assert_eq!(place.json(&["up", "data"])["tables_reused"], 1);
}

#[test]
fn a_damaged_result_of_an_earlier_run_is_made_anew() {
    let place = Place::new();
    let first = place.json(&["up", &shop()]);
    for entry in fs::read_dir(place.path(".manazir/results")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }
    let second = place.json(&["up", &shop()]);
    assert_eq!(second["tables_reused"], 0);
    assert_eq!(first["anomalies"], second["anomalies"]);
}

#[test]
fn the_demo_says_what_it_hid_and_what_was_found() {
    let place = Place::new();
    let text = place.ok(&["up"]);
    assert!(text.contains("The demo hid 7 incidents; 7 were found."), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("found: ")).count(), 7, "{text}");
    assert!(text.contains("found: a payment provider failed in Brazil"), "{text}");
    assert!(place.path(".manazir/demo/manazir-report.html").exists());
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("of the gap is app = 4.2 in BR"), "{text}");
    let json = place.json(&["up"]);
    assert_eq!(json["demo"].as_array().unwrap().len(), 7);
    assert_eq!(json["tables_reused"], 6, "a second run of the demo reads nothing");
}

#[test]
fn discover_tells_series_grain_zone_and_quality() {
    let place = Place::new();
    let text = place.ok(&["discover", &shop(), "--why"]);
    for word in ["orders", "latency", "1 h", "UTC", "1 gap", "% sure"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let json = place.json(&["discover", &shop()]);
    assert_eq!(json["tables"].as_array().unwrap().len(), 2);
    assert_eq!(json["series"].as_array().unwrap().len(), 2);
}

#[test]
fn detect_writes_every_verdict_as_parquet() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let place = Place::new();
    place.ok(&["detect", &shop(), "--out", "scores.parquet", "--report", "report.html"]);
    let reader = SerializedFileReader::new(fs::File::open(place.path("scores.parquet")).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata();
    let names: Vec<&str> = metadata.schema_descr().columns().iter().map(|column| column.name()).collect();
    assert_eq!(names, ["series", "ts", "value", "expected", "lower", "upper", "score", "p_value", "alarm"]);
    assert_eq!(metadata.num_rows(), 504 + 498);
    assert!(place.path("report.html").exists());
    assert!(!place.path("scores.part").exists());
}

#[test]
fn detect_is_thorough_if_asked() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let place = Place::new();
    // A repeating form whose values stay what they were when it is turned round for one period.
    let form = |at: usize| [0, 1, 2, 3, 9, 3, 0, -4, -2, 0][at % 10] as f64 + 0.01 * (at * 7 % 11) as f64;
    let turned = |at: usize| if at / 10 == 90 { 9 - at % 10 } else { at };
    let rows: String = (0..1_500).map(|at| format!("{at},{}\n", form(turned(at)))).collect();
    place.write("valve.csv", &format!("t,pressure\n{rows}"));
    let json = place.json(&["detect", "valve.csv", "--thorough", "--out", "scores.parquet"]);
    let ensemble = &json["ensembles"][0];
    assert!(
        ensemble["choice"].as_str().unwrap().starts_with("season of 10 samples: neighbours"),
        "{ensemble}"
    );
    // Rows are counted in microseconds where the data has no clock.
    let (start, end) = (ensemble["start_at"].as_str().unwrap(), ensemble["end_at"].as_str().unwrap());
    assert!(start < "1970-01-01T00:00:00.000910Z" && end > "1970-01-01T00:00:00.000900Z", "{ensemble}");
    let text = place.ok(&["detect", "valve.csv", "--thorough"]);
    assert!(text.contains("by an ensemble chosen for it"), "{text}");
    assert!(text.contains("pressure: "), "{text}");
    let reader = SerializedFileReader::new(fs::File::open(place.path("scores.parquet")).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    assert_eq!(schema.columns().last().unwrap().name(), "ensemble_score");
    assert_eq!(place.json(&["detect", "valve.csv"]).get("ensembles"), None);
}

#[test]
fn up_tells_that_a_source_fell_silent() {
    let place = Place::new();
    let rows: String = (0..600)
        .filter(|hour| !(400..430).contains(hour))
        .map(|hour| format!("2026-03-{:02}T{:02}:00:00Z,{}\n", 1 + hour / 24, hour % 24, 50 + hour * 7 % 13))
        .collect();
    place.write("pump.csv", &format!("time,flow\n{rows}"));
    let json = place.json(&["up", "pump.csv"]);
    let first = &json["anomalies"][0];
    assert_eq!(first["kind"], "missing", "{json}");
    assert_eq!(
        (&first["start_at"], &first["end_at"]),
        (&"2026-03-17T16:00:00Z".into(), &"2026-03-18T21:00:00Z".into())
    );
    assert!(
        first["sentence"].as_str().unwrap().contains("sent nothing for 1 d 6 h (30 samples missing"),
        "{first}"
    );
    assert!(place.ok(&["up", "pump.csv"]).contains("sent nothing"));
    let html = fs::read_to_string(place.path(".manazir/manazir-report.html")).unwrap();
    assert!(html.contains("missing data") && html.contains("sent nothing"));
}

#[test]
fn the_wanted_alarms_a_week_set_how_much_is_told() {
    let place = Place::new();
    let told = |alarms: &str| {
        let json = place.json(&["detect", &shop(), "--alarms-per-week", alarms]);
        json["anomalies"].as_array().unwrap().clone()
    };
    let (many, few) = (told("2"), told("0.000001"));
    assert!(many.len() >= few.len() && !many.is_empty());
    assert!(many[0]["choice"].as_str().unwrap().ends_with("; 2 alarms a week expected"), "{}", many[0]);
    place.fails(&["detect", &shop(), "--alarms-per-week", "0"], 2);
    // Results of another sensitivity are not used again.
    place.json(&["up", &shop()]);
    assert_eq!(place.json(&["up", &shop(), "--alarms-per-week", "1"])["tables_reused"], 0);
    assert_eq!(place.json(&["up", &shop(), "--alarms-per-week", "1"])["tables_reused"], 2);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let place = Place::new();
    let run = |threads: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_manazir"))
            .args(["detect", &shop(), "--json"])
            .env("RAYON_NUM_THREADS", threads)
            .current_dir(place.0.path())
            .output()
            .unwrap();
        output.stdout
    };
    assert_eq!(run("1"), run("4"));
}

/// A corpus in NAB's layout: one file of half-hours with a spike inside of its window.
fn nab(place: &Place) {
    let rows: String = (0..1_000)
        .map(|row| {
            let (day, minute) = (1 + row / 48, row % 48 * 30);
            let value = if row == 700 { 900 } else { 100 + row * 7 % 5 };
            format!("2015-01-{day:02} {:02}:{:02}:00,{value}\n", minute / 60, minute % 60)
        })
        .collect();
    place.write("nab/data/real/a.csv", &format!("timestamp,value\n{rows}"));
    let window = r#"{"real/a.csv": [["2015-01-15 10:00:00.000000", "2015-01-15 20:00:00.000000"]]}"#;
    place.write("nab/labels/combined_windows.json", window);
    let weights = |fn_weight: f64, fp_weight: f64| {
        format!(
            r#"{{"CostMatrix": {{"tpWeight": 1.0, "fnWeight": {fn_weight}, "fpWeight": {fp_weight}, "tnWeight": 1.0}}}}"#
        )
    };
    let profiles = format!(
        r#"{{"standard": {}, "reward_low_FP_rate": {}, "reward_low_FN_rate": {}}}"#,
        weights(1.0, 0.11),
        weights(1.0, 0.22),
        weights(2.0, 0.11)
    );
    place.write("nab/config/profiles.json", &profiles);
}

#[test]
fn score_nab_gives_the_fixed_keys() {
    let place = Place::new();
    nab(&place);
    let json = place.json(&["score", "nab", "nab", "--out", "scores.parquet"]);
    for key in ["standard", "low_fp", "low_fn", "points_per_second", "peak_rss_mib"] {
        assert!(json[key].is_number(), "{key}: {json}");
    }
    assert!(json["standard"].as_f64().unwrap() > 50.0, "the spike is inside of its window: {json}");
    assert!(json["out_of_group"]["standard"].is_number());
    assert!(place.path("scores.parquet").exists());
    assert!(place.ok(&["score", "nab", "nab"]).contains("best threshold"));
}

#[test]
fn score_labelled_gives_the_fixed_keys() {
    let place = Place::new();
    let rows: String = (0..600)
        .map(|row| {
            let strange = (400..403).contains(&row);
            let value = if strange { 90 } else { 10 + row * 7 % 5 };
            format!("{row},{value},{}\n", u8::from(strange))
        })
        .collect();
    place.write("sets/small/one.csv", &format!("t,value,label\n{rows}"));
    place.write("sets/other/readme.csv", "a,b\n1,2\n");
    let json = place.json(&["score", "labelled", "sets"]);
    let set = &json["sets"]["small"];
    for key in ["vus_pr", "stream_vus_pr", "auc_pr", "event_recall", "series"] {
        assert!(set[key].is_number(), "{key}: {json}");
    }
    assert!(set["event_recall"].as_f64().unwrap() > 0.9, "{json}");
    assert!(json["mean_vus_pr"].is_number());
    assert!(place.ok(&["score", "labelled", "sets"]).contains("small"));
}

#[test]
fn doctor_is_content_and_says_what_it_saw() {
    let place = Place::new();
    let json = place.json(&["doctor"]);
    assert_eq!(json["healthy"], true, "{json}");
    let names: Vec<&str> =
        json["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["version", "cores", "memory", "directory", "terminal", "time zones", "reading"]);
    assert!(fs::read_dir(place.0.path()).unwrap().next().is_none(), "it leaves nothing behind");
}

#[test]
fn doctor_names_a_directory_that_cannot_be_written() {
    let place = Place::new();
    let file = place.write("file", "");
    let output = place.run(&["doctor", "--data", &format!("{file}/below")]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("cannot be written") && text.contains("--data DIR"), "{text}");
}

#[test]
fn errors_name_what_was_tried_and_on_what() {
    let place = Place::new();
    assert!(place.fails(&["up", "nowhere.csv"], 1).contains("nowhere.csv"));
    place.write("words/story.csv", "only words\nhere and there\n");
    let text = place.fails(&["up", "words"], 1);
    assert!(text.contains("story: reference"), "{text}");
    place.fails(&["frobnicate"], 2);
    place.fails(&["discover"], 2);
    assert!(place.fails(&["score", "nab", "nowhere"], 1).contains("nowhere"));
}

#[test]
fn help_teaches_by_examples() {
    let place = Place::new();
    for command in ["up", "discover", "detect", "doctor"] {
        let text = place.ok(&[command, "--help"]);
        assert!(text.contains("--json") && text.contains("--quiet"), "{command}: {text}");
    }
    let text = place.ok(&["--help"]);
    assert!(text.contains("Exit codes:") && text.contains("manazir up sales.csv"), "{text}");
}

/// Ctrl-C while a large file is read: what was finished is shown, and the exit code says so.
#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_finished() {
    use std::io::Read;
    use std::process::Stdio;
    let place = Place::new();
    let mut text = String::from("time,host,load\n");
    for minute in 0..6_000 {
        let (day, hour) = (1 + minute / 1_440, minute / 60 % 24);
        for host in 0..40 {
            let value = (minute * 31 + host * 17) % 97;
            text.push_str(&format!("2026-03-{day:02}T{hour:02}:{:02}:00Z,host{host},{value}\n", minute % 60));
        }
    }
    place.write("load.csv", &text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_manazir"))
        .args(["up", "load.csv", "--json"])
        .current_dir(place.0.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The state directory is made before the first byte is read, and after the handler is in place.
    while !place.path(".manazir/results").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it began");
        std::thread::yield_now();
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{out}");
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["interrupted"], true);
    assert!(place.path(".manazir/manazir-report.html").exists());
    // The next run finishes the work.
    let json = place.json(&["up", "load.csv"]);
    assert_eq!(json["interrupted"], false);
    let series = json["found"]["series"].as_array().unwrap();
    assert_eq!(series.len(), 40);
    assert!(series.iter().all(|series| series["samples"] == 6_000), "nothing that was read in part is kept");
}
