//! `-o json|yaml`: documents of a versioned schema, described in docs/output.md.

use serde::Serialize;

use super::system::System;
use crate::cli::DocumentFormat;
use crate::error::CommandError;

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
pub(super) fn print(
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

/// The text of a document, with a final line feed.
pub(super) fn render(document: &impl Serialize, format: DocumentFormat) -> Result<String, CommandError> {
    match format {
        DocumentFormat::Json => serde_json::to_string_pretty(document)
            .map(|text| text + "\n")
            .map_err(CommandError::failed),
        DocumentFormat::Yaml => {
            // A value on one line, as kubectl prints it, so that it can be cut out with grep.
            let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
            serde_saphyr::to_string_with_options(document, options).map_err(CommandError::failed)
        }
    }
}
