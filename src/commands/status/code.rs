//! The codes of findings. They are stable names that scripts can match; docs/status.md explains them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::docker::WarningKind;

/// The severity of a finding, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// For information only; nothing is wrong.
    Note,
    /// Something is out of step.
    Drift,
    /// Something could not be checked.
    Unknown,
}

struct Row {
    code: Code,
    name: &'static str,
    weight: Severity,
    meaning: &'static str,
}

macro_rules! codes {
    ($($code:ident $name:literal $weight:ident $meaning:literal)+) => {
        /// The kind of a finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $meaning] $code,)+
            /// A warning about docker's or podman's configuration, named as in `docker status`.
            Docker(WarningKind),
        }

        /// Every code except docker's.
        const ROWS: &[Row] = &[$(Row { code: Code::$code, name: $name, weight: Severity::$weight, meaning: $meaning }),+];
    };
}

// In the order that findings are shown in: causes before what follows from them.
codes! {
    ClusterUnreachable "cluster-unreachable" Unknown
        "A cluster did not answer, or does not accept the kubeconfig's credentials. Nothing is known about it; the other clusters were checked."
    NotAllowed "not-allowed" Unknown
        "The cluster does not let this user list something. What could be seen is in the table; the Role that would show the rest is `kubectl regcred rbac --status`, or `--images`."
    KeychainUnreadable "keychain-unreadable" Unknown
        "The keychain is locked, missing, or does not answer, so there is nothing to compare Secrets with."
    RegistryUnreachable "registry-unreachable" Unknown
        "A registry did not answer, or its answer is unclear. Whether it accepts the tokens is not known."
    TokenUnclear "token-unclear" Unknown
        "The registry refuses a token, and it is not known whether the token is invalid or only lacks access to packages. Gitea's page of tokens shows which."
    TokenRejected "token-rejected" Drift
        "The registry does not accept the token: it was deleted, has expired, or never was one. Nothing can pull with it."
    TokenWithoutPackageScope "token-without-package-scope" Drift
        "The token is valid but has no access to packages, so nothing can pull with it."
    TokenOverScoped "token-over-scoped" Drift
        "A cluster's Secret holds a token that can push, delete, or access more than packages. Everyone who can read that Secret can do the same; kubelet needs only `read:package`."
    ConsumersNotSeen "consumers-not-seen" Note
        "The cluster has resources of Flux, Argo CD or KEDA that this user may not list. They may name Secrets of yours, so no Secret is reported as unused."
    CredentialMissing "credential-missing" Drift
        "Secrets that sync has created are for a registry for which the keychain holds no credential, so they can be neither compared nor refreshed."
    RotationPending "rotation-pending" Drift
        "A rotation was begun and is not finished: two tokens are valid."
    TokenLeftBehind "token-left-behind" Drift
        "Secrets of a cluster or namespace that was not looked at had a token that was replaced, as far as this machine remembers. It is still valid, or was revoked and they cannot pull."
    ActionsSecretStale "actions-secret-stale" Drift
        "A secret of Actions was given a token that is not the newest one for its use, or it is not known whether the server took the newest one. Its pipelines may log in with a token that is revoked."
    ActionsSecretUnkept "actions-secret-unkept" Drift
        "A secret of Actions was given a token that the keychain does not have any more: nobody rotates it."
    ActionsSecretMissing "actions-secret-missing" Drift
        "The server does not have a secret of Actions any more that was given a token: it was deleted there, or with its repository. Its pipelines cannot log in."
    ActionsSecretUnseen "actions-secret-unseen" Note
        "Whether the server still has the secrets of Actions is not known: no token of the keychain may list them. `status --tokens` asks with the account's password."
    TokensNotListed "tokens-not-listed" Unknown
        "With `--tokens`: an account's list of tokens could not be read."
    TokenAgeUnknown "token-age-unknown" Unknown
        "With `--max-token-age`: nobody knows how old the token is. The server does not say, and an earlier version of regcred stored it."
    TokenOld "token-old" Drift
        "With `--max-token-age`: the token is older than that."
    TokenUnused "token-unused" Note
        "With `--tokens`: Gitea has a token of the account that nothing uses here: not the keychain, no Secret that was looked at, no secret of Actions that the ledger knows, no file of docker or podman. Something else may need it."
    RegistryAdvisory "registry-advisory" Drift
        "The registry reports a version with a known vulnerability that concerns its images."
    SecretBroken "secret-broken" Drift
        "One entry of the Secret is malformed. kubelet then uses none of the pull Secrets of a pod that names it."
    SecretStale "secret-stale" Drift
        "The Secret holds another user or token for the registry than the keychain, or no entry that kubelet takes for its images."
    SecretOfAnother "secret-of-another" Note
        "The Secret holds another token than the keychain, and that one works and is another's: another installation wrote it, it belongs to another user, or it may do less than yours. Nothing is wrong; sync does not write it without `--take-over`."
    SecretMissing "secret-missing" Drift
        "A Secret does not exist that something pulls with, or that -n, -l or -f selected."
    SecretUnmanaged "secret-unmanaged" Drift
        "A Secret holds a credential of the registry, and regcred does not manage it: `sync -A` and `rotate -A` do not find it. sync adopts it in place."
    SecretOwnedByOther "secret-owned-by-other" Drift
        "The Secret is out of step, and another tool manages it: what sync writes would be undone. It has to be changed at that tool's source."
    ServiceAccountDangling "service-account-dangling" Drift
        "A ServiceAccount names a pull Secret that does not exist; its pods get that name too."
    ServiceAccountDetached "service-account-detached" Drift
        "In the list that -f names, a ServiceAccount should pull with a Secret, and the ServiceAccount does not name it."
    LastAppliedToken "last-applied-token" Drift
        "`kubectl apply` left a copy of the token in the annotation last-applied-configuration, where every `kubectl get -o yaml` shows it."
    SecretUnused "secret-unused" Note
        "A Secret that sync has created and that no workload, pod or ServiceAccount of its namespace uses. Nothing is wrong: its user may not exist yet."
    SealedCopyOld "sealed-copy-old" Note
        "A file in git holds a Secret that kubeseal or sops has encrypted before the token was made or kept: it probably has an earlier token, and applying it would put that back."
    EnvFileInGit "env-file-in-git" Drift
        "A file with a `REGISTRY_TOKEN` is tracked by git: everyone who can read the repository has the token, also from its history."
    TokenInFile "token-in-file" Drift
        "A file that `login --env-file` has read, or an env file in the current folder, still holds a token that is in the keychain. Whoever can read the file has the token."
    PodSecretMissing "pod-secret-missing" Drift
        "A pod cannot pull: a pull Secret that it names does not exist, or has a type that kubelet ignores."
    PodEntryMissing "pod-entry-missing" Drift
        "A pod cannot pull: its pull Secrets have no entry for the image's registry."
    PodKeyMismatch "pod-key-mismatch" Drift
        "A pod cannot pull: an entry of its Secrets looks like the image's registry, but kubelet does not match it."
    PodTokenRejected "pod-token-rejected" Drift
        "A pod cannot pull: the registry refuses the token in its Secret."
    PodImageRefused "pod-image-refused" Drift
        "A pod cannot pull: the registry accepts the token in its Secret, but not for this image. The token's account must be allowed to read the packages of the image's owner."
    PodImageMissing "pod-image-missing" Drift
        "A pod cannot pull: the registry has no such image or tag."
    PodImagePlatform "pod-image-platform" Drift
        "A pod cannot pull: the registry has the image, but not for the platform of the pod's node, such as arm64."
    PodImageName "pod-image-name" Drift
        "A pod cannot pull: its image name is invalid, for example with upper-case letters in its path or `https://` before it."
    PodImageNeverPulled "pod-image-never-pulled" Drift
        "A pod cannot start: it forbids kubelet to pull (`imagePullPolicy: Never`), and its node does not have the image, or only from a pull with a credential that this pod does not have."
    PodOlderThanAccount "pod-older-than-account" Drift
        "A pod cannot pull: it was created before its ServiceAccount named the Secret. The list is copied when a pod is created, so only a new pod has it."
    PodWithoutSecret "pod-without-secret" Drift
        "A pod cannot pull: the image is private, and neither the pod nor its ServiceAccount names a pull Secret."
    PodSecretBroken "pod-secret-broken" Drift
        "A pod cannot pull: one of its Secrets is malformed, and kubelet then uses none of them."
    PodWillRetry "pod-will-retry" Drift
        "A pod could not pull, but its Secret is right by now. kubelet tries again within five minutes."
    PodRegistryUnreachable "pod-registry-unreachable" Drift
        "A pod cannot pull: its node cannot reach the registry, does not trust its certificate, or gets a web page instead of the registry."
    PodStuck "pod-stuck" Drift
        "A pod cannot pull, and the cause is not known. kubelet's message has the error."
    ImagesUnread "images-unread" Unknown
        "`images check` could not read a part of the cluster, such as a custom resource or a release of Helm. More images may be needed than it has checked."
    ImageUnclear "image-unclear" Unknown
        "`images check` got no clear answer from a registry about an image, or did not look at the Secret that it is pulled with."
    ImageNameInvalid "image-name-invalid" Drift
        "The name of an image is invalid, so no node can pull it."
    ImageMissing "image-missing" Drift
        "The registry no longer has an image that a cluster runs or could roll back to. Another node, or a rollback, could not pull it."
    ImageIncomplete "image-incomplete" Drift
        "The registry has an image, but not all of it: the manifest for a platform, the config or a layer is gone."
    ImageRefused "image-refused" Drift
        "The registry does not give an image to the credential that kubelet would take for it."
    ImagePlatform "image-platform" Drift
        "An image is not built for a platform of the nodes that its pods can be on."
    TagMoved "tag-moved" Drift
        "A tag names another image by now than the one that runs under it. New pods run the other one."
    ImageWithoutCredential "image-without-credential" Note
        "Pods pull an image without a credential. That works only if the registry gives it to everybody, or if the nodes have a credential of their own."
}

