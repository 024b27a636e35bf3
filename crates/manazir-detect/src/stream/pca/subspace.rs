//! The leading eigenvectors of a symmetric matrix that changes slowly.

use serde::{Deserialize, Serialize};

/// Orthogonal iteration with Rayleigh–Ritz (Golub and Van Loan, *Matrix Computations*, 8.2): from the vectors
/// of last time a round or two suffice, at O(k·n²) each where a full decomposition is O(n³).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Subspace {
    /// Orthonormal rows, shape `(k, n)`, largest eigenvalue first.
    vectors: Vec<f64>,
    /// Eigenvalues, shape `(k,)`.
    values: Vec<f64>,
    n: usize,
}

impl Subspace {
    /// `k` ≤ `n` directions, not yet fitted.
    pub(super) fn new(k: usize, n: usize) -> Self {
        let mut vectors = vec![0.0; k * n];
        for row in 0..k {
            vectors[row * n + row] = 1.0;
        }
        Self { vectors, values: vec![0.0; k], n }
    }

    /// Eigenvalues, largest first.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Eigenvectors in the same order.
    pub(super) fn vectors(&self) -> impl Iterator<Item = &[f64]> {
        self.vectors.chunks_exact(self.n)
    }

    /// Approaches the eigenvectors of `matrix`, shape `(n, n)`, by some rounds.
    pub(super) fn refine(&mut self, matrix: &[f64], rounds: usize) {
        for _ in 0..rounds {
            self.vectors = self.image(matrix);
            self.orthonormalise();
        }
        let k = self.values.len();
        let image = self.image(matrix);
        let mut inner = vec![0.0; k * k];
        for (row, vector) in self.vectors.chunks_exact(self.n).enumerate() {
            for (column, image) in image.chunks_exact(self.n).enumerate() {
                inner[row * k + column] = dot(vector, image);
            }
        }
        let rotation = jacobi(&mut inner, k);
        self.rotate(&inner, &rotation);
    }

    /// matrix · vector for each vector.
    fn image(&self, matrix: &[f64]) -> Vec<f64> {
        let rows = || matrix.chunks_exact(self.n);
        self.vectors().flat_map(|vector| rows().map(move |row| dot(row, vector))).collect()
    }

    /// Gram–Schmidt, twice over for the sake of rounding.
    fn orthonormalise(&mut self) {
        for place in 0..self.values.len() {
            // A direction that the matrix has lost is replaced by the first axis that is not spanned yet.
            let mut axes = 0..self.n;
            while !self.orthonormalise_row(place) {
                let Some(axis) = axes.next() else { break };
                let row = &mut self.vectors[place * self.n..][..self.n];
                row.fill(0.0);
                row[axis] = 1.0;
            }
        }
    }

    /// False if nothing is left of the row without those before it.
    fn orthonormalise_row(&mut self, place: usize) -> bool {
        let (before, rest) = self.vectors.split_at_mut(place * self.n);
        let row = &mut rest[..self.n];
        let length = dot(row, row).sqrt();
        if !length.is_normal() {
            return false;
        }
        row.iter_mut().for_each(|value| *value /= length);
        for _ in 0..2 {
            for other in before.chunks_exact(self.n) {
                let along = dot(row, other);
                row.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
            }
        }
        let left = dot(row, row).sqrt();
        if left < 1e-9 {
            return false;
        }
        row.iter_mut().for_each(|value| *value /= left);
        true
    }

    /// Turns the vectors into those that `rotation` names, sorted by eigenvalue.
    fn rotate(&mut self, inner: &[f64], rotation: &[f64]) {
        let k = self.values.len();
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|&left, &right| inner[right * k + right].total_cmp(&inner[left * k + left]));
        let mut turned = vec![0.0; k * self.n];
        for (target, &column) in turned.chunks_exact_mut(self.n).zip(&order) {
            for (row, vector) in self.vectors.chunks_exact(self.n).enumerate() {
                let weight = rotation[row * k + column];
                target.iter_mut().zip(vector).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        self.vectors = turned;
        self.values = order.iter().map(|&column| inner[column * k + column].max(0.0)).collect();
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        (self.vectors.len() + self.values.len()) * size_of::<f64>()
    }
}

pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Makes a small symmetric matrix diagonal in place and returns its eigenvectors as columns.
///
/// Cyclic Jacobi (Golub and Van Loan, 8.5): converges for every symmetric matrix, quadratically at the end.
fn jacobi(matrix: &mut [f64], k: usize) -> Vec<f64> {
    const SWEEPS_MAX: usize = 30;
    let mut vectors = vec![0.0; k * k];
    (0..k).for_each(|place| vectors[place * k + place] = 1.0);
    for _ in 0..SWEEPS_MAX {
        let off: f64 = (0..k * k).filter(|at| at / k != at % k).map(|at| matrix[at] * matrix[at]).sum();
        let total: f64 = matrix.iter().map(|value| value * value).sum();
        if off <= 1e-24 * total {
            break;
        }
        for p in 0..k {
            for q in p + 1..k {
                jacobi_turn(matrix, &mut vectors, k, p, q);
            }
        }
    }
    vectors
}

/// One rotation in the plane of p and q that makes their entry 0.
fn jacobi_turn(matrix: &mut [f64], vectors: &mut [f64], k: usize, p: usize, q: usize) {
    let off = matrix[p * k + q];
    if off == 0.0 {
        return;
    }
    let theta = (matrix[q * k + q] - matrix[p * k + p]) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    let turn = |left: f64, right: f64| (cosine * left - sine * right, sine * left + cosine * right);
    for at in 0..k {
        (matrix[at * k + p], matrix[at * k + q]) = turn(matrix[at * k + p], matrix[at * k + q]);
        (vectors[at * k + p], vectors[at * k + q]) = turn(vectors[at * k + p], vectors[at * k + q]);
    }
    for at in 0..k {
        (matrix[p * k + at], matrix[q * k + at]) = turn(matrix[p * k + at], matrix[q * k + at]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// B·Bᵀ of `values` as rows of three: symmetric, rank at most 3.
    fn gram(values: &[f64]) -> (Vec<f64>, usize) {
        let rows: Vec<&[f64]> = values.chunks_exact(3).collect();
        let product = rows.iter().flat_map(|row| rows.iter().map(|other| dot(row, other))).collect();
        (product, rows.len())
    }

    proptest! {
        #[test]
        fn the_leading_vectors_are_eigenvectors_and_orthonormal(
            values in proptest::collection::vec(-3.0..3.0f64, 12..60),
        ) {
            let (matrix, n) = gram(&values);
            let mut subspace = Subspace::new(4.min(n), n);
            subspace.refine(&matrix, 60);
            let trace: f64 = (0..n).map(|at| matrix[at * n + at]).sum();
            prop_assert!((subspace.values().iter().sum::<f64>() - trace).abs() < 1e-6 * (1.0 + trace));
            for (place, (vector, value)) in subspace.vectors().zip(subspace.values()).enumerate() {
                for (row, own) in matrix.chunks_exact(n).zip(vector) {
                    prop_assert!((dot(row, vector) - value * own).abs() < 1e-3 * (1.0 + trace));
                }
                for (other_place, other) in subspace.vectors().enumerate() {
                    let expected = if place == other_place { 1.0 } else { 0.0 };
                    prop_assert!((dot(vector, other) - expected).abs() < 1e-9);
                }
            }
        }
    }
}
