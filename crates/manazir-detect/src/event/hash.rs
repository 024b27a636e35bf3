//! Text and tuples as 64-bit names.

/// Multiply and fold, eight bytes at a time (the mixing step of Wang Yi's *wyhash*, public domain).
///
/// Written out here because a saved state holds its results: a library's may change with its next version.
pub(super) fn text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0x9E37_79B9_7F4A_7C15 ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = fold(hash, u64::from_le_bytes(*word));
    }
    let mut last = [0u8; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(hash, u64::from_le_bytes(last))
}

/// The name of an ordered pair.
pub(super) fn pair(first: u64, second: u64) -> u64 {
    fold(first.rotate_left(23) ^ 0xA076_1D64_78BD_642F, second)
}

fn fold(hash: u64, word: u64) -> u64 {
    let product = u128::from(hash ^ word ^ 0xE703_7ED1_A0B4_28DB) * 0x8EBC_6AF0_9C88_C6E3_u128;
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn near_texts_and_turned_pairs_have_names_of_their_own() {
        let names: HashSet<u64> = (0..50_000).map(|index| text(&format!("role/build-{index}"))).collect();
        assert_eq!(names.len(), 50_000);
        let low: HashSet<u64> = names.iter().map(|name| name & 0xffff).collect();
        assert!(low.len() > 33_000, "{} of 65,536 low ends are used", low.len());
        assert_ne!(text(""), text("\0"));
        assert_ne!(pair(1, 2), pair(2, 1));
        assert_ne!(pair(0, 0), 0);
    }
}
