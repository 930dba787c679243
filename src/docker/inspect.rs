//! Finds problems with docker's and podman's configuration.

use std::collections::BTreeSet;
use std::path::Path;

use super::answers::{holds_token, podman_helper};
use super::engine::{Engine, why_missing};
use super::registries_conf::Order;
use super::{Client, File, HELPER, Source, Workstation};
use crate::model::{CommandLine, Hint, Registry, printable};
use crate::sys::link::move_away;

/// Longest quotation of a file in a message, in characters.
const MAX_TEXT: usize = 100;

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
    /// podman asks a helper for a registry, and so never uses its login for a path below it.
    HelperHidesPath,
    /// A key of `credHelpers` that no client asks for.
    KeyNeverMatches,
    /// A key of `credHelpers` with an empty name, which means plain text.
    HelperEmpty,
    /// What `docker setup` wrote into a file is gone: another program has replaced the file.
    SetupLost,
    /// `credsStore` is Docker Desktop's, and docker uses another engine.
    StoreNeedsDockerDesktop,
    /// nerdctl of Rancher Desktop asks another helper than docker.
    NerdctlAsksAnotherHelper,
}

impl WarningKind {
    pub const ALL: [Self; 18] = [
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
        Self::HelperHidesPath,
        Self::KeyNeverMatches,
        Self::HelperEmpty,
        Self::SetupLost,
        Self::StoreNeedsDockerDesktop,
        Self::NerdctlAsksAnotherHelper,
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
            Self::HelperHidesPath => "helper-hides-path",
            Self::KeyNeverMatches => "key-never-matches",
            Self::HelperEmpty => "helper-empty",
            Self::SetupLost => "setup-lost",
            Self::StoreNeedsDockerDesktop => "store-needs-docker-desktop",
            Self::NerdctlAsksAnotherHelper => "nerdctl-asks-another-helper",
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

/// Lists the problems of a workstation. `stored` are the registries for which the keychain has a credential for docker.
pub fn inspect(workstation: &Workstation, stored: &[Registry]) -> Vec<Warning> {
    let mut inspection = Inspection {
        workstation,
        stored,
        warnings: Vec::new(),
    };
    inspection.files();
    inspection.programs();
    inspection.keys();
    inspection.paths();
    inspection.registries();
    inspection.detection();
    inspection.replaced();
    inspection.engines();
    inspection.warnings
}

struct Inspection<'a> {
    workstation: &'a Workstation,
    stored: &'a [Registry],
    warnings: Vec<Warning>,
}

fn setup(registry: &Registry) -> Hint {
    CommandLine::new("kubectl regcred docker setup")
        .value("REGISTRY", registry.as_str())
        .into()
}

fn setup_default() -> Hint {
    CommandLine::new("kubectl regcred docker setup --default").into()
}

/// A text and not a command, because shells differ in how a variable is removed.
fn unset(name: &str) -> Hint {
    format!("take {name} out of the environment: of this shell, and of the file that sets it").into()
}

/// Prints the whole array, because the file may have it on several lines.
fn gitea_first(order: &Order) -> String {
    let others = order.stores.iter().filter(|store| *store != HELPER);
    let stores: Vec<String> = std::iter::once(HELPER)
        .chain(others.map(String::as_str))
        .map(|store| format!("\"{}\"", printable(store, MAX_TEXT)))
        .collect();
    format!(
        "let {} name gitea first: credential-helpers = [{}]",
        shown(&order.path),
        stores.join(", ")
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

impl Inspection<'_> {
    fn warn(&mut self, kind: WarningKind, object: String, registry: Option<&Registry>, cause: String, remedy: Hint) {
        self.warnings.push(Warning {
            kind,
            object,
            registry: registry.cloned(),
            cause,
            remedy,
        });
    }

    fn files(&mut self) {
        for (path, error) in &self.workstation.unreadable {
            let remedy = error
                .hint()
                .unwrap_or_else(|| "see who may read it: ls -l on it and its folders".to_owned())
                .into();
            self.warnings.push(Warning {
                kind: WarningKind::FileUnreadable,
                object: shown(path),
                registry: None,
                cause: error.to_string(),
                remedy,
            });
        }
    }

    /// Helpers that are configured but missing, or shadowed by other programs.
    fn programs(&mut self) {
        let program = &self.workstation.program;
        let is_named = self.workstation.helpers.contains_key(HELPER);
        if let Some(shadow) = program.shadow().filter(|_| is_named || program.found.len() > 1) {
            let at = shown(shadow);
            self.warn(
                WarningKind::HelperShadowed,
                at.clone(),
                None,
                format!("docker and podman would run {at}, which is not regcred's, as docker-credential-gitea"),
                move_away(shadow).into(),
            );
        } else if is_named && program.found.is_empty() {
            let remedy = match program.plan() {
                Ok(_) => CommandLine::new("kubectl regcred docker setup").into(),
                Err(error) => error.hint(),
            };
            self.warn(
                WarningKind::HelperNotOnPath,
                "docker-credential-gitea".to_owned(),
                None,
                "a file names the helper gitea, and docker-credential-gitea is not on PATH: logging in fails, and so does \
                 every pull with podman"
                    .to_owned(),
                remedy,
            );
        }
        for (name, program) in &self.workstation.helpers {
            if program.is_some() || name == HELPER {
                continue;
            }
            let (file, registry) = self.who_names(name);
            let why = why_missing(name).map_or_else(String::new, |why| format!(" ({why})"));
            let is_default = self.workstation.default_helper().as_ref() == Some(name);
            let name = printable(name, MAX_TEXT);
            let remedy = match &registry {
                Some(registry) => setup(registry),
                None if is_default => setup_default(),
                None => format!("install docker-credential-{name}, or take {name} out of {file}").into(),
            };
            self.warn(
                WarningKind::HelperMissing,
                file.clone(),
                registry.as_ref(),
                format!("{file} names the helper {name}, and docker-credential-{name} is not on PATH{why}"),
                remedy,
            );
        }
    }

    fn is_dockers(&self, file: &File) -> bool {
        self.workstation
            .docker
            .as_ref()
            .is_some_and(|docker| docker.path == file.path)
    }

    /// A file that names this helper, and the registry, if it is named for a single one.
    fn who_names(&self, helper: &str) -> (String, Option<Registry>) {
        for file in self.workstation.files() {
            let helpers = file.config.helpers();
            if let Some((key, _)) = helpers.iter().find(|(_, name)| name == helper) {
                return (shown(&file.path), key.parse().ok());
            }
            if self.is_dockers(file) && file.config.default_helper().as_deref() == Some(helper) {
                return (shown(&file.path), None);
            }
        }
        let order = self.workstation.order.as_ref();
        (order.map(|order| shown(&order.path)).unwrap_or_default(), None)
    }

    /// Logins for a path below a registry for which podman asks a helper: within a file, it looks for a helper first.
    fn paths(&mut self) {
        let workstation = self.workstation;
        for file in workstation.podman.iter().filter(|_| workstation.has_podman) {
            for entry in file.config.entries().iter().filter(|entry| entry.has_secret()) {
                let Ok(registry) = entry.key.parse::<Registry>() else {
                    continue;
                };
                // podman looks for no path with a scheme; docker's browser login has such keys.
                if entry.registry().is_some() || entry.key.contains("://") {
                    continue;
                }
                let Some(helper) = podman_helper(&file.config, registry.as_str()) else {
                    continue;
                };
                let (at, key) = (shown(&file.path), printable(&entry.key, MAX_TEXT));
                self.warn(
                    WarningKind::HelperHidesPath,
                    at.clone(),
                    Some(&registry),
                    format!(
                        "podman never uses the login of {key} in {at}: credHelpers there names docker-credential-{} for \
                         {registry}, and podman asks it first",
                        printable(&helper, MAX_TEXT)
                    ),
                    format!("keep the login of {key} in a file of its own, and name that file with podman's --authfile")
                        .into(),
                );
            }
        }
    }

    /// Keys of `credHelpers` that have no effect or an unexpected one.
    fn keys(&mut self) {
        let mut found = Vec::new();
        for file in self.workstation.files() {
            for (key, helper) in file.config.helpers() {
                let Ok(registry) = key.parse::<Registry>() else {
                    continue;
                };
                // podman's key for Docker Hub is its name, docker's is a URL; docker reads only its own file.
                let is_dockers = self.is_dockers(file);
                let is_name = |key: &str| key == registry.as_str() || is_dockers && key == registry.config_key();
                let has_name = file.config.helpers().iter().any(|(key, _)| is_name(key));
                let is_name = is_name(&key);
                if helper.is_empty() && is_name {
                    found.push((WarningKind::HelperEmpty, file, registry, key));
                } else if !is_name && !has_name && (key.contains("://") || key.contains('/')) {
                    found.push((WarningKind::KeyNeverMatches, file, registry, key));
                }
            }
        }
        for (kind, file, registry, key) in found {
            let key = printable(&key, MAX_TEXT);
            let cause = match kind {
                WarningKind::HelperEmpty => format!(
                    "credHelpers of {} names no helper for {key}: {}",
                    shown(&file.path),
                    self.without_helper(file)
                ),
                _ if registry.is_docker_hub() => format!(
                    "credHelpers of {} has the key {key}, but docker looks for {} and podman for {registry}",
                    shown(&file.path),
                    registry.config_key()
                ),
                _ => format!("credHelpers has the key {key}, but docker and podman look for {registry}"),
            };
            self.warn(kind, shown(&file.path), Some(&registry), cause, setup(&registry));
        }
    }

    /// What happens where a file names a helper without a name.
    fn without_helper(&self, file: &File) -> &'static str {
        let is_podmans = self.workstation.has_podman && self.workstation.podman.iter().any(|of| of.path == file.path);
        match (self.is_dockers(file), is_podmans) {
            (true, false) => "docker keeps its token in plain text",
            (true, true) => "docker keeps its token in plain text, and podman fails to run docker-credential-",
            (false, _) => "podman fails to run docker-credential-",
        }
    }

    /// Registries for which a client would not get the credential from the keychain.
    fn registries(&mut self) {
        let answers = self.workstation.answers(self.stored);
        // By its usual name, if it is known by that.
        let of = |registry: &Registry, client| {
            let of_client = answers.iter().filter(|answer| answer.client == client);
            let mut of_registry = of_client.filter(|answer| answer.registry == *registry);
            let first = of_registry.clone().next();
            of_registry.find(|answer| answer.name == registry.as_str()).or(first)
        };
        let workstation = self.workstation;
        // By docker's file alone, ignoring the environment.
        let is_ours = |registry: &Registry| {
            let docker = workstation.docker.as_ref();
            docker.and_then(|file| file.config.helper_for(registry)).as_deref() == Some(HELPER)
        };
        let registries: BTreeSet<&Registry> = answers.iter().map(|answer| &answer.registry).collect();
        let ours: Vec<&Registry> = registries
            .iter()
            .copied()
            .filter(|registry| is_ours(registry))
            .collect();
        for registry in registries {
            let podman = of(registry, Client::Podman);
            let is_ours = ours.contains(&registry);
            if of(registry, Client::Docker).is_some_and(|answer| answer.source == Source::Environment) {
                self.environment(registry, is_ours);
            }
            let shadowing = podman
                .filter(|answer| answer.source == Source::PlainText && is_ours)
                .and_then(|answer| answer.file.as_deref());
            self.plain_text(registry, shadowing);
            if is_ours && self.workstation.has_podman && shadowing.is_none() {
                self.podman(registry, &ours);
            }
        }
    }

    fn environment(&mut self, registry: &Registry, is_ours: bool) {
        if is_ours || self.stored.contains(registry) {
            self.warn(
                WarningKind::EnvironmentWins,
                "DOCKER_AUTH_CONFIG".to_owned(),
                Some(registry),
                format!(
                    "docker 28.3 and later take what DOCKER_AUTH_CONFIG holds for {registry}, and not what the keychain has"
                ),
                unset("DOCKER_AUTH_CONFIG"),
            );
        }
    }

    fn plain_text(&mut self, registry: &Registry, shadowing: Option<&Path>) {
        let files: Vec<&File> = self
            .workstation
            .files()
            .filter(|file| holds_token(&file.config, registry))
            .collect();
        for file in files {
            let at = shown(&file.path);
            let helper = match file.config.helper_for(registry).filter(|_| self.is_dockers(file)) {
                Some(helper) => Some(helper),
                None => podman_helper(&file.config, registry.as_str()),
            };
            let (kind, cause) = if shadowing == Some(file.path.as_path()) && helper.is_none() {
                (
                    WarningKind::PlainTextShadowsHelper,
                    format!(
                        "podman takes the token of {registry} from {at}, in plain text, and never asks the keychain"
                    ),
                )
            } else if let Some(helper) = helper {
                (
                    WarningKind::PlainTextBesideHelper,
                    format!(
                        "{at} still holds a token of {registry} in plain text, though docker-credential-{} is asked",
                        printable(&helper, MAX_TEXT)
                    ),
                )
            } else {
                (
                    WarningKind::PlainText,
                    format!("{at} holds a token of {registry} in plain text"),
                )
            };
            self.warn(kind, at, Some(registry), cause, setup(registry));
        }
    }

    /// podman's configuration for a registry for which docker asks the keychain, as it does for all of `ours`.
    fn podman(&mut self, registry: &Registry, ours: &[&Registry]) {
        let order = self.workstation.order.as_ref();
        if order.is_some_and(|order| order.before_files().any(|store| store == HELPER)) {
            return;
        }
        let mut files = self.workstation.podman.iter();
        // One that cannot be read has a warning of its own.
        let Some(primary) = files.find(|file| file.path == self.workstation.podman_primary) else {
            return;
        };
        if podman_helper(&primary.config, registry.as_str()).as_deref() == Some(HELPER) {
            return;
        }
        let at = shown(&primary.path);
        if let Some(order) = order.filter(|order| order.helpers().any(|store| store == HELPER)) {
            let path = shown(&order.path);
            if self
                .warnings
                .iter()
                .all(|warning| warning.kind != WarningKind::FilesBeforeHelper)
            {
                self.warn(
                    WarningKind::FilesBeforeHelper,
                    path.clone(),
                    None,
                    format!("{path} names containers-auth.json before gitea, so podman login writes its token to {at} in plain text"),
                    gitea_first(order).into(),
                );
            }
        } else if self.workstation.auth_file.is_some() {
            let remedy = if primary.exists() {
                setup(registry)
            } else {
                unset("REGISTRY_AUTH_FILE")
            };
            self.warn(
                WarningKind::AuthFileHidesHelper,
                "REGISTRY_AUTH_FILE".to_owned(),
                Some(registry),
                format!(
                    "REGISTRY_AUTH_FILE names {at}, which does not lead to the keychain: podman login writes the token of \
                     {registry} there in plain text, and newer versions of podman read nothing else"
                ),
                remedy,
            );
        } else {
            let remedy = if primary.exists() {
                setup(registry)
            } else {
                // For all of them, so that the command of one registry does not undo that of another.
                let helpers: Vec<String> = ours.iter().map(|named| format!("\"{named}\":\"{HELPER}\"")).collect();
                let document = format!("{{\"credHelpers\":{{{}}}}}", helpers.join(","));
                let write = CommandLine::new("echo").document(&document).into_file(&at);
                let folder = primary.path.parent().map(shown).unwrap_or_default();
                CommandLine::new("mkdir -p").value("FOLDER", folder).then(&write).into()
            };
            self.warn(
                WarningKind::PodmanLoginWritesPlainText,
                at.clone(),
                Some(registry),
                format!("podman login would write the token of {registry} to {at} in plain text: podman asks a helper there only if this very file names it"),
                remedy,
            );
        }
    }

    /// Files that `docker setup` has changed, and that nothing of it is in any more. Docker Desktop replaces the one in WSL
    /// when it starts (docker/for-win#13529, #14351), and `podman logout --all` deletes `credHelpers`.
    fn replaced(&mut self) {
        let workstation = self.workstation;
        let files = workstation.files();
        let lost: Vec<String> = files
            .filter(|file| workstation.set_up.contains(&file.target) && !file.config.names_us())
            .map(|file| shown(&file.path))
            .collect();
        for at in lost {
            self.warn(
                WarningKind::SetupLost,
                at.clone(),
                None,
                format!(
                    "kubectl regcred docker setup had written the helper gitea into {at}, and it is not there any more: \
                     another program has replaced it, as Docker Desktop does in WSL when it starts"
                ),
                CommandLine::new("kubectl regcred docker setup").into(),
            );
        }
    }

    /// What does not work with the engines that people have on macOS and Windows.
    fn engines(&mut self) {
        let Some(docker) = &self.workstation.docker else { return };
        let (config, engines) = (&docker.config, &self.workstation.engines);
        let at = shown(&docker.path);
        let store = config.default_helper();
        let is_installed = |name: &String| self.workstation.helpers.get(name).is_some_and(Option::is_some);
        let other = engines.current.filter(|engine| *engine != Engine::DockerDesktop);
        // It tells Docker Desktop of each login, and fails where nobody listens (abiosoft/colima#167).
        if let (Some("desktop"), Some(engine)) = (
            store.as_ref().filter(|name| is_installed(name)).map(String::as_str),
            other,
        ) {
            self.warn(
                WarningKind::StoreNeedsDockerDesktop,
                at.clone(),
                None,
                format!(
                    "{at} names docker-credential-desktop for every registry, which stores nothing unless Docker Desktop \
                     runs, and docker uses {}",
                    engine.as_str()
                ),
                setup_default(),
            );
        }
        // Its credential server knows credsStore alone (rancher-sandbox/rancher-desktop#2321). Where docker uses it, there
        // is no nerdctl.
        let has_nerdctl =
            engines.found.contains(&Engine::RancherDesktop) && engines.current != Some(Engine::RancherDesktop);
        if has_nerdctl && config.names_us() && store.as_deref() != Some(HELPER) {
            let asked = store.map_or_else(
                || "none".to_owned(),
                |name| format!("docker-credential-{}", printable(&name, MAX_TEXT)),
            );
            self.warn(
                WarningKind::NerdctlAsksAnotherHelper,
                at.clone(),
                None,
                format!(
                    "nerdctl of Rancher Desktop asks only the helper for every registry in {at}, which is {asked}: it does not \
                     get what the keychain has"
                ),
                setup_default(),
            );
        }
    }

    /// Whether `credHelpers` turned off the store that docker would detect by itself.
    fn detection(&mut self) {
        let Some(docker) = &self.workstation.docker else { return };
        let config = &docker.config;
        let uses_helpers = config.helpers().iter().any(|(_, helper)| !helper.is_empty());
        if let Some(store) = self
            .workstation
            .detected
            .as_ref()
            .filter(|_| uses_helpers && config.default_helper().is_none())
        {
            let at = shown(&docker.path);
            self.warn(
                WarningKind::DefaultStoreOff,
                at.clone(),
                None,
                format!(
                    "{at} names a helper for some registries, which keeps docker from using {} for all others: it writes \
                     their tokens there in plain text",
                    store.program()
                ),
                setup_default(),
            );
        }
    }
}

#[cfg(test)]
mod tests;
