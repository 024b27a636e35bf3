//! What the name of a column says about its place in the key.

use crate::decide::unit::words;

/// Words in the names of columns that say who or what was measured.
const ENTITY_WORDS: [&str; 51] = [
    "host",
    "hostname",
    "node",
    "instance",
    "device",
    "sensor",
    "service",
    "region",
    "country",
    "app",
    "name",
    "metric",
    "channel",
    "series",
    "pod",
    "machine",
    "server",
    "station",
    "city",
    "cluster",
    "store",
    "shop",
    "sku",
    "product",
    "user",
    "group",
    "tag",
    "entity",
    "item",
    "location",
    "site",
    "customer",
    "account",
    "category",
    "symbol",
    "ticker",
    "container",
    "namespace",
    "job",
    "method",
    "endpoint",
    "path",
    "platform",
    "browser",
    "vm",
    "zone",
    "department",
    "kpi",
    "variable",
    "line",
    "unit",
];

/// Words in the names of columns that describe a moment, not a thing.
const MOMENT_WORDS: [&str; 12] = [
    "status",
    "state",
    "message",
    "msg",
    "comment",
    "note",
    "description",
    "reason",
    "event",
    "quality",
    "weather",
    "error",
];

/// Whether a name says that its column names things.
pub(crate) fn names_things(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str);
    words.iter().any(|word| ENTITY_WORDS.contains(&word.as_str()))
        || matches!(last, Some("id" | "key" | "code"))
}

/// Whether a name says that the numbers of its column name things: only its end counts, because a measure may
/// be called after the thing that it belongs to (`Checkout Service requests`).
pub(super) fn numbers_things(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map_or("", String::as_str);
    ENTITY_WORDS.contains(&last) || matches!(last, "id" | "key" | "code")
}

/// Whether a name says that its column describes a moment.
pub(super) fn describes_moments(name: &str) -> bool {
    words(name).iter().any(|word| MOMENT_WORDS.contains(&word.as_str()))
}
