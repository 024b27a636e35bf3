//! Instants as people write them.

use manazir_model::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(deserializer)?)
}

fn parse<E: de::Error>(text: &str) -> Result<Timestamp, E> {
    let beyond = || text.strip_suffix(" µs").and_then(|micros| micros.parse().ok()).map(Timestamp);
    let instant = text.parse::<jiff::Timestamp>().map(Timestamp::from);
    instant.or_else(|error| beyond().ok_or_else(|| E::custom(error)))
}

/// The same where there may be none.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serializer, Timestamp, parse};

    // Serde gives a reference to the field as it is.
    #[allow(clippy::ref_option, reason = "the signature is serde's")]
    pub(in super::super) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(at),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| parse(&text)).transpose()
    }
}

/// The same of several.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Serializer, Timestamp, parse};

    pub(in super::super) fn serialize<S: Serializer>(
        at: &[Timestamp],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(at.iter().map(Timestamp::to_string))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Timestamp>, D::Error> {
        Vec::<String>::deserialize(deserializer)?.iter().map(|text| parse(text)).collect()
    }
}
