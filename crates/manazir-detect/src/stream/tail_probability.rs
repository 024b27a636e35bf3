//! Logarithms of tail probabilities: normal, Poisson, negative binomial, gamma.
//!
//! A score is −log₁₀ of a tail, so what counts is relative precision far out, where 1 − P is 0 in a double.

use std::f64::consts::LN_2;

/// ln √(2π).
const LN_SQRT_TAU: f64 = 0.918_938_533_204_672_7;

/// ln P(Z ≥ z) of a standard normal Z.
///
/// Below 5 Marsaglia's series (2004, *Evaluating the normal distribution*), above it Laplace's continued
/// fraction. Relative error of P below 1e-8.
pub(crate) fn ln_normal_tail(z: f64) -> f64 {
    if z < 0.0 {
        return (-ln_normal_tail(-z).exp()).ln_1p();
    }
    let ln_density = -0.5 * z * z - LN_SQRT_TAU;
    if z < 5.0 {
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term > 1e-17 * sum {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return (0.5 - sum * ln_density.exp()).ln();
    }
    // Forty levels give full precision at 5 and more than that beyond.
    let fraction = (1..=40).rev().fold(z, |below, level| z + f64::from(level) / below);
    ln_density - fraction.ln()
}

/// Barndorff-Nielsen's form of the saddlepoint approximation of Lugannani and Rice 1980: a tail is that of a
/// normal at w + ln(u / w) / w, where ½w² is the deviance and u the saddlepoint in its own scale. Relative
/// error of a few percent at worst, and no better or worse at 1e-300 than at 0.1.
///
/// `at_mean`: what ln(u / w) / w tends to at the mean, where it is 0 / 0.
fn saddlepoint(half_deviance: f64, u: f64, at_mean: f64) -> f64 {
    if u.abs() < 0.1 {
        return u + at_mean;
    }
    let w = (2.0 * half_deviance.max(0.005)).sqrt().copysign(u);
    w + (u / w).ln() / w
}

/// Negative binomial by mean and dispersion: variance = mean + dispersion · mean². Poisson at dispersion 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CountDistribution {
    mean: f64,
    dispersion: f64,
}

impl CountDistribution {
    /// Up to this sum of count and mean the probabilities are added up one by one.
    const EXACT_MAX: f64 = 64.0;

    /// `mean` > 0, `dispersion` ≥ 0, both finite.
    pub(crate) fn new(mean: f64, dispersion: f64) -> Self {
        Self { mean: mean.max(1e-12), dispersion }
    }

    /// P(X = 0).
    pub(crate) fn zero(&self) -> f64 {
        if self.is_poisson() {
            (-self.mean).exp()
        } else {
            (-(self.dispersion * self.mean).ln_1p() / self.dispersion).exp()
        }
    }

    /// ln P(X ≤ count) and ln P(X ≥ count), for a whole `count` ≥ 0.
    pub(crate) fn ln_tails(&self, count: f64) -> (f64, f64) {
        if count + self.mean <= Self::EXACT_MAX {
            return self.ln_tails_exact(count);
        }
        let upper = ln_normal_tail(self.signed_root(count));
        let lower = ln_normal_tail(-self.signed_root(count + 1.0));
        (lower, if count < 1.0 { 0.0 } else { upper })
    }

    fn is_poisson(&self) -> bool {
        // Below this the variance differs from the mean by less than a millionth.
        self.dispersion * self.mean < 1e-6
    }

    /// P(X = k + 1) / P(X = k).
    fn ratio(&self, k: f64) -> f64 {
        if self.is_poisson() {
            return self.mean / (k + 1.0);
        }
        let spread = self.dispersion * self.mean;
        (1.0 + self.dispersion * k) * self.mean / ((1.0 + spread) * (k + 1.0))
    }

    fn ln_tails_exact(&self, count: f64) -> (f64, f64) {
        let (mut k, mut term, mut below) = (0.0, self.zero(), 0.0);
        while k < count {
            below += term;
            term *= self.ratio(k);
            k += 1.0;
        }
        let lower = (below + term).min(1.0);
        let upper = if count <= self.mean { 1.0 - below } else { self.sum_upward(count, term) };
        (lower.ln(), upper.max(f64::MIN_POSITIVE).ln())
    }

    /// Σ P(X = k) over k ≥ count; `term` is the first.
    fn sum_upward(&self, count: f64, mut term: f64) -> f64 {
        let (mut k, mut sum) = (count, term);
        for _ in 0..128 {
            term *= self.ratio(k);
            k += 1.0;
            sum += term;
            if term < 1e-12 * sum {
                return sum;
            }
        }
        // What is left is nearly geometric.
        let ratio = self.ratio(k).min(0.999_999);
        sum + term * ratio / (1.0 - ratio)
    }

    /// Of P(X ≥ count) on a lattice, count > 0.
    fn signed_root(&self, count: f64) -> f64 {
        let ratio = count / self.mean;
        // Half a lattice step below the mean, and a sixth of the skewness above it.
        let spread = self.dispersion * self.mean;
        let at_mean = (-0.5 + (1.0 + 2.0 * spread) / 6.0) / (self.mean * (1.0 + spread)).sqrt();
        if self.is_poisson() {
            let half_deviance = count * ratio.ln() - (count - self.mean);
            return saddlepoint(half_deviance, (1.0 - 1.0 / ratio) * count.sqrt(), at_mean);
        }
        let (size, variance) = (1.0 / self.dispersion, count + self.dispersion * count * count);
        let lean = (count + size) / (self.mean + size);
        let half_deviance = count * ratio.ln() - (count + size) * lean.ln();
        saddlepoint(half_deviance, (1.0 - lean / ratio) * variance.sqrt(), at_mean)
    }
}

