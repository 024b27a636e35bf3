//! The form of an answer in the OpenAPI document, as its type says it.

use manazir_rca::explanation::Explanation;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Components, ObjectBuilder, Ref, RefOr, Schema};

/// Stands before the names of the parts: others have a `Reason` too.
const PREFIX: &str = "Explanation";

pub(crate) fn explanation() -> RefOr<Schema> {
    Ref::from_schema_name(PREFIX).into()
}

pub(crate) fn causes() -> RefOr<Schema> {
    list("Cause")
}

pub(crate) fn told() -> RefOr<Schema> {
    list("Told")
}

pub(crate) fn nodes() -> RefOr<Schema> {
    list("Node")
}

pub(crate) fn edges() -> RefOr<Schema> {
    list("Edge")
}

pub(crate) fn contributors() -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(part("Contributors")).item(null).build()))
}

fn part(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(format!("{PREFIX}{name}")).into()
}

fn list(name: &str) -> RefOr<Schema> {
    RefOr::T(Schema::Array(ArrayBuilder::new().items(part(name)).build()))
}

/// Adds the schemas that the functions above refer to.
pub(crate) fn add(components: &mut Components) {
    let mut root = schemars::schema_for!(Explanation).to_value();
    let parts = root.as_object_mut().and_then(|root| root.remove("$defs"));
    let parts = parts.and_then(|parts| if let Value::Object(parts) = parts { Some(parts) } else { None });
    for (name, mut schema) in parts.unwrap_or_default() {
        put(components, format!("{PREFIX}{name}"), &mut schema);
    }
    put(components, PREFIX.to_owned(), &mut root);
}

fn put(components: &mut Components, name: String, schema: &mut Value) {
    rename(schema);
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
        object.remove("title");
    }
    // What cannot be read is left out, and a test sees that nothing is.
    if let Ok(read) = serde_json::from_value::<RefOr<Schema>>(schema.take()) {
        components.schemas.insert(name, read);
    }
}

/// As the document writes it: its parts lie elsewhere.
fn rename(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(place)) = object.get_mut("$ref") {
                *place = place.replace("#/$defs/", &format!("#/components/schemas/{PREFIX}"));
            }
            // The document knows of lists of values only.
            if let Some(only) = object.remove("const") {
                object.insert("enum".to_owned(), Value::Array(vec![only]));
            }
            object.values_mut().for_each(rename);
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        _ => {}
    }
}
