//! Times and spans as people write them on the command line.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use manazir_model::Timestamp;

/// A time; one without a zone is in UTC, a day is meant to its end, and `3 days ago` is as long ago.
pub fn parse(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let at = text.parse::<jiff::Timestamp>().ok().map(Timestamp::from);
    at.or_else(|| day(text)).or_else(|| civil(text)).or_else(|| ago(text)).ok_or_else(|| {
        format!(
            "{text:?} is no time: write 2026-03-04T12:00:00Z, '2026-03-04 12:00', 2026-03-04 for the end of that \
             day, or '3 days ago'"
        )
    })
}

/// The last microsecond of a day.
fn day(text: &str) -> Option<Timestamp> {
    // Jiff reads the day of a time as well, and leaves the rest of it out.
    if text.contains(':') {
        return None;
    }
    let next = text.parse::<Date>().ok()?.tomorrow().ok()?;
    let end = next.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp(end.as_microsecond() - 1))
}

fn civil(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.parse().ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
}

fn ago(text: &str) -> Option<Timestamp> {
    let span: jiff::Span = text.ends_with("ago").then(|| text.parse().ok()).flatten()?;
    let now = jiff::Timestamp::now().to_zoned(TimeZone::UTC);
    Some(now.checked_add(span).ok()?.timestamp().into())
}

/// `90s`, `15m`, `1h`, `1d`: at least a second.
pub fn span(text: &str) -> Result<Duration, String> {
    let span = text.trim().parse::<jiff::Span>().ok();
    let length = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
    let length = length.and_then(|length| Duration::try_from(length).ok());
    length
        .filter(|length| *length >= Duration::from_secs(1))
        .ok_or_else(|| format!("{text:?} is no span of a second or more: write 15m, 1h or 1d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_people_write_them() {
        let check = |text: &str, expected: &str| assert_eq!(parse(text).unwrap().to_string(), expected);
        check("2026-03-04T12:00:00+02:00", "2026-03-04T10:00:00Z");
        check("2026-03-04 12:30", "2026-03-04T12:30:00Z");
        check("2026-03-04", "2026-03-04T23:59:59.999999Z");
        let ago = parse("3 days ago").unwrap();
        let seconds = Timestamp::from(jiff::Timestamp::now()).micros_since(ago) / 1_000_000;
        assert!((3 * 86_400..3 * 86_400 + 60).contains(&seconds));
        for wrong in ["", "last week", "3 days", "2026-13-01", "12:00"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn spans_are_as_people_write_them() {
        assert_eq!(span("1d"), Ok(Duration::from_secs(86_400)));
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "0s", "-1h", "1ms", "1 month", "x"] {
            assert!(span(wrong).is_err(), "{wrong:?}");
        }
    }
}
