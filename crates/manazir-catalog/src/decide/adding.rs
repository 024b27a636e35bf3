//! Whether the values of several series may be added to one.
//!
//! Orders of all countries are orders; temperatures of all rooms are nothing. A wrong sum is worse than none, so
//! a measure adds up only where its name or its unit says so.

use super::unit::words;
use crate::table::{Adding, Decision};

/// Words of measures that are means, extremes, quotients or states, also with an `s` behind them.
const APART: [&str; 62] = [
    "age",
    "availability",
    "average",
    "avg",
    "delay",
    "degree",
    "distinct",
    "duration",
    "efficiency",
    "factor",
    "fraction",
    "frequency",
    "health",
    "heartrate",
    "humidity",
    "id",
    "index",
    "lag",
    "latency",
    "latitude",
    "level",
    "load",
    "longitude",
    "max",
    "maximum",
    "mean",
    "median",
    "min",
    "minimum",
    "pct",
    "percent",
    "percentage",
    "percentile",
    "ph",
    "position",
    "pressure",
    "price",
    "probability",
    "quantile",
    "rank",
    "rate",
    "rating",
    "ratio",
    "score",
    "share",
    "speed",
    "state",
    "status",
    "std",
    "stddev",
    "temp",
    "temperature",
    "threshold",
    "unique",
    "uptime",
    "utilisation",
    "utilization",
    "variance",
    "velocity",
    "version",
    "voltage",
    "weight",
];

/// Words of amounts that have no plural.
const ADDS: [&str; 26] = [
    "amount",
    "consumption",
    "cost",
    "count",
    "demand",
    "energy",
    "gmv",
    "income",
    "n",
    "num",
    "number",
    "production",
    "profit",
    "qty",
    "quantity",
    "revenue",
    "sales",
    "spend",
    "spending",
    "sum",
    "throughput",
    "total",
    "traffic",
    "turnover",
    "usage",
    "volume",
];

/// What becomes of things that are counted, where it does not end in `ed`.
const BECAME: [&str; 13] =
    ["active", "in", "lost", "made", "new", "open", "out", "paid", "read", "sent", "sold", "won", "written"];

/// Units of amounts, and of amounts in a time.
const UNITS_ADD: [&str; 17] = [
    "bytes", "kB", "KiB", "MB", "MiB", "GB", "GiB", "bits", "bit/s", "kbit/s", "Mbit/s", "W", "kW", "kWh",
    "J", "1/s", "1/min",
];

/// Units of states, of times, and of quotients.
const UNITS_APART: [&str; 18] =
    ["%", "1", "°C", "°F", "K", "V", "A", "Hz", "rpm", "hPa", "ns", "µs", "ms", "s", "min", "h", "d", "C"];

/// Words that `per` may stand before: the amount is one in a time. A `revenue per user` is a quotient.
const TIMES: [&str; 8] = ["second", "sec", "minute", "min", "hour", "day", "week", "month"];

/// Judges the name and the unit of a measure.
pub(crate) fn decide(name: &str, unit: Option<&str>) -> Decision<Adding> {
    let all = words(name);
    let per = all.iter().position(|word| word == "per");
    let apart = |reason: String| Decision::new(Adding::Apart, 0.9, reason);
    if let Some(of) = per.and_then(|per| all.get(per + 1)).filter(|of| !TIMES.contains(&of.as_str())) {
        return apart(format!("the name {name:?} says per {of}"));
    }
    let told = &all[..per.unwrap_or(all.len())];
    if let Some(word) = told.iter().find(|word| is_apart(word)) {
        return apart(format!("{word:?} in the name {name:?}"));
    }
    if let Some(unit) = unit.filter(|unit| UNITS_APART.contains(unit)) {
        return apart(format!("what is in {unit} cannot be added"));
    }
    if let Some(unit) = unit.filter(|unit| UNITS_ADD.contains(unit)) {
        return Decision::new(Adding::Adds, 0.9, format!("what is in {unit} adds up"));
    }
    match told.iter().find(|word| ADDS.contains(&word.as_str())) {
        Some(word) => Decision::new(Adding::Adds, 0.9, format!("{word:?} in the name {name:?}")),
        None if counts_things(told) => {
            Decision::new(Adding::Adds, 0.8, format!("the name {name:?} counts things"))
        }
        None => {
            Decision::new(Adding::Apart, 0.5, format!("nothing in the name {name:?} says that it adds up"))
        }
    }
}

/// `latency`, `prices`, `p95`.
fn is_apart(word: &str) -> bool {
    let quantile = word
        .strip_prefix('p')
        .is_some_and(|digits| digits.len() >= 2 && digits.chars().all(|digit| digit.is_ascii_digit()));
    quantile || [Some(word), word.strip_suffix('s')].into_iter().flatten().any(|word| APART.contains(&word))
}

/// `orders`, `failed_requests`, `baskets_paid`; not `news_sentiment`.
fn counts_things(words: &[String]) -> bool {
    let [.., last] = words else { return false };
    let says_what_became = last.ends_with("ed") || BECAME.contains(&last.as_str());
    is_plural(last) || (says_what_became && words.first().is_some_and(|word| is_plural(word)))
}

/// `orders`, `failures`; not `status`, `address`, `values`.
fn is_plural(word: &str) -> bool {
    let singular = ["ss", "us", "is", "as"].iter().any(|ending| word.ends_with(ending));
    word.len() > 3 && word.ends_with('s') && !singular && !["values", "vals"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_and_states_do_not() {
        let adds = |name: &str, unit: Option<&str>| decide(name, unit).value == Adding::Adds;
        for (name, unit) in [
            ("orders", None),
            ("orders_per_minute", None),
            ("activeUsers", None),
            ("revenue", Some("EUR")),
            ("errors_total", None),
            ("disk_written_bytes_total", Some("bytes")),
            ("power_kw", Some("kW")),
            ("count", None),
            ("baskets_paid", None),
            ("requests_failed", None),
            ("users_active", None),
        ] {
            assert!(adds(name, unit), "{name}");
        }
        for (name, unit) in [
            ("latency_p95_ms", Some("ms")),
            ("requests_p95", None),
            ("value", None),
            ("values", None),
            ("conversion_rate", None),
            ("revenue_per_user", None),
            ("avg_orders", None),
            ("prices", None),
            ("unique_visitors", None),
            ("temperature_celsius", Some("°C")),
            ("status", None),
            ("news_sentiment", None),
            ("address_changed", None),
            ("wait", Some("s")),
            ("level_of_detail", None),
        ] {
            assert!(!adds(name, unit), "{name}");
        }
    }
}
