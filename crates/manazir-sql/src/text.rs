//! Texts that both databases can keep.
//!
//! PostgreSQL refuses NUL in a text, and JSON allows it in a name. SUB (0x1A) and `0` stand for it, SUB twice
//! for SUB itself, so that every text comes back as it was and two texts are never stored as one.

use std::borrow::Cow;

const SUBSTITUTE: char = '\u{1a}';

/// As it is kept.
pub(crate) fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', SUBSTITUTE]) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => kept.extend([SUBSTITUTE, '0']),
            SUBSTITUTE => kept.extend([SUBSTITUTE; 2]),
            other => kept.push(other),
        }
    }
    Cow::Owned(kept)
}

/// As it came.
pub(crate) fn came(text: String) -> String {
    if !text.contains(SUBSTITUTE) {
        return text;
    }
    let mut came = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            SUBSTITUTE => came.push(if characters.next() == Some('0') { '\0' } else { SUBSTITUTE }),
            other => came.push(other),
        }
    }
    came
}

/// A pattern for `LIKE … ESCAPE '\'` that finds these words anywhere, in capitals or not; the column holds
/// small letters.
pub(crate) fn pattern(words: &str) -> String {
    let mut pattern = String::from("%");
    for character in kept(&words.to_lowercase()).chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_none_is_stored_as_another() {
        let texts = ["", "a", "\0", "\u{1a}", "\u{1a}0", "\u{1a}\0", "\0\u{1a}\u{1a}0\0é", "0\u{1a}"];
        for (index, text) in texts.iter().enumerate() {
            assert!(!kept(text).contains('\0'));
            assert_eq!(came(kept(text).into_owned()), *text);
            assert!(texts[..index].iter().all(|other| kept(other) != kept(text)));
        }
    }

    #[test]
    fn patterns_find_only_the_words() {
        assert_eq!(pattern("50%_Of\\it"), "%50\\%\\_of\\\\it%");
    }
}
