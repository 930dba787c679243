//! The custom resources that name Secrets: those of Flux, Argo CD and KEDA.

use crate::model::printable;

/// The longest name of an object that is shown, in characters.
pub(super) const MAX_SHOWN: usize = 300;

/// A kind of resource that names Secrets.
pub(super) struct Kind {
    pub(super) group: &'static str,
    pub(super) plural: &'static str,
    /// As manifests have it: `OCIRepository`.
    singular: &'static str,
    pub(super) reach: Reach,
    /// What it says is in its annotations.
    pub(super) is_metadata: bool,
}

/// Whose Secrets it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those of its own namespace.
    Namespace,
    /// Those of other namespaces too.
    Across,
    /// It is in no namespace itself.
    Cluster,
}

const fn kind(group: &'static str, plural: &'static str, singular: &'static str) -> Kind {
    Kind {
        group,
        plural,
        singular,
        reach: Reach::Namespace,
        is_metadata: false,
    }
}

const FLUX_SOURCE: &str = "source.toolkit.fluxcd.io";
const FLUX_IMAGE: &str = "image.toolkit.fluxcd.io";
const KEDA: &str = "keda.sh";
const ARGO_CD: &str = "argoproj.io";
const UPDATER: &str = "argocd-image-updater.argoproj.io";

pub(super) const KINDS: [Kind; 8] = [
    kind(FLUX_SOURCE, "ocirepositories", "OCIRepository"),
    kind(FLUX_SOURCE, "helmrepositories", "HelmRepository"),
    kind(FLUX_IMAGE, "imagerepositories", "ImageRepository"),
    kind(KEDA, "scaledjobs", "ScaledJob"),
    kind(KEDA, "triggerauthentications", "TriggerAuthentication"),
    Kind {
        reach: Reach::Cluster,
        ..kind(KEDA, "clustertriggerauthentications", "ClusterTriggerAuthentication")
    },
    Kind {
        reach: Reach::Across,
        is_metadata: true,
        ..kind(ARGO_CD, "applications", "Application")
    },
    Kind {
        reach: Reach::Across,
        ..kind(UPDATER, "imageupdaters", "ImageUpdater")
    },
];

/// Where there may be an Image Updater, which reads this `ConfigMap` in its namespace.
pub(super) const UPDATER_GROUPS: [&str; 2] = [ARGO_CD, UPDATER];
pub(super) const UPDATER_CONFIG: &str = "argocd-image-updater-config";

impl Kind {
    /// An object of it, as kubectl prints it: `ocirepository.source.toolkit.fluxcd.io/app`.
    pub(super) fn shown(&self, name: &str) -> String {
        printable(
            &format!("{}.{}/{name}", self.singular.to_lowercase(), self.group),
            MAX_SHOWN,
        )
    }

    pub(super) fn singular(&self) -> &'static str {
        self.singular
    }

    /// All of them: `ocirepositories.source.toolkit.fluxcd.io`.
    pub(super) fn listed(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

/// The groups of these kinds, each once.
pub(super) fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = KINDS.iter().map(|kind| kind.group).collect();
    groups.dedup();
    groups
}