/// The meaning of docker's warnings.
fn meaning_of(kind: WarningKind) -> &'static str {
    match kind {
        WarningKind::FileUnreadable => "A file of docker or podman cannot be read, so its settings are not known.",
        WarningKind::HelperNotOnPath => {
            "docker or podman is configured to use docker-credential-gitea, and no such program is on PATH."
        }
        WarningKind::HelperShadowed => {
            "Another program called docker-credential-gitea comes before regcred's on PATH and is used instead."
        }
        WarningKind::HelperMissing => "A file names another helper that is not installed.",
        WarningKind::PlainText => "docker or podman keeps a token in a file in plain text.",
        WarningKind::PlainTextShadowsHelper => {
            "podman takes a token from a file in plain text where docker uses the keychain: after a rotation it has the old one."
        }
        WarningKind::PlainTextBesideHelper => {
            "A token is in a file in plain text although docker uses a helper instead: it is useless to docker, and others may read it."
        }
        WarningKind::PodmanLoginWritesPlainText => {
            "podman login would write the token in plain text, because the file that it writes names no helper."
        }
        WarningKind::EnvironmentWins => "The variable DOCKER_AUTH_CONFIG comes before the keychain.",
        WarningKind::AuthFileHidesHelper => {
            "The variable REGISTRY_AUTH_FILE keeps podman from the file that names the keychain."
        }
        WarningKind::FilesBeforeHelper => "registries.conf names podman's files before the keychain.",
        WarningKind::DefaultStoreOff => {
            "docker used a credential store of its own for every registry, and an entry of credHelpers has turned that off: logins elsewhere go to a file in plain text."
        }
        WarningKind::HelperHidesPath => {
            "podman asks a helper for a registry, and so never uses the login for a path below it that is in the same file."
        }
        WarningKind::KeyNeverMatches => "A key of credHelpers is spelled so that no client ever asks for it.",
        WarningKind::HelperEmpty => "A key of credHelpers names no helper, which makes docker write plain text.",
        WarningKind::SetupLost => {
            "What docker setup had written into a file is gone, because another program has replaced the file: docker does not ask the keychain."
        }
        WarningKind::StoreNeedsDockerDesktop => {
            "docker keeps its logins with Docker Desktop's helper, which fails unless Docker Desktop runs, and uses another engine."
        }
        WarningKind::NerdctlAsksAnotherHelper => {
            "nerdctl of Rancher Desktop does not ask the helper of a single registry, and so not the keychain."
        }
    }
}

impl Code {
    /// Every code, in the order that findings are shown in.
    pub fn all() -> impl Iterator<Item = Self> {
        let docker = WarningKind::ALL.into_iter().map(Self::Docker);
        ROWS.iter().map(|row| row.code).chain(docker)
    }

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker(kind) => kind.as_str(),
            _ => self.row().map_or("", |row| row.name),
        }
    }

    /// The meaning, for docs/status.md.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Docker(kind) => meaning_of(kind),
            _ => self.row().map_or("", |row| row.meaning),
        }
    }

    /// The severity.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Docker(WarningKind::FileUnreadable) => Severity::Unknown,
            Self::Docker(_) => Severity::Drift,
            _ => self.row().map_or(Severity::Unknown, |row| row.weight),
        }
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.code == self)
    }

    /// The position in the order of the output.
    pub(super) fn rank(self) -> usize {
        Self::all().position(|code| code == self).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_has_one_row_and_a_unique_name() {
        let names: BTreeSet<_> = Code::all().map(Code::as_str).collect();
        assert_eq!(names.len(), Code::all().count());
        for code in Code::all() {
            let name = code.as_str();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert!(code.meaning().ends_with('.'), "{name}");
        }
    }
}
