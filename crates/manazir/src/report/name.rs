//! Names of series as people say them.

use manazir_model::{Series, SeriesKey};

/// Metric names that say nothing: the labels name the series then.
const EMPTY_NAMES: [&str; 5] = ["value", "values", "val", "y", "column_2"];

/// Words that are written in capitals, wherever they stand in a name.
const CAPITALS: [&str; 24] = [
    "api", "aws", "cdn", "cpu", "db", "dns", "ec2", "elb", "gpu", "http", "https", "id", "io", "iops", "nyc",
    "ram", "rds", "sql", "ssl", "tcp", "tls", "udp", "uk", "us",
];

/// Longest name in a sentence, in characters; the whole key stands beside it in tables.
const NAME_CHARS_MAX: usize = 80;

/// The subject of a sentence: `Orders (country BR)`, `NYC taxi`. The unit at the end of a name is left out
/// where the numbers carry it: `latency_p95_ms` in ms is `Latency p95`.
pub fn subject(series: &Series) -> String {
    let SeriesKey { metric, labels } = &series.key;
    let says_nothing = EMPTY_NAMES.contains(&metric.to_lowercase().as_str()) && !labels.is_empty();
    let name = if says_nothing {
        labels.iter().map(|(_, value)| spoken(value, None)).collect::<Vec<_>>().join(", ")
    } else if labels.is_empty() {
        spoken(metric, series.unit.as_deref())
    } else {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label} {value}")).collect();
        format!("{} ({})", spoken(metric, series.unit.as_deref()), labels.join(", "))
    };
    shortened(&capitalised(&name), NAME_CHARS_MAX)
}

/// `were` behind a plural, `was` else, told by the metric's last word.
pub fn verb(series: &Series) -> &'static str {
    let spoken = spoken(&series.key.metric, series.unit.as_deref()).to_lowercase();
    let words: Vec<&str> = spoken.split(' ').collect();
    // `orders per minute` are orders.
    let head =
        words.iter().position(|word| ["per", "of", "in", "by", "for"].contains(word)).unwrap_or(words.len());
    let last = head.checked_sub(1).and_then(|index| words.get(index)).copied().unwrap_or_default();
    let singular = ["ss", "us", "is", "as"].iter().any(|ending| last.ends_with(ending));
    let plural = last.ends_with('s') && last.len() > 3 && !singular;
    if plural { "were" } else { "was" }
}

/// Cut to so many characters, with an ellipsis in place of what is lost.
pub fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Control characters of a name would move the cursor of a terminal: they become `·`.
pub fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

/// The same for text of several lines.
pub fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn spoken(metric: &str, unit: Option<&str>) -> String {
    let metric = printable(metric);
    let mut words: Vec<&str> = metric.split(['_', ' ']).filter(|word| !word.is_empty()).collect();
    if words.len() > 1 && unit.is_some_and(|unit| words.last() == Some(&unit)) {
        words.pop();
    }
    let spoken: Vec<String> = words
        .into_iter()
        .map(|word| if CAPITALS.contains(&word) { word.to_uppercase() } else { word.to_owned() })
        .collect();
    if spoken.is_empty() { "unnamed".to_owned() } else { spoken.join(" ") }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_subjects() {
        let check = |metric: &str, labels: &[(&str, &str)], unit: Option<&str>, expected: &str| {
            let labels = labels.iter().map(|&(label, value)| (label.to_owned(), value.to_owned()));
            let key = SeriesKey::new(metric, labels);
            let series = Series { key, unit: unit.map(str::to_owned), ..Series::default() };
            assert_eq!(format!("{} {}", subject(&series), verb(&series)), expected);
        };
        check("orders", &[("country", "BR"), ("app", "4.2")], None, "Orders (app 4.2, country BR) were");
        check("latency_p95_ms", &[], Some("ms"), "Latency p95 was");
        check("latency_p95_ms", &[], None, "Latency p95 ms was");
        check("value", &[("file", "nyc_taxi")], None, "NYC taxi was");
        check("ec2_cpu_utilization", &[], None, "EC2 CPU utilization was");
        check("cpu_status", &[], None, "CPU status was");
        check("orders_per_minute", &[], None, "Orders per minute were");
        check("", &[], None, "Unnamed was");
        check("a\u{1b}[31mb", &[], None, "A·[31mb was");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("žluťoučký", 4), "žlu…");
        assert_eq!(shortened("kůň", 4), "kůň");
    }
}
