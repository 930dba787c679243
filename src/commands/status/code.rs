//! What can be out of step, each under a stable name: scripts match on it, and docs/status.md explains it.

use std::fmt;

use serde::{Serialize, Serializer};

/// How much a finding weighs: it decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Weight {
    /// Something is not as it should be.
    Drift,
    /// Something could not be looked at, so nobody can say.
    Unknown,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A cluster did not answer.
    ClusterUnreachable,
    /// The cluster does not let this user see something.
    NotAllowed,
    /// The keychain could not be read.
    KeychainUnreadable,
    /// A registry did not answer.
    RegistryUnreachable,
    /// A registry refuses a token and does not say why.
    TokenUnclear,
    /// A token that the registry does not accept.
    TokenRejected,
    /// A token that opens no packages.
    TokenWithoutPackageScope,
    /// A cluster's token that may do more than pull.
    TokenOverScoped,
    /// A registry that Secrets are for and the keychain knows nothing of.
    CredentialMissing,
    /// A rotation that was begun and not finished.
    RotationPending,
    /// A registry whose version has a known security hole.
    RegistryAdvisory,
    /// A Secret with another credential than the keychain's.
    SecretStale,
    /// A Secret that is needed and not there.
    SecretMissing,
    /// A Secret that kubelet cannot read.
    SecretBroken,
    /// A Secret with this registry's credential that regcred does not manage.
    SecretUnmanaged,
    /// A Secret that is out of step and somebody else's.
    SecretOwnedByOther,
    /// A ServiceAccount that names a Secret that is not there.
    ServiceAccountDangling,
    /// A ServiceAccount of the list that does not pull with its Secret.
    ServiceAccountDetached,
    /// An annotation with a token in plain text.
    LastAppliedToken,
    /// A token in a file under git.
    EnvFileInGit,
    /// A pod whose pull Secret is not there.
    PodSecretMissing,
    /// A pod whose Secrets have no entry for the image's registry.
    PodEntryMissing,
    /// A pod whose Secret has an entry that looks right and does not match.
    PodKeyMismatch,
    /// A pod whose token the registry refuses.
    PodTokenRejected,
    /// A pod whose token is alive and does not open this image.
    PodImageRefused,
    /// A pod that wants an image that is not in the registry.
    PodImageMissing,
    /// A pod that was made before its ServiceAccount had the Secret.
    PodOlderThanAccount,
    /// A pod of a private image without any pull Secret.
    PodWithoutSecret,
    /// A pod with a Secret that spoils all of its Secrets.
    PodSecretBroken,
    /// A pod whose Secret is right by now.
    PodWillRetry,
    /// A pod whose node does not reach the registry, or does not trust it.
    PodRegistryUnreachable,
    /// A pod that is stuck, and nothing that can be seen explains it.
    PodStuck,
}

struct Row {
    code: Code,
    name: &'static str,
    weight: Weight,
    meaning: &'static str,
}

macro_rules! rows {
    ($($code:ident $name:literal $weight:ident $meaning:literal)+) => {
        &[$(Row { code: Code::$code, name: $name, weight: Weight::$weight, meaning: $meaning }),+]
    };
}

/// Every code once, in the order that findings are shown in: causes before what follows from them.
const ROWS: &[Row] = rows! {
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
    EnvFileInGit "env-file-in-git" Drift
        "A file with a REGISTRY_TOKEN is tracked by git: whoever can read the repository has the token, also from its history."
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
    PodOlderThanAccount "pod-older-than-account" Drift
        "A pod cannot pull: it was made before its ServiceAccount named the Secret. A pod's list is copied when it is made, so only a new pod has it."
    PodWithoutSecret "pod-without-secret" Drift
        "A pod cannot pull: the image is private, and the pod has no pull Secret, neither of its own nor from its ServiceAccount."
    PodSecretBroken "pod-secret-broken" Drift
        "A pod cannot pull: one of its Secrets is malformed, and kubelet then uses none of them."
    PodWillRetry "pod-will-retry" Drift
        "A pod could not pull and can by now: its Secret is right. kubelet tries again within five minutes."
    PodRegistryUnreachable "pod-registry-unreachable" Drift
        "A pod cannot pull: its node does not reach the registry, or does not trust its certificate."
    PodStuck "pod-stuck" Drift
        "A pod cannot pull, and what can be seen does not tell why. The message of kubelet says what it met."
};

impl Code {
    /// Every code, in the order that findings are shown in.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.code)
    }

    /// Its stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// What it means, for docs/status.md.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.row().map_or("", |row| row.meaning)
    }

    /// How much it weighs.
    #[must_use]
    pub fn weight(self) -> Weight {
        self.row().map_or(Weight::Unknown, |row| row.weight)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.code == self)
    }

    /// Its place among the others on the screen.
    pub(super) fn rank(self) -> usize {
        ROWS.iter().position(|row| row.code == self).unwrap_or(ROWS.len())
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
        assert_eq!(names.len(), ROWS.len());
        // The last of the enum: a code without a row would be missing from the documents.
        assert_eq!(ROWS.len(), Code::PodStuck as usize + 1);
        for code in Code::all() {
            let name = code.as_str();
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert!(code.meaning().ends_with('.'), "{name}");
        }
    }
}
