//! Finds programs on PATH as docker and kubectl do.

use std::path::{Path, PathBuf};

use crate::sys::env::Env;

/// All programs of this name on PATH, in order: the first is the one that runs.
///
/// As Go's `LookPath`, with which docker and podman find credential helpers and kubectl its plugins: files that are not
/// executable and relative folders are ignored.
pub(crate) fn programs(name: &str, env: &Env) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders(env) {
        let file = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        if is_program(&file) && !found.contains(&file) {
            found.push(file);
        }
    }
    found
}

/// The program that a shell runs for this name, with or without the platform's extension.
pub(crate) fn find(name: &str, env: &Env) -> Option<PathBuf> {
    let names = [format!("{name}{}", std::env::consts::EXE_SUFFIX), name.to_owned()];
    let files = folders(env)
        .into_iter()
        .flat_map(|folder| names.clone().map(|name| folder.join(name)));
    files.into_iter().find(|file| is_program(file))
}

/// The absolute folders of PATH.
pub(crate) fn folders(env: &Env) -> Vec<PathBuf> {
    let path = env.os("PATH").unwrap_or_default();
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .collect()
}

fn is_program(file: &Path) -> bool {
    let Ok(data) = file.metadata() else { return false };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    data.is_file() && runs
}
