//! A JSON Schema of the topology file, for editors, made from the types that a file is read into.

use std::borrow::Cow;

use schemars::{
    JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema,
    transform::RecursiveTransform,
};
use serde_json::Value;

use super::{Interface, Link, Spec, topology::MTU};

/// The schema, in the dialect that TOML language servers read (draft 7).
pub fn schema() -> Schema {
    SchemaSettings::draft07()
        .with_transform(RecursiveTransform(without_null))
        .into_generator()
        .into_root_schema_for::<Spec>()
}

/// TOML has no null: what may be left out is merely not required.
fn without_null(schema: &mut Schema) {
    let is_null = |value: &Value| *value == "null" || value["type"] == "null";
    let Some(object) = schema.as_object_mut() else { return };
    for key in ["type", "anyOf"] {
        let Some(Value::Array(options)) = object.get_mut(key) else { continue };
        options.retain(|option| !is_null(option));
        if options.len() > 1 {
            continue;
        }
        let only = options.pop();
        object.remove(key);
        match only {
            Some(Value::Object(only)) => object.extend(only),
            Some(only) => drop(object.insert(key.to_owned(), only)),
            None => {}
        }
    }
}

/// Values that may be written in several ways, as types that exist for their schema alone.
macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident: $schema:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let schema: fn(&mut SchemaGenerator) -> Schema = $schema;
                schema(generator)
            }
        }
    )*};
}

forms! {
    /// One address with its prefix length, or a list.
    Addresses: |_| one_or_list("an address with its prefix length, as in 10.0.0.2/24");
    /// A command line, or its words.
    Command: |_| one_or_list("the command line");
    /// An MTU in bytes.
    Mtu: |_| json_schema!({
        "type": "integer", "minimum": MTU.start(), "maximum": MTU.end(),
    });
    /// A seed.
    Seed: |_| json_schema!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    /// A rate, or the file of a trace.
    Rate: |_| text_or_table("trace");
    /// A queue limit.
    Limit: |_| json_schema!({ "type": ["string", "integer"], "minimum": 1 });
    /// What a fault does.
    Action: |_| text_or_table("delay");
    /// The two ends of a link.
    Ends: |_| json_schema!({
        "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2,
    });
    /// Links by name, or a list without names.
    Links: |generator| {
        let link = generator.subschema_for::<Link>();
        json_schema!({ "anyOf": [
            { "type": "object", "additionalProperties": link },
            { "type": "array", "items": link },
        ]})
    };
    /// Interfaces in their three forms.
    Interfaces: |generator| {
        let table = generator.subschema_for::<Interface>();
        json_schema!({ "type": "object", "additionalProperties": { "anyOf": [
            { "type": "string", "description": "an address, or a network's name" },
            { "type": "array", "items": { "type": "string" } },
            table,
        ]}})
    };
    /// Settings; dotted keys without quotes nest, to any depth.
    Sysctls: |_| json_schema!({ "type": "object", "additionalProperties": {
        "type": ["string", "integer", "boolean", "object"],
    }});
}

/// Text, or a table with this key alone, which is text.
fn text_or_table(key: &str) -> Schema {
    let table = json_schema!({
        "type": "object",
        "properties": { key: { "type": "string" } },
        "required": [key],
        "additionalProperties": false,
    });
    json_schema!({ "anyOf": [{ "type": "string" }, table] })
}

fn one_or_list(description: &str) -> Schema {
    json_schema!({ "description": description, "anyOf": [
        { "type": "string" },
        { "type": "array", "items": { "type": "string" } },
    ]})
}
