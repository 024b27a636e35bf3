//! Text that comes from data, made harmless inside of HTML.

use crate::report::name::printable;

/// Safe between tags and inside of quoted attributes. Control characters become visible dots.
pub(super) fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for letter in printable(raw).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The same in a `bdi`: a name that changes the direction of writing does so within its own bounds. A percent
/// sign stays with its number.
pub(super) fn name(raw: &str) -> String {
    format!("<bdi>{}</bdi>", text(raw).replace(" %", "\u{a0}%"))
}