/// ln P(T ≥ elapsed) of a gamma distribution with that mean and shape; 0 for nothing elapsed.
pub(crate) fn ln_gamma_tail(elapsed: f64, mean: f64, shape: f64) -> f64 {
    let ratio = elapsed / mean;
    if ratio.is_nan() || ratio <= 0.0 {
        return 0.0;
    }
    if ratio.is_infinite() {
        return f64::MIN;
    }
    let half_deviance = shape * (ratio - 1.0 - ratio.ln());
    let at_mean = 1.0 / (3.0 * shape.sqrt());
    ln_normal_tail(saddlepoint(half_deviance, (ratio - 1.0) * shape.sqrt(), at_mean))
}

/// −log₁₀ of the two-sided p-value, min(1, 2 · the smaller tail); ≥ 0.
pub(crate) fn two_sided_score(ln_lower: f64, ln_upper: f64) -> f64 {
    (-(ln_lower.min(ln_upper) + LN_2) / std::f64::consts::LN_10).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64, error: f64) {
        assert!((found - expected).abs() <= error, "{found} is not {expected}");
    }

    /// Reference values: `math.erfc` of Python 3 for |z| ≤ 8, its asymptotic series beyond.
    #[test]
    fn normal_tails() {
        close(ln_normal_tail(0.0), -LN_2, 1e-12);
        close(ln_normal_tail(-8.0), -6.220_960_574_271_786e-16, 1e-18);
        close(ln_normal_tail(3.0).exp(), 1.349_898_031_630_094_6e-3, 1e-13);
        close(ln_normal_tail(4.999_9).exp() / ln_normal_tail(5.000_1).exp(), 1.001_038, 1e-5);
        close(ln_normal_tail(8.0).exp(), 6.220_960_574_271_786e-16, 1e-25);
        close(ln_normal_tail(1e3), -0.5e6 - LN_SQRT_TAU - 1e3f64.ln(), 1e-5);
    }

    #[test]
    fn exact_tails_of_counts() {
        let poisson = CountDistribution::new(2.0, 0.0);
        let (lower, upper) = poisson.ln_tails(3.0);
        close(lower.exp(), 19.0 / 3.0 * (-2f64).exp(), 1e-12);
        close(upper.exp(), 1.0 - 5.0 * (-2f64).exp(), 1e-12);
        // 2²⁰ e⁻² / 20! · (1 + 2/21 + 4/(21·22) + …), summed by hand.
        close(poisson.ln_tails(20.0).1.exp(), 6.443_731e-14, 1e-19);
        // Dispersion 1 is the geometric distribution: P(X ≥ k) = (m / (1 + m))ᵏ.
        let geometric = CountDistribution::new(4.0, 1.0);
        close(geometric.ln_tails(40.0).1, 40.0 * 0.8f64.ln(), 1e-9);
        close(geometric.zero(), 0.2, 1e-12);
    }

    /// The sums are what the approximation is measured by, at twice their limit and more.
    #[test]
    fn saddlepoint_tails_agree_with_the_sums() {
        for (mean, dispersion) in [(90.0, 0.0), (90.0, 0.1), (30.0, 1.0), (2.0, 0.5)] {
            let counts = CountDistribution::new(mean, dispersion);
            for count in [65.0, 70.0, 89.0, 91.0, 120.0, 200.0] {
                let (lower, upper) = counts.ln_tails(count);
                let (exact_lower, exact_upper) = counts.ln_tails_exact(count);
                close(lower, exact_lower, 0.05);
                close(upper, exact_upper, 0.05);
            }
        }
    }

    #[test]
    fn giants_have_finite_tails() {
        for mean in [1e-9, 1.0, 1e6, 1e100] {
            for dispersion in [0.0, 1e-9, 20.0] {
                for count in [0.0, 1.0, 1e6, 1e100] {
                    let (lower, upper) = CountDistribution::new(mean, dispersion).ln_tails(count);
                    assert!(lower.is_finite() && upper.is_finite(), "{mean} {dispersion} {count}");
                    assert!(lower <= 1e-9 && upper <= 1e-9, "{mean} {dispersion} {count}");
                }
            }
        }
    }

    #[test]
    fn gamma_tails() {
        // Shape 1 is exponential; shape 3 is Erlang: e⁻ˣ (1 + x + x²/2).
        close(ln_gamma_tail(20.0, 1.0, 1.0), -20.0, 0.1);
        close(ln_gamma_tail(0.5, 1.0, 1.0), -0.5, 0.03);
        let erlang = |x: f64| (-x).exp() * (1.0 + x + x * x / 2.0);
        close(ln_gamma_tail(5.0, 1.0, 3.0), erlang(15.0).ln(), 0.01);
        close(ln_gamma_tail(0.2, 1.0, 3.0), erlang(0.6).ln(), 0.01);
        assert_eq!(ln_gamma_tail(0.0, 1.0, 1.0), 0.0);
        assert!(ln_gamma_tail(1e300, 1e-300, 1.0).is_finite());
    }

    #[test]
    fn two_sided() {
        close(two_sided_score((0.0005f64).ln(), 0.0), 3.0, 1e-9);
        assert_eq!(two_sided_score(0.0, 0.0), 0.0);
    }
}
