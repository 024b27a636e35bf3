//! One number for each combination of codes, and rows of the same number made one.

use rayon::prelude::*;

/// A key and the row that has it.
type Keyed = (u64, u32);

/// Sorts rows by their codes, the first dimension first, and adds up those that have all codes in common.
pub(super) fn sum_leaves(sizes: &[usize], codes: &mut [Vec<u32>], columns: &mut [Vec<f64>]) {
    let keys = keys(sizes, codes);
    if keys.windows(2).all(|pair| pair[0] < pair[1]) {
        return;
    }
    let mut order: Vec<Keyed> = keys.into_par_iter().zip(0..codes[0].len() as u32).collect();
    order.par_sort_unstable();
    order
        .chunk_by_mut(same_key)
        .filter(|rows| rows.len() > 1)
        .for_each(|rows| sort_by_numbers(rows, columns));
    let first: Vec<u32> = order.chunk_by(same_key).map(|rows| rows[0].1).collect();
    codes.par_iter_mut().for_each(|column| *column = super::take(column, &first));
    let sum = |column: &[f64], rows: &[Keyed]| rows.iter().map(|row| column[row.1 as usize]).sum();
    columns.par_iter_mut().for_each(|column| {
        *column = order.chunk_by(same_key).map(|rows| sum(column, rows)).collect();
    });
}

fn same_key(a: &Keyed, b: &Keyed) -> bool {
    a.0 == b.0
}

/// Rows of a leaf are added in the order of their numbers: rounding must not tell in which order they came.
fn sort_by_numbers(rows: &mut [Keyed], columns: &[Vec<f64>]) {
    rows.sort_unstable_by(|a, b| {
        let by_column = columns.iter().map(|column| column[a.1 as usize].total_cmp(&column[b.1 as usize]));
        by_column.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
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
    keys.par_iter_mut().for_each(|key| *key = distinct.partition_point(|other| other < key) as u64);
    distinct.len() as u64
}
