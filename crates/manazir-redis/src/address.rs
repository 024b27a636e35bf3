//! Where a Redis is.

use manazir_rollup::Error;

/// What is given is no address of a Redis; says why, and nothing of what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no address of a Redis, as redis://USER:PASSWORD@HOST:6379/0: {0}")]
pub struct NoAddress(&'static str);

impl From<NoAddress> for Error {
    fn from(why: NoAddress) -> Self {
        Self::Refused("what is given".to_owned(), why.into())
    }
}

const SCHEME: &str = "redis://";

/// Reads `redis://user:password@host:port/database`. No message shows anything of what cannot be read: it may hold a
/// password anywhere.
pub(crate) fn client(url: &str) -> Result<redis::Client, NoAddress> {
    if url.starts_with("rediss://") {
        return Err(NoAddress("TLS is not spoken; put a tunnel between"));
    }
    let rest = url.strip_prefix(SCHEME).ok_or(NoAddress("it begins with redis://"))?;
    // Otherwise a part of the password would be taken for the host, and shown as such.
    if rest.split_once(['/', '?', '#']).is_some_and(|(_, behind)| behind.contains('@')) {
        return Err(NoAddress("in a password / is %2F, ? is %3F, # is %23"));
    }
    redis::Client::open(url).map_err(|_| NoAddress("it names a host, a port and the number of a database"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<&str, &str>) {
        let shown = client(url)
            .map(|client| client.get_connection_info().addr().to_string())
            .map_err(|error| format!("{error:?}"));
        match (shown, expected) {
            (Ok(address), Ok(expected)) => assert_eq!(address, expected),
            (Err(error), Err(expected)) => {
                assert!(error.contains(expected) && !error.contains("secret"), "{error}");
            }
            (shown, _) => panic!("{shown:?}"),
        }
    }

    #[test]
    fn an_address_is_read() {
        check("redis://broker", Ok("broker:6379"));
        check("redis://:secret%23%2F@127.0.0.1:7000/3", Ok("127.0.0.1:7000"));
        check("redis://ann:sec:ret@[::1]:7000/", Ok("::1:7000"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        check("ann:secret@broker", Err("it begins with redis://"));
        check("rediss://ann:secret@broker", Err("TLS is not spoken"));
        check("redis://ann:secret@broker/secret", Err("the number of a database"));
        check("redis://ann:secret@", Err("it names a host"));
        check("redis://secret#secret@broker", Err("# is %23"));
        check("redis://ann:6379/secret@broker", Err("/ is %2F"));
    }
}
