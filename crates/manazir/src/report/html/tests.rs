//! The page as a document: order, safety, bounds, contrast.

use std::collections::HashMap;

use manazir_model::{Anomaly, AnomalyKind, Grain, Series, SeriesKey, Timestamp};

use super::*;
use manazir_rca::contributors::{Contributor, Contributors, HeatDimension, HeatValue, Verdict};

use crate::contributors::{Compared, Drilled, Total};
use crate::found::{FoundSeries, FoundTable, RejectLine};

/// A series of hours from 2026-01-05 on that is 10 but for 40 at one hour.
fn report(metric: &str, n_samples: usize, strange: &[usize]) -> SeriesReport {
    let hour = |index: usize| Timestamp::from_seconds(1_767_571_200 + 3_600 * index as i64);
    let mut values = vec![10.0; n_samples];
    for &index in strange {
        values[index] = 40.0;
    }
    let key = SeriesKey::new(metric, []);
    let anomaly = |&index: &usize| Anomaly {
        series: key.clone(),
        start_at: hour(index),
        end_at: hour(index),
        peak_at: hour(index),
        kind: AnomalyKind::Spike,
        direction: None,
        observed: 40.0,
        expected: 10.0,
        peak_observed: 40.0,
        peak_expected: 10.0,
        score: 8.0 + index as f64,
        detector: "test".to_owned(),
        open: false,
    };
    SeriesReport {
        anomalies: strange.iter().map(anomaly).collect(),
        series: Series {
            key: key.clone(),
            grain: Some(Grain::HOUR),
            zone: "UTC".to_owned(),
            at: (0..n_samples).map(hour).collect(),
            values,
            ..Series::default()
        },
        expected: vec![10.0; n_samples],
        lower: vec![8.0; n_samples],
        upper: vec![12.0; n_samples],
        score: vec![0.5; n_samples],
        choice: "its recent level".to_owned(),
        baseline_words: "its recent level".to_owned(),
        confidence_note: None,
        total: None,
    }
}

fn page_of(reports: &[SeriesReport], found: Found) -> String {
    let series = reports.iter().map(|report| FoundSeries {
        anomalies: report.anomalies.len(),
        score_max: report.score_max(),
        ..FoundSeries::of(&report.series)
    });
    let found = Found { series: series.collect(), ..found };
    render(&Page {
        title: "shop",
        found: &found,
        reports,
        baseline: Baseline::default(),
        notes: &[],
        hidden: &[],
    })
}

/// How often a needle occurs.
fn times(text: &str, needle: &str) -> usize {
    text.matches(needle).count()
}

#[test]
fn sentence_comes_before_chart_and_chart_before_table() {
    let html = page_of(&[report("orders", 200, &[100])], Found::default());
    let card = &html[html.find("<article").unwrap()..html.find("</article>").unwrap()];
    let card = &card.replace('\u{a0}', " ");
    let place = |needle: &str| card.find(needle).unwrap_or_else(|| panic!("{needle} is missing"));
    assert!(place("Orders were 300 % above") < place("<figure"));
    assert!(place("<figure") < place("<table"));
    assert_eq!(times(card, "role=\"img\" aria-label=\"Chart. Orders were 300 % above"), 1);
    assert_eq!(times(card, "class=\"episode high focus\""), 1);
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let html = page_of(&[report("orders", 200, &[100])], Found::default());
    for forbidden in
        ["<script", "http://", "https://", "src=", "@import", "url(", "onload", "<link", "<iframe"]
    {
        assert_eq!(times(&html, forbidden), 0, "{forbidden}");
    }
    assert_eq!(times(&html, "default-src 'none'"), 1);
}

