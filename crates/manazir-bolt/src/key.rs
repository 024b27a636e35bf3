//! Keys of texts that may be longer than an index takes.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Neo4j takes about 8,000 bytes; nobody reads a name that is longer than this.
const BYTES_MAX: usize = 1_000;

const HASHED: &str = "sha256:";

/// The text itself if it is short, and else its hash; no two texts have the same.
pub(crate) fn key(text: &str) -> String {
    if text.len() <= BYTES_MAX && !text.starts_with(HASHED) {
        return text.to_owned();
    }
    let mut key = HASHED.to_owned();
    for byte in Sha256::digest(text.as_bytes()) {
        // A text takes whatever is written to it.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_its_own_key_and_none_is_that_of_another() {
        assert_eq!(key("payments"), "payments");
        assert_eq!(key(&"x".repeat(1_000)).len(), 1_000);
        let long = key(&"x".repeat(1_001));
        assert_eq!(long.len(), HASHED.len() + 64);
        assert_ne!(key(&long), long, "whoever is called like the key of another is not it");
        // `printf sha256: | sha256sum`
        assert!(key(HASHED).starts_with("sha256:"));
    }
}
