//! Instants so long after others.

use std::time::Duration;

use manazir_model::Timestamp;

/// `by` after `at`; saturates.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp(at.micros().saturating_add(micros(by)))
}

/// From `now` until `at`; nothing if that is past.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::from_micros(at.micros_since(now).max(0).unsigned_abs())
}

/// Whole microseconds; saturates.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
