//! The JSON Schemas of docs/, against which real documents are held.

use std::path::Path;

use jsonschema::Validator;
use serde_json::Value;

/// A schema lets later versions add fields; here everything has to be described.
#[must_use]
pub fn schema(file: &str) -> Validator {
    fn close(value: &mut Value) {
        match value {
            Value::Object(members) => {
                if members.contains_key("properties") {
                    members.insert("additionalProperties".to_owned(), false.into());
                }
                members.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    close(&mut schema);
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Fails for a document that does not keep to it.
#[track_caller]
pub fn validate(file: &str, document: &Value) {
    let schema = schema(file);
    let faults: Vec<String> = schema
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}\n{document:#}");
}
