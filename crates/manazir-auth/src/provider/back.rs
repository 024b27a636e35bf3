//! Where somebody goes after signing in: a page of this service, and no other.

/// Most bytes of a path.
const BYTES_MAX: usize = 512;

/// A path of this service, with what may stand behind it. Browsers read more as an address of another host than one
/// would think: what is here begins with one `/`, and has no second one there, no `\`, no space and nothing invisible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl Default for LocalPath {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl LocalPath {
    /// The path in a text; `None` if it leads elsewhere, or may.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let is_good = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
        let good = !rest.starts_with('/') && text.len() <= BYTES_MAX && text.bytes().all(is_good);
        good.then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_path_of_this_service_is_one() {
        for good in ["/", "/docs/", "/a?b=https://c#d", "/a//b", "/%2f%2fevil"] {
            assert_eq!(LocalPath::parse(good).unwrap().as_str(), good);
        }
        let long = format!("/{}", "a".repeat(512));
        for wrong in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "https://evil.example",
            "https:evil",
            "javascript:alert(1)",
            "/\t/evil",
            "/\r\nSet-Cookie: a=b",
            " //evil",
            "/ä",
            &long,
        ] {
            assert_eq!(LocalPath::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// As RFC 3986 reads a reference: without scheme and authority it is of the same host.
        #[test]
        fn whatever_is_taken_names_no_host(text in "[/\\\\a-z:.@?#%\t\r\n ]{0,12}") {
            if LocalPath::parse(&text).is_some() {
                prop_assert!(text.starts_with('/') && !text[1..].starts_with(['/', '\\']));
                prop_assert!(!text.contains(['\t', '\r', '\n', ' ', '\\']));
            }
        }
    }
}
