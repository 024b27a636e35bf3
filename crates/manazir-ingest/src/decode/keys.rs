//! Values of known keys, kept as they came, so that each can be judged and all that is wrong can be told at once.

use std::borrow::Cow;

use manazir_model::Timestamp;
use serde_json::value::RawValue;

use super::text::Text;
use super::{moment, rfc3339};
use crate::EventId;

/// A value as it stands in the text; absent if its key is.
pub(super) type Value<'a> = Option<&'a RawValue>;

fn present<'a>(key: &str, value: Value<'a>, wrong: &mut Vec<String>) -> Value<'a> {
    if value.is_none() {
        wrong.push(format!("{key} is missing"));
    }
    value
}

/// A string that must be there and hold something.
pub(super) fn text<'a>(key: &str, value: Value<'a>, wrong: &mut Vec<String>) -> Cow<'a, str> {
    let Some(value) = present(key, value, wrong) else { return Cow::default() };
    match serde_json::from_str::<Text<'_>>(value.get()) {
        Ok(text) if text.0.is_empty() => wrong.push(format!("{key} is empty")),
        Ok(text) => return text.0,
        Err(_) => wrong.push(format!("{key} is not a string")),
    }
    Cow::default()
}

/// An identity must be one that every store can look up.
pub(super) fn identity(source: &str, id: &str, wrong: &mut Vec<String>) {
    wrong.extend(EventId::fault(source, id));
}

/// A time as RFC 3339 writes it, which must be there.
pub(super) fn time(key: &str, value: Value<'_>, wrong: &mut Vec<String>) -> Timestamp {
    let already = wrong.len();
    let text = text(key, value, wrong);
    match rfc3339::parse(&text) {
        Some(at) => at,
        None => {
            if wrong.len() == already {
                wrong.push(format!("{key} is not a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z"));
            }
            Timestamp::default()
        }
    }
}

/// A list of strings, which must be there.
pub(super) fn list<'a>(key: &str, value: Value<'a>, wrong: &mut Vec<String>) -> Vec<Cow<'a, str>> {
    let Some(value) = present(key, value, wrong) else { return Vec::new() };
    match serde_json::from_str::<Vec<Text<'_>>>(value.get()) {
        Ok(texts) => texts.into_iter().map(|text| text.0).collect(),
        Err(_) => {
            wrong.push(format!("{key} is not a list of strings"));
            Vec::new()
        }
    }
}

/// A string, or a number as it is written; empty if there is none.
pub(super) fn word<'a>(key: &str, value: Value<'a>, wrong: &mut Vec<String>) -> Cow<'a, str> {
    let Some(raw) = value.map(RawValue::get).filter(|raw| *raw != "null") else { return Cow::default() };
    if raw.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str::<Text<'_>>(raw).map(|text| text.0).unwrap_or_else(|_| {
        wrong.push(format!("{key} is not a string"));
        Cow::default()
    })
}

/// A word that must be there and hold something.
pub(super) fn required<'a>(key: &str, value: Value<'a>, wrong: &mut Vec<String>) -> Cow<'a, str> {
    let already = wrong.len();
    let word = word(key, value, wrong);
    if word.is_empty() && wrong.len() == already {
        wrong.push(format!("{key} is {}", if value.is_none() { "missing" } else { "empty" }));
    }
    word
}

/// A time in any way that [`moment`] reads, which must be there.
pub(super) fn moment(key: &str, value: Value<'_>, wrong: &mut Vec<String>) -> Timestamp {
    let already = wrong.len();
    let word = required(key, value, wrong);
    let quoted = value.is_some_and(|value| value.get().starts_with('"'));
    let at = if quoted { moment::of_text(&word) } else { moment::of_number(&word) };
    at.unwrap_or_else(|| {
        if wrong.len() == already {
            wrong.push(format!("{key} is not {}", moment::WANTED));
        }
        Timestamp::default()
    })
}

/// One string or a list of them; none if there is no value.
pub(super) fn words<'a>(key: &str, value: Value<'a>, wrong: &mut Vec<String>) -> Vec<Cow<'a, str>> {
    let Some(raw) = value.filter(|raw| raw.get() != "null") else { return Vec::new() };
    if raw.get().starts_with('[') { list(key, value, wrong) } else { vec![word(key, value, wrong)] }
}

/// `true` or `false`; `None` if there is no value.
pub(super) fn truth(key: &str, value: Value<'_>, wrong: &mut Vec<String>) -> Option<bool> {
    match value.map(RawValue::get) {
        None | Some("null") => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => {
            wrong.push(format!("{key} is neither true nor false"));
            None
        }
    }
}
