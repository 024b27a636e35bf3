//! An answer of a cube: which dimension values made the change.

use manazir_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::percent;
use super::{Asked, Explanation, Graph};
use crate::contributors::{self, Cube, Element, Verdict};

/// Which dimension values made a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contributors {
    /// As measured, of the whole.
    pub actual: f64,
    /// As expected, of the whole.
    pub expected: f64,
    /// Combinations that explain it, those that moved with the whole first.
    pub elements: Vec<Contributor>,
    /// What none of them explains, in the unit of the measure; with their contributions it sums to the change.
    pub remainder: f64,
    /// The same as a share of the change.
    pub remainder_share: f64,
    /// How much of the change would be gone, had all of them been as expected.
    pub closes: f64,
    /// In a sentence.
    pub sentence: String,
}

/// A combination of dimension values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contributor {
    /// Dimension and value.
    pub values: Vec<(String, String)>,
    /// `app=4.2 & country=BR`
    pub label: String,
    /// As measured.
    pub actual: f64,
    /// As expected.
    pub expected: f64,
    /// What it adds to the change of the whole, in the unit of the measure.
    pub contribution: f64,
    /// The same as a share of the change.
    pub share: f64,
    /// How much of the change would be gone, had it been as expected.
    pub closes: f64,
    /// 0..=1.
    pub confidence: f64,
}

/// Explains the change of a cube.
pub fn explain_cube(cube: &Cube, what: &str, at: Timestamp) -> Explanation {
    let found = contributors::explain(cube, &contributors::Config::default());
    let change = found.totals.change();
    let elements: Vec<Contributor> = found.elements.iter().map(|element| told(cube, element)).collect();
    let sentence = sentence(&found, &elements);
    let is_found = found.verdict == Verdict::Elements;
    let contributors = Contributors {
        actual: found.totals.actual,
        expected: found.totals.expected,
        remainder: found.remainder,
        remainder_share: if change == 0.0 { 0.0 } else { found.remainder / change },
        closes: found.closes,
        sentence: sentence.clone(),
        elements,
    };
    Explanation {
        asked: Asked { entity: None, what: what.to_owned(), at },
        summary: sentence,
        found: is_found,
        causes: Vec::new(),
        none_of_these: if is_found { 0.0 } else { 1.0 },
        contributors: Some(contributors),
        changes: Vec::new(),
        related: Vec::new(),
        graph: Graph::default(),
        charts: Vec::new(),
        missing: Vec::new(),
        cut: false,
    }
}

fn told(cube: &Cube, element: &Element) -> Contributor {
    let value = |(dimension, code): &(usize, u32)| {
        let dimension = &cube.dimensions()[*dimension];
        (dimension.name.clone(), dimension.values[*code as usize].clone())
    };
    Contributor {
        values: element.values.iter().map(value).collect(),
        label: cube.label(&element.values),
        actual: element.totals.actual,
        expected: element.totals.expected,
        contribution: element.contribution,
        share: element.share,
        closes: element.closes,
        confidence: element.confidence,
    }
}

fn sentence(found: &contributors::Explanation, elements: &[Contributor]) -> String {
    match found.verdict {
        Verdict::Elements => {
            let told: Vec<String> = elements
                .iter()
                .take(3)
                .map(|element| format!("{} of the change is {}", share(element.share), element.label))
                .collect();
            let more = elements.len().saturating_sub(3);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("{}{more}.", told.join("; "))
        }
        Verdict::Everywhere => {
            "No combination explains it: everything moved alike, so the cause lies outside of the dimensions."
                .to_owned()
        }
        Verdict::Nowhere => "No combination explains it: a dimension may be missing.".to_owned(),
        Verdict::Noise => "No cause found: the change is no larger than noise.".to_owned(),
    }
}

/// A share may be negative or above one.
fn share(share: f64) -> String {
    if (0.01..=0.99).contains(&share) { percent(share) } else { format!("{:.0} %", 100.0 * share) }
}
