//! What a call was about: the names and identifiers among its parameters.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::text::Text;

/// More than this many resources of one call say nothing more to a detector.
pub(super) const RESOURCES_MAX: usize = 8;

/// Strings under keys that name something, at any depth, in their order; everything else is passed over.
///
/// CloudTrail lists `resources` for few services only. For the others the parameters say it, and the
/// interfaces of AWS agree on how: a key that ends in `Name`, `Id`, `Arn`, or their plurals.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names<'a>(pub(super) Vec<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut names = Vec::new();
        Collect { names: &mut names, wanted: false }.deserialize(deserializer)?;
        Ok(Self(names))
    }
}

/// True for a key that names a thing the call is about.
fn names_something(key: &str) -> bool {
    const ENDINGS: [&str; 9] = ["Name", "name", "Names", "names", "Id", "Ids", "Arn", "ARN", "Arns"];
    // Fresh for every call, or a part of the identity: no resource.
    const NOT_RESOURCES: [&str; 3] = ["roleSessionName", "requestId", "clientRequestId"];
    let whole = matches!(key, "secretIdList" | "id" | "trail" | "bucket" | "resource");
    (whole || ENDINGS.iter().any(|ending| key.ends_with(ending))) && !NOT_RESOURCES.contains(&key)
}

struct Collect<'n, 'a> {
    names: &'n mut Vec<Cow<'a, str>>,
    wanted: bool,
}

impl<'de> DeserializeSeed<'de> for Collect<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            map.next_value_seed(Collect { names: self.names, wanted: names_something(&key.0) })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Collect { names: self.names, wanted: self.wanted })?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.take(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.wanted {
            self.take(Cow::Owned(text.to_owned()));
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'a> Collect<'_, 'a> {
    fn take(self, text: Cow<'a, str>) {
        if self.wanted && !text.is_empty() && self.names.len() < RESOURCES_MAX && !self.names.contains(&text)
        {
            self.names.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(json: &str, expect: Expect) {
        let names: Names<'_> = serde_json::from_str(json).unwrap();
        expect.assert_eq(&names.0.join(" "));
    }

    #[test]
    fn names_are_found_at_any_depth_and_once() {
        check(r#"{"userName":"ann","maxItems":3,"policyArn":"arn:p"}"#, expect!["ann arn:p"]);
        check(r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-1"}]}}"#, expect!["i-1"]);
        check(r#"{"names":["a","b",7,null,true],"roleSessionName":"s"}"#, expect!["a b"]);
        check("null", expect![""]);
        check("[1.5,-2,\"x\"]", expect![""]);
    }
}
