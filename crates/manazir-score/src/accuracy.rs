//! AC@k: how often the true cause is among the first k, and how sure one can be of that with few cases.

use serde::Serialize;

/// Share of cases whose true cause is first, and among the first three.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Accuracy {
    /// In [0, 1].
    pub ac_at_1: f64,
    /// In [0, 1].
    pub ac_at_3: f64,
    /// How many.
    pub cases: usize,
    /// Wilson's interval of `ac_at_1` at 95 %.
    pub ac_at_1_interval: (f64, f64),
    /// Wilson's interval of `ac_at_3` at 95 %.
    pub ac_at_3_interval: (f64, f64),
}

impl Accuracy {
    /// Of the places of the true causes, 0 = first; `None` = not ranked.
    pub(crate) fn of(places: &[Option<usize>]) -> Self {
        let among = |k: usize| places.iter().flatten().filter(|place| **place < k).count();
        let share = |hits: usize| hits as f64 / places.len().max(1) as f64;
        Self {
            ac_at_1: share(among(1)),
            ac_at_3: share(among(3)),
            cases: places.len(),
            ac_at_1_interval: wilson(among(1), places.len()),
            ac_at_3_interval: wilson(among(3), places.len()),
        }
    }
}

/// Wilson's score interval (1927) at 95 % for a share of `hits` in `n`; (0, 1) without cases.
fn wilson(hits: usize, n: usize) -> (f64, f64) {
    // Φ⁻¹(0.975).
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, share) = (n as f64, hits as f64 / n as f64);
    let center = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((center - half).max(0.0), (center + half).min(1.0))
}

/// The value below which `share` of the values lie; 0 of none.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(place).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_hits_among_the_first() {
        let accuracy = Accuracy::of(&[Some(0), Some(2), None, Some(0)]);
        assert_eq!((accuracy.ac_at_1, accuracy.ac_at_3, accuracy.cases), (0.5, 0.75, 4));
        let (low, high) = accuracy.ac_at_1_interval;
        assert!((low - 0.150).abs() < 1e-3 && (high - 0.850).abs() < 1e-3, "{low} {high}");
        assert_eq!(Accuracy::of(&[]).ac_at_1_interval, (0.0, 1.0));
    }
}
