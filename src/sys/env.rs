//! The environment, read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::home;

/// A copy of the environment variables.
///
/// Commands use this and not the process's environment, so that tests can run them in-process with their own
/// environment, and so that a child process inherits only what it should: [`Env::without`] removes a token's variable.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<OsString, OsString>);

impl Env {
    /// Those of this process. Where `HOME` is not set, as in a unit of systemd without `User=`, it is the home that the system
    /// knows the user by: docker's and podman's programs look there too.
    pub fn of_process() -> Self {
        let mut env: Self = std::env::vars_os().collect();
        if cfg!(unix)
            && env.home().is_none()
            && let Some(home) = home::of_user()
        {
            env.0.insert("HOME".into(), home.into());
        }
        env
    }

    /// A variable's value, if it is set, not empty and valid UTF-8.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.os(name)?.to_str()
    }

    /// A variable's value, if it is set and not empty.
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        self.0
            .get(&name_of(name.into()))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// A variable's value as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.os(name).map(PathBuf::from)
    }

    /// The home directory from the platform's usual variable.
    pub fn home(&self) -> Option<PathBuf> {
        self.path(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
    }

    /// The environment without a variable, for a child process.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(&name_of(name.into()));
        self
    }

    /// All variables, to start a child process with exactly these.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

/// Windows ignores the case of names, and has `Path` where this looks for `PATH`.
fn name_of(name: OsString) -> OsString {
    if cfg!(windows) { name.to_ascii_uppercase() } else { name }
}

impl std::fmt::Debug for Env {
    /// Names only: values can be tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name_of(name.into()), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_ignores_the_case_of_names() {
        let env = Env::from_iter([("Path", "1")]);
        assert_eq!(env.var("PATH"), Some("1").filter(|_| cfg!(windows)));
        assert_eq!(env.var("Path"), Some("1"));
        assert_eq!(env.without("PATH").var("Path"), Some("1").filter(|_| !cfg!(windows)));
    }
}
