//! Series as text.

/// Reads `value x count` runs: `"1x50 9x1"` is fifty samples of 1, then one of 9; `_` is a missing value.
///
/// # Panics
/// On anything else: a test's input is part of the test.
pub fn series(notation: &str) -> Vec<f64> {
    let mut values = Vec::new();
    for run in notation.split_whitespace() {
        let (value, count) = run.split_once('x').unwrap_or((run, "1"));
        let value = if value == "_" {
            f64::NAN
        } else {
            value.parse().unwrap_or_else(|_| panic!("no number in run {run:?}"))
        };
        let count: usize = count.parse().unwrap_or_else(|_| panic!("no count in run {run:?}"));
        values.extend(std::iter::repeat_n(value, count));
    }
    values
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_and_gaps() {
        let values = super::series("1x2 9 _x1");
        assert_eq!(values[..3], [1.0, 1.0, 9.0]);
        assert!(values[3].is_nan());
    }
}
