//! `labnet schema`: it knows the keys that the reader knows, and the topologies that we ship obey it.

#![allow(clippy::unwrap_used, clippy::panic)] // also in the helpers of tests

mod place;

use std::{collections::BTreeSet, fs, path::Path};

use assert_cmd::Command;
use labnet::{plan, spec};
use place::Place;
use serde_json::Value;

/// One step of each outcome, and a role.
const MANUAL: &str = "---
topology: two.toml
roles: { it: echo }
---
# A
```console,points=1
R2$ echo yes
yes
```
```console
R2$ echo '%d no'
%d no
R2$ printf 'a\\n'
b
$ labnet screen R2/none
```
";

fn schema() -> Value {
    schema_of("topology")
}

fn schema_of(what: &str) -> Value {
    let command = Command::cargo_bin("labnet").unwrap().args(["schema", what]).assert().success();
    serde_json::from_slice(&command.get_output().stdout).unwrap()
}

/// Why a value breaks a schema; the part of draft 7 that ours uses.
fn broken(value: &Value, schema: &Value, root: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return broken(value, root.pointer(reference.strip_prefix('#')?).unwrap(), root);
    }
    if let Some(only) = schema.get("const") {
        return (value != only).then(|| format!("{value} is not {only}"));
    }
    if let Some(known) = schema["enum"].as_array() {
        return (!known.contains(value)).then(|| format!("{value} is none of {known:?}"));
    }
    if let Some(options) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let fits = options.iter().any(|option| broken(value, option, root).is_none());
        return (!fits).then(|| format!("{value} fits none of {schema}"));
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.clone(),
        single => vec![single.clone()],
    };
    let is = match value {
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    if !types.contains(&is.into()) {
        return Some(format!("{value} is not one of {types:?}"));
    }
    match value {
        Value::Object(entries) => entries.iter().find_map(|(key, value)| {
            match (schema["properties"].get(key), &schema["additionalProperties"]) {
                (Some(schema), _) | (None, schema @ Value::Object(_)) => {
                    broken(value, schema, root)
                }
                (None, Value::Bool(false)) => Some(format!("unknown key {key}")),
                (None, _) => None,
            }
        }),
        Value::Array(values) => values.iter().find_map(|v| broken(v, &schema["items"], root)),
        _ => None,
    }
}

fn topology(path: &Path) -> Value {
    let table: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn the_schema_is_this() {
    insta::assert_snapshot!(format!("{:#}", schema()));
}

/// A change of it is a change for everybody who reads results: see `Results::version`.
#[test]
fn the_schema_of_results_is_this() {
    insta::assert_snapshot!(format!("{:#}", schema_of("run")));
}

#[test]
fn results_obey_their_schema() {
    let place = Place::new();
    place.write("two.toml", place::TWO);
    place.write("m.md", MANUAL);
    let output = place.labnet("run m.md --json --with it=printf").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = schema_of("run");
    assert_eq!(broken(&results, &schema, &schema), None, "{results:#}");
    let cast = &results["runs"][0]["with"][0];
    assert_eq!((&cast["role"], &cast["passed"]), (&"it".into(), &1.into()), "{results:#}");
    assert_eq!((&cast["failed"][0]["line"], &cast["not_run"]), (&11.into(), &0.into()));
    let mut other = results.clone();
    other["runs"][0]["with"][0]["passed"] = "one".into();
    assert!(broken(&other, &schema, &schema).is_some());
    place.until_gone();
}

#[test]
fn the_good_topologies_obey_the_schema() {
    let schema = schema();
    let good = fs::read_dir("fixtures/good").unwrap();
    let all = good.chain(fs::read_dir("topology").unwrap()).map(|entry| entry.unwrap().path());
    for path in all.filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        assert_eq!(broken(&topology(&path), &schema, &schema), None, "{}", path.display());
    }
}

#[test]
fn the_schema_finds_wrong_keys_and_types() {
    let schema = schema();
    for stem in ["unknown-key", "unknown-key-of-links", "wrong-type", "wrong-type-of-links"] {
        let topology = topology(Path::new(&format!("fixtures/bad/{stem}.toml")));
        assert!(broken(&topology, &schema, &schema).is_some(), "{stem}");
    }
}

/// The keys that the reader names when it meets one that is like none of them.
fn keys_of_reader(table: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.toml");
    fs::write(&path, format!("{table}\n0123456789 = 1\n")).unwrap();
    let spec = spec::load(&path).unwrap();
    let problems = plan::resolve(&spec).unwrap_err();
    let unknown = problems.list.iter().find(|problem| problem.rule == "unknown-key").unwrap();
    let help = unknown.help.as_ref().unwrap();
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_schema_has_the_keys_that_the_reader_knows() {
    let schema = schema();
    let keys = |pointer: &str| -> BTreeSet<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    for (pointer, table) in [
        ("/properties", ""),
        ("/definitions/Node/properties", "[nodes.a]"),
        ("/definitions/Interface/properties", "[nodes.a.interfaces.eth0]"),
        ("/definitions/Program/properties", "[nodes.a.programs.p]"),
        ("/definitions/Link/properties", "[links.l]"),
        ("/definitions/Network/properties", "[networks.n]"),
        ("/definitions/Impairment/properties", "[links.l.each_way]"),
        ("/definitions/Impairment/properties", "[networks.n.from.a]"),
        ("/definitions/Change/properties", "[[links.l.schedule]]"),
        ("/definitions/Fault/properties", "[[links.l.faults]]"),
    ] {
        assert_eq!(keys(pointer), keys_of_reader(table), "{table}");
    }
}
