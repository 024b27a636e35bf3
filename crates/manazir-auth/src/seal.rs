//! 32 bytes kept so that the store alone does not know them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `content` closed under a key, or opened with it: both are the same step.
///
/// The pad is HMAC-SHA-256 of the purpose under the key, and is used for one content only: each purpose here names
/// what it closes, and that is closed once. So a one-time pad does what a cipher would. It does not tell whether the
/// content was changed: whoever opens compares with a hash or a public key that is stored beside it.
pub(crate) fn seal(key: &[u8; 32], purpose: &[&[u8]], content: [u8; 32]) -> [u8; 32] {
    // A key shorter than a block is filled up with zeros, as HMAC says.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut pad = Hmac::<Sha256>::new(&block.into());
    for part in purpose {
        // With its length, so that two lists of parts are never one text.
        pad.update(&(part.len() as u64).to_be_bytes());
        pad.update(part);
    }
    let mut sealed: [u8; 32] = pad.finalize().into_bytes().into();
    sealed.iter_mut().zip(content).for_each(|(pad, content)| *pad ^= content);
    sealed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_purpose_open() {
        let sealed = seal(&[1; 32], &[b"a", b"b"], [9; 32]);
        assert_ne!(sealed, [9; 32]);
        assert_eq!(seal(&[1; 32], &[b"a", b"b"], sealed), [9; 32]);
        assert_ne!(seal(&[2; 32], &[b"a", b"b"], sealed), [9; 32]);
        assert_ne!(seal(&[1; 32], &[b"ab"], sealed), [9; 32]);
    }
}
