//! How rarely a value comes up: the one scale on which all kinds of evidence are compared.

/// Share of normal values that lie below the quantile where the tail begins. Normal time of a busy day holds other
/// incidents of the same entity; on the Nezha data up to a fifth of its minutes, which must not reach the quantile.
const TAIL_BEGINS: f64 = 0.75;

/// Weight of the tail: scores are logarithms of a distance in scales, so that a tail that falls with the square of the
/// distance (as robust scores of operations data do) gives two nats for each.
const TAIL_NATS: f64 = 2.0;

/// Surprise −ln p of `value` against `normal`, in nats; both are log-damped, ≥ 0 and larger = stranger.
///
/// p = share of normal values at least as large, (1 + n≥) / (1 + n), down to 1/4; from the upper quartile q on
/// p = ¼ · exp(−2 (value − q)), for n normal values cannot tell more than 1 / n, and the largest of them may be
/// incidents themselves. Reorders `normal`. O(n). 0 without normal values.
pub(crate) fn surprise(value: f64, normal: &mut [f64]) -> f64 {
    if normal.is_empty() {
        return 0.0;
    }
    let place = ((normal.len() - 1) as f64 * TAIL_BEGINS).round() as usize;
    let (_, &mut begins, _) = normal.select_nth_unstable_by(place, f64::total_cmp);
    let tail = -(1.0 - TAIL_BEGINS).ln();
    if value > begins {
        return tail + TAIL_NATS * (value - begins.max(0.0)).max(0.0);
    }
    let as_large = normal.iter().filter(|other| **other >= value).count();
    let share = (1 + as_large) as f64 / (1 + normal.len()) as f64;
    (-share.ln()).min(tail)
}

/// sign(z) · ln(1 + |z|): a sample ten times as far counts a little more, so that one wild sample does not outweigh
/// a whole window. |z| above a thousand says nothing further.
pub(crate) fn damped(z: f64) -> f64 {
    const FAR: f64 = 1_000.0;
    (1.0 + z.abs().min(FAR)).ln().copysign(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_is_no_surprise_and_the_tail_goes_on_growing() {
        let mut normal: Vec<f64> = (0..100).map(|step| f64::from(step) / 100.0).collect();
        assert!(surprise(0.0, &mut normal) < 0.01);
        assert!((surprise(0.5, &mut normal) - 2_f64.ln()).abs() < 0.05);
        let (near, far) = (surprise(2.0, &mut normal), surprise(3.0, &mut normal));
        assert!((far - near - TAIL_NATS).abs() < 1e-9, "{near} {far}");
        assert_eq!(surprise(9.0, &mut []), 0.0);
    }

    #[test]
    fn a_fifth_of_incidents_in_the_normal_time_hides_no_other() {
        let mut clean = vec![0.1; 100];
        let mut mixed = vec![0.1; 100];
        mixed[..20].fill(5.0);
        assert_eq!(surprise(5.0, &mut clean), surprise(5.0, &mut mixed));
    }

    #[test]
    fn damping_keeps_the_sign() {
        assert_eq!(damped(0.0), 0.0);
        assert_eq!(damped(-1.0), -(2_f64.ln()));
        assert_eq!(damped(1e9), damped(1e6));
    }
}
