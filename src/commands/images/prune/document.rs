//! `ImagePrune`: a plan, and what became of it. Also the format of saved plans.

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::plan::{Fate, ImagePlan, PlannedRow};
use super::rules::Rules;
use crate::commands::images::args::Selection;
use crate::commands::images::clusters::SeenCluster;
use crate::model::{Digest, Registry, Repository, serde_text};

pub const KIND: &str = "ImagePrune";

/// The fields of the document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePrune {
    pub registry: String,
    /// The clusters that were looked into; with none, nothing is known of clusters.
    pub clusters: Vec<SeenCluster>,
    /// Other names of the registry that count in them.
    #[serde(with = "serde_text::each")]
    pub known_as: Vec<Registry>,
    #[serde(with = "serde_text::each")]
    pub images: Vec<Selection>,
    pub rules: Rules,
    pub items: Vec<Item>,
    /// What was asked for again at the end; `null` if nothing was changed.
    pub check: Option<Check>,
}

/// A tag, or a manifest without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    #[serde(with = "serde_text")]
    pub image: Repository,
    /// The tag, or `sha256:…`.
    pub name: String,
    #[serde(with = "serde_text")]
    pub digest: Digest,
    pub pushed: Option<Timestamp>,
    pub action: Action,
    pub reason: String,
    /// With `setAside`: the name that it gets.
    #[serde(rename = "as")]
    pub aside: Option<String>,
    /// What is free once it is deleted for good, in bytes.
    pub frees: u64,
    /// `null` before anything was tried.
    pub outcome: Option<Outcome>,
    /// Why it failed or was not done.
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    Keep,
    SetAside,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Done,
    /// Somebody else was faster.
    WasGone,
    /// It is not what was planned any more, and was left alone.
    Changed,
    Failed,
    /// Something before it in the same image failed.
    NotTried,
}

/// What was asked for again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub asked: usize,
    /// What is not there although it was to stay.
    pub missing: Vec<String>,
    /// What could not be asked.
    pub unclear: usize,
}

impl Item {
    pub fn of(plan: &ImagePlan, planned: &PlannedRow) -> Self {
        let (action, reason, aside) = match &planned.fate {
            Fate::Keep(reason) => (Action::Keep, reason.to_string(), None),
            Fate::SetAside(name, cause) => (Action::SetAside, cause.to_string(), Some(name.to_string())),
            Fate::Delete(cause) => (Action::Delete, cause.to_string(), None),
        };
        Self {
            image: plan.repository.clone(),
            name: planned.row.version.to_string(),
            digest: planned.row.digest.clone(),
            pushed: planned.row.pushed,
            action,
            reason,
            aside,
            frees: planned.frees,
            outcome: None,
            error: None,
        }
    }

    pub fn goes(&self) -> bool {
        self.action != Action::Keep
    }

    /// Whether it is to be deleted for good, and nothing has become of it yet.
    pub fn is_deleted(&self) -> bool {
        self.action == Action::Delete && self.outcome.is_none()
    }

    /// Whether both mean the same: the name, what is behind it, and what becomes of it.
    pub fn agrees(&self, other: &Self) -> bool {
        let of = |item: &Self| (item.image.clone(), item.name.clone(), item.digest.clone(), item.action);
        of(self) == of(other)
    }
}
