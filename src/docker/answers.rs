//! Where docker and podman would get the credential for a registry, by their own rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Config, Entry, File, HELPER, Workstation, other_name};
use crate::model::Registry;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// docker, and buildx, crane, oras, helm and others that read its file.
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

/// Where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Our helper, that is the keychain.
    Keychain,
    Helper(String),
    /// An entry in plain text.
    PlainText,
    /// The variable `DOCKER_AUTH_CONFIG`.
    Environment,
    /// Nowhere: the client has no credential for the registry.
    Nobody,
}

/// The source that a client would use for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub registry: Registry,
    /// Its name as the client asks for it, by which it finds nothing of another spelling.
    pub name: String,
    pub client: Client,
    pub source: Source,
    /// The file that decides this, if one does.
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
    /// The answers for docker, and for podman if it is installed, for every registry named in a file and for `more`.
    pub fn answers(&self, more: &[Registry]) -> Vec<Answer> {
        let usual = |registry: &Registry| registry.as_str().to_owned();
        let mut names: BTreeSet<(Registry, String)> = more.iter().map(|named| (named.clone(), usual(named))).collect();
        for config in self.files().map(|file| &file.config).chain(&self.environment) {
            names.extend(
                config
                    .entries()
                    .iter()
                    .filter_map(|entry| Some((entry.registry()?, entry.name()?))),
            );
            for (key, _) in config.helpers() {
                if let Ok(registry) = key.parse() {
                    // No client asks for a key with a scheme or a path.
                    let other = Some(&key).filter(|key| !key.contains('/'));
                    let other = other.and_then(|key| other_name(&registry, key)).map(str::to_owned);
                    let name = other.unwrap_or_else(|| usual(&registry));
                    names.insert((registry, name));
                }
            }
        }
        let mut answers = Vec::new();
        for (registry, name) in &names {
            answers.push(self.docker_answer(registry, name));
            if self.has_podman {
                answers.push(self.podman_answer(registry, name));
            }
        }
        answers
    }

    /// As docker/cli: the variable, then `credHelpers`, `credsStore` and `auths` of one file.
    fn docker_answer(&self, registry: &Registry, name: &str) -> Answer {
        let answer = |source, file: Option<&File>| Answer {
            registry: registry.clone(),
            name: name.to_owned(),
            client: Client::Docker,
            source,
            file: file.map(|file| file.path.clone()),
        };
        let key = if name == registry.as_str() {
            registry.config_key()
        } else {
            name
        };
        let is_in = |config: &Config| {
            config
                .entries()
                .iter()
                .any(|entry| entry.key == key && entry.has_secret())
        };
        if self.environment.as_ref().is_some_and(is_in) {
            return answer(Source::Environment, None);
        }
        let Some(file) = &self.docker else {
            return answer(Source::Nobody, None);
        };
        if let Some(helper) = file.config.helper_of_key(key) {
            return answer(Source::of_helper(&helper), Some(file));
        }
        match &self.detected {
            Some(store) if file.config.lets_docker_detect() => answer(Source::of_helper(store.as_str()), None),
            _ if has_login(&file.config, registry, name) => answer(Source::PlainText, Some(file)),
            _ => answer(Source::Nobody, None),
        }
    }

    /// As containers/image: the stores of `registries.conf` in their order, with the files at their place in it.
    fn podman_answer(&self, registry: &Registry, name: &str) -> Answer {
        let answer = |source, file: Option<&Path>| Answer {
            registry: registry.clone(),
            name: name.to_owned(),
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
            if let Some(helper) = podman_helper(&file.config, name) {
                return answer(Source::of_helper(&helper), Some(&file.path));
            }
            if has_login(&file.config, registry, name) {
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

/// The helper that podman asks for this name because of this file; Docker Hub's name is `docker.io`. An empty one is asked
/// too, which fails: unlike docker, podman then reads no entry of the file.
pub(super) fn podman_helper(config: &Config, name: &str) -> Option<String> {
    let mut helpers = config.helpers().into_iter();
    helpers.find_map(|(key, helper)| (key == name).then_some(helper))
}

/// Whether there is a secret in plain text for the whole registry, for a client that asks by this name.
fn has_login(config: &Config, registry: &Registry, name: &str) -> bool {
    let entries = config.entries();
    let mut of_registry = entries
        .iter()
        .filter(|entry| entry.registry().as_ref() == Some(registry) && entry.name().as_deref() == Some(name));
    of_registry.any(Entry::has_secret)
}

/// Whether there is any secret in plain text for it: docker's browser login to Docker Hub also stores tokens at paths
/// below its key.
pub(super) fn holds_token(config: &Config, registry: &Registry) -> bool {
    let is_below = |key: &str| registry.is_docker_hub() && key.parse().is_ok_and(|named: Registry| named == *registry);
    let entries = config.entries();
    let mut left = entries.iter().filter(|entry| entry.has_secret());
    left.any(|entry| entry.registry().as_ref() == Some(registry) || is_below(&entry.key))
}

#[cfg(test)]
pub(super) mod tests;
