//! Attributes as text.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// What tells one resource from another. The rest of a resource (its process, its SDK, its host's kernel) changes
/// with every start and would make a new series each time.
const IDENTIFYING: [&str; 9] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "host.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
];

/// A value as text; lists and maps as JSON.
pub(super) fn text(value: &AnyValue) -> String {
    match &value.value {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(_) => serde_json::to_string(value).unwrap_or_default(),
    }
}

/// The text of an attribute; empty if there is none.
pub(super) fn find(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.and_then(|attribute| attribute.value.as_ref()).map(text).unwrap_or_default()
}

/// The attributes of a resource that make labels.
pub(super) fn of_resource(resource: Option<&Resource>) -> BTreeMap<String, String> {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    labels(attributes.iter().filter(|attribute| IDENTIFYING.contains(&attribute.key.as_str())))
}

/// Attributes as labels; those without a value are none.
pub(super) fn labels<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> BTreeMap<String, String> {
    let pairs = attributes.into_iter().filter_map(|attribute| {
        let value = attribute.value.as_ref().map(text).filter(|value| !value.is_empty())?;
        Some((attribute.key.clone(), value))
    });
    pairs.collect()
}

/// What a resource is called: its service, else nothing.
pub(super) fn service(resource: Option<&Resource>) -> String {
    resource.map(|resource| find(&resource.attributes, "service.name")).unwrap_or_default()
}
