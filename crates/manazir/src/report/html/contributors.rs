//! What made the change of a total: elements with their parts, and each dimension by itself.

use super::{escape, table};
use manazir_rca::contributors::{Contributor, HeatDimension, HeatValue};

use crate::contributors::{Baseline, Compared};
use crate::finding::Finding;
use crate::report::because::{because, counterfactual, gap, named};
use crate::report::number::{count, counted, percent, with_unit};

/// Below the chart of a total: against the baseline that was asked for, then against the others. Empty of what was
/// not taken apart.
pub(super) fn section(finding: &Finding<'_>, baseline: Baseline) -> String {
    let Some(drilled) = finding.drilled() else { return String::new() };
    let Some(first) = drilled.by(baseline) else { return String::new() };
    let unit = finding.report.series.unit.as_deref();
    let other = |compared: &Compared| {
        let heading = format!("Against {}", compared.baseline_words);
        let body = view(compared, unit);
        format!("<details><summary>{}</summary>{body}</details>", escape::text(&heading))
    };
    let others: String =
        drilled.by.iter().filter(|other| other.baseline != first.baseline).map(other).collect();
    let heats = format!(
        "<details><summary>Each dimension by itself</summary>{}</details>",
        first.told.heatmap.iter().map(|heat| heat_table(heat, unit)).collect::<String>()
    );
    format!(
        "<section class=\"why\"><h4>Which combination made it</h4>{}{heats}{others}</section>\n",
        answer(first, unit)
    )
}

/// Answer and heat maps of a baseline that was not asked for.
fn view(compared: &Compared, unit: Option<&str>) -> String {
    let heats: String = compared.told.heatmap.iter().map(|heat| heat_table(heat, unit)).collect();
    format!("{}{heats}", answer(compared, unit))
}

/// The sentence, then the elements: those that moved with the whole apart from those that moved against it.
fn answer(compared: &Compared, unit: Option<&str>) -> String {
    let why = because(compared, unit);
    let closes =
        counterfactual(compared).map_or(String::new(), |closes| format!(" {}.", escape::name(&closes)));
    let change = format!(
        "{} instead of {} by {}; {} of {}, {}.",
        with_unit(compared.told.observed, unit),
        with_unit(compared.told.expected, unit),
        compared.baseline_words,
        counted(compared.told.leaves, "combination", "combinations"),
        compared.told.dimensions.join(", "),
        counted(compared.samples, "sample", "samples"),
    );
    let (up, down): (Vec<&Contributor>, Vec<&Contributor>) =
        compared.told.elements.iter().partition(|element| element.contribution > 0.0);
    let scale = scale(compared);
    let part = |title: &str, elements: &[&Contributor]| match elements {
        [] => String::new(),
        elements => elements_table(title, elements, (gap(compared), scale), unit),
    };
    let parts = [part("Fell", &down), part("Rose", &up)];
    let parts =
        if compared.told.change() < 0.0 { parts.concat() } else { format!("{}{}", parts[1], parts[0]) };
    let rest = if compared.told.elements.is_empty() { String::new() } else { remainder(compared, unit) };
    format!(
        "<p><strong>{}.</strong>{closes}</p><p class=\"quiet\">{}</p>{parts}{rest}",
        escape::name(&why),
        escape::name(&change)
    )
}

/// The part that fills a bar.
fn scale(compared: &Compared) -> f64 {
    let elements = compared.told.elements.iter().map(|element| element.contribution);
    elements.chain([compared.told.remainder]).map(f64::abs).fold(0.0, f64::max)
}

fn elements_table(
    title: &str,
    elements: &[&Contributor],
    (gap, scale): (&str, f64),
    unit: Option<&str>,
) -> String {
    let row = |element: &&Contributor| {
        vec![
            escape::name(&named(&element.values)),
            escape::text(&with_unit(element.observed, unit)),
            escape::text(&with_unit(element.expected, unit)),
            part_cell(element.contribution, scale, unit),
            signed_percent(element.share),
            signed_percent(element.closes),
            format!("{:.0}\u{a0}%", (100.0 * element.confidence).floor()),
        ]
    };
    let rows: Vec<Vec<String>> = elements.iter().map(row).collect();
    let (share, closes) = (format!("#Share of the {gap}"), "#Would close");
    let headings = ["Combination", "#Observed", "#Expected", "Part", &share, closes, "#Sure"];
    format!("<h5>{title}</h5>{}", table::table(&headings, &rows))
}

fn remainder(compared: &Compared, unit: Option<&str>) -> String {
    format!(
        "<p>{}: {} of {}, {} of the {}.</p>",
        if compared.told.everywhere.is_some() {
            "Moved with everything, or not explained"
        } else {
            "Not explained"
        },
        escape::text(&signed(compared.told.remainder, unit)),
        escape::text(&signed(compared.told.change(), unit)),
        signed_percent(compared.told.remainder_share),
        gap(compared),
    )
}

fn heat_table(heat: &HeatDimension, unit: Option<&str>) -> String {
    let scale = heat.values.iter().map(|value| value.contribution.abs()).fold(0.0, f64::max);
    let row = |value: &HeatValue| {
        vec![
            escape::name(&value.value),
            escape::text(&with_unit(value.observed, unit)),
            escape::text(&with_unit(value.expected, unit)),
            part_cell(value.contribution, scale, unit),
            signed_percent(value.share),
        ]
    };
    let rows: Vec<Vec<String>> = heat.values.iter().map(row).collect();
    let more = match heat.more {
        0 => String::new(),
        more => format!(
            "<p class=\"quiet\">{} more, {} together.</p>",
            count(more),
            escape::text(&signed(heat.more_contribution, unit))
        ),
    };
    let name = escape::name(&heat.name);
    let headings = ["Value", "#Observed", "#Expected", "Part", "#Share"];
    format!("<h5>{name}</h5>{}{more}", table::table(&headings, &rows))
}

/// A bar from the middle, to the left where it fell and to the right where it rose, with its number.
fn part_cell(contribution: f64, scale: f64, unit: Option<&str>) -> String {
    let width = if scale > 0.0 { 50.0 * (contribution / scale).abs().min(1.0) } else { 0.0 };
    let side = if contribution < 0.0 { "down" } else { "up" };
    format!(
        "<span class=\"part {side}\"><i aria-hidden=\"true\"><b style=\"inline-size:{width:.1}%\"></b></i><span>{}</span></span>",
        escape::text(&signed(contribution, unit))
    )
}

/// `+12`, `−3.2 ms`.
fn signed(number: f64, unit: Option<&str>) -> String {
    let sign = if number > 0.0 { "+" } else { "" };
    format!("{sign}{}", with_unit(number, unit))
}

fn signed_percent(share: f64) -> String {
    let sign = if share < -0.0005 { "−" } else { "" };
    format!("{sign}{}", percent(share).replace(' ', "\u{a0}"))
}
