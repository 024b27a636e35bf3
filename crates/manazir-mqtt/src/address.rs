//! Where a broker is.

use std::fmt;

const SCHEME: &str = "mqtt://";
const PORT: u16 = 1883;

/// Where a broker is, with the name and password to be shown to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Name and password, if there is a name.
    pub(crate) login: Option<(String, String)>,
}

/// Why an address is none; it shows nothing of it, for it may hold a password anywhere.
#[derive(Debug, thiserror::Error)]
#[error("no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: {0}")]
pub struct AddressError(&'static str);

impl Address {
    /// Reads `mqtt://user:password@host:port`. Name and password may be written as in any URI, `%40` for `@`.
    pub fn parse(uri: &str) -> Result<Self, AddressError> {
        let wrong = AddressError;
        if uri.starts_with("mqtts://") {
            return Err(wrong("TLS is not spoken; put a tunnel between"));
        }
        let rest = uri.strip_prefix(SCHEME).ok_or_else(|| wrong("it begins with mqtt://"))?;
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong("the port is no number up to 65535"))?)
            }
            _ => (place, PORT),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.contains(['/', '?', '#']) {
            return Err(wrong("it names a host and a port, and nothing behind them"));
        }
        let login = login
            .map(|login| {
                let (name, password) = login.split_once(':').unwrap_or((login, ""));
                Some((plain(name)?, plain(password)?))
            })
            .map(|login| login.ok_or_else(|| wrong("name or password has a `%` that stands for nothing")))
            .transpose()?;
        Ok(Self { host: host.to_owned(), port, login })
    }
}

impl fmt::Debug for Address {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.login.as_ref().map(|(name, _)| format!("{name}@")).unwrap_or_default();
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{SCHEME}{name}{host}:{}", self.port)
    }
}

/// Text with its `%40` and their like read (RFC 3986, 2.1); `None` if one of them is none.
fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        bytes.push((digit(0)? * 16 + digit(1)?) as u8);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(uri: &str, expect: Expect) {
        let shown = match Address::parse(uri) {
            Ok(address) => format!("{address:?} {:?}", address.login.as_ref().map(|(_, password)| password)),
            Err(error) => error.to_string(),
        };
        expect.assert_eq(&shown);
    }

    #[test]
    fn an_address_is_read_and_shown_without_its_password() {
        check("mqtt://broker", expect!["mqtt://broker:1883 None"]);
        check("mqtt://ann:p%40ss:w@broker:1884/", expect![[r#"mqtt://ann@broker:1884 Some("p@ss:w")"#]]);
        check("mqtt://ann@[::1]", expect![[r#"mqtt://ann@[::1]:1883 Some("")"#]]);
        check("mqtt://[::1]:7", expect!["mqtt://[::1]:7 None"]);
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        check(
            "amqp://ann:secret@broker",
            expect![
                "no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: it begins with mqtt://"
            ],
        );
        check(
            "mqtts://ann:secret@broker",
            expect![
                "no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: TLS is not spoken; put a tunnel between"
            ],
        );
        check(
            "mqtt://broker:port",
            expect![
                "no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: the port is no number up to 65535"
            ],
        );
        check(
            "mqtt://broker/topic",
            expect![
                "no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: it names a host and a port, and nothing behind them"
            ],
        );
        check(
            "mqtt://a:%4@broker",
            expect![
                "no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: name or password has a `%` that stands for nothing"
            ],
        );
        check(
            "mqtt://",
            expect![
                "no address of a broker of sensors, as mqtt://USER:PASSWORD@HOST:1883: it names a host and a port, and nothing behind them"
            ],
        );
    }
}
