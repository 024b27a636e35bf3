//! Among which pictures somebody chooses.

use std::collections::BTreeSet;

use manazir_model::hash::{fnv1a, mixed};

use crate::{Avatar, Kind};

/// Most that are offered at once.
pub const CANDIDATES_MAX: usize = 32;

/// Seeds of `n` people's pictures, at most [`CANDIDATES_MAX`], of which no two look alike. The same `seed` offers the
/// same in the same order, and more of them begin with fewer of them; another offers others. What a person chooses is
/// kept as their seed.
pub fn candidates(seed: &str, n: usize) -> Vec<String> {
    let mut shown = BTreeSet::new();
    let begin = fnv1a(seed.bytes());
    // Each seed is 16 digits: short, and valid wherever a seed is written.
    (0u64..)
        .map(|turn| format!("{:016x}", mixed(begin.wrapping_add(turn.wrapping_mul(0x9E37_79B9_7F4A_7C15)))))
        .filter(|one| shown.insert(Avatar::of(Kind::Person, one).svg()))
        .take(n.min(CANDIDATES_MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_begin_with_fewer_and_there_is_an_end() {
        let all = candidates("someone", usize::MAX);
        assert_eq!(all.len(), CANDIDATES_MAX);
        assert_eq!(candidates("someone", 6), all[..6]);
        assert_eq!(candidates("someone", 0), Vec::<String>::new());
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), CANDIDATES_MAX);
        assert!(candidates("someone else", 6).iter().all(|one| !all.contains(one)));
    }
}
