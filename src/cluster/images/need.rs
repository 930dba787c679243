//! What a cluster needs of its registries, and where.

use std::collections::BTreeMap;
use std::fmt;

use crate::cluster::reader::places::Unreadable;
use crate::model::{Digest, ImageReference, Namespace, Registry, Repository};

/// The most uses that are kept. A cluster that has more is not known completely.
pub(super) const MAX_USES: usize = 300_000;

/// Everything that a cluster runs, or could roll back to, from the registries in question.
#[derive(Debug, Default)]
pub struct Needs {
    /// By what is needed.
    pub needs: Vec<ImageNeed>,
    /// What could not be read. While there is any, a need can be missing.
    pub unread: Vec<Unread>,
    /// Images that no runtime can pull, because their names are invalid.
    pub invalid: Vec<InvalidImage>,
    /// How many uses there are of images from other registries.
    pub passed_over: usize,
}

/// Something that a cluster needs, and what needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageNeed {
    pub needed: Needed,
    pub uses: Vec<ImageUse>,
}

/// What is needed of a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needed {
    /// A tag or a digest in a repository.
    Image(ImageReference),
    /// An image without the name that it was pulled by: the digest of its configuration, or of its manifest.
    Id(Digest),
    /// A repository, or all repositories below this path. Which versions of it are needed is not said.
    Repository { registry: Registry, path: Repository },
}

/// Who needs it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageUse {
    pub how: How,
    /// Whether the object names it. A node names what it really runs: the same image by its digest, or another name of it.
    pub is_named: bool,
    /// `None` for an object without a namespace.
    pub namespace: Option<Namespace>,
    /// As kubectl prints it: `deployment.apps/api`.
    pub object: String,
    /// What controls it, as kubectl prints it.
    pub controller: Option<String>,
    /// The container or volume; empty where it is in none.
    pub container: String,
    /// The digest that a running container has, as the node says: that of the image, of an index, or of a configuration.
    pub running: Option<Digest>,
    pub pod: Option<PodSide>,
}

impl ImageUse {
    /// Whether a node could have to pull the image by this name.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.is_named && self.how.can_run()
    }
}

/// What of a pod decides whether a node can pull an image for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodSide {
    /// The pull Secrets that it names itself.
    pub pull_secrets: Vec<String>,
    /// Its ServiceAccount.
    pub account: String,
    /// The node that it is on.
    pub node: Option<String>,
    /// The labels that its node must have.
    pub node_selector: BTreeMap<String, String>,
    /// It says more about the nodes that it can be on.
    pub has_node_affinity: bool,
}

/// How something is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// A pod runs it, or is about to.
    Runs,
    /// The next pods are made with it.
    Template,
    /// A rollback would run it.
    Rollback,
    /// `helm rollback` would install it.
    HelmRelease {
        revision: u64,
        /// As Helm has it: `deployed`, `superseded` …
        status: String,
    },
    /// A custom resource names it.
    CustomResource,
    /// A pod or Job that is over ran it.
    Finished,
}

impl How {
    /// Whether a node could have to pull it.
    #[must_use]
    pub fn can_run(&self) -> bool {
        *self != Self::Finished
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs => f.write_str("runs"),
            Self::Template => f.write_str("template"),
            Self::Rollback => f.write_str("rollback"),
            Self::HelmRelease { revision, status } => write!(f, "Helm revision {revision}, {status}"),
            Self::CustomResource => f.write_str("custom resource"),
            Self::Finished => f.write_str("finished"),
        }
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(reference) => reference.fmt(f),
            Self::Id(digest) => digest.fmt(f),
            Self::Repository { registry, path } => write!(f, "{registry}/{path}"),
        }
    }
}

impl Needed {
    /// The registry, where it is known.
    #[must_use]
    pub fn registry(&self) -> Option<&Registry> {
        match self {
            Self::Image(reference) => Some(reference.registry()),
            Self::Id(_) => None,
            Self::Repository { registry, .. } => Some(registry),
        }
    }
}

/// An image with an invalid name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidImage {
    /// Text from the cluster, fit to be shown.
    pub image: String,
    pub used: ImageUse,
}

/// A part of a cluster that could not be read.
#[derive(Debug)]
pub enum Unread {
    /// The objects of a kind.
    Kind(Unreadable),
    /// Which custom resources there are: all of them, or those of a group.
    Discovery {
        /// `None` for all groups.
        group: Option<String>,
        why: String,
    },
    /// The objects of a kind of custom resource.
    CustomResource { group: String, plural: String, why: String },
    /// An object whose content is unreadable.
    Object {
        /// `secret/sh.helm.release.v1.api.v1`
        object: String,
        /// `None` for an object without a namespace.
        namespace: Option<Namespace>,
        why: &'static str,
    },
    /// There is more than is kept.
    TooMany,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(Unreadable {
                object,
                namespaces,
                error,
            }) => {
                write!(f, "{object}")?;
                if *namespaces > 0 && object.namespace.is_none() {
                    write!(f, " in {namespaces} namespaces")?;
                }
                write!(f, ": {error}")
            }
            Self::Discovery { group: None, why } => write!(f, "the kinds of custom resources: {why}"),
            Self::Discovery {
                group: Some(group),
                why,
            } => write!(f, "the kinds of custom resources in {group}: {why}"),
            Self::CustomResource { group, plural, why } => write!(f, "{plural}.{group}: {why}"),
            Self::Object {
                object,
                namespace: Some(namespace),
                why,
            } => write!(f, "{object} in namespace {namespace}: {why}"),
            Self::Object { object, why, .. } => write!(f, "{object}: {why}"),
            Self::TooMany => write!(f, "more than {MAX_USES} uses of images"),
        }
    }
}

/// Collects uses by what is needed.
#[derive(Default)]
pub(super) struct Collector {
    needs: BTreeMap<Needed, Vec<ImageUse>>,
    count: usize,
    is_full: bool,
    pub(super) invalid: Vec<InvalidImage>,
    pub(super) passed_over: usize,
}

impl Collector {
    pub(super) fn add(&mut self, needed: Needed, used: ImageUse) {
        if self.count == MAX_USES {
            self.is_full = true;
            return;
        }
        self.count += 1;
        self.needs.entry(needed).or_default().push(used);
    }

    pub(super) fn finish(self, mut unread: Vec<Unread>) -> Needs {
        if self.is_full {
            unread.push(Unread::TooMany);
        }
        let needs = self.needs.into_iter();
        Needs {
            needs: needs
                .map(|(needed, mut uses)| {
                    uses.sort();
                    // A list that was begun again has some of them twice.
                    uses.dedup();
                    ImageNeed { needed, uses }
                })
                .collect(),
            unread,
            invalid: self.invalid,
            passed_over: self.passed_over,
        }
    }
}
