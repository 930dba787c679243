//! One pod, image by image: what kubelet would do.

use crate::cluster::names::Namespace;
use crate::model::pull::Pull;

use super::{ContainerKind, SeenSecret, StuckPull, Survey};

/// A pod, and what becomes of each of its images.
#[derive(Debug)]
pub struct PodPulls {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: String,
    /// The topmost controller that can be told from the pod itself, as kubectl prints it.
    pub controller: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
    /// Its pull Secrets, in its order.
    pub secrets: Vec<NamedSecret>,
    /// Its ServiceAccount.
    pub account: String,
    /// That one's pull Secrets as they are now; `None` where they could not be seen.
    pub account_secrets: Option<Vec<String>>,
    /// Its images, in the order in which kubelet pulls them: volumes, init containers, containers, ephemeral ones.
    pub images: Vec<ImagePull>,
    /// The rest of what was seen for it: tokens that the keychain does not have, and what could not be seen.
    pub survey: Survey,
}

/// A Secret that a pod names.
#[derive(Debug)]
pub struct NamedSecret {
    /// Its name.
    pub name: String,
    /// What is there.
    pub found: Found,
}

/// What is there under a name.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A Secret of a type that kubelet passes over.
    WrongType,
    /// It could not be looked at: in the survey's `unseen`.
    Unseen,
    /// This one.
    Seen(Box<SeenSecret>),
}

/// One image of a pod.
#[derive(Debug)]
pub struct ImagePull {
    /// The container, or the volume.
    pub container: String,
    /// Which of them.
    pub kind: ContainerKind,
    /// As the pod names it.
    pub image: String,
    /// What kubelet does with the pod's Secrets as they are now. Its places of Secrets are those of [`PodPulls::secrets`].
    pub pull: Pull,
    /// How it stands.
    pub outcome: PullOutcome,
}

/// How the pull of an image stands.
#[derive(Debug)]
pub enum PullOutcome {
    /// kubelet has the image: the container runs, or ran.
    Pulled,
    /// It waits for the image.
    Stuck(Box<StuckPull>),
    /// kubelet says nothing of it yet.
    NotYet,
}
