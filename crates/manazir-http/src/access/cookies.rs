//! Cookies of a browser, and where a request with them comes from.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Holds the access token. The prefix makes browsers take it only over TLS (or on this machine), for this host alone.
pub(crate) const ACCESS_COOKIE: &str = "__Host-manazir_access";

/// Holds the refresh token.
pub(crate) const REFRESH_COOKIE: &str = "__Host-manazir_refresh";

/// Holds what a browser keeps of a sign-in at a provider until it comes back.
pub(crate) const SIGN_IN_COOKIE: &str = "__Host-manazir_sign_in";

/// The value of a cookie. With two of one name, the first, which is the one of the longest path.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The header that makes a browser keep a cookie for a time; none at all makes it forget the cookie.
///
/// No script reads it, and no request that another site begins carries it.
pub(crate) fn set_cookie(name: &str, value: &str, kept: Duration) -> (HeaderName, HeaderValue) {
    of_site(name, value, kept, "Strict")
}

/// The same for a cookie that a browser also sends when another site sends it here, as an identity provider does: it
/// lets nobody in.
pub(crate) fn set_passing_cookie(name: &str, value: &str, kept: Duration) -> (HeaderName, HeaderValue) {
    of_site(name, value, kept, "Lax")
}

fn of_site(name: &str, value: &str, kept: Duration, same_site: &str) -> (HeaderName, HeaderValue) {
    let seconds = kept.as_secs();
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={seconds}");
    // Tokens are letters, digits, `_`, `-` and `.`: they are always good in a header.
    (header::SET_COOKIE, HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("")))
}

/// True if a browser says that a page of this very origin makes it ask, or nobody but the person at it.
///
/// `Sec-Fetch-Site` cannot be set by a page; where an old browser does not send it, `Origin` must name this host. A
/// request with neither is refused: programs send no cookies.
pub(crate) fn is_from_here(headers: &HeaderMap) -> bool {
    told(headers) == Some(true)
}

/// True if a browser says that another page makes it ask. Programs say nothing.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    told(headers) == Some(false)
}

fn told(headers: &HeaderMap) -> Option<bool> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return Some(matches!(site, "same-origin" | "none"));
    }
    let origin = text("origin")?;
    let host = origin.split_once("://").map(|(_, host)| host);
    Some(host.is_some() && host == text("host"))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_cookie_is_found_among_others_and_on_several_lines() {
        let headers = headers(&[("cookie", "a=1; xa=2"), ("cookie", "b=3;c=4=5; a=6")]);
        let found: Vec<Option<&str>> =
            ["a", "b", "c", "d", "x"].iter().map(|name| cookie(&headers, name)).collect();
        assert_eq!(found, [Some("1"), Some("3"), Some("4=5"), None, None]);
    }

    #[test]
    fn only_a_page_of_this_origin_is_from_here() {
        for here in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://a.example:7171"), ("host", "a.example:7171")],
        ] {
            assert!(is_from_here(&headers(here)) && !is_from_elsewhere(&headers(here)), "{here:?}");
        }
        for elsewhere in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://a.example"), ("host", "a.example")],
            &[("origin", "null"), ("host", "null")],
            &[("origin", "https://a.example"), ("host", "a.example:7171")],
            &[("origin", "https://a.example")],
        ] {
            assert!(
                !is_from_here(&headers(elsewhere)) && is_from_elsewhere(&headers(elsewhere)),
                "{elsewhere:?}"
            );
        }
        assert!(!is_from_here(&headers(&[])) && !is_from_elsewhere(&headers(&[])));
    }
}
