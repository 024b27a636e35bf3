//! Parts of sentences.

use manazir_model::{Grain, Timestamp};

/// The end of a name that people use: `role/build-7` of `arn:aws:iam::1:role/build-7`.
pub(super) fn actor(actor: &str) -> &str {
    if actor.is_empty() {
        return "somebody without a name";
    }
    short(actor)
}

/// The last part of an ARN, or the name as it is.
pub(super) fn short(name: &str) -> &str {
    if name.starts_with("arn:") { name.splitn(6, ':').last().unwrap_or(name) } else { name }
}

/// `14 days`, `5 hours`.
pub(super) fn days(days: f64) -> String {
    let (count, unit) = if days >= 2.0 { (days, "day") } else { ((days * 24.0).max(1.0), "hour") };
    let count = count.round();
    format!("{count} {unit}{}", if count == 1.0 { "" } else { "s" })
}

/// `at 03 h UTC on a weekend`.
pub(super) fn time_of_week(at: Timestamp) -> String {
    let hours = at.micros().div_euclid(Grain::HOUR.micros());
    let weekend = matches!(hours.div_euclid(24).rem_euclid(7), 2 | 3);
    let day = if weekend { "a weekend" } else { "a working day" };
    format!("at {:02} h UTC on {day}", hours.rem_euclid(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_what_people_say() {
        assert_eq!(actor("arn:aws:iam::1:role/ci/build-7"), "role/ci/build-7");
        assert_eq!(actor("role12"), "role12");
        assert_eq!(actor(""), "somebody without a name");
        assert_eq!(short("arn:aws:s3:::logs"), "logs");
    }

    #[test]
    fn spans_are_said_in_days_or_hours() {
        assert_eq!(
            [0.0, 0.5, 1.9, 2.0, 13.6].map(days),
            ["1 hour", "12 hours", "46 hours", "2 days", "14 days"]
        );
        let at = Timestamp::from_seconds(1_714_878_000);
        assert_eq!(time_of_week(at), "at 03 h UTC on a weekend");
    }
}
