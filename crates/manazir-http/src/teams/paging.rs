//! Pages of teams and services.

use axum::http::Uri;
use manazir_people::teams::ServiceKey;

use crate::Problem;
use crate::people::ITEMS;
use crate::search::Wanted;

/// Longest cursor of services: three parts of 128 characters, each of four bytes, in digits, and what parts them.
const CURSOR_MAX: usize = 2 * (3 * 128 * 4 + 2);

/// How many a page holds.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    let mut wanted = Wanted::default();
    let limit = wanted.limit(asked, ITEMS);
    wanted.or_refuse(limit)
}

/// The next page of a list; `more` is what else was asked for, as it stands in a query.
pub(super) fn next_link(asked: &Uri, limit: usize, more: &str, cursor: &str) -> String {
    format!("{}?{more}limit={limit}&cursor={cursor}", asked.path())
}

/// A place in the list of services: its key in hexadecimal digits, parted by what no name has.
pub(super) fn written(key: &ServiceKey) -> String {
    let text = [key.name.as_str(), &key.namespace, &key.environment].join("\0");
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The place that a cursor says. Every text of digits is one: what is not there is between two that are.
pub(super) fn place(cursor: &str) -> Result<ServiceKey, Problem> {
    let bytes = digits(cursor).filter(|_| cursor.len() <= CURSOR_MAX);
    let bytes = bytes.ok_or_else(crate::people::unknown_cursor)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut parts = text.splitn(3, '\0').map(|part| part.replace('\0', ""));
    let mut next = || parts.next().unwrap_or_default();
    Ok(ServiceKey { name: next(), namespace: next(), environment: next() })
}

fn digits(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_again_and_every_text_of_digits_is_one() {
        for (name, namespace, environment) in
            [("a", "", ""), ("a", "b", "ç ☂"), ("", "", "x"), ("a", "", "x")]
        {
            let key = ServiceKey {
                name: name.to_owned(),
                namespace: namespace.to_owned(),
                environment: environment.to_owned(),
            };
            assert_eq!(place(&written(&key)).unwrap(), key);
        }
        assert!(place("00000000ff").is_ok());
        for bad in ["a", "+1", "xx", "é", &"61".repeat(2_000)] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}
