//! A board of totals: for programs, and on a terminal.

use std::cmp::Reverse;
use std::io::Write;

use anyhow::Result;
use manazir_rollup::{Shape, Total};
use serde::Serialize;

use crate::report::name::printable;
use crate::report::number::counted;
use crate::report::terminal::{Ink, Style, table};

/// The totals of a key, for programs.
#[derive(Serialize)]
pub(super) struct TotalJson<'t> {
    key: &'t str,
    label: &'t str,
    count: u64,
    sum: i64,
    mean: Option<f64>,
    by_category: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

/// All of them.
pub(super) fn json<'t>(totals: &'t [Total], shape: &Shape) -> Vec<TotalJson<'t>> {
    totals.iter().map(|total| total_json(total, shape)).collect()
}

fn total_json<'t>(total: &'t Total, shape: &Shape) -> TotalJson<'t> {
    let by_category = shape.categories.iter().zip(&total.by_category);
    let more = shape.more().iter().zip(&total.more);
    TotalJson {
        key: &total.key,
        label: &total.label,
        count: total.count,
        sum: total.sum,
        mean: mean(total),
        by_category: by_category.map(|(category, sum)| (category.clone(), (*sum).into())).collect(),
        more: more.map(|((name, _), value)| (name.clone(), (*value).into())).collect(),
    }
}

/// KP-W12: of the exact sum and count, each time anew.
fn mean(total: &Total) -> Option<f64> {
    (total.count > 0).then(|| total.sum as f64 / total.count as f64)
}

/// The `top` keys with the largest sums.
pub(super) fn say(
    out: &mut dyn Write,
    totals: &[Total],
    shape: &Shape,
    top: usize,
    style: Style,
) -> Result<()> {
    let mut ranked: Vec<&Total> = totals.iter().collect();
    ranked.sort_by_key(|total| (Reverse(total.sum), &total.key));
    let rows: Vec<Vec<String>> = ranked.iter().take(top).map(|total| row(total)).collect();
    let numbers = shape.categories.iter().map(String::as_str).chain(["findings", "sum", "average"]);
    let numbers = numbers.chain(shape.more().iter().map(|(name, _)| name.as_str()));
    let numbers: Vec<String> = numbers.map(|name| format!("#{name}")).collect();
    let headings: Vec<&str> = ["key", "name"].into_iter().chain(numbers.iter().map(String::as_str)).collect();
    if !rows.is_empty() {
        writeln!(out, "{}", table(&headings, &rows, style))?;
    }
    if ranked.len() > top {
        let more = counted(ranked.len() - top, "more", "more");
        writeln!(out, "{}", style.paint(Ink::Quiet, &format!("and {more}; --top N shows more, --out all")))?;
    }
    Ok(())
}

fn row(total: &Total) -> Vec<String> {
    let decimals = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.1}"));
    let words = [printable(&total.key), printable(&total.label)].into_iter();
    let sums = total.by_category.iter().map(i64::to_string);
    let totals = [total.count.to_string(), total.sum.to_string(), decimals(mean(total))];
    words.chain(sums).chain(totals).chain(total.more.iter().map(|value| decimals(*value))).collect()
}
