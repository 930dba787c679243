//! How a Secret holds a credential: as kubelet reads it, or as Flux, Tekton and Argo CD do.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::model::Registry;

/// The type of a pull Secret.
pub const PULL_SECRET_TYPE: &str = "kubernetes.io/dockerconfigjson";
/// The key that this type must have.
pub const DOCUMENT_KEY: &str = ".dockerconfigjson";
/// The key of the older type.
pub const LEGACY_DOCUMENT_KEY: &str = ".dockercfg";
/// Where the other formats have the user and the token.
pub const USERNAME_KEY: &str = "username";
pub const PASSWORD_KEY: &str = "password";
/// Where Argo CD has the address of a repository.
pub const URL_KEY: &str = "url";
/// The label by which Argo CD finds its repositories.
pub const ARGO_LABEL: (&str, &str) = ("argocd.argoproj.io/secret-type", "repository");

/// How a Secret holds a credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretFormat {
    /// A docker config, of the type that kubelet pulls with.
    #[default]
    DockerConfigJson,
    /// The keys `username` and `password`: for Flux's `HelmRepository` and for Tekton.
    BasicAuth,
    /// The same keys in a repository of Argo CD.
    ArgoCdRepository {
        /// The address of a new one; that of the registry, if it is not given.
        url: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a format is `dockerconfigjson`, `basic-auth` or `argocd-repository`")]
pub struct SecretFormatError;

impl SecretFormat {
    /// Whether kubelet pulls with it.
    #[must_use]
    pub fn is_for_kubelet(&self) -> bool {
        *self == Self::DockerConfigJson
    }

    /// The name in lists and annotations.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::DockerConfigJson => "dockerconfigjson",
            Self::BasicAuth => "basic-auth",
            Self::ArgoCdRepository { .. } => "argocd-repository",
        }
    }

    /// The keys of its data that are the credential.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::DockerConfigJson => &[DOCUMENT_KEY, LEGACY_DOCUMENT_KEY],
            Self::BasicAuth | Self::ArgoCdRepository { .. } => &[USERNAME_KEY, PASSWORD_KEY],
        }
    }

    /// The type of a new one.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::DockerConfigJson => PULL_SECRET_TYPE,
            // Tekton wants this type; Flux takes any.
            Self::BasicAuth => "kubernetes.io/basic-auth",
            Self::ArgoCdRepository { .. } => "Opaque",
        }
    }

    /// The label of a new one.
    pub(super) fn label(&self) -> Option<(&'static str, &'static str)> {
        matches!(self, Self::ArgoCdRepository { .. }).then_some(ARGO_LABEL)
    }

    /// What a new one holds besides the credential: a repository of Helm charts in the registry.
    pub(super) fn more_data(&self, registry: &Registry) -> Vec<(&'static str, String)> {
        let Self::ArgoCdRepository { url } = self else {
            return Vec::new();
        };
        vec![
            ("type", "helm".to_owned()),
            ("enableOCI", "true".to_owned()),
            (URL_KEY, url.clone().unwrap_or_else(|| registry.to_string())),
        ]
    }
}

impl fmt::Display for SecretFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SecretFormat {
    type Err = SecretFormatError;

    fn from_str(text: &str) -> Result<Self, SecretFormatError> {
        match text {
            "dockerconfigjson" => Ok(Self::DockerConfigJson),
            "basic-auth" => Ok(Self::BasicAuth),
            "argocd-repository" => Ok(Self::ArgoCdRepository { url: None }),
            _ => Err(SecretFormatError),
        }
    }
}

/// The registry of an address as Argo CD has it: `gitea.example.com/admin`, `oci://…` or `https://…`.
#[must_use]
pub fn registry_of_url(url: &str) -> Option<Registry> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for format in [
            SecretFormat::DockerConfigJson,
            SecretFormat::BasicAuth,
            SecretFormat::ArgoCdRepository { url: None },
        ] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("Opaque".parse::<SecretFormat>(), Err(SecretFormatError));
    }

    #[test]
    fn an_address_names_its_registry() {
        for url in [
            "gitea.example.com",
            "gitea.example.com/admin/charts",
            "oci://gitea.example.com/admin",
            "https://gitea.example.com/api/packages/admin/helm",
        ] {
            assert_eq!(registry_of_url(url).unwrap().as_str(), "gitea.example.com", "{url}");
        }
        for url in ["", "git@gitea.example.com:admin/repo.git", "/admin"] {
            assert_eq!(registry_of_url(url), None, "{url}");
        }
    }
}
