//! A container that waits for an image, with the known causes.

use crate::cluster::workload::message::PullFailure;
use crate::cluster::workload::model::ContainerKind;
use crate::model::Namespace;
use crate::model::pull::{Mismatch, Pull};

use super::secret::{HeldToken, Login};

/// A container that waits for an image of one of the registries. Reason and message are made fit to be shown; the image
/// and the names are as the pod has them.
#[derive(Clone, Debug)]
pub struct StuckPull {
    pub namespace: Namespace,
    pub pod: String,
    /// The topmost controller that we know of, as kubectl prints it: what to restart.
    pub controller: Option<String>,
    /// The container that waits.
    pub container: String,
    /// Which kind of container, or that the image is one of its volumes.
    pub kind: ContainerKind,
    /// The image, as the pod names it.
    pub image: String,
    /// Its registry, by its place in [`super::question::Question::interests`].
    pub interest: usize,
    /// As kubelet has it: `ErrImagePull`, `ImagePullBackOff` …
    pub reason: String,
    /// kubelet's message.
    pub message: String,
    /// The kind of failure in the message.
    pub said: PullFailure,
    /// When the pod was made, in seconds since 1970.
    pub created: Option<i64>,
    /// The pod's own list, which never changes.
    pub pull_secrets: Vec<String>,
    pub account: String,
    /// That one's list as it is now, which the pod would get if it was made again and its template names none; `None`
    /// where ServiceAccounts could not be seen.
    pub account_secrets: Option<Vec<String>>,
    /// Whether its workload's template names pull Secrets, where the workload was seen.
    pub template_has_secrets: Option<bool>,
    /// What kubelet does with the Secrets of `pull_secrets` as they are now.
    pub pull: Pull,
    /// Why it waits, before the registry is asked; [`super::report::Survey::diagnose`] takes its answers into account.
    pub cause: Cause,
}

/// The registry's verdict on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It takes the token, and the token may pull.
    Accepted,
    /// It does not.
    Rejected,
}

/// Why an image is not pulled.
///
/// What is missing in the cluster is a cause also where kubelet does not say why ([`PullFailure::Nothing`]): it is what there is
/// to mend first, but the registry may have refused for another reason, such as a tag that it does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The pod names Secrets that are not there, and no other that would do.
    SecretMissing { secrets: Vec<String> },
    /// The pod names Secrets of a type that kubelet passes over, and no other that would do.
    WrongType { secrets: Vec<String> },
    /// The pod's Secrets have no entry for the registry.
    EntryMissing {
        secrets: Vec<String>,
        /// A key that is only a letter or two away from the image's host, made fit to be shown.
        similar: Option<String>,
    },
    /// There is an entry that was meant for it, but kubelet does not take it for this image.
    KeyMismatch {
        secret: String,
        /// The entry's key, made fit to be shown.
        key: String,
        why: Mismatch,
    },
    /// The registry turned down what the pod's Secrets hold.
    TokenRejected {
        /// The Secret whose entry kubelet tries first.
        secret: String,
        /// The entry's key, made fit to be shown.
        key: String,
        /// What it holds; `None`: neither user nor password.
        login: Option<Login>,
        /// What the registry says of the token by itself. Accepted: it is alive, but may not read this image.
        verdict: Option<Verdict>,
    },
    /// The registry does not have the image: to be confirmed by asking it.
    TagMissing {
        /// kubelet had a credential. Without one, a registry may say so of an image that it only hides.
        with_credential: bool,
    },
    /// The pod was made before its ServiceAccount had a Secret that would do; it has to be made again.
    OlderThanAccount {
        account: String,
        /// Those of its Secrets that would do.
        secrets: Vec<String>,
    },
    /// Neither the pod nor its ServiceAccount names a pull Secret that would do, the pod none at all.
    NoPullSecret { account: String },
    /// A Secret that kubelet cannot decode fails all of the pod's pulls.
    SecretBroken { secret: String },
    /// The Secret was written since kubelet last tried, or can have been: it tries again within five minutes.
    Heals {
        /// The Secret that will do.
        secret: String,
        /// Which token is in it.
        token: Option<HeldToken>,
    },
    /// The node does not reach the registry, or does not trust it.
    Unreachable,
    /// A web page came instead of the registry's answer.
    Page,
    /// The registry has the image, and not for the node's platform.
    OtherPlatform,
    /// What the pod names can be no image.
    InvalidName,
    /// The pod forbids to pull, and the node does not have the image.
    NeverPulled,
    /// What is known does not tell.
    Unknown,
}
