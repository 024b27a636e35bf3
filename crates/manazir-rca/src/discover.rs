//! Topology discovered, and events made: from spans, labels, series, log lines, episodes and what people did to what the
//! event graph is built of.
//!
//! Each source is one module and a function of what it is given: [`traces`] and [`labels`] tell who depends on whom,
//! [`lag`] guesses it from series that move one after the other; [`logs`], [`episodes`] and [`actions`] make
//! [`GraphEvent`](manazir_model::GraphEvent)s. Two tables say what names mean: [`labels`] which label names an entity,
//! [`types`] which words make which type of event.

pub mod actions;
pub mod episodes;
pub mod labels;
pub mod lag;
pub mod logs;
pub mod traces;
pub mod types;

use manazir_model::hash::{fnv1a, mixed};

/// Bytes of a name of an entity, operation or dimension; what is longer is cut.
pub const NAME_BYTES_MAX: usize = 256;

/// Bytes of a sentence for people.
const SENTENCE_BYTES_MAX: usize = 512;

/// Dimensions of one event.
const DIMS_MAX: usize = 16;

/// The surprise in nats that is half as grave as can be: a p-value of 10⁻⁴, at which episodes begin to open.
const HALF_GRAVE: f64 = 9.210_340_371_976_184;

/// How grave a surprise of −ln p nats is, in 0..=1: s / (s + ln 10⁴). 0 for what is no number or below 0.
pub fn severity(surprise: f64) -> f32 {
    if surprise.is_nan() || surprise <= 0.0 {
        return 0.0;
    }
    if surprise.is_infinite() { 1.0 } else { (surprise / (surprise + HALF_GRAVE)) as f32 }
}

/// Surprise of a probability in nats; 0 for what is none.
fn nats(p_value: f64) -> f64 {
    if p_value > 0.0 && p_value <= 1.0 { -p_value.ln() } else { 0.0 }
}

/// The beginning of a text, as far as `bytes_max` allow.
fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// A name without white space around it, of bounded length; `None` if nothing or a word for nothing is left.
fn named(text: &str) -> Option<&str> {
    const NOTHING: [&str; 7] = ["unknown", "none", "null", "nil", "n/a", "-", "undefined"];
    let name = cut(text.trim(), NAME_BYTES_MAX).trim_end();
    let says_nothing = name.is_empty() || NOTHING.iter().any(|word| name.eq_ignore_ascii_case(word));
    (!says_nothing).then_some(name)
}

/// Dimensions as an event keeps them: sorted, each name once, bounded in number and length.
fn dims<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let mut dims: Vec<(String, String)> = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((named(name)?.to_owned(), named(value)?.to_owned())))
        .collect();
    dims.sort_unstable();
    dims.dedup_by(|later, earlier| later.0 == earlier.0);
    dims.truncate(DIMS_MAX);
    dims
}

/// A short identity of texts, the same on every machine.
fn identity<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    // A byte that no text holds stands between the parts.
    mixed(fnv1a(parts.into_iter().flat_map(|part| part.bytes().chain([0xff]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_grows_with_surprise_from_nothing_to_all() {
        assert_eq!((severity(f64::NAN), severity(-3.0), severity(f64::INFINITY)), (0.0, 0.0, 1.0));
        assert!((severity(nats(1e-4)) - 0.5).abs() < 1e-6);
        assert!(severity(nats(1e-12)) > severity(nats(1e-6)));
        assert_eq!((nats(0.0), nats(2.0), nats(f64::NAN)), (0.0, 0.0, 0.0));
    }

    #[test]
    fn names_and_dimensions_are_bounded_and_say_something() {
        assert_eq!((named("  web "), named("Unknown"), named("")), (Some("web"), None, None));
        assert_eq!(named(&"ä".repeat(1_000)).unwrap().len(), NAME_BYTES_MAX);
        let many: Vec<String> = (0..99).map(|place| format!("d{place}")).collect();
        assert_eq!(dims(many.iter().map(|name| (name.as_str(), "x"))).len(), DIMS_MAX);
        assert_eq!(dims([("b", "2"), ("a", "9"), ("a", "1")]), dims([("a", "1"), ("b", "2"), ("a", "9")]));
        assert_ne!(identity(["ab", "c"]), identity(["a", "bc"]));
    }
}
