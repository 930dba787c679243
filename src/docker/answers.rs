//! Who would answer docker and podman for a registry: their rules, applied to what was read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Config, Entry, File, HELPER, Held, Workstation};
use crate::model::Registry;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// docker, and with it buildx, crane, oras, helm and others that read its file.
    Docker,
    /// podman, buildah and skopeo.
    Podman,
}

impl Client {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Who gives the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Our helper: the keychain.
    Keychain,
    Helper(String),
    /// An entry in plain text.
    PlainText,
    /// The variable `DOCKER_AUTH_CONFIG`.
    Environment,
    /// Nobody: the client is a stranger to the registry.
    Nobody,
}

/// What one client would do for one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub registry: Registry,
    pub client: Client,
    pub source: Source,
    /// Because of this file, where there is one.
    pub file: Option<PathBuf>,
}

impl Source {
    fn of_helper(name: &str) -> Self {
        if name == HELPER {
            Self::Keychain
        } else {
            Self::Helper(name.to_owned())
        }
    }
}

impl Workstation {
    /// What docker, and podman where it is installed, would do for every registry that a file names and for `more`.
    pub fn answers(&self, more: &[Registry]) -> Vec<Answer> {
        let mut registries: BTreeSet<Registry> = more.iter().cloned().collect();
        for config in self.files().map(|file| &file.config).chain(&self.environment) {
            registries.extend(config.entries().iter().filter_map(Entry::registry));
            let keys = config.helpers().into_iter().filter_map(|(key, _)| key.parse().ok());
            registries.extend(keys);
        }
        let mut answers = Vec::new();
        for registry in &registries {
            answers.push(self.docker_answer(registry));
            if self.has_podman {
                answers.push(self.podman_answer(registry));
            }
        }
        answers
    }

    /// docker/cli: the variable, then `credHelpers`, `credsStore` and `auths` of one file.
    pub(super) fn docker_answer(&self, registry: &Registry) -> Answer {
        let answer = |source, file: Option<&File>| Answer {
            registry: registry.clone(),
            client: Client::Docker,
            source,
            file: file.map(|file| file.path.clone()),
        };
        if self
            .environment
            .as_ref()
            .is_some_and(|config| has_login(config, registry))
        {
            return answer(Source::Environment, None);
        }
        let Some(file) = &self.docker else {
            return answer(Source::Nobody, None);
        };
        if let Some(helper) = file.config.helper_for(registry) {
            return answer(Source::of_helper(&helper), Some(file));
        }
        match &self.detected {
            Some(store) if file.config.lets_docker_detect() => answer(Source::of_helper(store.as_str()), None),
            _ if has_login(&file.config, registry) => answer(Source::PlainText, Some(file)),
            _ => answer(Source::Nobody, None),
        }
    }

    /// containers/image: the stores of `registries.conf` in their order, the files among them one after the other.
    pub(super) fn podman_answer(&self, registry: &Registry) -> Answer {
        let answer = |source, file: Option<&Path>| Answer {
            registry: registry.clone(),
            client: Client::Podman,
            source,
            file: file.map(Path::to_owned),
        };
        let first = self
            .order
            .iter()
            .find_map(|order| Some((order.before_files().next()?, order)));
        if let Some((helper, order)) = first {
            return answer(Source::of_helper(helper), Some(&order.path));
        }
        for file in &self.podman {
            if let Some(helper) = podman_helper(&file.config, registry) {
                return answer(Source::of_helper(&helper), Some(&file.path));
            }
            if has_login(&file.config, registry) {
                return answer(Source::PlainText, Some(&file.path));
            }
        }
        let last = self
            .order
            .iter()
            .find_map(|order| Some((order.helpers().next()?, order)));
        match last {
            Some((helper, order)) => answer(Source::of_helper(helper), Some(&order.path)),
            None => answer(Source::Nobody, None),
        }
    }
}

/// The helper that podman asks because of this file: its keys are its own names of registries, Docker Hub's `docker.io`.
pub(super) fn podman_helper(config: &Config, registry: &Registry) -> Option<String> {
    let helpers = config.helpers().into_iter();
    helpers
        .filter(|(_, helper)| !helper.is_empty())
        .find_map(|(key, helper)| (key == registry.as_str()).then_some(helper))
}

/// Whether there is a secret in plain text for the registry as a whole.
pub(super) fn has_login(config: &Config, registry: &Registry) -> bool {
    let entries = config.entries();
    let mut of_registry = entries
        .iter()
        .filter(|entry| entry.registry().as_ref() == Some(registry));
    of_registry.any(|entry| entry.held != Held::Nothing)
}

/// Whether there is any: docker's login to Docker Hub in the browser leaves tokens at paths below its key.
pub(super) fn holds_token(config: &Config, registry: &Registry) -> bool {
    let is_below = |key: &str| registry.is_docker_hub() && key.parse().is_ok_and(|named: Registry| named == *registry);
    let entries = config.entries();
    let mut left = entries.iter().filter(|entry| entry.held != Held::Nothing);
    left.any(|entry| entry.registry().as_ref() == Some(registry) || is_below(&entry.key))
}

#[cfg(test)]
pub(super) mod tests;
