//! Units from names: `latency_ms`, `size_bytes`, `cpu_percent`, `temperature_celsius`.

use crate::table::Decision;

/// Endings of names and the unit that they tell. Prometheus asks for `seconds`, `bytes`, `ratio`, `celsius`
/// (its "Metric and label naming" page); the rest is what exporters and spreadsheets write.
const ENDINGS: [(&str, &str); 55] = [
    ("ns", "ns"),
    ("nanoseconds", "ns"),
    ("nanos", "ns"),
    ("us", "µs"),
    ("usec", "µs"),
    ("microseconds", "µs"),
    ("micros", "µs"),
    ("ms", "ms"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("s", "s"),
    ("sec", "s"),
    ("secs", "s"),
    ("seconds", "s"),
    ("second", "s"),
    ("minutes", "min"),
    ("mins", "min"),
    ("hours", "h"),
    ("days", "d"),
    ("bytes", "bytes"),
    ("byte", "bytes"),
    ("b", "bytes"),
    ("kb", "kB"),
    ("kib", "KiB"),
    ("mb", "MB"),
    ("mib", "MiB"),
    ("gb", "GB"),
    ("gib", "GiB"),
    ("bits", "bits"),
    ("bps", "bit/s"),
    ("kbps", "kbit/s"),
    ("mbps", "Mbit/s"),
    ("percent", "%"),
    ("pct", "%"),
    ("percentage", "%"),
    ("ratio", "1"),
    ("celsius", "°C"),
    ("fahrenheit", "°F"),
    ("kelvin", "K"),
    ("degc", "°C"),
    ("degf", "°F"),
    ("volts", "V"),
    ("volt", "V"),
    ("amperes", "A"),
    ("watts", "W"),
    ("kw", "kW"),
    ("kwh", "kWh"),
    ("joules", "J"),
    ("hz", "Hz"),
    ("rpm", "rpm"),
    ("rps", "1/s"),
    ("qps", "1/s"),
    ("iops", "1/s"),
    ("hpa", "hPa"),
];

/// Words that say how often, after `per`.
const PER: [(&str, &str); 4] = [("second", "1/s"), ("sec", "1/s"), ("minute", "1/min"), ("hour", "1/h")];

/// Words at the end of a name that are no unit: `latency_ms_p99`, `bytes_total`.
const TAILS: [&str; 18] = [
    "total", "count", "sum", "bucket", "max", "min", "avg", "mean", "median", "p50", "p75", "p90", "p95",
    "p99", "p999", "value", "rate", "std",
];

/// The unit that a name tells, if it does.
pub(crate) fn of_name(name: &str) -> Option<Decision<String>> {
    let words = words(name);
    // `latency (ms)`, `Temperature [C]`: brackets say it outright.
    if let Some(open) = name.find(['(', '['])
        && let Some(inside) = name[open + 1..].split([')', ']']).next()
        && !inside.trim().is_empty()
        && inside.len() <= 8
    {
        let unit = look_up(&inside.trim().to_lowercase()).unwrap_or(inside.trim());
        return Some(Decision::new(unit.to_owned(), 0.9, format!("brackets in the name {name:?}")));
    }
    if let [.., before, last] = words.as_slice()
        && before == "per"
        && let Some((_, unit)) = PER.iter().find(|(word, _)| word == last)
    {
        return Some(Decision::new((*unit).to_owned(), 0.8, format!("the name {name:?} ends in per {last}")));
    }
    let meaningful = words.iter().rev().find(|word| !TAILS.contains(&word.as_str()))?;
    // A single letter means something only behind another word.
    if words.len() == 1 && meaningful.len() < 3 && meaningful != "ms" {
        return None;
    }
    let unit = look_up(meaningful)?;
    let sure = if meaningful.len() < 2 { 0.6 } else { 0.9 };
    Some(Decision::new(unit.to_owned(), sure, format!("{meaningful:?} in the name {name:?}")))
}

fn look_up(word: &str) -> Option<&'static str> {
    ENDINGS.iter().find(|(ending, _)| *ending == word).map(|(_, unit)| *unit)
}

/// `latencyMs`, `latency_ms`, `latency-ms` and `latency.ms` alike become two words.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower_before = false;
    for character in name.chars() {
        let splits = !character.is_alphanumeric();
        if splits || (lower_before && character.is_uppercase()) {
            words.push(String::new());
        }
        if !splits && let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        lower_before = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_tell_units() {
        let check = |name: &str, unit: &str| {
            assert_eq!(
                super::of_name(name).map(|found| found.value).as_deref().unwrap_or("-"),
                unit,
                "{name}"
            );
        };
        for (name, unit) in [
            ("latency_ms", "ms"),
            ("latencyMs", "ms"),
            ("latency_ms_p99", "ms"),
            ("size_bytes", "bytes"),
            ("network_receive_bytes_total", "bytes"),
            ("cpu_percent", "%"),
            ("temperature_celsius", "°C"),
            ("request_duration_seconds", "s"),
            ("rps", "1/s"),
            ("requests_per_second", "1/s"),
            ("Temperature [C]", "C"),
            ("delay (ms)", "ms"),
            ("orders", "-"),
            ("s", "-"),
            ("b", "-"),
            ("value", "-"),
        ] {
            check(name, unit);
        }
    }
}
