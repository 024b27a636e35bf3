//! Why a total changed, in one or two sentences.

use std::collections::BTreeMap;

use super::name::{printable, shortened};
use super::number::{count, joined, number, percent};
use manazir_rca::contributors::{Contributor, Verdict};

use crate::contributors::{Baseline, Compared};

/// Dimensions of places: people say `in BR`, not `country = BR`.
const PLACES: [&str; 14] = [
    "area",
    "city",
    "cluster",
    "continent",
    "country",
    "dc",
    "location",
    "market",
    "place",
    "region",
    "site",
    "state",
    "store",
    "zone",
];

/// Elements that a sentence names.
const NAMED_MAX: usize = 3;

/// Longest name of an element in a sentence, in characters.
const NAME_CHARS_MAX: usize = 80;

/// Less of a change is not worth a word.
const SHARE_MIN: f64 = 0.005;

/// Less of a change that the rest made up for is not worth a word either: it scatters by as much.
const MADE_UP_MIN: f64 = 0.05;

/// From so many times the change on, parts that cancel each other are told by their numbers.
const SHARE_MAX: f64 = 3.0;

/// Why, as a sentence without its full stop: `83 % of the gap is app = 4.2 in BR; 17 % is not explained`.
pub fn because(compared: &Compared, unit: Option<&str>) -> String {
    let text = match compared.told.verdict {
        Verdict::Elements => elements(compared, unit),
        Verdict::Everywhere => everywhere(compared),
        Verdict::Nowhere => {
            let largest = compared.told.elements.first().map_or(String::new(), |element| {
                let (share, gap) = (percent(element.share), gap(compared));
                format!("; the largest part, {share} of the {gap}, is {}", named(&element.values))
            });
            let of = dimensions(compared);
            format!("no combination of {of} explains it: a dimension may be missing{largest}")
        }
        Verdict::Noise => "no combination is off by more than all of them scatter".to_owned(),
    };
    let against = match compared.baseline {
        Baseline::Expected if compared.told.verdict != Verdict::Noise => String::new(),
        _ => format!("against {}, ", compared.baseline_words),
    };
    printable(&capitalised(&format!("{against}{text}")))
}

/// What would be without the elements: `Had it been as expected, 83 % of the gap would close`.
pub fn counterfactual(compared: &Compared) -> Option<String> {
    let subject = match compared.told.elements.len() {
        _ if compared.told.verdict != Verdict::Elements => return None,
        0 => return None,
        1 => "it",
        _ => "they all",
    };
    let (closes, gap) = (compared.told.closes, gap(compared));
    // Where parts cancel each other, a share of what is left of them says nothing.
    let told = (SHARE_MIN..SHARE_MAX).contains(&closes);
    let as_what = if compared.baseline == Baseline::Expected { "as expected" } else { "as it was then" };
    let share = if closes < 1.0 - SHARE_MIN { format!("{} of ", percent(closes)) } else { String::new() };
    told.then(|| format!("Had {subject} been {as_what}, {share}the {gap} would close"))
}

/// `app = 4.2 in BR`, `app = 4.2 and shop = web`.
pub fn named(values: &BTreeMap<String, String>) -> String {
    let is_place = |name: &str| PLACES.contains(&name.to_lowercase().as_str());
    let plain = |(name, value): &(&String, &String)| format!("{name} = {value}");
    let (places, others): (Vec<_>, Vec<_>) = values.iter().partition(|(name, _)| is_place(name));
    let words = match (others.as_slice(), places.as_slice()) {
        ([], places) => places.iter().map(plain).collect::<Vec<_>>().join(" and "),
        (others, places) => {
            let others = others.iter().map(plain).collect::<Vec<_>>().join(" and ");
            let places: String = places.iter().map(|(_, value)| format!(" in {value}")).collect();
            format!("{others}{places}")
        }
    };
    printable(&shortened(&words, NAME_CHARS_MAX))
}

