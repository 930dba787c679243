//! What `images list` prints.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;

use super::args::ImagesListFormat;
use super::item::{Hanging, Item, Kind};
use crate::commands::shared::document;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{count, duration, size};
use crate::output::Tone;

/// Tags and places that are named in the narrow table.
const FEW: usize = 3;
/// Shown hexadecimal digits of a digest in the narrow table.
const SHORT: usize = "sha256:".len() + 12;

/// `ImageList`
#[derive(Serialize)]
pub(super) struct Report {
    pub registry: String,
    /// The contexts that were looked into; `null` is the cluster that this ran in.
    pub contexts: Vec<Option<String>>,
    pub items: Vec<Item>,
}

impl Report {
    pub(super) fn print(&self, format: Option<ImagesListFormat>, system: &mut System<'_>) -> Result<(), CommandError> {
        if let Some(format) = format.and_then(ImagesListFormat::document) {
            return document::print("ImageList", self, format, system);
        }
        let is_wide = format == Some(ImagesListFormat::Wide);
        if self.items.is_empty() {
            system.output.info("there are no images");
            return Ok(());
        }
        let mut heading = vec!["IMAGE", "TAG", "DIGEST", "SIZE", "AGE", "PLATFORM", "WITH"];
        if is_wide {
            heading.push("TYPE");
        }
        heading.push("USED BY");
        let now = Timestamp::now();
        let rows: Vec<Vec<String>> = self.items.iter().map(|item| self.cells(item, is_wide, now)).collect();
        let tone = |_, cell: &str| {
            if cell.contains("incomplete") {
                Tone::Bad
            } else {
                Tone::Plain
            }
        };
        system.output.toned_table(&heading, &rows, tone)?;
        Ok(())
    }

    fn cells(&self, item: &Item, is_wide: bool, now: Timestamp) -> Vec<String> {
        let few = |names: Vec<String>| match names.len() {
            0 => "-".to_owned(),
            count if is_wide || count <= FEW => names.join(","),
            count => format!("{} +{}", names[..FEW].join(","), count - FEW),
        };
        let mut tags = item.tags.clone();
        tags.extend(item.set_aside.iter().map(|aside| format!("{} (set aside)", aside.name)));
        let digest = if is_wide {
            item.digest.clone()
        } else {
            item.digest.get(..SHORT).unwrap_or(&item.digest).to_owned()
        };
        let age = item.pushed.map(|pushed| now.duration_since(pushed));
        let age = age.map(|age| duration::show(Duration::try_from(age).unwrap_or_default()));
        let mut cells = vec![
            item.image.clone(),
            few(tags),
            digest,
            size::show(item.size),
            age.unwrap_or_else(|| "-".to_owned()),
            few(item.platforms.clone()),
            with(item),
        ];
        if is_wide {
            cells.push(match (item.kind, &item.artifact_type) {
                (_, Some(kind)) => kind.clone(),
                (Kind::Index, None) => "index".to_owned(),
                (Kind::Image | Kind::Artifact, None) => "image".to_owned(),
            });
        }
        cells.push(if self.contexts.is_empty() {
            "?".to_owned()
        } else {
            few(item.used_by.iter().map(ToString::to_string).collect())
        });
        cells
    }
}

/// What hangs on it.
fn with(item: &Item) -> String {
    let counted = |count: usize, one: &str| (count > 0).then(|| count::show(count, one));
    let hanging = |kind| item.hanging.iter().filter(|found| **found == kind).count();
    let incomplete = (!item.missing.is_empty()).then(|| format!("incomplete: {} missing", item.missing.len()));
    let parts: Vec<String> = [
        incomplete,
        counted(hanging(Hanging::Signature), "signature"),
        counted(hanging(Hanging::Attestation) + item.attestations, "attestation"),
        counted(hanging(Hanging::Sbom), "SBOM"),
        counted(hanging(Hanging::Other), "referrer"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}
