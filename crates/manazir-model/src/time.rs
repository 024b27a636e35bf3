//! Instants and grains, in whole microseconds.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Microseconds are what Parquet and Spark read natively; they hold a 360 Hz electrocardiogram and every
/// date that a calendar can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds since the epoch; saturates at the ends of the representable range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Microseconds from `earlier` to `self`, negative if `self` comes first; saturates.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant for the calendar, or `None` outside the years -9999 to 9999.
    pub fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_microsecond(self.0).ok()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self(instant.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_jiff() {
            Some(instant) => instant.fmt(f),
            None => write!(f, "{} µs", self.0),
        }
    }
}

/// The usual distance between two samples of a series, in microseconds; always positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grain(i64);

impl Grain {
    /// One second.
    pub const SECOND: Self = Self(1_000_000);
    /// One minute.
    pub const MINUTE: Self = Self(60_000_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000_000);
    /// Twenty-four hours, whatever the calendar says of that day.
    pub const DAY: Self = Self(86_400_000_000);

    /// `None` if `micros` is not positive.
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros > 0 { Some(Self(micros)) } else { None }
    }

    /// Microseconds, always positive.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// How many grains fit into `span_micros`, rounded to the nearest whole number, at least 1.
    pub fn samples_in(self, span_micros: i64) -> usize {
        let whole = (span_micros as f64 / self.0 as f64).round();
        if whole < 1.0 { 1 } else { whole as usize }
    }
}

impl fmt::Display for Grain {
    /// The largest unit that divides the grain: `5 min`, `1 h`, `7 d`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 6] = [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "min"),
            (1_000_000, "s"),
            (1_000, "ms"),
            (1, "µs"),
        ];
        let (size, unit) = UNITS.into_iter().find(|(size, _)| self.0 % size == 0).unwrap_or((1, "µs"));
        write!(f, "{} {unit}", self.0 / size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grains_print_in_the_largest_unit_that_divides_them() {
        let print = |micros| Grain::from_micros(micros).unwrap().to_string();
        assert_eq!(print(300_000_000), "5 min");
        assert_eq!(print(3_600_000_000), "1 h");
        assert_eq!(print(90_000_000), "90 s");
        assert_eq!(print(2_778), "2778 µs");
        assert_eq!(Grain::from_micros(0), None);
    }

    #[test]
    fn a_timestamp_prints_as_rfc_3339() {
        assert_eq!(Timestamp::from_seconds(1_400_000_000).to_string(), "2014-05-13T16:53:20Z");
        assert_eq!(Timestamp(i64::MAX).to_string(), format!("{} µs", i64::MAX));
    }
}
