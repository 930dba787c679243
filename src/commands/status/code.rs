//! What can be out of step, each under a stable name: scripts match on it, and docs/status.md explains it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::docker::WarningKind;

/// How much a finding weighs: it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing is wrong; somebody may want to know.
    Note,
    /// Something is not as it should be.
    Drift,
    /// Something could not be looked at, so nobody can say.
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
        /// What a finding is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $meaning] $code,)+
            /// Something about docker's side of this workstation, under the word that `docker status` has for it.
            Docker(WarningKind),
        }

        /// Every code but docker's.
        const ROWS: &[Row] = &[$(Row { code: Code::$code, name: $name, weight: Severity::$weight, meaning: $meaning }),+];
    };
}

// In the order that findings are shown in: causes before what follows from them.
codes! {
    ClusterUnreachable "cluster-unreachable" Unknown
        "A cluster did not answer, or does not accept the kubeconfig's credentials. Nothing is known about it; the other clusters were looked at."
    NotAllowed "not-allowed" Unknown
        "The cluster does not let this user list something. What could be seen is in the table; the Role that would show the rest is `kubectl regcred rbac --status`."
    KeychainUnreadable "keychain-unreadable" Unknown
        "The keychain is locked, missing, or does not answer, so there is nothing to compare Secrets with."
    RegistryUnreachable "registry-unreachable" Unknown
        "A registry did not answer, or answered with something that is neither yes nor no. Whether it accepts the tokens is not known."
    TokenUnclear "token-unclear" Unknown
        "The registry refuses a token and does not say whether it is dead or only lacks access to packages. Gitea's page of tokens tells which."
    TokenRejected "token-rejected" Drift
        "The registry does not accept the token: it was deleted, has expired, or never was one. Nothing can pull with it."
    TokenWithoutPackageScope "token-without-package-scope" Drift
        "The token is alive, and may do nothing with packages, so nothing can pull with it."
    TokenOverScoped "token-over-scoped" Drift
        "A cluster's Secret holds a token that can push, delete, or do more than packages. Whoever can read that Secret can do it too; kubelet needs `read:package`."
    CredentialMissing "credential-missing" Drift
        "Secrets that sync has made are for a registry of which the keychain holds no credential, so they can be neither compared nor refreshed."
    RotationPending "rotation-pending" Drift
        "A rotation was begun and is not finished: two tokens are alive."
    RegistryAdvisory "registry-advisory" Drift
        "The registry says a version with a known security hole that concerns its images."
    SecretBroken "secret-broken" Drift
        "One entry of the Secret is malformed. kubelet then uses none of the pull Secrets of a pod that names it."
    SecretStale "secret-stale" Drift
        "The Secret holds another user or token for the registry than the keychain."
    SecretMissing "secret-missing" Drift
        "Something pulls with a Secret that is not there, or -n, -l or -f asked for it."
    SecretUnmanaged "secret-unmanaged" Drift
        "A Secret holds a credential of the registry, and regcred does not manage it: `sync -A` and `rotate -A` do not find it. sync adopts it in place."
    SecretOwnedByOther "secret-owned-by-other" Drift
        "The Secret is out of step, and another tool keeps it: what sync writes would be undone. It has to be changed where that tool takes it from."
    ServiceAccountDangling "service-account-dangling" Drift
        "A ServiceAccount names a pull Secret that is not there: its pods get a list with a gap."
    ServiceAccountDetached "service-account-detached" Drift
        "The list that -f names wants a ServiceAccount to pull with a Secret, and the ServiceAccount does not name it."
    LastAppliedToken "last-applied-token" Drift
        "`kubectl apply` left a copy of the token in the annotation last-applied-configuration, where every `kubectl get -o yaml` shows it."
    SecretUnused "secret-unused" Note
        "A Secret that sync has made, and that no workload, no pod and no ServiceAccount of its namespace pulls with. Nothing is wrong: what is to pull with it may not be there yet."
    EnvFileInGit "env-file-in-git" Drift
        "A file with a `REGISTRY_TOKEN` is tracked by git: whoever can read the repository has the token, also from its history."
    PodSecretMissing "pod-secret-missing" Drift
        "A pod cannot pull: a pull Secret that it names is not there, or is of a type that kubelet passes over."
    PodEntryMissing "pod-entry-missing" Drift
        "A pod cannot pull: its pull Secrets have no entry for the image's registry."
    PodKeyMismatch "pod-key-mismatch" Drift
        "A pod cannot pull: an entry of its Secrets looks like the image's registry, and kubelet does not take it for that."
    PodTokenRejected "pod-token-rejected" Drift
        "A pod cannot pull: the registry refuses the token in its Secret."
    PodImageRefused "pod-image-refused" Drift
        "A pod cannot pull: the registry accepts the token in its Secret, but not for this image. The token's account must be allowed to read the packages of the image's owner."
    PodImageMissing "pod-image-missing" Drift
        "A pod cannot pull: the registry has no such image or tag."
    PodImagePlatform "pod-image-platform" Drift
        "A pod cannot pull: the registry has the image, and not for the platform of the pod's node, such as arm64."
    PodImageName "pod-image-name" Drift
        "A pod cannot pull: what it names can be no image, such as one with upper-case letters in its path or with `https://` before it."
    PodImageNeverPulled "pod-image-never-pulled" Drift
        "A pod cannot start: it forbids kubelet to pull (`imagePullPolicy: Never`), and its node does not have the image, or has it only from a pull with a credential that this pod does not have."
    PodOlderThanAccount "pod-older-than-account" Drift
        "A pod cannot pull: it was made before its ServiceAccount named the Secret. A pod's list is copied when it is made, so only a new pod has it."
    PodWithoutSecret "pod-without-secret" Drift
        "A pod cannot pull: the image is private, and the pod has no pull Secret, neither of its own nor from its ServiceAccount."
    PodSecretBroken "pod-secret-broken" Drift
        "A pod cannot pull: one of its Secrets is malformed, and kubelet then uses none of them."
    PodWillRetry "pod-will-retry" Drift
        "A pod could not pull and can by now: its Secret is right. kubelet tries again within five minutes."
    PodRegistryUnreachable "pod-registry-unreachable" Drift
        "A pod cannot pull: its node does not reach the registry, or does not trust its certificate, or a web page answers in the registry's place."
    PodStuck "pod-stuck" Drift
        "A pod cannot pull, and what can be seen does not tell why. The message of kubelet says what it met."
}

