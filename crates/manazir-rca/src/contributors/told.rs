//! What people and programs are told of a cube: names in place of codes, numbers in the unit of the measure, what is too
//! small to be worth a row in the remainder, and each dimension by itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cube::{Cube, Measure};
use super::explain::{Element, Explanation, Verdict, explain};
use super::heatmap::{HeatRow, heatmap};
use super::search::Config;

/// Values of a dimension in its heat map.
const HEAT_VALUES_MAX: usize = 12;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Telling {
    /// Elements at most.
    pub elements_max: usize,
    /// Less of a change is not worth a row, 0..=1; ThirdEye leaves out what is below 0.03.
    pub share_min: f64,
    /// Five elements or more, of which the three largest are less of the change than this, are no explanation but a list.
    pub largest_share_min: f64,
    /// See [`Config::noise`].
    pub noise: f64,
    /// What the numbers of an amount are multiplied by: one by the samples of an episode gives means. Rates stay.
    pub unit: f64,
}

impl Default for Telling {
    /// What is worth a row in a report.
    fn default() -> Self {
        Self { elements_max: 10, share_min: 0.02, largest_share_min: 0.6, noise: 0.0, unit: 1.0 }
    }
}

/// Which dimension values made a change.
///
/// Numbers of an amount are in its unit, those of a ratio its rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contributors {
    /// Names of the dimensions.
    pub dimensions: Vec<String>,
    /// Combinations of their values.
    pub leaves: usize,
    /// Of the whole, as measured.
    pub observed: f64,
    /// Of the whole, by the baseline.
    pub expected: f64,
    /// In one word.
    pub verdict: Verdict,
    /// What observed is to expected nearly everywhere, if all moved alike.
    pub everywhere: Option<f64>,
    /// Those that moved with the whole first, and of them the largest contribution first.
    pub elements: Vec<Contributor>,
    /// What no element explains.
    pub remainder: f64,
    /// The same as a share of the change; 0 if there is none. Shares of elements and this sum to 1.
    pub remainder_share: f64,
    /// How much of the change would be gone, had all elements been as expected.
    pub closes: f64,
    /// Each dimension by itself.
    pub heatmap: Vec<HeatDimension>,
}

impl Contributors {
    /// observed − expected
    pub fn change(&self) -> f64 {
        self.observed - self.expected
    }
}

/// A combination that explains part of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contributor {
    /// Value by dimension.
    pub values: BTreeMap<String, String>,
    /// As measured.
    pub observed: f64,
    /// By the baseline.
    pub expected: f64,
    /// What it adds to the change of the whole, in the unit of the whole.
    pub contribution: f64,
    /// The same as a share of the change; negative if it moved the other way.
    pub share: f64,
    /// How much of the change would be gone, had it been as expected.
    pub closes: f64,
    /// In [0, 1].
    pub confidence: f64,
    /// Combinations of all dimensions in it.
    pub leaves: usize,
}

impl Contributor {
    /// `app=4.2 & country=BR`
    pub fn label(&self) -> String {
        let pairs: Vec<String> = self.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" & ")
    }
}

/// A dimension by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatDimension {
    /// Its name.
    pub name: String,
    /// Its values, the largest contribution first, whatever its sign.
    pub values: Vec<HeatValue>,
    /// Values that are not among them.
    pub more: usize,
    /// What those add to the change.
    pub more_contribution: f64,
}

/// A value of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeatValue {
    /// The value.
    pub value: String,
    /// As measured.
    pub observed: f64,
    /// By the baseline.
    pub expected: f64,
    /// What it adds to the change of the whole.
    pub contribution: f64,
    /// The same as a share of the change; 0 if there is none.
    pub share: f64,
}

/// Explains a cube and says it in names.
pub fn tell(cube: &Cube, telling: &Telling) -> Contributors {
    let config = Config { elements: telling.elements_max, noise: telling.noise, ..Config::default() };
    let explanation = explain(cube, &config);
    let ratio = matches!(cube.measure(), Measure::Ratio { .. });
    let unit = if ratio { 1.0 } else { telling.unit };
    let change = explanation.totals.change();
    let contributor = |element: &Element| Contributor {
        values: element.values.iter().map(|(dimension, code)| named(cube, *dimension, *code)).collect(),
        observed: unit * element.totals.actual,
        expected: unit * element.totals.expected,
        contribution: unit * element.contribution,
        share: element.share,
        closes: element.closes,
        confidence: element.confidence,
        leaves: element.leaves,
    };
    // What moved as all did is no part of its own, however large.
    let own_share = |told: &Contributor| match explanation.everywhere {
        Some(times) if !ratio => (told.observed - times * told.expected) / (unit * change),
        _ => told.share,
    };
    let all = explanation.elements.iter().map(contributor);
    let (elements, small): (Vec<Contributor>, Vec<Contributor>) =
        all.partition(|told| own_share(told).abs() >= telling.share_min);
    let remainder = unit * explanation.remainder + small.iter().map(|told| told.contribution).sum::<f64>();
    Contributors {
        dimensions: cube.dimensions().iter().map(|dimension| dimension.name.clone()).collect(),
        leaves: cube.len(),
        observed: unit * explanation.totals.actual,
        expected: unit * explanation.totals.expected,
        verdict: verdict(&explanation, &elements, telling),
        everywhere: explanation.everywhere,
        remainder,
        remainder_share: if change == 0.0 { 0.0 } else { remainder / (unit * change) },
        closes: explanation.closes - small.iter().map(|told| told.closes).sum::<f64>(),
        elements,
        heatmap: heat(cube, unit),
    }
}

/// Many small elements of which the largest are little of the change are no explanation but a list.
fn verdict(explanation: &Explanation, elements: &[Contributor], telling: &Telling) -> Verdict {
    const LARGEST: usize = 3;
    const MANY: usize = 5;
    let largest: f64 = elements.iter().take(LARGEST).map(|element| element.share.max(0.0)).sum();
    let is_list = elements.len() >= MANY && largest < telling.largest_share_min;
    match explanation.verdict {
        Verdict::Elements if elements.is_empty() && explanation.everywhere.is_some() => Verdict::Everywhere,
        Verdict::Elements if elements.is_empty() || (is_list && explanation.everywhere.is_none()) => {
            Verdict::Nowhere
        }
        verdict => verdict,
    }
}

fn named(cube: &Cube, dimension: usize, code: u32) -> (String, String) {
    let dimension = &cube.dimensions()[dimension];
    (dimension.name.clone(), dimension.values[code as usize].clone())
}

fn heat(cube: &Cube, unit: f64) -> Vec<HeatDimension> {
    let dimension = |(place, rows): (usize, Vec<HeatRow>)| {
        let shown = rows.len().min(HEAT_VALUES_MAX);
        let value = |row: &HeatRow| HeatValue {
            value: named(cube, place, row.code).1,
            observed: unit * row.totals.actual,
            expected: unit * row.totals.expected,
            contribution: unit * row.contribution,
            share: row.share,
        };
        HeatDimension {
            name: cube.dimensions()[place].name.clone(),
            values: rows[..shown].iter().map(value).collect(),
            more: rows.len() - shown,
            more_contribution: unit * rows[shown..].iter().map(|row| row.contribution).sum::<f64>(),
        }
    };
    heatmap(cube).into_iter().enumerate().map(dimension).collect()
}
