//! One number for each combination of codes, and rows of the same number made one.

use rayon::prelude::*;

/// Sorts rows by their codes, the first dimension first, and adds up those that have all codes in common.
pub(super) fn sum_leaves(sizes: &[usize], codes: &mut [Vec<u32>], columns: &mut [Vec<f64>]) {
    let keys = keys(sizes, codes);
    if keys.windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    let mut order: Vec<(u64, u32)> = keys.into_iter().zip(0..).collect();
    // Rows of a leaf are added in the order of their numbers: rounding must not tell in which order they came.
    let numbers = |row: u32| columns.iter().map(move |column| column[row as usize]);
    order.par_sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| {
            let unequal = numbers(a.1).zip(numbers(b.1)).map(|(a, b)| a.total_cmp(&b));
            unequal.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        })
    });
    let first: Vec<u32> = order.chunk_by(|a, b| a.0 == b.0).map(|rows| rows[0].1).collect();
    codes.par_iter_mut().for_each(|column| *column = super::take(column, &first));
    let sum = |column: &[f64], rows: &[(u64, u32)]| rows.iter().map(|row| column[row.1 as usize]).sum();
    columns.par_iter_mut().for_each(|column| {
        *column = order.chunk_by(|a, b| a.0 == b.0).map(|rows| sum(column, rows)).collect();
    });
}

/// Equal for rows of equal codes, and in the order of their codes.
fn keys(sizes: &[usize], codes: &[Vec<u32>]) -> Vec<u64> {
    let mut keys = vec![0_u64; codes[0].len()];
    let mut bound = 1_u64;
    for (size, codes) in sizes.iter().map(|size| (*size).max(1) as u64).zip(codes) {
        if bound.checked_mul(size).is_none() {
            bound = rank(&mut keys);
        }
        bound *= size;
        keys.par_iter_mut().zip(codes).for_each(|(key, code)| *key = *key * size + u64::from(*code));
    }
    keys
}

/// Puts the places of keys among each other for the keys themselves; how many there are. Fewer than 2³² rows times
/// fewer than 2³² values of a dimension fit into a key.
fn rank(keys: &mut [u64]) -> u64 {
    let mut distinct = keys.to_vec();
    distinct.par_sort_unstable();
    distinct.dedup();
    keys.par_iter_mut().for_each(|key| {
        *key = distinct.partition_point(|other| other < key) as u64;
    });
    distinct.len() as u64
}