/// What the kinds of docker's side mean.
fn meaning_of(kind: WarningKind) -> &'static str {
    match kind {
        WarningKind::FileUnreadable => "A file of docker's or podman's cannot be read, so nobody knows what it says.",
        WarningKind::HelperNotOnPath => {
            "docker or podman is told to ask docker-credential-gitea, and no such program is on PATH."
        }
        WarningKind::HelperShadowed => {
            "Another program called docker-credential-gitea comes before regcred's on PATH, and is the one that is asked."
        }
        WarningKind::HelperMissing => "A file names another helper that is not installed.",
        WarningKind::PlainText => "docker or podman keeps a token in a file in plain text.",
        WarningKind::PlainTextShadowsHelper => {
            "podman takes a token from a file in plain text where docker asks the keychain: after a rotation it has the old one."
        }
        WarningKind::PlainTextBesideHelper => {
            "A token lies in a file in plain text although a helper answers in its place: it is of no use to docker, and to be read by others."
        }
        WarningKind::PodmanLoginWritesPlainText => {
            "podman login would write the token in plain text: the file that it writes names no helper."
        }
        WarningKind::EnvironmentWins => "The variable DOCKER_AUTH_CONFIG comes before the keychain.",
        WarningKind::AuthFileHidesHelper => {
            "The variable REGISTRY_AUTH_FILE keeps podman from the file that names the keychain."
        }
        WarningKind::FilesBeforeHelper => "registries.conf names podman's files before the keychain.",
        WarningKind::DefaultStoreOff => {
            "docker had chosen a store of its own for every registry, and an entry of credHelpers has turned that off: logins elsewhere go to a file in plain text."
        }
        WarningKind::KeyNeverMatches => "A key of credHelpers is spelled so that no client ever asks for it.",
        WarningKind::HelperEmpty => "A key of credHelpers names no helper, which makes docker write plain text.",
    }
}

impl Code {
    /// Every code, in the order that findings are shown in.
    pub fn all() -> impl Iterator<Item = Self> {
        let docker = WarningKind::ALL.into_iter().map(Self::Docker);
        ROWS.iter().map(|row| row.code).chain(docker)
    }

    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker(kind) => kind.as_str(),
            _ => self.row().map_or("", |row| row.name),
        }
    }

    /// What it means, for docs/status.md.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Docker(kind) => meaning_of(kind),
            _ => self.row().map_or("", |row| row.meaning),
        }
    }

    /// How much it weighs.
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

    /// Its place among the others on the screen.
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
    fn each_code_has_one_row_and_a_name_of_its_own() {
        let names: BTreeSet<_> = Code::all().map(Code::as_str).collect();
        assert_eq!(names.len(), Code::all().count());
        for code in Code::all() {
            let name = code.as_str();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert!(code.meaning().ends_with('.'), "{name}");
        }
    }
}
