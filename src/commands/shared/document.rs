//! `-o json|yaml`: documents with a versioned schema, see docs/output.md.

use serde::Serialize;

use crate::commands::args::DocumentFormat;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{escape_control, has_control};

/// Incremented when a field is removed or changes its meaning, but not for new fields.
pub(in crate::commands) const API_VERSION: &str = "regcred/v1";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, T> {
    api_version: &'static str,
    kind: &'a str,
    #[serde(flatten)]
    fields: &'a T,
}

/// Prints `fields` as a document of this kind.
pub(in crate::commands) fn print(
    kind: &str,
    fields: &impl Serialize,
    format: DocumentFormat,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    Ok(system.output.document(&with_head(kind, fields, format)?)?)
}

/// The text of a document of this kind.
pub(in crate::commands) fn with_head(
    kind: &str,
    fields: &impl Serialize,
    format: DocumentFormat,
) -> Result<String, CommandError> {
    let document = Document {
        api_version: API_VERSION,
        kind,
        fields,
    };
    render(&document, format)
}

/// The text of a document, with a final line feed. Control characters, which may come from a cluster, are escaped.
pub(in crate::commands) fn render(document: &impl Serialize, format: DocumentFormat) -> Result<String, CommandError> {
    let json = || -> Result<String, CommandError> {
        let text = serde_json::to_string_pretty(document).map_err(CommandError::failed)? + "\n";
        Ok(escape_control(&text).into_owned())
    };
    match format {
        DocumentFormat::Json => json(),
        DocumentFormat::Yaml => {
            // Long values stay on one line, as in kubectl, so that grep finds them.
            let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
            let text = serde_saphyr::to_string_with_options(document, options).map_err(CommandError::failed)?;
            // In YAML, only double-quoted strings can have escapes. JSON strings are double-quoted, and valid YAML.
            if has_control(&text) { json() } else { Ok(text) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_in_a_document_are_escaped() {
        let said = "app\u{9b}31m\u{202e}\u{1b}[2J\u{200b}";
        let document = serde_json::json!({"image": said, "key\u{202e}": [said]});
        for format in [DocumentFormat::Json, DocumentFormat::Yaml] {
            let text = render(&document, format).unwrap();
            assert!(!has_control(&text), "{text:?}");
            let back: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(back, document);
        }
        let plain = render(&serde_json::json!({"image": "app"}), DocumentFormat::Yaml).unwrap();
        assert_eq!(plain, "image: app\n");
    }
}
