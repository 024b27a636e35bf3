//! Dense linear algebra for small matrices: what sub-sequence PCA and local polynomials need.

/// Eigenvalues and eigenvectors of a symmetric matrix, the largest eigenvalue first.
#[derive(Clone, Debug)]
pub struct SymmetricEigen {
    /// Shape `(n,)`, descending.
    pub values: Vec<f64>,
    /// Row k is the unit eigenvector of `values[k]`; shape `(n, n)`, row after row.
    vectors: Vec<f64>,
}

impl SymmetricEigen {
    /// Decomposes `matrix`, shape `(n, n)`, row after row; only what lies on and below the diagonal is read.
    ///
    /// Householder reduction to tridiagonal form, then implicit QL (Golub and Van Loan 2013, §8.3). O(n³).
    ///
    /// # Panics
    /// If `matrix` does not hold n² numbers.
    pub fn new(matrix: &[f64], n: usize) -> Self {
        assert_eq!(matrix.len(), n * n, "matrix is not square");
        let mut reduced = Tridiagonal::new(matrix, n);
        reduced.diagonalise();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&left, &right| reduced.diagonal[right].total_cmp(&reduced.diagonal[left]));
        Self {
            values: order.iter().map(|&k| reduced.diagonal[k]).collect(),
            vectors: order.iter().flat_map(|&k| &reduced.rows[k * n..][..n]).copied().collect(),
        }
    }

    /// Unit eigenvector of `values[k]`, shape `(n,)`.
    pub fn vector(&self, k: usize) -> &[f64] {
        let n = self.values.len();
        &self.vectors[k * n..][..n]
    }
}

/// A = Rᵀ T R with T tridiagonal and R orthogonal.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// `beside[k]` couples k and k + 1; the last is 0.
    beside: Vec<f64>,
    /// R, row after row, so that the rotations of QL run over contiguous memory.
    rows: Vec<f64>,
}

