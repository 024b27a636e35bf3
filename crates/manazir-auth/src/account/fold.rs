//! Text without case and without variants of one letter: what must not differ between two names.

use unicode_normalization::UnicodeNormalization;

/// Rounds after which a text has come to rest; two are needed at most as far as Unicode goes, which a test shows.
const ROUNDS_MAX: usize = 4;

/// `text` in compatibility form and without case. Folding it again changes nothing.
///
/// Each letter goes to upper and then to lower case by itself, so that `ß` meets `ss`, a final `ς` meets `σ` and `ı`
/// meets `i`; lower case alone would tell them apart and depend on where in a word they stand. The compatibility form
/// (NFKC) joins full-width letters, ligatures and composed letters with the plain ones.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = round(text);
    for _ in 1..ROUNDS_MAX {
        let again = round(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn round(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_another_case_is_the_same() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("ΟΔΟΣ", "οδος"),
            ("ＡＢ", "ab"),
            ("ﬁ", "FI"),
            ("I", "ı"),
            ("É", "e\u{301}"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn every_character_of_unicode_comes_to_rest() {
        let restless: Vec<char> = ('\0'..=char::MAX)
            .filter(|character| !character.is_ascii())
            .filter(|character| {
                let folded = fold(character.encode_utf8(&mut [0; 4]));
                round(&folded) != folded
            })
            .collect();
        assert!(restless.is_empty(), "{restless:?}");
    }
}
