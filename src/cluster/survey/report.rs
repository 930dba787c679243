//! The result of a survey.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::consumers::UnseenConsumers;
use super::secret::{OtherToken, SeenSecret};
use super::stuck::StuckPull;
use crate::cluster::reader::places::{Blind, Unreadable};
use crate::cluster::resource::Resource;
use crate::model::{Namespace, Registry, Target};

/// Seconds since 1970, by this machine's clock.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The result of a survey.
#[derive(Debug, Default)]
pub struct Survey {
    /// The Secrets that matter: ours, those with an entry of the registries, those that their images are pulled with, and
    /// the targets that are there. By namespace and name.
    pub secrets: Vec<SeenSecret>,
    /// ServiceAccounts that name pull Secrets, by namespace and name.
    pub accounts: Vec<SeenAccount>,
    /// What pulls images of the registries, by namespace, kind and name.
    pub pullers: Vec<Puller>,
    /// Secrets that something names and that are not there, or are of a type that kubelet passes over.
    pub missing: Vec<MissingSecret>,
    /// Containers that wait for an image of the registries, by namespace and pod.
    pub stuck: Vec<StuckPull>,
    /// Images of the registries that pods run, up to a limit, each with the first of these pods.
    pub running: BTreeMap<String, RunningImage>,
    /// Tokens in the Secrets that the keychain does not have, each once.
    pub other_tokens: Vec<OtherToken>,
    /// Parts of the cluster that could not be read.
    pub unseen: Vec<Unreadable>,
    /// Where they could not be read.
    pub blind: Blind,
    /// The namespaces in which it looked; `None` for all.
    pub places: Option<BTreeSet<Namespace>>,
    /// The targets that are not there, in the order in which they were asked for; those that could not be looked for are
    /// in `unseen`.
    pub missing_targets: Vec<Target>,
    /// Those of them under whose name there is a Secret of another type.
    pub targets_of_wrong_type: Vec<Target>,
    /// Registries outside the question that entries of Secrets name, up to a limit. Any tenant can add to them.
    pub claimed: BTreeSet<Registry>,
    /// Registries outside the question whose images pods wait for, up to a limit.
    pub passed_over: BTreeSet<Registry>,
    /// What else than kubelet reads our Secrets, as kubectl prints it.
    pub readers: BTreeMap<Target, BTreeSet<String>>,
    /// Kinds of objects that may name Secrets and could not be read.
    pub unseen_consumers: BTreeSet<UnseenConsumers>,
    /// How many objects there were.
    pub counts: Counts,
    /// The time of the survey, in seconds since 1970.
    pub taken: i64,
}

/// The numbers of objects that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Namespaces in which anything was found; of named ones, all.
    pub namespaces: usize,
    /// Pull Secrets, with those that do not matter.
    pub secrets: usize,
    /// Pods, with those that do not matter.
    pub pods: usize,
    /// Those of them that wait for an image of a registry outside the question.
    pub passed_over: usize,
}

/// Where an image runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningImage {
    /// Its registry, by its place in the question's interests.
    pub interest: usize,
    pub namespace: Namespace,
    pub pod: String,
}

/// A ServiceAccount with pull Secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAccount {
    pub namespace: Namespace,
    pub name: String,
    /// The Secrets that its pods get, if they name none themselves.
    pub pull_secrets: Vec<String>,
}

/// A workload, or a pod that no workload here made, with images of the registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puller {
    pub resource: Resource,
    pub namespace: Namespace,
    pub name: String,
    /// The registries, by their place in [`Question::interests`].
    pub registries: Vec<usize>,
    /// The pull Secrets that it names itself.
    pub own_secrets: Vec<String>,
    /// The ServiceAccount of its pods.
    pub account: String,
    /// The pull Secrets that its next pods get: its own, or else the ServiceAccount's. A pod has what it has.
    pub pull_secrets: Vec<String>,
    /// What made it, as `rollout.argoproj.io/api`, where that is no kind that we know.
    pub made_by: Option<String>,
}

impl Puller {
    /// As kubectl prints it: `deployment.apps/api`.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}/{}", self.resource.qualified(), self.name)
    }
}

/// A Secret that is named and missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSecret {
    pub target: Target,
    /// It is there, but of a type that kubelet passes over.
    pub is_of_wrong_type: bool,
    /// The workloads and pods with images of the registries that get it, as kubectl prints them.
    pub pullers: Vec<String>,
    /// The ServiceAccounts that name it.
    pub accounts: Vec<String>,
}
