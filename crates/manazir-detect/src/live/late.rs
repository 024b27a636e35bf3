//! Judging a sample that came too late for its detector.

use super::rate::score_of;
use crate::stream::ln_normal_tail;

/// The band is at least three standard deviations of the residuals wide on each side.
const BAND_SIGMAS: f64 = 3.0;

/// The score is believed up to here, as far as any live score reaches.
const SCORE_MAX: f64 = 50.0;

/// The score of `value` by an expectation that was stored for its slot, when the detector has gone on.
///
/// z = 3 · |value − expected| / |end of the band on that side − expected|, and the score is the one whose p-value
/// is that of a normal deviate beyond ±z. The band holds what the detector knew of the series at that time, its
/// usual scatter and the ends of what was usual; the forms and means of windows that a live score adds are lost.
/// An expectation, or a value, that is no number gives 0; a band of no width gives 0 or the highest score.
pub fn late_score(value: f64, expected: f64, lower: f64, upper: f64) -> f64 {
    let end = if value < expected { expected - lower } else { upper - expected };
    let distance = (value - expected).abs();
    if !distance.is_finite() || end.is_nan() || distance == 0.0 {
        return 0.0;
    }
    if end <= 0.0 {
        return SCORE_MAX;
    }
    let both_sides = std::f64::consts::LN_2 + ln_normal_tail(BAND_SIGMAS * distance / end);
    score_of((-both_sides * std::f64::consts::LOG10_E).max(0.0)).min(SCORE_MAX)
}

#[cfg(test)]
mod tests {
    use super::late_score;

    #[test]
    fn a_late_score_grows_from_the_expectation_over_the_end_of_the_band() {
        let of = |value| late_score(value, 100.0, 90.0, 130.0);
        assert_eq!(of(100.0), 0.0);
        assert!((of(130.0) - of(90.0)).abs() < 1e-9, "both ends are as strange");
        assert!((6.0..7.0).contains(&of(130.0)), "{}", of(130.0));
        assert!(of(135.0) > 8.0, "{}", of(135.0));
        assert!(of(131.0) < of(140.0) && of(140.0) <= of(1e9) && of(1e9) == 50.0);
    }

    #[test]
    fn nothing_to_compare_with_is_not_strange() {
        assert_eq!(late_score(1.0, f64::NAN, f64::NAN, f64::NAN), 0.0);
        assert_eq!(late_score(f64::NAN, 1.0, 0.0, 2.0), 0.0);
        assert_eq!(late_score(5.0, 5.0, 5.0, 5.0), 0.0);
        assert_eq!(late_score(6.0, 5.0, 5.0, 5.0), 50.0);
    }
}
