//! Each dimension by itself.

use super::cube::{Cube, Totals};

/// A value of a dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeatRow {
    /// Its place in the dictionary.
    pub code: u32,
    /// Of its leaves.
    pub totals: Totals,
    /// What they add to the change of the whole, in the unit of the measure.
    pub contribution: f64,
    /// The same as a share of the change; 0 if there is none.
    pub share: f64,
}

/// For each dimension all of its values that occur, the largest contribution first, whatever its sign.
/// O(leaves · dimensions).
pub fn heatmap(cube: &Cube) -> Vec<Vec<HeatRow>> {
    let changes = cube.changes();
    let change = cube.totals(0..cube.len()).change();
    let dimensions = cube.dimensions().iter().zip(cube.codes());
    let rows = |values: usize, codes: &[u32]| {
        let mut leaves = vec![Vec::new(); values];
        codes.iter().enumerate().for_each(|(leaf, code)| leaves[*code as usize].push(leaf));
        let row = |(code, leaves): (usize, &Vec<usize>)| {
            let contribution: f64 = leaves.iter().map(|leaf| changes[*leaf]).sum();
            let share = if change == 0.0 { 0.0 } else { contribution / change };
            HeatRow { code: code as u32, totals: cube.totals(leaves.iter().copied()), contribution, share }
        };
        let occurring = leaves.iter().enumerate().filter(|(_, leaves)| !leaves.is_empty());
        let mut rows: Vec<HeatRow> = occurring.map(row).collect();
        rows.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        rows
    };
    dimensions.map(|(dimension, codes)| rows(dimension.values.len(), codes)).collect()
}
