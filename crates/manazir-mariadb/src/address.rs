//! Where a server is.

use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;

use crate::failure::Refusal;

/// Where a server is, with the name and password to be shown to it.
pub(crate) struct Address {
    pub(crate) options: MySqlConnectOptions,
    /// What people are told of it: the server, not who comes to it.
    pub(crate) place: String,
}

impl Address {
    /// Reads `mysql://user:password@host:port/database`, with name and password written as in any URI.
    pub(crate) fn parse(url: &str) -> Result<Self, Refusal> {
        let wrong = Refusal::Address;
        if !url.starts_with("mysql://") {
            return Err(wrong("it begins with mysql://"));
        }
        // What the parser says of it is not shown: it may hold a piece of the password.
        let options: MySqlConnectOptions = url.parse().map_err(|_| wrong("it is no URI"))?;
        match options.get_database() {
            None => return Err(wrong("it names a database")),
            // Otherwise a password with a slash would be taken for a piece of this name, and shown as one.
            Some(name) if name.contains(['/', '@']) => {
                return Err(wrong("`/` and `@` in a password are written %2F and %40"));
            }
            Some(_) => {}
        }
        let place = format!("MariaDB at {}:{}", options.get_host(), options.get_port());
        // A statement of a thousand rows in a log would help nobody.
        let options = options.charset("utf8mb4").disable_statement_logging();
        Ok(Self { options, place })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(url: &str, expect: Expect) {
        let shown = match Address::parse(url) {
            Ok(Address { options, place }) => {
                format!(
                    "{place}: {} as {}",
                    options.get_database().unwrap_or_default(),
                    options.get_username()
                )
            }
            Err(why) => why.to_string(),
        };
        assert!(!shown.contains("s3cr3t"), "{shown}");
        expect.assert_eq(&shown);
    }

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        check("mysql://ann:s3cr3t%2F%40@db/karma", expect!["MariaDB at db:3306: karma as ann"]);
        check(
            "mysql://ann:s3cr3t@[::1]:3307/karma?charset=latin1",
            expect!["MariaDB at [::1]:3307: karma as ann"],
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        check(
            "postgres://ann:s3cr3t@db/karma",
            expect!["no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: it begins with mysql://"],
        );
        check(
            "mysql://ann:s3cr3t@db",
            expect!["no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: it names a database"],
        );
        check(
            "mysql://ann:s3cr3t/more@db/karma",
            expect!["no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: it is no URI"],
        );
        check(
            "mysql://ann:1/s3cr3t@db/karma",
            expect![
                "no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: `/` and `@` in a password are written %2F and %40"
            ],
        );
        check(
            "mysql://ann:1#s3cr3t@db/karma",
            expect!["no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: it names a database"],
        );
        check(
            "mysql://",
            expect!["no address as mysql://USER:PASSWORD@HOST:3306/DATABASE: it names a database"],
        );
    }
}
