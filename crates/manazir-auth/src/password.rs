//! Passwords: how they are prepared, and which are refused, with the reasons.

use std::collections::HashSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::account::fold::fold;
use crate::{Email, Username};

/// Fewest characters of a new password.
pub const PASSWORD_MIN: usize = 8;
/// Most characters of a password: long enough for any sentence, short enough that nobody sends books.
pub const PASSWORD_MAX: usize = 256;
/// More bytes than these are not looked at.
const BYTES_MAX: usize = 4 * PASSWORD_MAX;
/// A new password has so many different characters.
const DIFFERENT_MIN: usize = 5;
/// With the names of its owner taken out, so many characters of a new password are left.
const BESIDE_NAMES_MIN: usize = 4;
/// Names shorter than this are in many words by chance.
const NAME_CHARACTERS_MIN: usize = 3;
/// What fingers find without a thought.
const KEYBOARD: [&str; 5] = [
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1234567890",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1q2w3e4r5t6y7u8i9o0p",
];

/// A password as somebody shows it, prepared by the profile OpaqueString of RFC 8265: composed form, one kind of space;
/// nothing is cut off and no case is lost. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too short.
    #[error("a password has at least {PASSWORD_MIN} characters")]
    TooShort,
    /// Too long.
    #[error("a password has at most {PASSWORD_MAX} characters")]
    TooLong,
    /// The same few characters over and over.
    #[error("a password has at least {DIFFERENT_MIN} different characters")]
    FewDifferent,
    /// Letters or digits in order, or keys beside each other.
    #[error("a password is more than keys or letters in a row")]
    Row,
    /// Hardly more than the owner's name.
    #[error("a password is more than the user name or e-mail address")]
    Name,
}

impl Password {
    /// A password that somebody shows to sign in; `None` if it is longer than any that is kept, so that no work goes
    /// into what cannot be right.
    pub fn shown(text: &str) -> Option<Self> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let one_space = |character: char| if character.is_whitespace() { ' ' } else { character };
        let prepared: String = text.chars().map(one_space).nfc().collect();
        (prepared.chars().count() <= PASSWORD_MAX).then_some(Self(prepared))
    }

    /// A new password of somebody with these names, or all reasons against it. No list of passwords that were stolen
    /// elsewhere is asked; what is refused is what a guesser tries before any list.
    pub fn new(text: &str, username: &Username, email: &Email) -> Result<Self, Vec<PasswordFault>> {
        let password = Self::shown(text).ok_or_else(|| vec![PasswordFault::TooLong])?;
        let faults = password.faults(username, email);
        if faults.is_empty() { Ok(password) } else { Err(faults) }
    }

    /// What is hashed.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn faults(&self, username: &Username, email: &Email) -> Vec<PasswordFault> {
        let characters: Vec<char> = self.0.chars().collect();
        let different = characters.iter().collect::<HashSet<_>>().len();
        let mut faults = Vec::new();
        if characters.len() < PASSWORD_MIN {
            faults.push(PasswordFault::TooShort);
        }
        if different < DIFFERENT_MIN {
            faults.push(PasswordFault::FewDifferent);
        }
        let folded = fold(&self.0);
        if is_row(&folded) {
            faults.push(PasswordFault::Row);
        }
        if is_name(&folded, username, email) {
            faults.push(PasswordFault::Name);
        }
        faults
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// True if every character is the neighbour of the one before it, in the alphabet or on the keyboard.
fn is_row(folded: &str) -> bool {
    let characters: Vec<char> = folded.chars().collect();
    let neighbours = |step: i64| {
        characters
            .windows(2)
            .all(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0])) == step)
    };
    let backwards: String = folded.chars().rev().collect();
    let on_keyboard = KEYBOARD.iter().any(|row| row.contains(folded) || row.contains(&backwards));
    characters.len() > 1 && (neighbours(1) || neighbours(-1) || on_keyboard)
}

fn is_name(folded: &str, username: &Username, email: &Email) -> bool {
    let local = fold(email.local());
    [username.folded(), email.key(), &local].into_iter().any(|name| {
        let beside = folded.replace(name, "").chars().count();
        name.chars().count() >= NAME_CHARACTERS_MIN && folded.contains(name) && beside < BESIDE_NAMES_MIN
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn preparing_is_idempotent_and_loses_nothing_but_ways_of_writing(text in "\\PC{0,40}") {
            let once = Password::shown(&text).unwrap();
            prop_assert_eq!(Password::shown(&once.0), Some(once.clone()));
            prop_assert_ne!(Password::shown(&format!("{text}x")), Some(once));
        }
    }

    fn faults(text: &str) -> Vec<PasswordFault> {
        let (name, email) =
            (Username::parse("Lovelace").unwrap(), Email::parse("ada.l@example.org").unwrap());
        Password::new(text, &name, &email).err().unwrap_or_default()
    }

    #[test]
    fn each_refusal_says_all_its_reasons() {
        use PasswordFault::{FewDifferent, Name, Row, TooLong, TooShort};
        for (text, reasons) in [
            ("a quiet harbor", vec![]),
            ("ünïcôde", vec![TooShort]),
            ("aaaaaaaa", vec![FewDifferent]),
            ("", vec![TooShort, FewDifferent]),
            ("12345678", vec![Row]),
            ("hgfedcba", vec![Row]),
            ("QWERTYUIOP", vec![Row]),
            ("1234567890", vec![Row]),
            ("LoveLace12", vec![Name]),
            ("ada.l@example.org", vec![Name]),
            ("lovelace of the sea", vec![]),
            (&"ab cd ef".repeat(32), vec![]),
            (&"ab cd ef!".repeat(32), vec![TooLong]),
        ] {
            assert_eq!(faults(text), reasons, "{text}");
        }
    }

    #[test]
    fn one_password_in_two_ways_of_writing_is_one_and_is_never_printed() {
        assert_eq!(Password::shown("cafe\u{301}\u{a0}noir"), Password::shown("café noir"));
        assert_ne!(Password::shown("Café noir"), Password::shown("café noir"));
        assert_eq!(format!("{:?}", Password::shown("secret")), "Some(Password)");
        assert_eq!(Password::shown(&"x".repeat(2_000)), None);
    }
}
