//! Times as RFC 3339 writes them, and nothing else.

use manazir_model::Timestamp;

/// `2023-06-23T16:23:18Z`, with a fraction or an offset; `None` for whatever RFC 3339 does not allow.
///
/// Strict, because a time that is guessed moves an event: no date alone, no space for the T, no missing zone.
/// Fractions beyond microseconds are cut; a leap second is the first moment of the next minute.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (fixed, rest) = bytes.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let well_formed =
        separators.iter().all(|&(at, byte)| fixed[at] == byte) && matches!(fixed[10], b'T' | b't');
    if !well_formed {
        return None;
    }
    let (year, month, day) = (number(&fixed[..4])?, number(&fixed[5..7])?, number(&fixed[8..10])?);
    let (hour, minute, second) = (number(&fixed[11..13])?, number(&fixed[14..16])?, number(&fixed[17..19])?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (micros, rest) = fraction(rest)?;
    let offset_seconds = offset(rest)?;
    let days = days_since_1970(year, month, day)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_seconds;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |sum, &digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Microseconds of `.123…` and what follows; 0 if there is no fraction.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let length = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let kept = length.min(6);
    let missing = u32::try_from(6 - kept).ok()?;
    Some((number(&digits[..kept])? * 10i64.pow(missing), &digits[length..]))
}

/// Seconds east of Greenwich.
fn offset(rest: &[u8]) -> Option<i64> {
    match rest {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Days of the Gregorian calendar (Hinnant, *chrono-compatible low-level date algorithms*, 2014).
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_the_standard_allows() {
        let show = |text: &str| parse(text).map(|at| at.to_string());
        let good = [
            ("2023-06-23T16:23:18Z", "2023-06-23T16:23:18Z"),
            ("2024-02-29T23:59:60z", "2024-03-01T00:00:00Z"),
            ("2023-06-23t16:23:18.1234567+05:30", "2023-06-23T10:53:18.123456Z"),
            ("0001-01-01T00:00:00-00:00", "0001-01-01T00:00:00Z"),
        ];
        for (text, wanted) in good {
            assert_eq!(show(text).as_deref(), Some(wanted), "{text}");
        }
        let bad = [
            "",
            "yesterday",
            "2023-06-23",
            "2023-06-23 16:23:18Z",
            "2023-06-23T16:23:18",
            "2023-02-29T00:00:00Z",
            "2023-06-23T24:00:00Z",
            "2023-06-23T16:23Z",
            "2023-06-23T16:23:18.Z",
            "2023-06-23T16:23:18+0530",
            "2023-13-01T00:00:00Z",
            "2023-06-23T16:23:18Zz",
            "२०23-06-23T16:23:18Z",
            "+023-06-23T16:23:18Z",
        ];
        for text in bad {
            assert_eq!(show(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_calendar(micros in -62_135_596_800_000_000i64..253_402_207_200_000_000) {
            prop_assert_eq!(parse(&Timestamp(micros).to_string()), Some(Timestamp(micros)));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            parse(&text);
        }
    }
}
