//! A plan in a file, to be read by people and applied later.

use std::path::Path;

use serde::Deserialize;

use super::document::{ImagePrune, Item, KIND};
use super::rules::Rules;
use crate::commands::images::args::Selection;
use crate::commands::images::clusters::SeenCluster;
use crate::commands::shared::document::API_VERSION;
use crate::error::CommandError;
use crate::model::Registry;
use crate::sys::whole_file;

/// Size limit of the file in bytes: some 200,000 rows.
const MAX_FILE: u64 = 128 << 20;

/// A saved plan.
pub struct SavedPlan {
    registry: String,
    /// Those that it was made for.
    pub clusters: Vec<SeenCluster>,
    pub known_as: Vec<Registry>,
    pub images: Vec<Selection>,
    pub rules: Rules,
    /// What goes.
    pub items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    api_version: String,
    kind: String,
    #[serde(flatten)]
    fields: ImagePrune,
}

pub fn read(path: &Path) -> Result<SavedPlan, CommandError> {
    let shown = path.display();
    let failed = |why: &dyn std::fmt::Display| CommandError::failed(format_args!("{shown}: {why}"));
    let bytes = whole_file::read_named(path, MAX_FILE).map_err(|error| failed(&error))?;
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
        failed(&format_args!("it is no plan: {error}")).hint("images prune … --plan FILE writes one")
    })?;
    if document.kind != KIND || document.api_version != API_VERSION {
        return Err(failed(&"it is no plan of this version of regcred"));
    }
    let fields = document.fields;
    Ok(SavedPlan {
        registry: fields.registry,
        clusters: fields.clusters,
        known_as: fields.known_as,
        images: fields.images,
        rules: fields.rules,
        items: fields.items.into_iter().filter(Item::goes).collect(),
    })
}

impl SavedPlan {
    /// Fails for a plan of another registry.
    pub fn ensure_for(&self, registry: &Registry) -> Result<(), CommandError> {
        if self.registry == registry.as_str() {
            return Ok(());
        }
        Err(
            CommandError::usage(format_args!("the plan is for {}, not for {registry}", self.registry))
                .hint("name its registry with --registry"),
        )
    }
}
