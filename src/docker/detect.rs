//! The store that docker takes without being told.

use super::on_path;
use crate::sys::env::Env;

/// The helper that docker would make its `credsStore` at the first login, as long as nothing in its file says where
/// logins are (`DetectDefaultStore` of docker/cli's `cli/config/credentials`).
pub fn detected_store(env: &Env) -> Option<String> {
    let store = if cfg!(target_os = "macos") {
        "osxkeychain"
    } else if cfg!(windows) {
        "wincred"
    } else if is_installed("pass", env) {
        "pass"
    } else {
        "secretservice"
    };
    is_installed(&format!("docker-credential-{store}"), env).then(|| store.to_owned())
}

/// Whether a program of this name is on PATH.
pub(super) fn is_installed(program: &str, env: &Env) -> bool {
    !on_path::programs(program, env).is_empty()
}

/// Whether helm is installed, which has a file of its own for what it signs in to.
pub fn has_helm(env: &Env) -> bool {
    is_installed("helm", env)
}

/// Whether podman, buildah or skopeo is installed, which have files of their own.
pub fn has_podman(env: &Env) -> bool {
    ["podman", "buildah", "skopeo"]
        .iter()
        .any(|client| is_installed(client, env))
}
