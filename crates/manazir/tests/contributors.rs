//! `manazir up` on tables with dimensions: which combination made what is strange in a total.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs;
use std::process::Command;

use manazir_model::{Random, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

const COUNTRIES: [(&str, f64); 6] =
    [("BR", 3.2), ("DE", 1.2), ("FR", 1.0), ("IN", 1.4), ("JP", 0.8), ("US", 2.5)];

const APPS: [(&str, f64); 4] = [("4.0", 0.5), ("4.1", 1.0), ("4.2", 1.6), ("web", 0.9)];

const CHANNELS: [(&str, f64); 3] = [("ads", 0.5), ("mail", 0.3), ("direct", 1.0)];

/// Hours of the incident, in the last of four weeks.
const INCIDENT: std::ops::Range<i64> = 590..602;

/// Four weeks of hours of every combination. `kept` says how much of what is usual is left of one in the incident;
/// `row` writes what stands behind the dimensions.
fn table(
    header: &str,
    kept: &mut dyn FnMut(&str, &str, &str) -> f64,
    row: &mut dyn FnMut(f64, f64) -> String,
) -> String {
    let mut random = Random::new(7);
    let mut factors = Vec::new();
    for (country, _) in COUNTRIES {
        for (app, _) in APPS {
            factors.extend(CHANNELS.map(|(channel, _)| kept(country, app, channel)));
        }
    }
    let mut text = format!("time,country,app,channel,{header}\n");
    for hour in 0..28 * 24 {
        // Monday, 5 January 2026.
        let at = Timestamp::from_seconds(1_767_571_200 + 3_600 * hour);
        let wave = 1.0 + 0.6 * ((hour % 24 - 18) as f64 / 24.0 * std::f64::consts::TAU).cos();
        let mut factors = factors.iter();
        for (country, of_country) in COUNTRIES {
            for (app, of_app) in APPS {
                for (channel, of_channel) in CHANNELS {
                    let usual = 60.0 * wave * of_country * of_app * of_channel;
                    let factor = factors.next().unwrap();
                    let mean = usual * if INCIDENT.contains(&hour) { *factor } else { 1.0 };
                    let value = mean * (1.0 + 0.04 * random.normal()) + mean.sqrt() * random.normal();
                    let value = value.round().max(0.0);
                    text += &format!("{at},{country},{app},{channel},{}\n", row(value, usual.round()));
                }
            }
        }
    }
    text
}

fn orders(kept: impl FnMut(&str, &str, &str) -> f64) -> String {
    let mut kept = kept;
    table("orders", &mut kept, &mut |orders, _| orders.to_string())
}

struct Place(TempDir);

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.0.path().join("data")).unwrap();
        for (name, text) in files {
            fs::write(place.0.path().join("data").join(name), text).unwrap();
        }
        place
    }

    fn up(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_manazir"))
            .args(["up", "data"])
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("MANAZIR_DATA")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.up(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn html(&self) -> String {
        fs::read_to_string(self.0.path().join(".manazir/manazir-report.html")).unwrap()
    }
}

/// What is said of the strangest anomaly of the total of a metric.
#[track_caller]
fn contributors(json: &Value, metric: &str) -> Value {
    let anomalies = json["anomalies"].as_array().unwrap();
    let total = anomalies.iter().find(|anomaly| anomaly["name"] == metric && anomaly["total_of"] == 72);
    total.unwrap_or_else(|| panic!("no anomaly of the total of {metric}: {json:#}"))["contributors"].clone()
}

#[track_caller]
fn sums_to_the_change(contributors: &Value) {
    let number = |value: &Value| value.as_f64().unwrap();
    let of = |list: &Value, key: &str| -> f64 {
        list.as_array().unwrap().iter().map(|one| number(&one[key])).sum::<f64>()
    };
    let change = number(&contributors["change"]);
    let near = |sum: f64, wanted: f64| assert!((sum - wanted).abs() < 1e-6 * wanted.abs(), "{sum} {wanted}");
    near(of(&contributors["elements"], "contribution") + number(&contributors["remainder"]), change);
    near(of(&contributors["elements"], "share") + number(&contributors["remainder_share"]), 1.0);
    for dimension in contributors["heatmap"].as_array().unwrap() {
        near(of(&dimension["values"], "contribution") + number(&dimension["more_contribution"]), change);
    }
}

#[test]
fn the_combination_that_fell_is_named() {
    let text = orders(|country, app, _| if (country, app) == ("BR", "4.2") { 0.1 } else { 1.0 });
    let place = Place::with(&[("orders.csv", &text)]);
    let json = place.json(&[]);
    let expected = contributors(&json, "orders");
    assert_eq!(expected["verdict"], "elements");
    assert_eq!(expected["elements"][0]["values"], serde_json::json!({"app": "4.2", "country": "BR"}));
    assert!(expected["elements"][0]["share"].as_f64().unwrap() > 0.7, "{expected:#}");
    assert!(expected["elements"][0]["confidence"].as_f64().unwrap() > 0.95);
    assert!(expected["sentence"].as_str().unwrap().contains("of the gap is app = 4.2 in BR"), "{expected:#}");
    assert_eq!((&expected["leaves"], &expected["baseline"]), (&72.into(), &"expected".into()));
    sums_to_the_change(&expected);
    // Another baseline is another view of what was judged already.
    for (baseline, words) in
        [("last-week", "the same span a week before"), ("median-weeks", "the median of the same span of")]
    {
        let json = place.json(&["--baseline", baseline]);
        assert_eq!(json["tables_reused"], 1);
        let other = contributors(&json, "orders");
        assert_eq!(other["baseline"], baseline);
        assert!(other["baseline_words"].as_str().unwrap().starts_with(words), "{other:#}");
        assert_eq!(other["elements"][0]["values"], expected["elements"][0]["values"]);
        sums_to_the_change(&other);
    }
    let words = place.up(&["--top", "50"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Found 72 series in 1 table, and 1 total of them"), "{words}");
    assert!(words.contains("Orders in total") && words.contains("of the gap is app = 4.2 in BR"), "{words}");
    let html = place.html();
    for needle in ["Which combination made it", "<h5>Fell</h5>", "Not explained", "Each dimension by itself"]
    {
        assert!(html.contains(needle), "{needle}");
    }
}

#[test]
fn what_no_dimension_tells_apart_is_said_to_lack_one() {
    // Which of them fell, no column says.
    let mut random = Random::new(2);
    let text = orders(|_, _, _| {
        let (hit, kept) = (random.uniform() < 0.4, 0.2 + 0.3 * random.uniform());
        if hit { kept } else { 1.0 }
    });
    let contributors = contributors(&Place::with(&[("orders.csv", &text)]).json(&[]), "orders");
    assert_eq!(contributors["verdict"], "nowhere", "{contributors:#}");
    let sentence = contributors["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("No combination of app, channel and country explains it"), "{sentence}");
    sums_to_the_change(&contributors);
}

#[test]
fn what_happens_everywhere_lies_outside_of_the_dimensions() {
    let text = orders(|_, _, _| 0.6);
    let contributors = contributors(&Place::with(&[("orders.csv", &text)]).json(&[]), "orders");
    assert_eq!(contributors["verdict"], "everywhere", "{contributors:#}");
    assert!((contributors["everywhere"].as_f64().unwrap() - 0.6).abs() < 0.05);
    let sentence = contributors["sentence"].as_str().unwrap();
    assert!(sentence.contains("the cause lies outside of the dimensions (app, channel and country)"));
}

#[test]
fn a_rate_has_a_total_if_the_rules_say_what_it_is_made_of() {
    let mut kept =
        |country: &str, app: &str, _: &str| if (country, app) == ("US", "4.1") { 3.0 } else { 1.0 };
    let mut row = |failures: f64, usual: f64| {
        let orders = 10.0 * usual;
        format!("{failures},{orders},{}", failures / orders)
    };
    let text = table("failures,orders,failure_rate", &mut kept, &mut row);
    let rules = "[table.shop]\nratio = { failure_rate = [\"failures\", \"orders\"] }\n";
    let json = Place::with(&[("shop.csv", &text), ("manazir.toml", rules)]).json(&[]);
    let rate = contributors(&json, "failure_rate");
    assert_eq!(rate["elements"][0]["values"], serde_json::json!({"app": "4.1", "country": "US"}), "{rate:#}");
    sums_to_the_change(&rate);
    // Without the rule nobody knows.
    let json = Place::with(&[("shop.csv", &text)]).json(&[]);
    let totals = json["found"]["series"].as_array().unwrap().iter().filter(|series| series["total_of"] != 0);
    assert_eq!(totals.map(|series| series["name"].clone()).collect::<Vec<_>>(), ["failures", "orders"]);
}

#[test]
fn what_does_not_add_up_has_no_total() {
    let text = table("latency_ms", &mut |_, _, _| 1.0, &mut |value, _| value.to_string());
    let json = Place::with(&[("latency.csv", &text)]).json(&[]);
    assert!(
        json["found"]["series"].as_array().unwrap().iter().all(|series| series["total_of"] == 0),
        "{json:#}"
    );
}
