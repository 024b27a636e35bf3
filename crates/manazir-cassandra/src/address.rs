//! Where a cluster is.

use crate::failure::Refusal;
use crate::tables::is_name;

const SCHEME: &str = "cassandra://";

/// Where a cluster listens if nothing else is said.
const PORT: u16 = 9042;

/// Where a cluster is, with the name and password to be shown to it.
pub(crate) struct Address {
    /// Each with its port.
    pub(crate) hosts: Vec<String>,
    /// User and password.
    pub(crate) login: Option<(String, String)>,
    pub(crate) keyspace: String,
    /// If only this one is asked: then a majority of its replicas is enough.
    pub(crate) datacenter: Option<String>,
    /// What people are told of it: the hosts, not who comes to them.
    pub(crate) place: String,
}

impl Address {
    /// Reads `cassandra://user:password@host:port,host:port/keyspace?datacenter=name`, with name and password written
    /// as in any URI. No message shows anything of what cannot be read: it may hold a password anywhere.
    pub(crate) fn parse(url: &str) -> Result<Self, Refusal> {
        let wrong = Refusal::Address;
        let rest = url.strip_prefix(SCHEME).ok_or(wrong("it begins with cassandra://"))?;
        let (authority, path) = rest.split_once('/').ok_or(wrong("it names a keyspace"))?;
        // Otherwise a part of the password would be taken for a host or a keyspace, and shown as such.
        if path.contains('@') || authority.contains(['?', '#']) || authority.matches('@').count() > 1 {
            return Err(wrong("in a password / is %2F, ? is %3F, # is %23, @ is %40"));
        }
        let (login, hosts) = match authority.split_once('@') {
            Some((login, hosts)) => (Some(read_login(login)?), hosts),
            None => (None, authority),
        };
        let hosts: Vec<String> =
            hosts.split(',').map(with_port).collect::<Option<_>>().ok_or(wrong("each host is HOST:PORT"))?;
        let (keyspace, query) = path.split_once('?').unwrap_or((path, ""));
        if !is_name(keyspace) {
            return Err(wrong("its keyspace has at most 48 letters, digits and _"));
        }
        let datacenter = match query.split_once('=') {
            Some(("datacenter", name)) if !name.is_empty() => Some(decoded(name)?),
            None if query.is_empty() => None,
            _ => return Err(wrong("behind ? it says datacenter=NAME, or nothing")),
        };
        let place = format!("Cassandra at {}", hosts.join(","));
        Ok(Self { hosts, login, keyspace: keyspace.to_owned(), datacenter, place })
    }
}

fn read_login(text: &str) -> Result<(String, String), Refusal> {
    let (user, password) = text.split_once(':').ok_or(Refusal::Address("a user has a password"))?;
    Ok((decoded(user)?, decoded(password)?))
}

/// A host with its port, or that of all; `None` if it is none.
fn with_port(text: &str) -> Option<String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (&text[..address.len() + 2], port.strip_prefix(':').or(port.is_empty().then_some(""))?)
        }
        None => {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            (!host.is_empty() && host.bytes().all(is_letter)).then_some(())?;
            (host, port)
        }
    };
    let port: u16 = if port.is_empty() { PORT } else { port.parse().ok()? };
    Some(format!("{host}:{port}"))
}

/// A text in which `%41` stands for `A`.
fn decoded(text: &str) -> Result<String, Refusal> {
    let wrong = || Refusal::Address("behind % stand two hexadecimal digits, and all of it is UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2).ok_or_else(wrong)?;
        let digits = str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(wrong)?);
        rest = behind;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let Address { login, keyspace, datacenter, place, .. } = Address::parse(url).unwrap();
        let (user, password) = login.unwrap_or_default();
        assert!(["", "s3c/r@e%t:"].contains(&&*password), "{password}");
        assert_eq!(format!("{place}: {keyspace} as {user:?} in {datacenter:?}"), expected);
    }

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        check("cassandra://db/karma", r#"Cassandra at db:9042: karma as "" in None"#);
        check(
            "cassandra://ann:s3c%2Fr%40e%25t%3a@db:7000,db-2.local,[::1]:7001,[::1]/karma?datacenter=dc%201",
            r#"Cassandra at db:7000,db-2.local:9042,[::1]:7001,[::1]:9042: karma as "ann" in Some("dc 1")"#,
        );
    }

    #[track_caller]
    fn refused(rests: &[&str], why: &str) {
        for rest in rests {
            let error = Address::parse(&format!("cassandra://{rest}")).err().unwrap();
            assert!(error.to_string().ends_with(why), "{rest}: {error}");
            assert!(!format!("{error} {error:?}").contains("3cr"), "{rest}: {error}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        assert!(Address::parse("mysql://ann:s3cr3t@db/karma").is_err());
        refused(
            &["ann:1/s3cr3t@db/k", "ann:1?s3cr3t@db/k", "ann:1#s3cr3t@db/k", "ann:1@s3cr3t@db/k"],
            "in a password / is %2F, ? is %3F, # is %23, @ is %40",
        );
        refused(&["ann:s3cr3t@db"], "it names a keyspace");
        refused(&["s3cr3t@db/karma"], "a user has a password");
        refused(
            &[
                "/k",
                "db,/k",
                ":9042/k",
                "db:s3cr3t/k",
                "db:70000/k",
                "[s3cr3t]:1/k",
                "[::1]9/k",
                "d b/k",
                "[::1/k",
            ],
            "each host is HOST:PORT",
        );
        let long = format!("db/{}", "x".repeat(49));
        refused(
            &["db/", "db/a-b", "db/a;b", "db/a/s3cr3t", &long],
            "its keyspace has at most 48 letters, digits and _",
        );
        refused(
            &["db/k?password=s3cr3t", "db/k?datacenter=", "db/k?datacenter"],
            "behind ? it says datacenter=NAME, or nothing",
        );
        refused(
            &[
                "a:s3cr3t%@db/k",
                "a:s3cr3t%4@db/k",
                "a:s3cr3t%zz@db/k",
                "a:s3cr3t%+4@db/k",
                "a:s3cr3t%ff@db/k",
            ],
            "behind % stand two hexadecimal digits, and all of it is UTF-8",
        );
    }
}