impl Tridiagonal {
    fn new(matrix: &[f64], n: usize) -> Self {
        let mut a: Vec<f64> =
            (0..n * n).map(|at| matrix[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect();
        let mut reflectors = Vec::new();
        let mut beside = vec![0.0; n];
        for k in 0..n.saturating_sub(2) {
            let mut reflector: Vec<f64> = (k + 1..n).map(|row| a[row * n + k]).collect();
            let length = norm(&reflector);
            let alpha = if reflector[0] > 0.0 { -length } else { length };
            beside[k] = alpha;
            reflector[0] -= alpha;
            let scale = norm(&reflector);
            if scale > 0.0 {
                reflector.iter_mut().for_each(|v| *v /= scale);
                reflect_both_sides(&mut a, n, k + 1, &reflector);
            }
            reflectors.push(reflector);
        }
        if n >= 2 {
            beside[n - 2] = a[(n - 1) * n + n - 2];
        }
        let diagonal = (0..n).map(|k| a[k * n + k]).collect();
        Self { diagonal, beside, rows: product(&reflectors, n) }
    }

    /// Implicit QL with Wilkinson shifts. A row that has not settled after 50 sweeps is left as it is: that
    /// takes a matrix with NaN in it.
    fn diagonalise(&mut self) {
        let n = self.diagonal.len();
        for low in 0..n {
            for _ in 0..50 {
                let small = |k: usize| {
                    let size = self.diagonal[k].abs() + self.diagonal[k + 1].abs();
                    self.beside[k].abs() <= f64::EPSILON * size
                };
                let high = (low..n - 1).find(|&k| small(k)).unwrap_or(n - 1);
                if high == low {
                    break;
                }
                self.sweep(low, high);
            }
        }
    }

    /// One QL step over the block `low..=high`.
    fn sweep(&mut self, low: usize, high: usize) {
        let (d, e) = (&mut self.diagonal, &mut self.beside);
        let half = (d[low + 1] - d[low]) / (2.0 * e[low]);
        let root = half.hypot(1.0);
        let mut g = d[high] - d[low] + e[low] / (half + root.copysign(half));
        let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
        for k in (low..high).rev() {
            let (f, b) = (sine * e[k], cosine * e[k]);
            let r = f.hypot(g);
            e[k + 1] = r;
            if r == 0.0 {
                // The block has split; what is left of the step comes with the next one.
                d[k + 1] -= shift;
                e[high] = 0.0;
                return;
            }
            (sine, cosine) = (f / r, g / r);
            g = d[k + 1] - shift;
            let t = (d[k] - g) * sine + 2.0 * cosine * b;
            shift = sine * t;
            d[k + 1] = g + shift;
            g = cosine * t - b;
            rotate(&mut self.rows, d.len(), k, sine, cosine);
        }
        d[low] -= shift;
        e[low] = g;
        e[high] = 0.0;
    }
}

/// Rotates rows k and k + 1.
fn rotate(rows: &mut [f64], n: usize, k: usize, sine: f64, cosine: f64) {
    let (upper, lower) = rows[k * n..(k + 2) * n].split_at_mut(n);
    for (x, y) in upper.iter_mut().zip(lower) {
        let kept = *y;
        *y = sine * *x + cosine * kept;
        *x = cosine * *x - sine * kept;
    }
}

/// A ← H A H for H = I − 2 v vᵀ on the block that begins at `from`, of which v spans the rows.
fn reflect_both_sides(a: &mut [f64], n: usize, from: usize, v: &[f64]) {
    let product: Vec<f64> = (from..n).map(|row| dot(&a[row * n + from..][..v.len()], v)).collect();
    let inner = dot(&product, v);
    let w: Vec<f64> = product.iter().zip(v).map(|(p, v)| 2.0 * (p - inner * v)).collect();
    for (offset, (&v_row, &w_row)) in v.iter().zip(&w).enumerate() {
        let row = &mut a[(from + offset) * n + from..][..v.len()];
        for ((cell, v), w) in row.iter_mut().zip(v).zip(&w) {
            *cell -= v_row * w + w_row * v;
        }
    }
}

/// Rᵀ's transpose, that is, the reflectors' product as rows.
fn product(reflectors: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut rows = vec![0.0; n * n];
    (0..n).for_each(|k| rows[k * n + k] = 1.0);
    for (k, v) in reflectors.iter().enumerate().rev() {
        // R ← R H touches the last columns of the rows that are no longer those of the identity.
        for row in rows[(k + 1) * n..].chunks_exact_mut(n) {
            let tail = &mut row[k + 1..];
            let twice = 2.0 * dot(tail, v);
            tail.iter_mut().zip(v).for_each(|(cell, v)| *cell -= twice * v);
        }
    }
    rows
}

/// Scalar product of vectors of equal length.
#[inline]
pub fn dot(left: &[f64], right: &[f64]) -> f64 {
    // Four sums let the processor overlap the additions, which must else be done in order.
    let mut sums = [0.0; 4];
    let (left_chunks, right_chunks) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = left_chunks.remainder().iter().zip(right_chunks.remainder()).map(|(l, r)| l * r).sum();
    for (l, r) in left_chunks.zip(right_chunks) {
        for lane in 0..4 {
            sums[lane] += l[lane] * r[lane];
        }
    }
    sums[0] + sums[1] + sums[2] + sums[3] + rest
}

fn norm(values: &[f64]) -> f64 {
    dot(values, values).sqrt()
}

/// Solves A x = b for a symmetric positive definite A, shape `(n, n)`, by Cholesky's method; `None` if A is
/// not positive definite to working precision.
pub fn solve_positive_definite(matrix: &[f64], right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    let mut factor = matrix.to_vec();
    for row in 0..n {
        for column in 0..=row {
            let above = dot(&factor[row * n..][..column], &factor[column * n..][..column]);
            let rest = matrix[row * n + column] - above;
            factor[row * n + column] = if row > column {
                rest / factor[column * n + column]
            } else if rest > f64::EPSILON * matrix[row * n + row].abs() {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    let mut x = right.to_vec();
    for row in 0..n {
        x[row] = (x[row] - dot(&factor[row * n..][..row], &x[..row])) / factor[row * n + row];
    }
    for row in (0..n).rev() {
        let below: f64 = (row + 1..n).map(|k| factor[k * n + row] * x[k]).sum();
        x[row] = (x[row] - below) / factor[row * n + row];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;
    use proptest::prelude::*;

    /// Largest |A v − λ v| and largest |vᵢ·vⱼ − δᵢⱼ|.
    fn errors(matrix: &[f64], n: usize) -> (f64, f64) {
        let eigen = SymmetricEigen::new(matrix, n);
        let (mut residual, mut skew) = (0.0_f64, 0.0_f64);
        for k in 0..n {
            let v = eigen.vector(k);
            for row in 0..n {
                residual = residual.max((dot(&matrix[row * n..][..n], v) - eigen.values[k] * v[row]).abs());
            }
            for other in 0..n {
                skew = skew.max((dot(v, eigen.vector(other)) - f64::from(k == other)).abs());
            }
        }
        assert!(eigen.values.is_sorted_by(|left, right| left >= right), "{:?}", eigen.values);
        (residual, skew)
    }

    fn symmetric(n: usize, rank: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed);
        let factors: Vec<f64> = (0..n * rank).map(|_| random.normal()).collect();
        let cell = |row: usize, column: usize| {
            dot(&factors[row * rank..][..rank], &factors[column * rank..][..rank])
        };
        (0..n * n).map(|at| cell(at / n, at % n)).collect()
    }

    proptest! {
        #[test]
        fn vectors_are_eigenvectors(n in 0usize..40, rank in 1usize..40, seed: u64) {
            let (residual, skew) = errors(&symmetric(n, rank, seed), n);
            prop_assert!(residual < 1e-10 * (n + rank) as f64 && skew < 1e-12 * (n + 1) as f64, "{residual} {skew}");
        }

        #[test]
        fn solutions_solve(n in 1usize..20, seed: u64) {
            let matrix = symmetric(n, n + 5, seed);
            let right: Vec<f64> = (0..n).map(|k| k as f64 - 3.0).collect();
            let x = solve_positive_definite(&matrix, &right).expect("full rank");
            for row in 0..n {
                prop_assert!((dot(&matrix[row * n..][..n], &x) - right[row]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn equal_and_zero_eigenvalues() {
        let mut identity = vec![0.0; 25];
        (0..5).for_each(|k| identity[k * 6] = 2.0);
        assert_eq!(SymmetricEigen::new(&identity, 5).values, [2.0; 5]);
        assert_eq!(SymmetricEigen::new(&[0.0; 16], 4).values, [0.0; 4]);
        assert_eq!(SymmetricEigen::new(&[3.0], 1).values, [3.0]);
    }

    #[test]
    fn a_singular_system_has_no_solution() {
        assert_eq!(solve_positive_definite(&[1.0, 1.0, 1.0, 1.0], &[1.0, 2.0]), None);
    }
}
