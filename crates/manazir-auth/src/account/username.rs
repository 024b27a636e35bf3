//! User names: what one may be, and when two are too much alike.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton};

use super::fold::fold;

/// Fewest characters of a user name.
pub const USERNAME_MIN: usize = 2;
/// Most characters of a user name, in composed form.
pub const USERNAME_MAX: usize = 32;
/// More bytes than these are not looked at: the longest name in the widest letters, written in parts.
const BYTES_MAX: usize = 512;

/// A user name of 2 to 32 letters and digits of one script (or of those that are written together, as in Japanese),
/// with single `-`, `_` or `.` between them.
///
/// Two names are the same if they differ in case only, or if people cannot tell them apart: [`Username::folded`] and
/// [`Username::look`] are both unique in a store. Two keys are needed since one cannot do both: `Ian` is `ian`, and it
/// looks like `lan`, but nobody mistakes `ian` for `lan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username {
    text: String,
    folded: String,
    look: String,
}

/// Why a text is no user name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameFault {
    /// Too short or too long.
    #[error("a user name has {USERNAME_MIN} to {USERNAME_MAX} characters")]
    Length,
    /// A character that no name has: a sign, a space, something invisible.
    #[error("a user name has letters, digits and single `-`, `_` or `.` between them, not {0:?}")]
    Character(char),
    /// A separator at an end, or two in a row.
    #[error("`-`, `_` and `.` stand alone between letters or digits of a user name")]
    Separator,
    /// Letters of scripts that are not written together.
    #[error("a user name is written in one script; this one mixes letters that look alike")]
    MixedScripts,
}

impl Username {
    /// The name in a text; spaces around it do not count. Parsing it again gives the same.
    pub fn parse(text: &str) -> Result<Self, UsernameFault> {
        if text.len() > BYTES_MAX {
            return Err(UsernameFault::Length);
        }
        let text: String = text.trim().nfkc().collect();
        if !(USERNAME_MIN..=USERNAME_MAX).contains(&text.chars().count()) {
            return Err(UsernameFault::Length);
        }
        check_characters(&text)?;
        let letters: String = text.chars().filter(|character| !is_separator(*character)).collect();
        if letters.as_str().detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
            return Err(UsernameFault::MixedScripts);
        }
        // The skeleton of UTS 39 comes before the case goes: `I` looks like `l`, `i` does not.
        let look = fold(&skeleton(&text).collect::<String>());
        Ok(Self { folded: fold(&text), look, text })
    }

    /// As its owner writes it, case kept.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without case; unique.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Equal for names that look alike; unique.
    pub fn look(&self) -> &str {
        &self.look
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.')
}

fn check_characters(text: &str) -> Result<(), UsernameFault> {
    let mut after_separator = true;
    for character in text.chars() {
        if is_separator(character) {
            if after_separator {
                return Err(UsernameFault::Separator);
            }
            after_separator = true;
            continue;
        }
        // Vowel signs and the like belong to the letter before them.
        let mark = is_combining_mark(character) && !after_separator;
        if !(mark || character.is_alphanumeric()) || !character.identifier_allowed() {
            return Err(UsernameFault::Character(character));
        }
        after_separator = false;
    }
    if after_separator { Err(UsernameFault::Separator) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> UsernameFault {
        Username::parse(text).unwrap_err()
    }

    #[test]
    fn names_of_many_scripts_are_names() {
        for name in ["ada", "Ada.L-1", "jürgen_k", "Ольга", "さくら", "田中", "김민준", "देवी", "نادية"]
        {
            assert_eq!(Username::parse(&format!(" {name} ")).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_is_no_name_says_why() {
        assert_eq!(fault("a"), UsernameFault::Length);
        assert_eq!(fault(&"a".repeat(33)), UsernameFault::Length);
        assert_eq!(fault(&"\u{fdfa}".repeat(4_000)), UsernameFault::Length);
        for separators in ["-ada", "ada.", "a--b", "a._b"] {
            assert_eq!(fault(separators), UsernameFault::Separator, "{separators}");
        }
        for (text, wrong) in
            [("a b", ' '), ("a\u{200b}b", '\u{200b}'), ("ab\u{202e}", '\u{202e}'), ("a@b", '@')]
        {
            assert_eq!(fault(text), UsernameFault::Character(wrong));
        }
        // Latin with a Cyrillic а.
        assert_eq!(fault("p\u{430}ypal"), UsernameFault::MixedScripts);
    }

    #[test]
    fn names_that_are_alike_collide_on_one_key_and_others_on_none() {
        let alike = |one: &str, other: &str| {
            let (one, other) = (Username::parse(one).unwrap(), Username::parse(other).unwrap());
            one.folded() == other.folded() || one.look() == other.look()
        };
        for (one, other) in
            [("Ada", "aDA"), ("Ian", "lan"), ("b0b", "bOb"), ("сосо", "coco"), ("modern", "modem")]
        {
            assert!(alike(one, other), "{one} {other}");
        }
        for (one, other) in [("ian", "lan"), ("ada", "eda"), ("a-b", "a.b")] {
            assert!(!alike(one, other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent(text in "\\PC{0,40}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(fold(name.folded()), name.folded());
                prop_assert_eq!(fold(name.look()), name.look());
            }
        }

        #[test]
        fn case_makes_no_other_name(text in "[a-zA-Z0-9äöüßéА-я]{2,16}") {
            if let (Ok(name), Ok(upper)) = (Username::parse(&text), Username::parse(&text.to_uppercase())) {
                prop_assert_eq!(name.folded(), upper.folded());
            }
        }
    }
}
