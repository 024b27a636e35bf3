//! Numbers for people: three significant digits, SI prefixes, units.

/// Digits shown unless two numbers must be told apart.
const DIGITS: usize = 3;

/// Most digits spent on telling two numbers apart.
const DIGITS_MAX: usize = 9;

const PREFIXES: [(f64, &str); 5] = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

/// Units that take an SI prefix directly: 39.2 kW.
const PREFIXED_UNITS: [&str; 8] = ["W", "V", "A", "Hz", "J", "bit/s", "B/s", "Wh"];

/// A number without unit: `312`, `8,430`, `39.2 k`, `0.0125`.
pub fn number(value: f64) -> String {
    with_digits(value, None, DIGITS)
}

/// A number with its unit: `8.2 °C`, `1.23 GB`, `41 %`.
pub fn with_unit(value: f64, unit: Option<&str>) -> String {
    with_digits(value, unit, DIGITS)
}

/// Two numbers with as many digits as it takes to tell them apart, and the unit.
pub fn pair(one: f64, other: f64, unit: Option<&str>) -> (String, String) {
    let at = |digits| (with_digits(one, unit, digits), with_digits(other, unit, digits));
    (DIGITS..=DIGITS_MAX).map(at).find(|(a, b)| a != b || one == other).unwrap_or_else(|| at(DIGITS_MAX))
}

/// `0.1 to 0.4 ms`: two numbers with a word between them, the unit once where both have the same.
pub fn joined(one: f64, word: &str, other: f64, unit: Option<&str>) -> String {
    let (one, other) = pair(one, other, unit);
    let rate = unit.and_then(|unit| unit.strip_prefix('1')).filter(|rate| rate.starts_with('/'));
    if let Some(number) = rate.and_then(|rate| one.strip_suffix(rate)) {
        return format!("{number} {word} {other}");
    }
    match (one.split_once(' '), other.split_once(' ')) {
        (Some((number, first)), Some((_, second))) if first == second => format!("{number} {word} {other}"),
        _ => format!("{one} {word} {other}"),
    }
}

/// `0.1 to 0.4 ms`, or one number where both are the same.
pub fn range(lower: f64, upper: f64, unit: Option<&str>) -> String {
    if lower == upper { with_unit(lower, unit) } else { joined(lower, "to", upper, unit) }
}

/// A share as percentage: `41 %`, `4.2 %`, `0.12 %`.
pub fn percent(share: f64) -> String {
    let percentage = share.abs() * 100.0;
    if percentage >= 10.0 {
        format!("{} %", grouped(percentage, 0))
    } else {
        format!("{} %", significant(percentage, 2))
    }
}

/// A count in full: `48,112`.
pub fn count(count: usize) -> String {
    grouped(count as f64, 0)
}

/// `1 series`, `2 anomalies`: a count with its noun.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

fn with_digits(value: f64, unit: Option<&str>, digits: usize) -> String {
    if !value.is_finite() {
        return "no number".to_owned();
    }
    match unit {
        None | Some("" | "1") => prefixed(value, "", digits),
        Some("bytes" | "B") if value.abs() >= 1e3 => prefixed(value, "B", digits),
        Some("bytes/s") => prefixed(value, "B/s", digits),
        // `1/min` behind a number reads as another number.
        Some(unit) if unit.starts_with("1/") => format!("{}{}", prefixed(value, "", digits), &unit[1..]),
        Some("s") if value != 0.0 && value.abs() < 1e-3 => format!("{} µs", significant(value * 1e6, digits)),
        Some("s") if value != 0.0 && value.abs() < 1.0 => format!("{} ms", significant(value * 1e3, digits)),
        Some("ms") if value.abs() >= 1e4 => format!("{} s", significant(value / 1e3, digits)),
        Some(unit) if PREFIXED_UNITS.contains(&unit) => prefixed(value, unit, digits),
        Some(unit) => format!("{} {unit}", significant(value, digits)),
    }
}

/// With an SI prefix from ten thousand on; without a unit thousands stay readable as they are.
fn prefixed(value: f64, unit: &str, digits: usize) -> String {
    let from = if unit.is_empty() { 9_999.5 } else { 999.5 };
    let rounded = round_to(value, digits).abs();
    let prefix = PREFIXES.into_iter().find(|&(size, _)| rounded >= size).filter(|_| value.abs() >= from);
    match prefix {
        Some((size, prefix)) => format!("{} {prefix}{unit}", significant(value / size, digits)),
        None if unit.is_empty() => significant(value, digits),
        None => format!("{} {unit}", significant(value, digits)),
    }
}

fn round_to(value: f64, digits: usize) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let exponent = value.abs().log10().floor() as i32;
    let step = 10f64.powi(exponent - digits as i32 + 1);
    (value / step).round() * step
}

/// Rounded to so many significant digits, without trailing zeros, thousands apart.
fn significant(value: f64, digits: usize) -> String {
    let rounded = round_to(value, digits);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    let exponent = rounded.abs().log10().floor() as i32;
    if !(-4..12).contains(&exponent) {
        return format!("{rounded:.*e}", digits - 1);
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    let text = grouped(rounded, decimals);
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let mut out = String::with_capacity(text.len() + 4);
    let zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    if value < 0.0 && !zero {
        // A true minus sign: as wide as a digit, and no hyphen that breaks the line.
        out.push('−');
    }
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (8.2, "8.2"),
            (312.4, "312"),
            (999.9, "1,000"),
            (8_432.0, "8,430"),
            (9_999.9, "10 k"),
            (39_197.0, "39.2 k"),
            (-1_234_567.0, "−1.23 M"),
            (0.012_49, "0.0125"),
            (0.000_012, "1.20e-5"),
            (f64::NAN, "no number"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text, "{value}");
        }
    }

    #[test]
    fn units_follow_the_number() {
        let cases = [
            (1_234_567_890.0, "bytes", "1.23 GB"),
            (312.0, "bytes", "312 bytes"),
            (0.0082, "s", "8.2 ms"),
            (0.000_05, "s", "50 µs"),
            (12_300.0, "ms", "12.3 s"),
            (41.0, "%", "41 %"),
            (0.5, "1", "0.5"),
            (39_200.0, "W", "39.2 kW"),
            (39_200.0, "rpm", "39,200 rpm"),
            (540_000.0, "bytes/s", "540 kB/s"),
            (517.0, "1/min", "517/min"),
            (-3.25, "°C", "−3.25 °C"),
        ];
        for (value, unit, text) in cases {
            assert_eq!(with_unit(value, Some(unit)), text, "{value} {unit}");
        }
    }

    #[test]
    fn two_numbers_get_the_digits_that_tell_them_apart() {
        assert_eq!(pair(1_000_123.0, 1_000_000.0, None), ("1.0001 M".to_owned(), "1 M".to_owned()));
        assert_eq!(pair(5.0, 5.0, None), ("5".to_owned(), "5".to_owned()));
        assert_eq!(range(0.1, 0.4, Some("ms")), "0.1 to 0.4 ms");
        assert_eq!(range(98.0, 517.0, Some("1/min")), "98 to 517/min");
        assert_eq!(range(900.0, 1_200.0, Some("bytes")), "900 bytes to 1.2 kB");
    }

    #[test]
    fn percentages_and_counts() {
        assert_eq!(percent(-0.4118), "41 %");
        assert_eq!(percent(0.0419), "4.2 %");
        assert_eq!(percent(12.5), "1,250 %");
        assert_eq!(count(48_112), "48,112");
        assert_eq!(counted(1, "anomaly", "anomalies"), "1 anomaly");
    }
}
