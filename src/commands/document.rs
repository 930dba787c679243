//! `-o json|yaml`: documents of a versioned schema, described in docs/output.md.

use serde::Serialize;
use serde_json::{Value, json};

use super::system::System;
use crate::cli::DocumentFormat;
use crate::error::CommandError;

/// Grows only when a field changes its meaning or goes; new fields do not count.
const API_VERSION: &str = "regcred/v1";

/// Prints `fields` as a document of this kind.
pub(super) fn print(
    kind: &str,
    fields: &Value,
    format: DocumentFormat,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let mut document = json!({ "apiVersion": API_VERSION, "kind": kind });
    if let (Value::Object(document), Value::Object(fields)) = (&mut document, fields) {
        document.extend(fields.clone());
    }
    let text = render(&document, format)?;
    Ok(system.output.document(&text)?)
}

/// The text of a document, with a final line feed.
pub(super) fn render(document: &impl Serialize, format: DocumentFormat) -> Result<String, CommandError> {
    match format {
        DocumentFormat::Json => serde_json::to_string_pretty(document)
            .map(|text| text + "\n")
            .map_err(CommandError::failed),
        DocumentFormat::Yaml => serde_saphyr::to_string(document).map_err(CommandError::failed),
    }
}
