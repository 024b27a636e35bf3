//! One line a case: what is said of contributors.

use expect_test::{Expect, expect};

use manazir_rca::contributors::Contributors;

use super::*;

fn element(values: &[(&str, &str)], share: f64) -> Contributor {
    Contributor {
        values: values.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
        observed: 100.0 - 100.0 * share,
        expected: 100.0,
        contribution: -100.0 * share,
        share,
        closes: share,
        confidence: 0.99,
        leaves: 1,
    }
}

/// A total that fell from 1,000 to 900.
fn fell(elements: Vec<Contributor>) -> Compared {
    let explained: f64 = elements.iter().map(|element| element.share).sum();
    Compared {
        baseline: Baseline::Expected,
        baseline_words: "what was expected".to_owned(),
        samples: 5,
        told: Contributors {
            dimensions: vec!["app".to_owned(), "country".to_owned()],
            leaves: 12,
            observed: 900.0,
            expected: 1_000.0,
            verdict: if elements.is_empty() { Verdict::Nowhere } else { Verdict::Elements },
            everywhere: None,
            elements,
            remainder: -100.0 * (1.0 - explained),
            remainder_share: 1.0 - explained,
            closes: explained,
            heatmap: Vec::new(),
        },
    }
}

/// The same with something else in it.
fn but(compared: Compared, change: impl FnOnce(&mut Contributors)) -> Compared {
    let mut changed = compared;
    change(&mut changed.told);
    changed
}

#[track_caller]
fn check(compared: &Compared, sentence: Expect) {
    let closes = counterfactual(compared).map_or(String::new(), |closes| format!(". {closes}"));
    sentence.assert_eq(&format!("{}{closes}", because(compared, None)));
}

#[test]
fn elements_are_named_with_their_shares() {
    let app = || element(&[("app", "4.2"), ("country", "BR")], 0.83);
    check(
        &fell(vec![app()]),
        expect![
            "83 % of the gap is app = 4.2 in BR; 17 % is not explained. Had it been as expected, 83 % of the gap would close"
        ],
    );
    let web = || element(&[("app", "web")], 0.1);
    check(
        &fell(vec![app(), web()]),
        expect![
            "83 % of the gap is app = 4.2 in BR and 10 % app = web; 7 % is not explained. Had they all been as expected, 93 % of the gap would close"
        ],
    );
    let many = (0..5).map(|app| element(&[("app", &app.to_string())], 0.2)).collect();
    check(
        &fell(many),
        expect![
            "20 % of the gap is app = 0, 20 % app = 1, 20 % app = 2 and 2 more. Had they all been as expected, the gap would close"
        ],
    );
    let rose = but(fell(vec![element(&[("country", "BR")], 1.0)]), |told| told.observed = 1_100.0);
    check(
        &rose,
        expect!["All of the excess is country = BR. Had it been as expected, the excess would close"],
    );
}

#[test]
fn what_moved_the_other_way_is_said() {
    check(
        &fell(vec![element(&[("app", "4.2")], 1.3), element(&[("country", "DE")], -0.2)]),
        expect![
            "130 % of the gap is app = 4.2; country = DE moved the other way. Had they all been as expected, the gap would close"
        ],
    );
    check(
        &fell(vec![element(&[("app", "4.2")], 1.2)]),
        expect![
            "120 % of the gap is app = 4.2; the rest made up for 20 % of it. Had it been as expected, the gap would close"
        ],
    );
    check(
        &fell(vec![element(&[("app", "4.2")], 9.0), element(&[("app", "4.3")], -8.0)]),
        expect![
            "Parts moved against each other: app = 4.2 is −800 instead of 100 and app = 4.3 is 900 instead of 100. Had they all been as expected, the gap would close"
        ],
    );
}

#[test]
fn no_answer_is_an_answer() {
    check(
        &fell(Vec::new()),
        expect!["No combination of app and country explains it: a dimension may be missing"],
    );
    let many = (0..6).map(|app| element(&[("app", &app.to_string())], 0.12)).collect();
    check(
        &but(fell(many), |told| told.verdict = Verdict::Nowhere),
        expect![
            "No combination of app and country explains it: a dimension may be missing; the largest part, 12 % of the gap, is app = 0"
        ],
    );
    let noise = but(fell(Vec::new()), |told| told.verdict = Verdict::Noise);
    check(
        &noise,
        expect!["Against what was expected, no combination is off by more than all of them scatter"],
    );
    let alike = but(fell(Vec::new()), |told| {
        (told.verdict, told.everywhere) = (Verdict::Everywhere, Some(0.7));
    });
    check(
        &alike,
        expect![
            "Everything moved alike, to 70 % of what was expected, so the cause lies outside of the dimensions (app and country)"
        ],
    );
}

#[test]
fn what_stands_out_of_a_common_move_is_named_behind_it() {
    let compared = but(fell(vec![element(&[("country", "DE")], 0.16)]), |told| told.everywhere = Some(0.62));
    expect!["Everything moved alike, to 62 % of what was expected, so the cause lies outside of the dimensions (app and country); apart from that, country = DE stands out"]
        .assert_eq(&because(&compared, None));
}

#[test]
fn a_baseline_that_was_asked_for_is_named() {
    let compared = Compared {
        baseline: Baseline::LastWeek,
        baseline_words: "the same span a week before".to_owned(),
        ..fell(vec![element(&[("country", "BR"), ("city", "Rio")], 1.0)])
    };
    check(
        &compared,
        expect![
            "Against the same span a week before, all of the gap is city = Rio and country = BR. Had it been as it was then, the gap would close"
        ],
    );
}
