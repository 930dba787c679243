//! Problems with docker's and podman's configuration, as data.

use crate::model::{Hint, Registry};

/// The kind of a warning. Its name is part of the output documents and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WarningKind {
    /// A file cannot be read or understood.
    FileUnreadable,
    /// A file names our helper, which is not on PATH.
    HelperNotOnPath,
    /// Another program of our helper's name comes first on PATH.
    HelperShadowed,
    /// A file names another helper that is not installed.
    HelperMissing,
    /// A file has a token in plain text.
    PlainText,
    /// A token in plain text that podman uses although docker asks a helper.
    PlainTextShadowsHelper,
    /// A token in plain text left over beside a helper that is asked instead.
    PlainTextBesideHelper,
    /// `podman login` would write plain text, although docker asks the keychain.
    PodmanLoginWritesPlainText,
    /// `DOCKER_AUTH_CONFIG` takes precedence over the keychain.
    EnvironmentWins,
    /// Because of `REGISTRY_AUTH_FILE`, podman does not read the file that names the keychain.
    AuthFileHidesHelper,
    /// `registries.conf` names the files before the keychain.
    FilesBeforeHelper,
    /// `credHelpers` turned off the store that docker had detected by itself.
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

    /// The name in output documents.
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

/// A problem that the user should know about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub kind: WarningKind,
    /// The file, program or variable that it is about.
    pub object: String,
    /// The registry that it is about, if it is about one.
    pub registry: Option<Registry>,
    pub cause: String,
    /// The command that fixes it, or else what to do.
    pub remedy: Hint,
}
