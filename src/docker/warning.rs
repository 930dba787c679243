//! What can be wrong with docker's side of a workstation, as data.

use crate::model::{Hint, Registry};

/// What a warning is about. The words are stable: documents carry them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WarningKind {
    /// A file cannot be read or understood.
    FileUnreadable,
    /// A file names our helper, and no such program is on PATH.
    HelperNotOnPath,
    /// Another program of our helper's name comes first on PATH.
    HelperShadowed,
    /// A file names another helper that is not installed.
    HelperMissing,
    /// A token lies in a file in plain text.
    PlainText,
    /// The same, and podman takes it where docker asks a helper.
    PlainTextShadowsHelper,
    /// The same, left beside a helper that answers in its place.
    PlainTextBesideHelper,
    /// `podman login` would write plain text, although docker asks the keychain.
    PodmanLoginWritesPlainText,
    /// `DOCKER_AUTH_CONFIG` comes before the keychain.
    EnvironmentWins,
    /// `REGISTRY_AUTH_FILE` keeps podman from the file that names the keychain.
    AuthFileHidesHelper,
    /// `registries.conf` names the files before the keychain.
    FilesBeforeHelper,
    /// `credHelpers` turned off the store that docker chose by itself.
    DefaultStoreOff,
    /// A key of `credHelpers` that no client asks for.
    KeyNeverMatches,
    /// A key of `credHelpers` with an empty name, which means plain text.
    HelperEmpty,
}

impl WarningKind {
    pub const ALL: [Self; 14] = [
        Self::FileUnreadable,
        Self::HelperNotOnPath,
        Self::HelperShadowed,
        Self::HelperMissing,
        Self::PlainText,
        Self::PlainTextShadowsHelper,
        Self::PlainTextBesideHelper,
        Self::PodmanLoginWritesPlainText,
        Self::EnvironmentWins,
        Self::AuthFileHidesHelper,
        Self::FilesBeforeHelper,
        Self::DefaultStoreOff,
        Self::KeyNeverMatches,
        Self::HelperEmpty,
    ];

    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileUnreadable => "docker-file-unreadable",
            Self::HelperNotOnPath => "helper-not-on-path",
            Self::HelperShadowed => "helper-shadowed",
            Self::HelperMissing => "helper-missing",
            Self::PlainText => "plain-text",
            Self::PlainTextShadowsHelper => "plain-text-shadows-helper",
            Self::PlainTextBesideHelper => "plain-text-beside-helper",
            Self::PodmanLoginWritesPlainText => "podman-login-writes-plain-text",
            Self::EnvironmentWins => "environment-wins",
            Self::AuthFileHidesHelper => "auth-file-hides-helper",
            Self::FilesBeforeHelper => "files-before-helper",
            Self::DefaultStoreOff => "default-store-off",
            Self::KeyNeverMatches => "key-never-matches",
            Self::HelperEmpty => "helper-empty",
        }
    }
}

/// Something that a person should know about docker's side of the workstation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub kind: WarningKind,
    /// The file, program or variable that it is about.
    pub object: String,
    /// The registry that it is about, where it is about one.
    pub registry: Option<Registry>,
    pub cause: String,
    /// The command that mends it, or else what to do.
    pub remedy: Hint,
}
