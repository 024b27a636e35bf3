//! The port between what should be shown and where it is shown, and what is lacking there.

use async_trait::async_trait;
use manazir_rollup::Error;

use crate::tables::Id;

/// The counters of a key in each of the tables, in their order; `None` where it has no row.
pub(crate) type Standing = Vec<Option<Vec<i64>>>;

/// What is added to the row of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addition {
    /// Which of the tables of counters.
    pub(crate) table: usize,
    pub(crate) id: Id,
    /// To each of the counters of the row.
    pub(crate) by: Vec<i64>,
}

/// Where totals are shown.
#[async_trait]
pub(crate) trait Counters: Send + Sync {
    /// Makes the tables that are missing. Nothing else is asked before it, by any process.
    async fn make(&self) -> Result<(), Error>;

    /// What stands in the rows of keys, in their order, as the last addition that was answered left it.
    async fn read(&self, ids: &[Id]) -> Result<Vec<Standing>, Error>;

    /// Makes additions, each of them as a whole, in no order. After an error any of them may have been made, and may
    /// yet be made for a while.
    async fn add(&self, additions: &[Addition]) -> Result<(), Error>;

    /// Writes what keys are called, where that is kept.
    async fn write_names(&self, names: &[(Id, &str)]) -> Result<(), Error>;

    /// What keys are called, in their order; empty where that is not known.
    async fn read_names(&self, ids: &[Id]) -> Result<Vec<String>, Error>;
}

/// What must be added for the counters of a key to be what they should be. A row is there only after something was
/// added to it, be it 0.
pub(crate) fn lacking(id: &Id, should: &[Vec<i64>], standing: &Standing) -> Vec<Addition> {
    let tables = should.iter().zip(standing).enumerate();
    let addition = |(table, (should, is)): (usize, (&Vec<i64>, &Option<Vec<i64>>))| {
        let zeros = vec![0; should.len()];
        let is_now = is.as_ref().unwrap_or(&zeros);
        // Counters wrap around as well, so that even a difference that does leads to the number wanted.
        let by: Vec<i64> = should.iter().zip(is_now).map(|(should, is)| should.wrapping_sub(*is)).collect();
        (is.is_none() || by != zeros).then(|| Addition { table, id: id.clone(), by })
    };
    tables.filter_map(addition).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(should: &[&[i64]], standing: &[Option<&[i64]>], expected: &[(usize, &[i64])]) {
        let should: Vec<Vec<i64>> = should.iter().map(|row| row.to_vec()).collect();
        let standing: Standing = standing.iter().map(|row| row.map(<[i64]>::to_vec)).collect();
        let additions = lacking(&Id::Integer(9), &should, &standing);
        let lacking: Vec<(usize, &[i64])> =
            additions.iter().map(|addition| (addition.table, &*addition.by)).collect();
        assert_eq!(lacking, expected);
        assert!(additions.iter().all(|addition| addition.id == Id::Integer(9)));
    }

    #[test]
    fn what_is_lacking_is_added_and_nothing_else() {
        check(&[&[1, 2], &[3]], &[Some(&[1, 2]), Some(&[3])], &[]);
        check(&[&[1, 2], &[3]], &[Some(&[1, 0]), Some(&[3])], &[(0, &[0, 2])]);
        // Too much, as when one addition was made twice.
        check(&[&[1, 2], &[3]], &[Some(&[1, 4]), Some(&[6])], &[(0, &[0, -2]), (1, &[-3])]);
    }

    #[test]
    fn a_key_without_a_row_gets_one_even_of_zeros() {
        check(&[&[0, 0], &[0]], &[None, Some(&[0])], &[(0, &[0, 0])]);
        check(&[&[5, 0]], &[None], &[(0, &[5, 0])]);
    }

    #[test]
    fn no_difference_is_too_large() {
        for (should, is) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX), (-1, i64::MAX)] {
            let additions = lacking(&Id::Integer(1), &[vec![should]], &vec![Some(vec![is])]);
            assert_eq!(is.wrapping_add(additions[0].by[0]), should);
        }
    }
}
