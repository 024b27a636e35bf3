//! E-mail addresses: where a letter goes, and when two are the same.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::fold::fold;

/// Most bytes of an address (RFC 5321, as corrected by its erratum 1690).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Most bytes before the `@` (RFC 5321 §4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// Most bytes between two dots of a domain (RFC 1035).
const LABEL_BYTES_MAX: usize = 63;

/// An e-mail address: letters go to [`Email::address`], which is as its owner wrote it; [`Email::key`] is unique.
///
/// A letter must go to the stored address, never to one that was typed: two addresses with one key may be two
/// mailboxes (`mıke@…` and `mike@…`), and whoever asks must not get what belongs to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    address: String,
    key: String,
}

/// Why a text is no address that we could write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailFault {
    /// Too long.
    #[error(
        "an e-mail address has at most {EMAIL_BYTES_MAX} bytes, {LOCAL_BYTES_MAX} of them before the `@`"
    )]
    Length,
    /// Not of the form `name@domain`.
    #[error("an e-mail address is written `name@example.org`")]
    Form,
}

impl Email {
    /// The address in a text; spaces around it do not count. Quoted names and addresses in brackets, which hardly
    /// anybody has, are refused. Parsing the address again gives the same.
    pub fn parse(text: &str) -> Result<Self, EmailFault> {
        let text = text.trim();
        if text.len() > EMAIL_BYTES_MAX {
            return Err(EmailFault::Length);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailFault::Form)?;
        let local: String = local.nfc().collect();
        let domain = fold(domain);
        if local.len() > LOCAL_BYTES_MAX || local.len() + 1 + domain.len() > EMAIL_BYTES_MAX {
            return Err(EmailFault::Length);
        }
        let key = format!("{}@{domain}", fold(&local));
        // Looked at in folded form as well: `＠` and its like become an `@` there.
        let folded_is_good = key.rsplit_once('@').is_some_and(|(local, _)| is_local(local));
        if !is_local(&local) || !is_domain(&domain) || !folded_is_good {
            return Err(EmailFault::Form);
        }
        Ok(Self { address: format!("{local}@{domain}"), key })
    }

    /// Where letters go.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Without case; unique.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

fn is_local(local: &str) -> bool {
    let allowed = |character: char| {
        let good_ascii = character.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(character);
        good_ascii || (!character.is_ascii() && !character.is_control() && !character.is_whitespace())
    };
    !local.is_empty() && local.split('.').all(|atom| !atom.is_empty()) && local.chars().all(allowed)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let inner =
            |character: char| character.is_alphanumeric() || character == '-' || !character.is_ascii();
        let edges = !label.starts_with('-') && !label.ends_with('-');
        let seen = label.chars().all(|character| !character.is_whitespace() && !character.is_control());
        (1..=LABEL_BYTES_MAX).contains(&label.len()) && edges && seen && label.chars().all(inner)
    };
    domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_keeps_its_case_and_is_found_without_it() {
        let email = Email::parse(" Ada.Lovelace+x@Example.ORG ").unwrap();
        assert_eq!((email.address(), email.local()), ("Ada.Lovelace+x@example.org", "Ada.Lovelace+x"));
        assert_eq!(email.key(), Email::parse("ADA.LOVELACE+X@example.org").unwrap().key());
        assert_eq!(Email::parse("mıke@example.org").unwrap().key(), "mike@example.org");
        assert!(Email::parse("ops@intranet").is_ok());
    }

    #[test]
    fn what_nobody_could_write_to_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        assert_eq!(Email::parse(&long), Err(EmailFault::Length));
        assert_eq!(Email::parse(&"a".repeat(300)), Err(EmailFault::Length));
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a b@example.org",
            "a..b@example.org",
            ".a@example.org",
            "a@b..c",
            "a@-b.org",
            "a\r\nBcc: x@example.org",
            "<a@example.org>",
            "a@b@example.org",
            "a＠b@example.org",
            "a@b c",
        ] {
            assert_eq!(Email::parse(text), Err(EmailFault::Form), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normalization_is_idempotent(text in "\\PC{1,12}@[a-zA-Z0-9äß.-]{1,12}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.address()), Ok(email.clone()));
                prop_assert_eq!(fold(email.key()), email.key());
            }
        }
    }
}
