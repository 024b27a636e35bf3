//! Which live series are counters, and how fast they grow.

use manazir_model::{Sample, SeriesKey};

/// Endings by which Prometheus and OpenTelemetry name what only grows.
const ENDINGS: [&str; 4] = ["_total", "_count", "_sum", "_bucket"];

/// One reset in so many rises is believed of a counter.
const RISES_MIN: usize = 4;

/// True if the name says counter and the first samples do not say otherwise: a fall to less than half is a
/// reset, any other fall is none.
pub(super) fn is_counter(key: &SeriesKey, first: &[Sample]) -> bool {
    if !ENDINGS.iter().any(|ending| key.metric.ends_with(ending)) {
        return false;
    }
    let (mut rises, mut resets) = (0, 0);
    let values: Vec<f64> =
        first.iter().map(|sample| sample.value).filter(|value| value.is_finite()).collect();
    for pair in values.windows(2) {
        if pair[1] > pair[0] {
            rises += 1;
        } else if pair[1] < pair[0] {
            if pair[1] < 0.0 || pair[1] > 0.5 * pair[0] {
                return false;
            }
            resets += 1;
        }
    }
    resets * RISES_MIN <= rises
}

/// Growth a second from one sample to a later one. After a reset the counter has grown from zero. NaN if either
/// holds no number.
pub(super) fn rate(before: Sample, after: Sample) -> f64 {
    let grown = if after.value >= before.value { after.value - before.value } else { after.value };
    let grown = if before.value.is_nan() { f64::NAN } else { grown };
    grown / (after.at.micros_since(before.at) as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use manazir_model::Timestamp;
    use manazir_testkit::series;

    use super::*;

    fn samples(values: &str) -> Vec<Sample> {
        let at = |index: usize| Timestamp::from_seconds(10 * index as i64);
        series(values).into_iter().enumerate().map(|(index, value)| Sample { at: at(index), value }).collect()
    }

    #[test]
    fn a_counter_is_named_so_and_only_grows() {
        let check = |name: &str, values: &str, counter: bool| {
            assert_eq!(is_counter(&SeriesKey::new(name, []), &samples(values)), counter, "{name} {values}");
        };
        check("http_requests_total", "1 2 3 5 8", true);
        check("http_requests_total", "1x8", true);
        check("http_requests_total", "10 20 30 40 2 9", true);
        check("http_requests_total", "10 9 10 9 10 11", false);
        check("latency_bucket", "1 _ 3 5 8", true);
        check("load", "1 2 3 5 8", false);
    }

    #[test]
    fn a_reset_counts_from_zero() {
        let rates = |values: &str| -> Vec<f64> {
            samples(values).windows(2).map(|pair| rate(pair[0], pair[1])).collect()
        };
        assert_eq!(rates("10 30 5"), [2.0, 0.5]);
        assert!(rates("10 _ 30").iter().all(|rate| rate.is_nan()));
    }
}
