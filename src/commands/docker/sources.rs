//! Observes the credentials in the keychain, in docker's and podman's files, and in other helpers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::decide::{Case, Found};
use crate::commands::system::System;
use crate::docker::other_helper::{AskError, HelperName, OtherHelper};
use crate::docker::{self, Entry, EntryContent, File, Files, HELPER, StoredIn};
use crate::error::CommandError;
use crate::keychain::{self, Keychain, Name, Part};
use crate::model::{Credential, Registry, Use, printable};

/// The longest key of a file that is shown, in characters.
const MAX_KEY: usize = 100;

/// Names by which clients ask for a registry, in addition to its usual ones.
pub(super) type Names = BTreeMap<Registry, BTreeSet<String>>;

/// The observed credentials.
pub(super) struct Sources {
    pub(super) files: Files,
    /// Files of podman's that cannot be read, and are not changed.
    pub(super) unreadable: Vec<PathBuf>,
    pub(super) names: Names,
    pub(super) cases: Vec<Case>,
    /// Registries and files that are not changed, because they could not be read.
    pub(super) failures: Vec<CommandError>,
    /// Whether the helper in `credsStore` could not be read.
    pub(super) keeps_default: bool,
}

/// The files for this environment. One of podman's in another user's folder is left out, and that is said.
pub(super) fn files(system: &mut System<'_>) -> Result<Files, CommandError> {
    let files = Files::of(&system.env)?;
    if let Some(skipped) = &files.skipped {
        system.output.warn(skipped);
    }
    Ok(files)
}

/// Reads each file once, even if it has several names. Also returns those that cannot be read.
pub(super) fn read(paths: impl IntoIterator<Item = PathBuf>) -> (Vec<File>, Vec<(PathBuf, docker::Error)>) {
    let mut read: Vec<File> = Vec::new();
    let mut unreadable: Vec<(PathBuf, docker::Error)> = Vec::new();
    let is_same = |one: &Path, other: &Path| one == other || one.canonicalize().is_ok_and(|one| one == other);
    for path in paths {
        match File::read(&path) {
            Ok(file) if read.iter().any(|known| known.target == file.target) => {}
            Ok(file) => read.push(file),
            Err(_) if unreadable.iter().any(|(known, _)| is_same(known, &path)) => {}
            Err(error) => unreadable.push((path, error)),
        }
    }
    (read, unreadable)
}

/// The keychain's item for an entry in plain text, and its credential.
pub(super) fn item(entry: &Entry) -> Option<(Name, Credential)> {
    let EntryContent::Login(username, token) = &entry.held else {
        return None;
    };
    let name = Name::of_server(entry.server(), Use::Docker)?;
    if name.part == Part::Login && entry.registry().is_none() {
        return None;
    }
    let credential = Credential {
        registry: name.registry.clone(),
        username: username.clone(),
        token: token.clone(),
    };
    Some((name, credential))
}

fn login(registry: &Registry) -> Name {
    Name::login(registry, Use::Docker)
}

impl Sources {
    /// Observes the credentials for `only` or, if that is empty, for every registry.
    ///
    /// As the default helper, we hide all entries of docker's file and everything in the previous default helper.
    pub(super) fn observe(
        only: &[Registry],
        default: bool,
        keychain: &Keychain,
        system: &mut System<'_>,
    ) -> Result<Self, CommandError> {
        let files = files(system)?;
        let (read, unreadable) = read(files.editable().map(Path::to_owned));
        let (dockers, podmans): (Vec<_>, Vec<_>) = unreadable.into_iter().partition(|(path, _)| *path == files.docker);
        if let Some((_, error)) = dockers.into_iter().next() {
            return Err(error.into());
        }
        let mut found: BTreeMap<Name, Vec<Found>> = only.iter().map(|name| (login(name), Vec::new())).collect();
        let given = only;
        let only = if default { &[] } else { only };
        for file in &read {
            in_file(file, only, &mut found, system);
        }
        if only.is_empty() {
            let items = keychain.list()?.into_iter().filter(|item| item.usage == Use::Docker);
            for item in items {
                found.entry(login(&item.registry)).or_default();
            }
        }
        let mut this = Self {
            files,
            names: names(&read, given),
            cases: Vec::new(),
            unreadable: podmans.iter().map(|(path, _)| path.clone()).collect(),
            failures: podmans.into_iter().map(|(_, error)| error.into()).collect(),
            keeps_default: false,
        };
        let docker = read.first().filter(|file| file.path == this.files.docker);
        let store = docker.and_then(|file| file.config.default_helper());
        let store = store.filter(|_| default);
        if let Some(name) = store.and_then(|name| other(&name, system)) {
            this.list_other(&name, &mut found, system);
        }
        with_parts(&mut found);
        let mut failed = BTreeSet::new();
        for (name, found) in &mut found {
            let registry = &name.registry;
            for helper in other_helpers(&read, &this.files, registry, system) {
                match ask(&helper, name, system) {
                    Ok(Some(credential)) => found.push(Found {
                        credential,
                        place: StoredIn::Helper(helper),
                    }),
                    Ok(None) => {}
                    Err(AskError::NotInstalled(program)) => system.output.info(format_args!(
                        "{registry}: {program}, which docker used until now, is not installed"
                    )),
                    Err(_) if failed.contains(registry) => {}
                    Err(error) => {
                        failed.insert(registry.clone());
                        let error = CommandError::failed(&error).hints(error.hint());
                        this.failures.push(error.on(format_args!("{registry} was not changed")));
                    }
                }
            }
        }
        found.retain(|name, _| !failed.contains(&name.registry));
        for (name, found) in found {
            this.cases.push(case(name, found, keychain)?);
        }
        Ok(this)
    }

