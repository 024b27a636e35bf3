//! What letters say: plain text, each line short enough for every reader.

use manazir_auth::mail::Letter;

/// The subject and the text of a letter, whose links begin with `address`.
pub(crate) fn of(letter: &Letter, address: &str) -> (&'static str, String) {
    match letter {
        Letter::Invitation(link) => (
            "You are invited to Manazir",
            format!(
                "You are invited to Manazir at {address}.\n\nMake your account here, within seven days:\n\n{}\n\n\
                 The link is good once. Whoever has it can use it: do not pass it on.\n",
                link.page(address, "invitation")
            ),
        ),
        Letter::Reset(link) => (
            "A new password for Manazir",
            format!(
                "Somebody, probably you, asked for a new password at {address}.\n\n\
                 Set it here, within an hour:\n\n{}\n\n\
                 The link is good once, and ends every session of the account.\n\
                 If it was not you, nothing needs to be done: your password stays.\n",
                link.page(address, "password-reset")
            ),
        ),
        Letter::TokenReused => (
            "A session of yours at Manazir was ended",
            format!(
                "A key to a session of your account at {address} was used from two places, so the session was ended.\n\n\
                 Sign in again, look at your sessions, and change your password if one is not yours.\n"
            ),
        ),
        Letter::PasswordChanged => (
            "Your password at Manazir was changed",
            format!(
                "The password of your account at {address} was changed, and other sessions were ended.\n\n\
                 If it was not you, ask an administrator for a link to a new one at once.\n"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use manazir_auth::link::LinkSecret;

    use super::*;

    #[test]
    fn a_letter_says_what_to_do_and_holds_the_link_behind_the_hash() {
        let (subject, text) = of(&Letter::Reset(LinkSecret::from_entropy([1; 32])), "https://a.example");
        expect![[r#"
            A new password for Manazir

            Somebody, probably you, asked for a new password at https://a.example.

            Set it here, within an hour:

            https://a.example/password-reset#mzl_0101010101010101010101010101010101010101010101010101010101010101

            The link is good once, and ends every session of the account.
            If it was not you, nothing needs to be done: your password stays.
        "#]]
        .assert_eq(&format!("{subject}\n\n{text}"));
    }
}
