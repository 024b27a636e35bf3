//! Times as sources of samples and events write them: RFC 3339, or a number since 1970.

use manazir_model::Timestamp;

use super::rfc3339;

/// What a time may look like, for an error.
pub(super) const WANTED: &str =
    "a time as RFC 3339 writes it, like 2023-06-23T16:23:18Z, or seconds or milliseconds since 1970";

/// A time from text or from a number that is written as text.
pub(super) fn of_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        of_number(text)
    } else {
        rfc3339::parse(text)
    }
}

/// A time from a JSON number as it is written.
///
/// Its unit follows from its size, which is unambiguous for 1973 to 5138: fewer than 12 digits are seconds, 14
/// milliseconds, 17 microseconds, more nanoseconds.
pub(super) fn of_number(text: &str) -> Option<Timestamp> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Timestamp(match whole.unsigned_abs() {
            0..100_000_000_000 => whole * 1_000_000,
            100_000_000_000..100_000_000_000_000 => whole * 1_000,
            100_000_000_000_000..100_000_000_000_000_000 => whole,
            _ => whole.div_euclid(1_000),
        }));
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    let micros = match number.abs() {
        size if size < 1e11 => number * 1e6,
        size if size < 1e14 => number * 1e3,
        size if size < 1e17 => number,
        _ => number / 1e3,
    };
    // Beyond what 64 bits hold there is no calendar: saturating is as wrong as any other answer.
    (micros.abs() < 9e18).then_some(Timestamp(micros.round() as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_unit_of_a_number_follows_from_its_size() {
        let cases = [
            ("1687537398", "2023-06-23T16:23:18Z"),
            ("1687537398.25", "2023-06-23T16:23:18.25Z"),
            ("1687537398250", "2023-06-23T16:23:18.25Z"),
            ("1687537398250000", "2023-06-23T16:23:18.25Z"),
            ("1687537398250000000", "2023-06-23T16:23:18.25Z"),
            ("2023-06-23T18:23:18+02:00", "2023-06-23T16:23:18Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("1.5e9", "2017-07-14T02:40:00Z"),
        ];
        for (text, wanted) in cases {
            assert_eq!(of_text(text).map(|at| at.to_string()).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "yesterday", "2023-06-23", "1e300", "--1", "NaN", "."] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*|[-+.eE0-9]{0,25}") {
            of_text(&text);
        }
    }
}
