//! How git is run in a folder that may be anybody's: nothing is changed or fetched, and no program of the repository's
//! configuration is run.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use super::program::printed;
use crate::sys::env::Env;
use crate::sys::on_path;

/// The time limit for a question to git about its index.
const PATIENCE: Duration = Duration::from_secs(5);

/// Options that come before git's command.
pub(in crate::commands) const OPTIONS: [&str; 2] = ["-c", "core.fsmonitor=false"];

/// Variables for git.
pub(in crate::commands) const VARIABLES: [(&str, &str); 4] = [
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // git before 2.39.4 does not know that variable: there, no way to fetch is allowed.
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// The environment for git in a folder that it is told, whatever repository the variables of this process are about.
pub(in crate::commands) fn environment(env: &Env) -> Vec<(OsString, OsString)> {
    let is_of_a_repository = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("GIT_") && !name.starts_with("GIT_CONFIG") && name != "GIT_EXEC_PATH"
    };
    let others = env.iter().filter(|(name, _)| !is_of_a_repository(name));
    let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let ours = VARIABLES.iter().map(|(name, value)| (name.into(), value.into()));
    others.chain(ours).collect()
}

/// git's output in a folder; `None` if it fails, finds nothing, or takes too long.
pub(in crate::commands) async fn answer(env: &Env, folder: &Path, args: &[&str]) -> Option<String> {
    let here = OPTIONS.iter().copied().chain(["-C"]).map(OsStr::new);
    let args: Vec<&OsStr> = here
        .chain([folder.as_os_str()])
        .chain(args.iter().map(OsStr::new))
        .collect();
    printed(&on_path::find("git", env)?, &args, env, &VARIABLES, PATIENCE).await
}