#[test]
fn whatever_a_name_holds_stays_text() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`{{x}}\u{1b}[2J&amp;\u{202e}cba";
    let mut strange = report(evil, 200, &[100]);
    strange.series.unit = Some(evil.to_owned());
    strange.series.zone = evil.to_owned();
    strange.choice = evil.to_owned();
    strange.confidence_note = Some(evil.to_owned());
    let text = || evil.to_owned();
    let found = Found {
        sources: vec![text()],
        tables: vec![FoundTable {
            name: text(),
            layout: text(),
            columns: text(),
            zone: text(),
            reasons: vec![text()],
            ..FoundTable::default()
        }],
        rejects: vec![RejectLine { reason: text(), count: 1, examples: vec![text()] }],
        skipped: vec![(text(), text())],
        ..Found::default()
    };
    let html = page_of(&[strange], found);
    assert_eq!(times(&html, "<script"), 0);
    assert_eq!(times(&html, "<img"), 0);
    assert_eq!(times(&html, "\u{1b}"), 0);
    // Each tag's attributes are closed: no quote of the name stands bare inside of one.
    assert_eq!(times(&html, "\"\">"), 0);
    assert!(times(&html, "&lt;script&gt;alert(1)") > 10);
    well_formed(&html);
}

#[test]
fn every_element_is_closed() {
    well_formed(&page_of(
        &[report("orders", 400, &[100, 300]), report("latency", 50, &[])],
        Found::default(),
    ));
    well_formed(&page_of(&[], Found::default()));
}

/// Elements nest; ids are unique and links within the page lead somewhere.
#[track_caller]
fn well_formed(html: &str) {
    const VOID: [&str; 4] = ["meta", "br", "!doctype", "circle"];
    let mut open: Vec<&str> = Vec::new();
    let mut ids: HashMap<&str, usize> = HashMap::new();
    let body = html.replace("-->", "");
    for tag in body.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap();
        let name = inside.split([' ', '\n', '/']).find(|part| !part.is_empty()).unwrap();
        if let Some(id) = inside.split(" id=\"").nth(1) {
            *ids.entry(id.split('"').next().unwrap()).or_default() += 1;
        }
        if inside.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed {name}");
        } else if !inside.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(ids.values().all(|&count| count == 1), "{ids:?}");
    for link in body.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap();
        assert!(ids.contains_key(target), "#{target} leads nowhere");
    }
}

#[test]
fn a_flood_of_anomalies_gives_a_bounded_page_that_says_so() {
    let strange: Vec<usize> = (0..900).map(|index| 20 + 10 * index).collect();
    let html = page_of(&[report("orders", 10_000, &strange)], Found::default());
    assert_eq!(times(&html, "<article"), CARDS_MAX);
    assert!(html.contains("Charts are drawn for the first 20."));
    assert!(html.contains("380 more are not shown here"));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
}

#[test]
fn a_million_samples_make_no_larger_chart_than_a_thousand() {
    let small = page_of(&[report("orders", 5_000, &[2_500])], Found::default()).len();
    let large = page_of(&[report("orders", 1_000_000, &[500_000])], Found::default()).len();
    assert!(large < 2 * small, "{small} {large}");
}

#[test]
fn gaps_are_gaps() {
    let mut gappy = report("orders", 200, &[100]);
    gappy.series.values[120..130].fill(f64::NAN);
    let path_of = |html: &str| {
        let start = html.find("<path class=\"value\" d=\"").unwrap();
        html[start..].split('"').nth(3).unwrap().to_owned()
    };
    assert_eq!(path_of(&page_of(&[report("orders", 200, &[100])], Found::default())).matches('M').count(), 1);
    assert_eq!(path_of(&page_of(&[gappy], Found::default())).matches('M').count(), 2);
}

#[test]
fn without_anomalies_the_nearest_is_named() {
    let html = page_of(&[report("orders", 200, &[])], Found::default());
    assert!(html.contains("<h1>Nothing unusual</h1>"));
    assert!(html.contains("Nearest to the line: orders (score 0.5; an episode begins at 8)."));
}

#[test]
fn broken_numbers_break_no_page() {
    let mut broken = report("orders", 200, &[100]);
    broken.series.values.fill(f64::NAN);
    broken.expected.fill(f64::NAN);
    broken.lower.fill(f64::NEG_INFINITY);
    broken.upper.fill(f64::INFINITY);
    broken.score.fill(f64::NAN);
    broken.anomalies[0].peak_observed = f64::NAN;
    broken.anomalies[0].score = f64::INFINITY;
    let html = page_of(&[broken], Found::default());
    well_formed(&html);
    for word in ["NaN", "inf%", "inf,"] {
        assert_eq!(times(&html, word), 0, "{word}");
    }
}

/// WCAG 2.2: relative luminance of sRGB, contrast = (lighter + 0.05) / (darker + 0.05).
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_of_both_themes_have_contrast() {
    for theme in STYLE.match_indices("--surface:#").map(|(start, _)| &STYLE[start..]) {
        let token = |name: &str| {
            let start = theme.find(&format!("--{name}:#")).unwrap() + name.len() + 3;
            theme[start..start + 7].to_owned()
        };
        for ground in ["surface", "panel"] {
            let of = |name: &str| contrast(&token(name), &token(ground));
            assert!(of("ink") >= 7.0, "ink on {ground} {}", of("ink"));
            assert!(of("quiet") >= 4.5, "quiet on {ground} {}", of("quiet"));
            for stroke in ["value", "expected", "high", "medium", "low"] {
                assert!(of(stroke) >= 3.0, "{stroke} on {ground} {}", of(stroke));
            }
        }
    }
    assert_eq!(times(STYLE, "--surface:#"), 2);
}

/// Against three baselines: `values` made the change of `report`.
fn total_of(report: &SeriesReport, name: &str, value: &str) -> Total {
    let one = |baseline: &Baseline| Compared {
        baseline: *baseline,
        baseline_words: format!("baseline {value}"),
        samples: 1,
        told: Contributors {
            dimensions: vec![name.to_owned()],
            leaves: 3,
            observed: 40.0,
            expected: 10.0,
            verdict: Verdict::Elements,
            everywhere: None,
            elements: [(25.0, value), (-2.0, "web")]
                .map(|(contribution, value)| Contributor {
                    values: [(name.to_owned(), value.to_owned())].into(),
                    observed: 5.0 + contribution,
                    expected: 5.0,
                    contribution,
                    share: contribution / 30.0,
                    closes: contribution / 30.0,
                    confidence: 0.999,
                    leaves: 1,
                })
                .into(),
            remainder: 7.0,
            remainder_share: 7.0 / 30.0,
            closes: 23.0 / 30.0,
            heatmap: vec![HeatDimension {
                name: name.to_owned(),
                values: vec![HeatValue {
                    value: value.to_owned(),
                    observed: 30.0,
                    expected: 5.0,
                    contribution: 25.0,
                    share: 25.0 / 30.0,
                }],
                more: 4,
                more_contribution: 5.0,
            }],
        },
    };
    let by = Baseline::ALL.iter().map(one).collect();
    Total { leaves: 3, drilled: vec![Drilled { start_at: report.anomalies[0].start_at, by }], left_out: 2 }
}

#[test]
fn a_total_is_taken_apart_with_gainers_and_losers_apart() {
    let mut total = report("orders", 200, &[100]);
    total.total = Some(total_of(&total, "app", "4.2"));
    let html = page_of(&[total], Found::default()).replace('\u{a0}', " ");
    let place = |needle: &str| html.find(needle).unwrap_or_else(|| panic!("{needle} is missing"));
    assert!(place("Orders in total were") < place("Which combination made it"));
    assert!(
        place("<strong><bdi>83 % of the excess is app = 4.2; app = web moved the other way")
            < place("<h5>Rose")
    );
    assert!(
        place("<h5>Rose") < place("<h5>Fell") && place("<h5>Fell") < place("Not explained: +7 of +30, 23 %")
    );
    assert!(place("Had they all been as expected, 77 % of the excess would close") < place("<h5>Rose"));
    assert_eq!(times(&html, "<summary>Against baseline 4.2</summary>"), 2);
    assert_eq!(times(&html, "4 more, +5 together."), 3);
    assert_eq!(times(&html, "2 anomalies of totals not taken apart"), 1);
    // The bar says nothing that the number beside it does not.
    assert_eq!(times(&html, "<i aria-hidden=\"true\"><b style=\"inline-size:50.0%\">"), 6);
}

#[test]
fn names_of_combinations_stay_text() {
    let evil = "<script>alert(1)</script>\"><img src=x>";
    let mut total = report("orders", 200, &[100]);
    total.total = Some(total_of(&total, evil, evil));
    let html = page_of(&[total], Found::default());
    assert_eq!((times(&html, "<script"), times(&html, "<img"), times(&html, "\"\">")), (0, 0, 0));
    assert!(times(&html, "&lt;script&gt;alert(1)") > 10);
}
