//! Keys of texts that may be longer than an index takes.

use sha2::{Digest as _, Sha256};

/// A hash of these texts in their order: the first 16 bytes of the SHA-256 of each length (8 bytes, little-endian) with
/// its text. Two lists of texts have the same only if somebody has searched for them through 2^64.
pub(crate) fn key<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize()[..16].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_texts_have_keys_of_their_own() {
        let lists: [&[&str]; 7] = [&[], &[""], &["", ""], &["ab", "c"], &["a", "bc"], &["abc"], &["c", "ab"]];
        for (index, list) in lists.iter().enumerate() {
            let of = |list: &[&str]| key(list.iter().copied());
            assert_eq!(of(list), of(list));
            assert!(lists[..index].iter().all(|other| of(other) != of(list)), "{list:?}");
        }
        // They are stored: they stay what they are.
        assert_eq!(key(["a"])[..4], KNOWN);
    }

    /// `printf '\x01\0\0\0\0\0\0\0a' | sha256sum`
    const KNOWN: [u8; 4] = [0xae, 0x61, 0x21, 0xc8];
}
