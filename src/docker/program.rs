//! `docker-credential-gitea` on PATH, where docker looks for it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::process;
use crate::sys::env::Env;
use crate::sys::link::{self, Alias};

pub use crate::sys::link::{Beside, FoundProgram, LinkError as ProgramError, LinkPlan, Program};

/// The helper's program name.
const HELPER: &str = "docker-credential-gitea";

/// Time limit for a program to print its version.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const ALIAS: Alias = Alias {
    name: HELPER,
    caller: "docker",
};

/// Finds the helper on PATH. Every program of that name is asked for its version, to tell ours from others.
pub fn observe(env: &Env) -> Program {
    link::observe(ALIAS, env, |path| is_ours(path, env))
}

/// The link that [`remove`] would remove: ours, next to the `kubectl-regcred` on PATH.
pub fn removable(env: &Env) -> Option<PathBuf> {
    link::removable(ALIAS, env)
}

/// Removes our link, if there is one, and returns its path.
pub fn remove(env: &Env) -> Result<Option<PathBuf>, ProgramError> {
    link::remove(ALIAS, env)
}

/// Whether the program at `path` is regcred's helper, of any version.
pub(super) fn is_ours(path: &Path, env: &Env) -> bool {
    let Ok((status, printed)) = process::run(path, "version", "", Stdio::null(), env, PATIENCE) else {
        return false;
    };
    let version = printed.trim_ascii_start();
    status.success() && version.starts_with(format!("{HELPER} (regcred) ").as_bytes())
}
