//! An answer of a cube: which dimension values made the change.

use manazir_model::Timestamp;

use super::words::percent;
use super::{Asked, Explanation, Graph};
use crate::contributors::{Contributors, Cube, Telling, Verdict, tell};

/// Elements that a sentence names.
const NAMED_MAX: usize = 3;

/// Explains the change of a cube.
pub fn explain_cube(cube: &Cube, what: &str, at: Timestamp, telling: &Telling) -> Explanation {
    let contributors = tell(cube, telling);
    let found = contributors.verdict == Verdict::Elements;
    Explanation {
        asked: Asked { entity: None, what: what.to_owned(), at },
        summary: sentence(&contributors),
        found,
        causes: Vec::new(),
        none_of_these: if found { 0.0 } else { 1.0 },
        contributors: Some(contributors),
        changes: Vec::new(),
        related: Vec::new(),
        graph: Graph::default(),
        charts: Vec::new(),
        missing: Vec::new(),
        cut: false,
    }
}

fn sentence(told: &Contributors) -> String {
    match told.verdict {
        Verdict::Elements => {
            let elements = told.elements.iter().take(NAMED_MAX);
            let named: Vec<String> = elements
                .map(|element| format!("{} of the change is {}", share(element.share), element.label()))
                .collect();
            let more = told.elements.len().saturating_sub(NAMED_MAX);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("{}{more}.", named.join("; "))
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
