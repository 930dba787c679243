//! `docker-credential-gitea` on PATH, where docker looks for it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::process;
use crate::sys::env::Env;
use crate::sys::link::{self, Alias};

pub use crate::sys::link::{Beside, Found, LinkError as ProgramError, LinkPlan, Program};

/// What docker's clients call the helper.
const HELPER: &str = "docker-credential-gitea";

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const ALIAS: Alias = Alias {
    name: HELPER,
    caller: "docker",
};

/// Looks at PATH. Every helper of that name is asked for its version, to tell ours from others.
pub fn observe(env: &Env) -> Program {
    link::observe(ALIAS, env, |path| is_ours(path, env))
}

/// The link that [`remove`] would take away: ours, beside the `kubectl-regcred` that is on PATH.
pub fn removable(env: &Env) -> Option<PathBuf> {
    link::removable(ALIAS, env)
}

/// Takes our own link away, and nothing else. Says which one it was.
pub fn remove(env: &Env) -> Result<Option<PathBuf>, ProgramError> {
    link::remove(ALIAS, env)
}

/// Whether the program at `path` is regcred's helper, of whatever version.
pub(super) fn is_ours(path: &Path, env: &Env) -> bool {
    let Ok((status, printed)) = process::run(path, "version", "", Stdio::null(), env, PATIENCE) else {
        return false;
    };
    let version = printed.trim_ascii_start();
    status.success() && version.starts_with(format!("{HELPER} (regcred) ").as_bytes())
}
