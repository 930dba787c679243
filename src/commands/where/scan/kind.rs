//! What a file with a token is, by its name.

use std::path::Path;

use serde::Serialize;

use crate::commands::shared::env_file;

/// What holds the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands::r#where) enum Kind {
    EnvFile,
    ShellHistory,
    DockerConfig,
    Kubeconfig,
    /// `.git-credentials`, `.netrc`, or a repository's configuration.
    GitCredentials,
    File,
    GitObject,
}

impl Kind {
    /// The kind of a file, by its name and its folder's.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = folder.to_string_lossy();
        match (folder.as_ref(), name.as_ref()) {
            _ if Shell::of(path).is_some() => Self::ShellHistory,
            (".docker", "config.json") | ("containers", "auth.json") | (_, ".dockercfg" | ".dockerconfigjson") => {
                Self::DockerConfig
            }
            (".kube", "config") | (_, "kubeconfig") => Self::Kubeconfig,
            (".git", "config") | ("git", "credentials") | (_, ".git-credentials" | ".netrc" | "_netrc") => {
                Self::GitCredentials
            }
            (_, name) if name.ends_with(".kubeconfig") => Self::Kubeconfig,
            (_, name) if env_file::is_name(name) => Self::EnvFile,
            _ => Self::File,
        }
    }

    /// In a sentence.
    pub(in crate::commands::r#where) fn as_str(self) -> &'static str {
        match self {
            Self::EnvFile => "env file",
            Self::ShellHistory => "shell history",
            Self::DockerConfig => "docker config",
            Self::Kubeconfig => "kubeconfig",
            Self::GitCredentials => "git credentials",
            Self::File => "file",
            Self::GitObject => "git object",
        }
    }
}

/// Whose history a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Other,
}

impl Shell {
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.file_name()?.to_string_lossy().as_ref() {
            ".bash_history" => Some(Self::Bash),
            ".zsh_history" | ".zhistory" | ".histfile" => Some(Self::Zsh),
            "fish_history" => Some(Self::Fish),
            ".sh_history" | ".ash_history" | ".history" | ".ksh_history" | "ConsoleHost_history.txt" => {
                Some(Self::Other)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_name() {
        for (path, kind) in [
            ("/srv/deploy/registry.env", Kind::EnvFile),
            ("/srv/.env", Kind::EnvFile),
            ("/srv/.env.production", Kind::EnvFile),
            ("/srv/.envrc", Kind::EnvFile),
            ("/srv/prod.env.bak", Kind::EnvFile),
            ("/srv/environment", Kind::File),
            ("/root/.bash_history", Kind::ShellHistory),
            ("/root/.local/share/fish/fish_history", Kind::ShellHistory),
            ("/root/.docker/config.json", Kind::DockerConfig),
            ("/srv/app/config.json", Kind::File),
            ("/run/user/0/containers/auth.json", Kind::DockerConfig),
            ("/root/.kube/config", Kind::Kubeconfig),
            ("/srv/x/.git/config", Kind::GitCredentials),
            ("/", Kind::File),
        ] {
            assert_eq!(Kind::of(Path::new(path)), kind, "{path}");
        }
    }
}
