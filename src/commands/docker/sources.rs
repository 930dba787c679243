//! Observe: what the keychain, docker's and podman's files and other helpers hold for which registry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::decide::{Case, Found};
use crate::commands::system::System;
use crate::docker::other_helper::{AskError, HelperName, OtherHelper};
use crate::docker::{self, File, Files, HELPER, Held, Place};
use crate::error::CommandError;
use crate::keychain::{self, Keychain, Name};
use crate::model::{Registry, Use, printable};

/// Longest piece of a file's key in a message, in characters.
const MAX_KEY: usize = 100;

/// What there is.
pub(super) struct Sources {
    pub(super) files: Files,
    pub(super) cases: Vec<Case>,
    /// Registries that stay as they are, since it could not be found out what is there.
    pub(super) failures: Vec<CommandError>,
    /// Whether what the helper in `credsStore` keeps could not be found out.
    pub(super) keeps_default: bool,
}

/// Reads every file, each once, though several names may lead to it.
pub(super) fn read(paths: impl IntoIterator<Item = PathBuf>) -> Result<Vec<File>, CommandError> {
    let mut read: Vec<File> = Vec::new();
    for path in paths {
        let file = File::read(&path)?;
        if !read.iter().any(|known| known.target == file.target) {
            read.push(file);
        }
    }
    Ok(read)
}

impl Sources {
    /// Looks at everything that concerns `only`, or where that is empty every registry that there is a credential for.
    ///
    /// As the helper of all registries we hide every entry of docker's file and all that the helper before us keeps.
    pub(super) fn observe(
        only: &[Registry],
        default: bool,
        keychain: &Keychain,
        system: &mut System<'_>,
    ) -> Result<Self, CommandError> {
        let files = Files::of(&system.env)?;
        let read = read(files.editable().map(Path::to_owned))?;
        let mut found: BTreeMap<Registry, Vec<Found>> = only.iter().map(|name| (name.clone(), Vec::new())).collect();
        let only = if default { &[] } else { only };
        for file in &read {
            in_file(file, only, &mut found, system);
        }
        if only.is_empty() {
            let items = keychain.list()?.into_iter().filter(|item| item.usage == Use::Docker);
            for item in items {
                found.entry(item.registry).or_default();
            }
        }
        let mut this = Self {
            files,
            cases: Vec::new(),
            failures: Vec::new(),
            keeps_default: false,
        };
        let docker = read.first().filter(|file| file.path == this.files.docker);
        let store = docker.and_then(|file| file.config.default_helper());
        let store = store.filter(|_| default);
        if let Some(name) = store.and_then(|name| other(&name, system)) {
            this.list_other(&name, &mut found, system);
        }
        let mut failed = BTreeSet::new();
        for (registry, found) in &mut found {
            for name in other_helpers(&read, &this.files, registry, system) {
                match docker::ask(&name, registry, &system.env) {
                    Ok(Some(credential)) => found.push(Found {
                        credential,
                        place: Place::Helper(name),
                    }),
                    Ok(None) => {}
                    Err(AskError::NotInstalled(program)) => system.output.say(format_args!(
                        "{registry}: {program}, which docker asked until now, is not installed"
                    )),
                    Err(error) => {
                        failed.insert(registry.clone());
                        let error = CommandError::failed(&error).hints(error.hint());
                        this.failures.push(error.on(format_args!("{registry} stays as it is")));
                    }
                }
            }
        }
        found.retain(|registry, _| !failed.contains(registry));
        for (registry, found) in found {
            this.cases.push(case(registry, found, keychain)?);
        }
        Ok(this)
    }

    /// What the helper of all registries keeps, which is about to be replaced.
    fn list_other(&mut self, name: &HelperName, found: &mut BTreeMap<Registry, Vec<Found>>, system: &mut System<'_>) {
        let listed = OtherHelper::find(name, &system.env).and_then(|helper| helper.list());
        match listed {
            Ok(listed) => {
                for server in listed.keys() {
                    match docker::registry_of(server) {
                        Some(registry) => {
                            found.entry(registry).or_default();
                        }
                        None => system.output.warn(format_args!(
                            "docker-credential-{name} keeps a credential for {}, which is no registry: it stays there",
                            printable(server, MAX_KEY)
                        )),
                    }
                }
            }
            Err(AskError::NotInstalled(program)) => {
                system.output.say(format_args!(
                    "{program}, which docker asked until now, is not installed"
                ));
            }
            Err(error) => {
                self.keeps_default = true;
                let error = CommandError::failed(&error).hints(error.hint());
                self.failures.push(error.on("credsStore stays as it is"));
            }
        }
    }
}

/// Collects the plain text of one file, and says what in it can only stay.
fn in_file(file: &File, only: &[Registry], found: &mut BTreeMap<Registry, Vec<Found>>, system: &mut System<'_>) {
    for entry in file.config.entries() {
        let below: Option<Registry> = entry.key.parse().ok();
        let is_meant = only.is_empty() || below.as_ref().is_some_and(|registry| only.contains(registry));
        if entry.held == Held::Nothing || !is_meant {
            continue;
        }
        let key = printable(&entry.key, MAX_KEY);
        let stays = match (&entry.held, entry.credential()) {
            (_, Some(credential)) => {
                let place = Place::File(file.path.clone());
                let of_registry = found.entry(credential.registry.clone()).or_default();
                of_registry.push(Found { credential, place });
                continue;
            }
            (Held::Stays(why), None) => why.to_string(),
            _ => "a credential helper is asked about whole registries, not about a path below one".to_owned(),
        };
        system.output.warn(format_args!(
            "auths/{key} in {} stays in plain text: {stays}",
            file.path.display()
        ));
    }
}

/// The helpers other than ours that docker, or podman by its own file, asks about `registry` until now.
fn other_helpers(read: &[File], files: &Files, registry: &Registry, system: &mut System<'_>) -> Vec<HelperName> {
    let mut names = Vec::new();
    for file in read {
        let name = if file.path == files.docker {
            file.config.helper_for(registry)
        } else {
            // podman reads no credsStore.
            let mut helpers = file.config.helpers().into_iter();
            helpers.find(|(key, _)| registry.is_named_by(key)).map(|(_, name)| name)
        };
        if let Some(name) = name.and_then(|name| other(&name, system))
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// The helper of this name, unless it is ours or none at all.
fn other(name: &str, system: &mut System<'_>) -> Option<HelperName> {
    if name.is_empty() || name == HELPER {
        return None;
    }
    let parsed = name.parse();
    if let Err(error) = &parsed {
        // docker would run whatever path that leads to; we do not.
        let name = printable(name, MAX_KEY);
        system
            .output
            .warn(format_args!("the credential helper {name} is not asked: {error}"));
    }
    parsed.ok()
}

fn case(registry: Registry, found: Vec<Found>, keychain: &Keychain) -> Result<Case, CommandError> {
    let is_rotating = match keychain.settled(&Name::login(&registry, Use::Docker)) {
        Ok(()) => false,
        Err(keychain::Error::Rotating(_)) => true,
        Err(error) => return Err(error.into()),
    };
    Ok(Case {
        kept: keychain.get(&registry, Use::Docker)?,
        registry,
        is_rotating,
        found,
    })
}
