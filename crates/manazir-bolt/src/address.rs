//! Where a server is.

use percent_encoding::percent_decode_str;

const PORT: u16 = 7687;

/// Where a server is, with the name and password to be shown to it.
pub(crate) struct Address {
    /// Scheme, host and port alone.
    pub(crate) uri: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// None: the one that the server takes by itself.
    pub(crate) database: Option<String>,
    /// What people are told of it: the server, not who comes to it.
    pub(crate) place: String,
}

/// Why an address is none; it shows nothing of it, for it may hold a password anywhere.
#[derive(Debug, thiserror::Error)]
#[error("no address of a graph database, as bolt://USER:PASSWORD@HOST:7687/DATABASE: {0}")]
pub(crate) struct AddressError(&'static str);

impl Address {
    /// Reads `bolt://user:password@host:port/database`, with name and password written as in any URI; `bolt+s://` with
    /// TLS.
    pub(crate) fn parse(url: &str) -> Result<Self, AddressError> {
        let wrong = AddressError;
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it begins with bolt://"))?;
        if scheme.starts_with("neo4j") {
            return Err(wrong("members of a cluster are not looked for; name one server by bolt://"));
        }
        if !["bolt", "bolt+s"].contains(&scheme) {
            return Err(wrong("it begins with bolt:// or bolt+s://"));
        }
        // Otherwise a part of the password would be taken for the host, and shown as such.
        if rest.split_once(['/', '?', '#']).is_some_and(|(_, behind)| behind.contains('@')) {
            return Err(wrong("in a password / is %2F, ? is %3F, # is %23"));
        }
        let (login, rest) = rest.rsplit_once('@').ok_or_else(|| wrong("it names a user"))?;
        let (user, password) = login.split_once(':').ok_or_else(|| wrong("it has a password"))?;
        let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
        if database.contains(['/', '?', '#']) || server.contains(['?', '#']) {
            return Err(wrong("nothing stands behind the database"));
        }
        let (host, port) = match server.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("the port is no number up to 65535"))?)
            }
            _ => (server, PORT),
        };
        if host.is_empty() {
            return Err(wrong("it names a host"));
        }
        let plain = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
        let plain = |text: &str| plain(text).map_err(|_| wrong("name, password and database are UTF-8"));
        Ok(Self {
            uri: format!("{scheme}://{host}:{port}"),
            user: plain(user)?,
            password: plain(password)?,
            database: Some(plain(database)?).filter(|database| !database.is_empty()),
            place: format!("graph database at {host}:{port}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(url: &str, expect: Expect) {
        let shown = match Address::parse(url) {
            Ok(Address { uri, user, database, place, password }) => {
                assert_eq!(password, "s3cr3t/@:");
                format!("{place}: {uri}, {database:?} as {user}")
            }
            Err(why) => why.to_string().split_once("DATABASE: ").unwrap().1.to_owned(),
        };
        assert!(!shown.contains("s3cr3t"), "{shown}");
        expect.assert_eq(&shown);
    }

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        check(
            "bolt://neo4j:s3cr3t%2F%40:@db/graph",
            expect![[r#"graph database at db:7687: bolt://db:7687, Some("graph") as neo4j"#]],
        );
        check(
            "bolt+s://a%40b:s3cr3t%2F@:@[::1]:7000",
            expect!["graph database at [::1]:7000: bolt+s://[::1]:7000, None as a@b"],
        );
        check(
            "bolt+s://a%40b:s3cr3t%2F%40%3A@[::1]:7000/",
            expect!["graph database at [::1]:7000: bolt+s://[::1]:7000, None as a@b"],
        );
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        check("neo4j:s3cr3t@db", expect!["it begins with bolt://"]);
        check("http://neo4j:s3cr3t@db", expect!["it begins with bolt:// or bolt+s://"]);
        check(
            "neo4j://neo4j:s3cr3t@db",
            expect!["members of a cluster are not looked for; name one server by bolt://"],
        );
        check("bolt://neo4j:s3/cr3t@db", expect!["in a password / is %2F, ? is %3F, # is %23"]);
        check("bolt://db:7687/graph", expect!["it names a user"]);
        check("bolt://s3cr3t@db", expect!["it has a password"]);
        check("bolt://neo4j:s3cr3t@db:s3cr3t", expect!["the port is no number up to 65535"]);
        check("bolt://neo4j:s3cr3t@", expect!["it names a host"]);
        check("bolt://neo4j:s3cr3t@db/a?b=c", expect!["nothing stands behind the database"]);
        check("bolt://neo4j:%ff@db/a", expect!["name, password and database are UTF-8"]);
    }
}
