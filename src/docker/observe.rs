//! A workstation as docker and podman see it; [`super::inspect`] evaluates it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::engine::Engines;
use super::other_helper::HelperName;
use super::registries_conf::Order;
use super::{
    Config, Error, File, Files, SetupRecord, SkippedFile, detected_store, environment, has_podman, on_path, program,
};
use crate::sys::env::Env;

/// The configuration that docker and podman find.
#[derive(Debug)]
pub struct Workstation {
    /// docker's `config.json`.
    pub docker: Option<File>,
    /// The files that podman, buildah and skopeo read, in their order.
    pub podman: Vec<File>,
    /// The file that they write to.
    pub podman_primary: PathBuf,
    /// Files that exist but cannot be used.
    pub unreadable: Vec<(PathBuf, Error)>,
    /// A file of podman's that was not read.
    pub skipped: Option<SkippedFile>,
    /// Our helper on PATH.
    pub program: program::Program,
    /// Every helper that a file names, with its program if it is installed.
    pub helpers: BTreeMap<String, Option<PathBuf>>,
    /// The store that docker detects by itself if its file names none.
    pub detected: Option<HelperName>,
    /// The document in `DOCKER_AUTH_CONFIG`, which docker 28.3 and later use first unless they refuse it.
    pub environment: Option<Config>,
    /// `REGISTRY_AUTH_FILE`; if set, podman uses no other file.
    pub auth_file: Option<PathBuf>,
    /// `credential-helpers` of `registries.conf`.
    pub order: Option<Order>,
    /// Whether podman, buildah or skopeo is installed.
    pub has_podman: bool,
    /// What brings docker's engine here, on macOS and Windows.
    pub engines: Engines,
    /// The files that `docker setup` has changed, with all symbolic links resolved.
    pub set_up: Vec<PathBuf>,
}

/// Reads the files and PATH. Changes nothing and asks no helper for a credential.
pub fn observe(env: &Env) -> Result<Workstation, Error> {
    let files = Files::of(env)?;
    let mut unreadable = Vec::new();
    let mut read = |path: &PathBuf| {
        let file = File::read(path);
        file.map_err(|error| unreadable.push((path.clone(), error))).ok()
    };
    let docker = read(&files.docker);
    let mut podman: Vec<File> = Vec::new();
    for path in read_by_podman(&files, env) {
        if *path == files.docker {
            podman.extend(docker.clone());
        } else {
            podman.extend(read(path));
        }
    }
    let docker = docker.or_else(|| File::read_as_docker(&files.docker).ok());
    let environment = env.var("DOCKER_AUTH_CONFIG").and_then(environment::read);
    let order = files.order();
    let engines = Engines::observe(docker.as_ref().map(|file| &file.config), env);
    // Whoever changes a file is told what is wrong with the record.
    let set_up = SetupRecord::read_only(env).map_or_else(|_| Vec::new(), |record| record.targets());
    let mut workstation = Workstation {
        docker,
        podman,
        podman_primary: files.podman_primary.clone(),
        unreadable,
        skipped: files.skipped.clone(),
        program: program::observe(env),
        helpers: BTreeMap::new(),
        detected: detected_store(env).and_then(|name| name.parse().ok()),
        environment,
        auth_file: env.path("REGISTRY_AUTH_FILE"),
        order,
        has_podman: has_podman(env),
        engines,
        set_up,
    };
    workstation.helpers = workstation
        .helpers_named()
        .into_iter()
        .map(|name| {
            let program = name
                .parse()
                .ok()
                .and_then(|name: HelperName| on_path::programs(&name.program(), env).into_iter().next());
            (name, program)
        })
        .collect();
    Ok(workstation)
}

/// The files that podman reads. A variable that names the primary file replaces the one in the runtime folder.
///
/// As podman 4.3 does; newer versions read only the file that the variable names.
fn read_by_podman<'a>(files: &'a Files, env: &Env) -> Vec<&'a PathBuf> {
    let is_named = env.path("REGISTRY_AUTH_FILE").is_some() || env.path("DOCKER_CONFIG").is_some();
    let own: Vec<&PathBuf> = if is_named {
        let in_config_home = files.podman.last();
        std::iter::once(&files.podman_primary).chain(in_config_home).collect()
    } else {
        files.podman.iter().collect()
    };
    let mut all: Vec<&PathBuf> = Vec::new();
    for path in own.into_iter().chain([&files.docker]) {
        if !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

impl Workstation {
    /// All files without duplicates, docker's first.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        let docker = self.docker.as_ref();
        let others = self
            .podman
            .iter()
            .filter(move |file| docker.is_none_or(|docker| docker.path != file.path));
        docker.into_iter().chain(others)
    }

    /// The helper for every registry. podman reads none from its files.
    pub(super) fn default_helper(&self) -> Option<String> {
        self.docker.as_ref()?.config.default_helper()
    }

    /// The helpers that docker or podman reads in any file.
    pub(super) fn helpers_named(&self) -> Vec<String> {
        let mut names: Vec<String> = self.order.iter().flat_map(Order::helpers).map(str::to_owned).collect();
        for file in self.files() {
            names.extend(file.config.helpers().into_iter().map(|(_, name)| name));
        }
        names.extend(self.default_helper());
        names.retain(|name| !name.is_empty());
        names
    }
}
