//! Words that sentences are made of.

/// `latency_spike` as people say it.
pub fn plain(event_type: &str) -> String {
    event_type.replace(['_', '-'], " ")
}

/// A time of so many seconds: `40 s`, `3 min`, `2.5 h`, `4 d`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.abs();
    let tenths = |value: f64, unit: &str| {
        let tenths = (value * 10.0).round() / 10.0;
        format!("{tenths} {unit}")
    };
    match seconds {
        s if s < 10.0 => tenths(s, "s"),
        s if s < 120.0 => format!("{} s", s.round()),
        s if s < 7_200.0 => format!("{} min", (s / 60.0).round()),
        s if s < 172_800.0 => tenths(s / 3_600.0, "h"),
        s => tenths(s / 86_400.0, "d"),
    }
}

/// How something lies to something else in time: `40 s before`, `2 min after`, `at the same time as`.
pub(super) fn before(seconds: f64) -> String {
    match seconds {
        s if s.abs() < 0.5 => "at the same time as".to_owned(),
        s if s > 0.0 => format!("{} before", duration(s)),
        s => format!("{} after", duration(s)),
    }
}

/// When something began beside what was asked about: `beginning 40 s earlier`.
pub(super) fn beginning(seconds_before: f64) -> String {
    match seconds_before {
        s if s.abs() < 0.5 => "beginning at that time".to_owned(),
        s if s > 0.0 => format!("beginning {} earlier", duration(s)),
        s => format!("beginning {} later", duration(s)),
    }
}

/// A probability in whole percent, never said to be certain.
pub fn percent(probability: f64) -> String {
    match 100.0 * probability {
        p if p > 99.0 => "over 99 %".to_owned(),
        p if p < 1.0 => "under 1 %".to_owned(),
        p => format!("{} %", p.round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_unit() {
        let told: Vec<String> = [0.0, 1.26, 40.4, 119.9, 180.0, 9_000.0, 3e5].map(duration).into();
        assert_eq!(told, ["0 s", "1.3 s", "40 s", "120 s", "3 min", "2.5 h", "3.5 d"]);
        assert_eq!(before(-61.0), "61 s after");
        assert_eq!(percent(0.9999), "over 99 %");
    }
}
