//! The graph of an explanation as a drawing: what was asked about at the left, causes at the right.

use std::collections::HashMap;

use manazir_rca::explanation::{Explanation, Node, Role, duration, percent, plain};

use super::super::escape;
use crate::report::name::shortened;

/// Units of the drawing, which are pixels where it is not shrunk.
const BOX: (f64, f64) = (190.0, 48.0);
const GAP: (f64, f64) = (84.0, 18.0);
const MARGIN: f64 = 8.0;
/// Letters that a box holds.
const LETTERS: usize = 25;
/// Nodes that are drawn.
const NODES_MAX: usize = 60;

/// The figure; nothing for a graph of one node.
pub(super) fn figure(told: &Explanation) -> String {
    let nodes = &told.graph.nodes[..told.graph.nodes.len().min(NODES_MAX)];
    if nodes.len() < 2 {
        return String::new();
    }
    let places = places(told, nodes);
    let columns = places.values().map(|place| place.0).max().unwrap_or_default() + 1;
    let rows = places.values().map(|place| place.1).max().unwrap_or_default() + 1;
    let width = 2.0 * MARGIN + columns as f64 * (BOX.0 + GAP.0) - GAP.0;
    let height = 2.0 * MARGIN + rows as f64 * (BOX.1 + GAP.1) - GAP.1;
    let edges: String = told
        .graph
        .edges
        .iter()
        .filter_map(|edge| {
            let (cause, effect) = (places.get(edge.cause.as_str())?, places.get(edge.effect.as_str())?);
            Some(line(*effect, *cause, edge.lag_seconds, edge.weight))
        })
        .collect();
    let boxes: String = nodes.iter().map(|node| shape(node, places[node.id.as_str()])).collect();
    format!(
        "<h2>How it spread</h2>\n<figure class=\"graph\"><div class=\"scroll\">\
         <svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         aria-label=\"{}\">{edges}{boxes}</svg></div>\
         <figcaption>What was asked about is at the left, each cause at the right of what it causes; dashed is what \
         nobody reported. Lags are from cause to effect.</figcaption></figure>\n",
        escape::text(&format!("Graph of {} events; the ways are told as lists below.", nodes.len()))
    )
}

/// Column and row of each node: the column is the number of links from what was asked about.
fn places<'a>(told: &'a Explanation, nodes: &'a [Node]) -> HashMap<&'a str, (usize, usize)> {
    let mut column: HashMap<&str, usize> = HashMap::new();
    for cause in &told.causes {
        for (depth, step) in cause.path.iter().enumerate() {
            let known = column.entry(step.node.as_str()).or_insert(depth);
            *known = (*known).max(depth);
        }
    }
    let mut filled: HashMap<usize, usize> = HashMap::new();
    let mut place = |node: &'a Node| {
        let column = column.get(node.id.as_str()).copied().unwrap_or_default();
        let row = filled.entry(column).or_default();
        *row += 1;
        (node.id.as_str(), (column, *row - 1))
    };
    nodes.iter().map(&mut place).collect()
}

fn corner((column, row): (usize, usize)) -> (f64, f64) {
    (MARGIN + column as f64 * (BOX.0 + GAP.0), MARGIN + row as f64 * (BOX.1 + GAP.1))
}

fn line(effect: (usize, usize), cause: (usize, usize), lag_s: Option<f64>, weight: f64) -> String {
    let (from, to) = (corner(effect), corner(cause));
    let (x1, y1) = (from.0 + BOX.0, from.1 + BOX.1 / 2.0);
    let (x2, y2) = (to.0, to.1 + BOX.1 / 2.0);
    let middle = f64::midpoint(x1, x2);
    let label = lag_s.map_or(String::new(), |lag| {
        format!(
            "<text x=\"{middle:.1}\" y=\"{:.1}\" class=\"lag\">{}</text>",
            f64::midpoint(y1, y2) - 5.0,
            duration(lag)
        )
    });
    format!(
        "<path d=\"M{x1:.1} {y1:.1}C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {x2:.1} {y2:.1}\" \
         style=\"stroke-width:{:.1}\"/>{label}",
        1.0 + 2.0 * weight.clamp(0.0, 1.0)
    )
}

fn shape(node: &Node, place: (usize, usize)) -> String {
    let (x, y) = corner(place);
    let role = match node.role {
        Role::Alert => "alert",
        Role::Cause => "cause",
        Role::Path => "way",
        Role::Assumed => "assumed",
    };
    let below = match (&node.event_type, node.confidence) {
        (Some(event_type), Some(confidence)) => {
            format!("{} · {}", plain(event_type), percent(confidence))
        }
        (Some(event_type), None) => plain(event_type),
        (None, Some(confidence)) => percent(confidence),
        (None, None) => node.at.map_or(String::new(), |at| at.to_string()),
    };
    let text = |dy: f64, class: &str, text: &str| {
        format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"{class}\">{}</text>",
            x + 10.0,
            y + dy,
            escape::text(&shortened(text, LETTERS))
        )
    };
    let title = node.at.map_or_else(|| "not seen".to_owned(), |at| at.to_string());
    format!(
        "<g class=\"{role}\"><title>{} · {title}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{}\" height=\"{}\" rx=\"7\"/>{}{}</g>",
        escape::text(&node.entity),
        BOX.0,
        BOX.1,
        text(20.0, "name", &node.entity),
        text(38.0, "what", &below),
    )
}
