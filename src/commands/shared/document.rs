//! `-o json|yaml`: documents of a versioned schema, described in docs/output.md.

use serde::Serialize;

use crate::commands::args::DocumentFormat;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{escape_control, has_control};

/// Grows only when a field changes its meaning or goes; new fields do not count.
const API_VERSION: &str = "regcred/v1";

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
    let document = Document {
        api_version: API_VERSION,
        kind,
        fields,
    };
    Ok(system.output.document(&render(&document, format)?)?)
}

/// The text of a document, with a final line feed. What a cluster put into it cannot act on a terminal.
pub(in crate::commands) fn render(document: &impl Serialize, format: DocumentFormat) -> Result<String, CommandError> {
    let json = || -> Result<String, CommandError> {
        let text = serde_json::to_string_pretty(document).map_err(CommandError::failed)? + "\n";
        Ok(escape_control(&text).into_owned())
    };
    match format {
        DocumentFormat::Json => json(),
        DocumentFormat::Yaml => {
            // A value on one line, as kubectl prints it, so that it can be cut out with grep.
            let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
            let text = serde_saphyr::to_string_with_options(document, options).map_err(CommandError::failed)?;
            // YAML has escapes between double quotes only; JSON has those everywhere, and is YAML too.
            if has_control(&text) { json() } else { Ok(text) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_document_acts_on_a_terminal() {
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
