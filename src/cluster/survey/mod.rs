//! What a cluster looks like to somebody who asks whether its images can be pulled: pull Secrets, who uses them, what is
//! named but not there, and pods that are stuck on a pull. Data only, each with its evidence; words are the caller's.
//!
//! Lists are read in pages and cut down page by page, a few at a time. What may not be read is recorded as unseen, and
//! the survey goes on with the rest.

mod assemble;
mod brief;
mod diagnose;
mod explain;
mod gather;
mod makers;
mod message;
mod named;
mod reader;
mod secret;
mod stuck;
mod told;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::SystemTime;

use super::connect::Cluster;
use super::error::Error;
use super::list::Selector;
use super::names::Namespace;
use super::pull_secret::Target;
use super::resource::{Object, Resource};
use crate::model::{Credential, Registry, Token};
use gather::Gather;
use secret::Tokens;

pub use explain::{Found, ImagePull, NamedSecret, PodPulls, PullOutcome, explain};
pub use secret::{Held, HeldToken, SeenEntry, SeenSecret, State};
pub use stuck::{Cause, ContainerKind, Said, StuckPull, Verdict};

/// Looks at a cluster; `progress` is told after each page.
///
/// # Errors
/// Where the cluster does not answer, or the namespaces that are meant cannot be found out. What may not be read is
/// [`Survey::unseen`].
pub async fn survey(cluster: &Cluster, question: &Question<'_>, progress: &dyn Fn(Step)) -> Result<Survey, Error> {
    let tokens = RefCell::new(Tokens::new(&question.interests));
    let gather = Gather::new(cluster, question, None, progress).await?;
    let finished = gather.run(&question.targets, &tokens).await?;
    Ok(Survey::new(
        finished,
        &question.targets,
        tokens.into_inner().others,
        now(),
    ))
}

/// Seconds since 1970, by this machine's clock.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Where.
    pub places: Places,
    /// Secrets that are expected to be there: looked for by name even where Secrets cannot be listed.
    pub targets: Vec<Target>,
    /// The registries that it is about.
    pub interests: Vec<Interest<'a>>,
}

/// Which namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Places {
    /// All of the cluster, as far as they may be seen.
    All,
    /// Those with these labels.
    Selected(Selector),
    /// These.
    Named(Vec<Namespace>),
}

/// A registry, and the credentials of it to compare with. Where two have the same token, the first of them is named.
#[derive(Clone, Debug)]
pub struct Interest<'a> {
    /// The registry.
    pub registry: Registry,
    /// The keychain's credentials of it.
    pub kept: Vec<(Keeping, &'a Credential)>,
}

/// As what the keychain keeps a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keeping {
    /// For this workstation.
    Docker,
    /// For pull Secrets.
    Cluster,
    /// As the new one of a rotation that is not over.
    Pending,
}

/// What was found.
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
    /// Tokens in the Secrets that the keychain does not have, each once.
    pub other_tokens: Vec<OtherToken>,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
    /// The targets that are not there, in the order in which they were asked for; those that could not be looked for are
    /// in `unseen`.
    pub missing_targets: Vec<Target>,
    /// Those of them under whose name there is a Secret of another type.
    pub targets_of_wrong_type: Vec<Target>,
    /// Registries that nobody asked about and that entries of Secrets name, in part: what a tenant says.
    pub claimed: BTreeSet<Registry>,
    /// The registries of images that pods wait for and that nobody asked about, in part.
    pub passed_over: BTreeSet<Registry>,
    /// How many objects there were.
    pub counts: Counts,
    /// When it was made, in seconds since 1970.
    pub taken: i64,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Namespaces in which anything was found; of named ones, all.
    pub namespaces: usize,
    /// Pull Secrets, with those that do not matter.
    pub secrets: usize,
    /// Pods, with those that do not matter.
    pub pods: usize,
    /// Those of them that wait for an image of a registry that nobody asked about.
    pub passed_over: usize,
}

/// A ServiceAccount with pull Secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAccount {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: String,
    /// The Secrets that its pods get, if they name none themselves.
    pub pull_secrets: Vec<String>,
}

/// A workload, or a pod that no workload here made, with images of the registries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puller {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
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

/// A Secret that is named and not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSecret {
    /// Which one.
    pub target: Target,
    /// It is there, but of a type that kubelet passes over.
    pub is_of_wrong_type: bool,
    /// The workloads and pods with images of the registries that get it, as kubectl prints them.
    pub pullers: Vec<String>,
    /// The ServiceAccounts that name it.
    pub accounts: Vec<String>,
}

/// A token in Secrets that is none of the keychain's, for the registry to be asked about.
#[derive(Clone, Debug)]
pub struct OtherToken {
    /// The registry, by its place in [`Question::interests`].
    pub interest: usize,
    /// The user of the first Secret that has it; text from a cluster.
    pub username: String,
    /// The token.
    pub token: Token,
}

/// A part of the cluster that could not be seen.
#[derive(Debug)]
pub struct Unseen {
    /// What it would have been.
    pub object: Object,
    /// In how many namespaces, where it was asked for in each.
    pub namespaces: usize,
    /// Why not, with the Role that would grant it where that is missing; of several namespaces, the first's.
    pub error: Error,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is being read.
    pub resource: Resource,
    /// How many of these were read so far.
    pub seen: usize,
    /// How many there are, where the server says so.
    pub of: Option<usize>,
}
