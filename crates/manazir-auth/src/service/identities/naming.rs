//! A user name for whoever comes from a provider: made from what they are called there.

use unicode_normalization::UnicodeNormalization;

use crate::account::USERNAME_MAX;
use crate::{Email, Username};

/// Characters that are kept free for a number behind a name.
const NUMBER_CHARACTERS: usize = 7;
/// For whoever is called nothing that could be a name.
const NOBODY: &str = "user";

/// The first name to try: what the provider says, or what stands before the `@`, without what no user name has.
pub(super) fn fitting(preferred: Option<&str>, email: &Email) -> Username {
    // Some providers say the address: what stands before the `@` is nearer to a name.
    let preferred = preferred.map(before_at).into_iter();
    let wanted = preferred.chain([before_at(email.address()), NOBODY]);
    let mut names = wanted.filter_map(|text| Username::parse(&trimmed(text)).ok());
    names.next().expect("`user` is a user name")
}

/// The same with a number behind it; `None` if that is no name.
pub(super) fn numbered(name: &Username, number: u32) -> Option<Username> {
    let base: String = name.as_str().chars().take(USERNAME_MAX - NUMBER_CHARACTERS).collect();
    let base = base.trim_end_matches(is_separator);
    Username::parse(&format!("{base}{number}"))
        .or_else(|_| Username::parse(&format!("{NOBODY}{number}")))
        .ok()
}

fn before_at(text: &str) -> &str {
    text.split_once('@').map_or(text, |(before, _)| before)
}

fn is_separator(character: char) -> bool {
    matches!(character, '-' | '_' | '.')
}

/// Letters and digits, and one `.` for whatever stands between them.
fn trimmed(text: &str) -> String {
    let mut name = String::new();
    let mut gap = None;
    // More than enough for the longest name.
    for character in text.chars().take(256).nfkc() {
        if character.is_alphanumeric() || unicode_normalization::char::is_combining_mark(character) {
            let separator = gap.take().filter(|_| !name.is_empty());
            name.extend(separator);
            name.push(character);
        } else {
            gap = gap.or(Some(if is_separator(character) { character } else { '.' }));
        }
    }
    let name: String = name.chars().take(USERNAME_MAX).collect();
    name.trim_end_matches(is_separator).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_made_to_fit() {
        let email = Email::parse("g.hopper@example.org").unwrap();
        for (preferred, name) in [
            (Some("ada"), "ada"),
            (Some("Ada Lovelace"), "Ada.Lovelace"),
            (Some("ada@corp.example"), "ada"),
            (Some("--ada__l--"), "ada_l"),
            (Some("田中"), "田中"),
            (Some("!!"), "g.hopper"),
            (Some("x"), "g.hopper"),
            (Some("p\u{430}ypal"), "g.hopper"),
            (None, "g.hopper"),
        ] {
            assert_eq!(fitting(preferred, &email).as_str(), name, "{preferred:?}");
        }
        let nobody = Email::parse("!@example.org").unwrap();
        assert_eq!(fitting(None, &nobody).as_str(), "user");
        let ada = Username::parse("ada").unwrap();
        assert_eq!(numbered(&ada, 2).unwrap().as_str(), "ada2");
        let long = Username::parse(&"a".repeat(32)).unwrap();
        assert_eq!(numbered(&long, 999_999).unwrap().as_str().len(), 31);
    }

    proptest! {
        #[test]
        fn everybody_gets_a_name_whatever_they_are_called(preferred in "\\PC{0,300}", number in 0u32..1_000_000) {
            let name = fitting(Some(&preferred), &Email::parse("a@example.org").unwrap());
            prop_assert!(numbered(&name, number).is_some());
        }
    }
}