/// What is to be explained, in a word: less than expected leaves a gap.
pub fn gap(compared: &Compared) -> &'static str {
    if compared.told.change() < 0.0 { "gap" } else { "excess" }
}

fn elements(compared: &Compared, unit: Option<&str>) -> String {
    let all = &compared.told.elements;
    if all.iter().any(|element| element.share.abs() > SHARE_MAX) {
        return cancelling(all, unit);
    }
    if compared.told.everywhere.is_some() {
        let names: Vec<String> = all.iter().take(NAMED_MAX).map(|element| named(&element.values)).collect();
        let names = listed(&names, all.len());
        return format!("{}; apart from that, {names} stands out", everywhere(compared));
    }
    let with: Vec<&Contributor> = all.iter().filter(|element| element.share > 0.0).collect();
    let against: Vec<&Contributor> = all.iter().filter(|element| element.share <= 0.0).collect();
    let mut parts = Vec::new();
    if !with.is_empty() {
        parts.push(shares(&with, gap(compared)));
    }
    if !against.is_empty() {
        let names: Vec<String> =
            against.iter().take(NAMED_MAX).map(|element| named(&element.values)).collect();
        parts.push(format!("{} moved the other way", listed(&names, against.len())));
    }
    let rest = compared.told.remainder_share;
    if rest >= SHARE_MIN {
        parts.push(format!("{} is not explained", percent(rest)));
    } else if rest <= -MADE_UP_MIN && against.is_empty() {
        parts.push(format!("the rest made up for {} of it", percent(rest)));
    }
    parts.join("; ")
}

/// `61 % of the gap is app = 4.2 in BR, 22 % shop = web`
fn shares(elements: &[&Contributor], gap: &str) -> String {
    let one = |(position, element): (usize, &&Contributor)| {
        let is_all = (1.0 - SHARE_MIN..1.0 + MADE_UP_MIN).contains(&element.share);
        let share = if is_all { "all".to_owned() } else { percent(element.share) };
        let name = named(&element.values);
        if position == 0 { format!("{share} of the {gap} is {name}") } else { format!("{share} {name}") }
    };
    let told: Vec<String> = elements.iter().take(NAMED_MAX).enumerate().map(one).collect();
    listed(&told, elements.len())
}

/// `app = 4.2 in BR is 212 instead of 530`: shares of a small sum of large parts say nothing.
fn cancelling(elements: &[Contributor], unit: Option<&str>) -> String {
    let one = |element: &Contributor| {
        let numbers = joined(element.observed, "instead of", element.expected, unit);
        format!("{} is {numbers}", named(&element.values))
    };
    let told: Vec<String> = elements.iter().take(NAMED_MAX).map(one).collect();
    format!("parts moved against each other: {}", listed(&told, elements.len()))
}

fn everywhere(compared: &Compared) -> String {
    let of = of_what(compared);
    let to = match compared.told.everywhere {
        Some(times) if times >= 10.0 => format!("to {} times {of}, ", number(times.round())),
        Some(share) => format!("to {} of {of}, ", percent(share)),
        None => String::new(),
    };
    format!(
        "everything moved alike, {to}so the cause lies outside of the dimensions ({})",
        dimensions(compared)
    )
}

/// What was named already, if it was.
fn of_what(compared: &Compared) -> &'static str {
    if compared.baseline == Baseline::Expected { "what was expected" } else { "that" }
}

/// `app, country and shop`
fn dimensions(compared: &Compared) -> String {
    match compared.told.dimensions.as_slice() {
        [] => "the dimensions".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first of `all`, with how many more there are.
fn listed(told: &[String], all: usize) -> String {
    match (told, all - told.len()) {
        ([first @ .., last], 0) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        (told, 0) => told.join(", "),
        (told, more) => format!("{} and {} more", told.join(", "), count(more)),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    // A name keeps its letters: `app = 4.2` is no sentence's first word.
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    first + letters.as_str()
}

#[cfg(test)]
mod tests;