    /// Lists the credentials in the default helper, which is about to be replaced.
    fn list_other(&mut self, name: &HelperName, found: &mut BTreeMap<Name, Vec<Found>>, system: &mut System<'_>) {
        let listed = OtherHelper::find(name, &system.env).and_then(|helper| helper.list());
        match listed {
            Ok(listed) => {
                for server in listed.keys() {
                    match docker::registry_of(server) {
                        Some(registry) => {
                            found.entry(login(&registry)).or_default();
                        }
                        None if docker::is_below_hub(server) => {}
                        None => system.output.warn(format_args!(
                            "docker-credential-{name} holds a credential for {}, which is not a registry: it was not moved",
                            printable(server, MAX_KEY)
                        )),
                    }
                }
            }
            Err(AskError::NotInstalled(program)) => {
                system
                    .output
                    .info(format_args!("{program}, which docker used until now, is not installed"));
            }
            Err(error) => {
                self.keeps_default = true;
                let error = CommandError::failed(&error).hints(error.hint());
                self.failures.push(error.on("credsStore was not changed"));
            }
        }
    }
}

/// The other names of the registries in the files, and of those that the user has given.
fn names(read: &[File], given: &[Registry]) -> Names {
    let mut names = Names::new();
    let mut add = |registry: &Registry, key: &str| {
        if let Some(name) = docker::other_name(registry, key) {
            names.entry(registry.clone()).or_default().insert(name.to_owned());
        }
    };
    for entry in read.iter().flat_map(|file| file.config.entries()) {
        if let Some(registry) = entry.registry() {
            add(&registry, &entry.key);
        }
    }
    for registry in given {
        add(registry, &registry.as_written());
    }
    names
}

/// Collects the plaintext credentials of one file, and reports those that cannot be moved.
fn in_file(file: &File, only: &[Registry], found: &mut BTreeMap<Name, Vec<Found>>, system: &mut System<'_>) {
    for entry in file.config.entries() {
        let below: Option<Registry> = entry.server().parse().ok();
        let is_meant = only.is_empty() || below.as_ref().is_some_and(|registry| only.contains(registry));
        if !entry.has_secret() || !is_meant {
            continue;
        }
        let key = printable(&entry.key, MAX_KEY);
        let stays = match (&entry.held, item(&entry)) {
            (_, Some((name, credential))) => {
                let place = StoredIn::File(file.path.clone());
                found.entry(name).or_default().push(Found { credential, place });
                continue;
            }
            (EntryContent::Unmovable(why), None) => why.to_string(),
            _ if below.is_none() => "that is not the name of a registry".to_owned(),
            _ => "a credential helper is asked about whole registries, not about a path below one".to_owned(),
        };
        system.output.warn(format_args!(
            "auths/{key} in {} stays in plain text: {stays}",
            file.path.display()
        ));
    }
}

/// Adds the extra tokens of each login, and the login of each extra token.
fn with_parts(found: &mut BTreeMap<Name, Vec<Found>>) {
    let registries: BTreeSet<Registry> = found.keys().map(|name| name.registry.clone()).collect();
    for registry in &registries {
        for part in Part::of(registry, Use::Docker) {
            let name = Name {
                part: *part,
                ..login(registry)
            };
            found.entry(name).or_default();
        }
    }
}

/// The credential that another helper has under this name.
fn ask(helper: &HelperName, name: &Name, system: &System<'_>) -> Result<Option<Credential>, AskError> {
    if name.part == Part::Login {
        return docker::ask(helper, &name.registry, &system.env);
    }
    let login = OtherHelper::find(helper, &system.env)?.get(&name.server())?;
    Ok(login.map(|login| Credential {
        registry: name.registry.clone(),
        username: login.username,
        token: login.token,
    }))
}

/// The other helpers that docker, or podman by its own file, uses for `registry` until now.
fn other_helpers(read: &[File], files: &Files, registry: &Registry, system: &mut System<'_>) -> Vec<HelperName> {
    let mut names = Vec::new();
    for file in read {
        let dockers = file.config.helper_for(registry).filter(|_| file.path == files.docker);
        // podman reads no credsStore, and uses another name for Docker Hub than docker.
        let helpers = file.config.helpers().into_iter();
        let podmans = helpers
            .filter(|(key, _)| key == registry.as_str())
            .map(|(_, name)| name);
        for name in dockers.into_iter().chain(podmans) {
            if let Some(name) = other(&name, system)
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
    }
    names
}

/// The helper of this name, unless it is ours or the name is empty.
fn other(name: &str, system: &mut System<'_>) -> Option<HelperName> {
    if name.is_empty() || name == HELPER {
        return None;
    }
    let parsed = name.parse();
    if let Err(error) = &parsed {
        // docker would run any path; we do not.
        let name = printable(name, MAX_KEY);
        system
            .output
            .warn(format_args!("the credential helper {name} is not used: {error}"));
    }
    parsed.ok()
}

fn case(name: Name, found: Vec<Found>, keychain: &Keychain) -> Result<Case, CommandError> {
    let is_rotating = match keychain.ensure_not_rotating(&name) {
        Ok(()) => false,
        Err(keychain::Error::Rotating(_)) => true,
        Err(error) => return Err(error.into()),
    };
    Ok(Case {
        kept: keychain.read(&name)?,
        name,
        is_rotating,
        found,
    })
}
