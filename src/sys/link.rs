//! Additional names of `kubectl-regcred` on PATH, under which docker and kubectl call it.
//!
//! krew links only one program of a plugin, `kubectl-regcred`, into its bin folder. Another name is a second link next
//! to it: a relative link to the first link, because krew replaces the first link's target folder at every upgrade, and
//! a link into that folder would dangle.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::{CommandLine, Hint};
use crate::sys::env::Env;
use crate::sys::on_path;

/// Our program's name for kubectl.
const PLUGIN: &str = "kubectl-regcred";

/// An additional name of `kubectl-regcred`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    pub name: &'static str,
    pub caller: &'static str,
}

/// The programs on PATH with the name of an [`Alias`], and `kubectl-regcred`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Executable programs in the order of PATH: the caller runs the first.
    pub found: Vec<FoundProgram>,
    /// The `kubectl-regcred` that kubectl runs; with krew a link.
    pub plugin: Option<PathBuf>,
    /// What exists at the link's path.
    pub beside: Beside,
    /// The alias.
    pub alias: Alias,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProgram {
    pub path: PathBuf,
    /// Whether it is regcred.
    pub is_ours: bool,
    /// Whether it comes before the folder of `kubectl-regcred` on PATH.
    pub comes_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    /// Our link, or a link to an earlier location of ours.
    OurLink,
    Other,
}

/// What to do so that the caller finds the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPlan {
    /// Nothing: this program of ours is found first.
    Ready(PathBuf),
    /// Create a link to the `kubectl-regcred` in the same folder.
    Link {
        at: PathBuf,
        /// Whether it replaces a dangling link of ours.
        repairs: bool,
    },
}

/// Why the link cannot be created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Another program of that name comes first.
    #[error("{} is not regcred's, and it is what {caller} would run", at.display())]
    Foreign { at: PathBuf, caller: &'static str },
    /// Another file exists at the link's path.
    #[error("{} is in the way: it is not regcred's and cannot be run", .0.display())]
    InTheWay(PathBuf),
    /// There is no `kubectl-regcred` on PATH.
    #[error("{PLUGIN} is not on PATH, so {} would not find {} beside it", .0.caller, .0.name)]
    NotOnPath(Alias),
    /// Creating or removing the link failed.
    #[error("the link {} cannot be {done}: {cause}", at.display())]
    Write {
        at: PathBuf,
        /// `made`, `replaced` or `removed`
        done: &'static str,
        cause: io::Error,
    },
}

impl LinkError {
    pub fn hint(&self) -> Hint {
        match self {
            Self::Foreign { at, .. } | Self::InTheWay(at) => {
                Hint::to("if nothing needs it, move it away", move_away(at))
            }
            Self::NotOnPath(_) => "put its folder on PATH; krew's is ~/.krew/bin".into(),
            // No sudo, and no link that needs no privilege.
            Self::Write { done: "removed", .. } if cfg!(windows) => "close what uses it, and try again".into(),
            Self::Write { .. } if cfg!(windows) => {
                "close what uses it, and try again; or put a copy of kubectl-regcred.exe there under this name".into()
            }
            Self::Write {
                at, done: "removed", ..
            } => CommandLine::new("sudo rm")
                .value("PATH", at.display().to_string())
                .into(),
            Self::Write {
                at, done: "replaced", ..
            } => CommandLine::new("sudo ln -sf")
                .words(PLUGIN)
                .value("PATH", at.display().to_string())
                .into(),
            Self::Write { at, .. } => CommandLine::new("sudo ln -s")
                .words(PLUGIN)
                .value("PATH", at.display().to_string())
                .into(),
        }
    }
}

/// The command to rename a file that is in the way.
pub(crate) fn move_away(path: &Path) -> CommandLine {
    let at = path.display().to_string();
    CommandLine::new("mv")
        .value("PATH", &at)
        .value("OTHER-PATH", at + ".old")
}

/// Searches PATH. `is_ours` tells whether a program is regcred's.
pub fn observe(alias: Alias, env: &Env, is_ours: impl Fn(&Path) -> bool) -> Program {
    let folders = on_path::folders(env);
    let place = |file: &Path| {
        folders
            .iter()
            .position(|folder| Some(folder.as_path()) == file.parent())
    };
    let plugin = on_path::programs(PLUGIN, env).into_iter().next();
    let ours = plugin.as_deref().and_then(place);
    let found = on_path::programs(alias.name, env)
        .into_iter()
        .map(|path| FoundProgram {
            is_ours: is_ours(&path),
            comes_first: ours.is_none_or(|ours| place(&path).is_some_and(|place| place < ours)),
            path,
        })
        .collect();
    Program {
        found,
        beside: plugin
            .as_deref()
            .map_or(Beside::Nothing, |plugin| beside(&alias.link_at(plugin))),
        plugin,
        alias,
    }
}

impl Program {
    /// Plans what to do.
    pub fn plan(&self) -> Result<LinkPlan, LinkError> {
        let first = self.found.first();
        if let Some(found) = first.filter(|found| found.is_ours) {
            return Ok(LinkPlan::Ready(found.path.clone()));
        }
        // Our link takes precedence over anything later on PATH.
        if let Some(found) = first.filter(|found| found.comes_first) {
            return Err(self.foreign(&found.path));
        }
        let plugin = self.plugin.as_deref().ok_or(LinkError::NotOnPath(self.alias))?;
        let at = self.alias.link_at(plugin);
        match self.beside {
            Beside::Other if first.is_some_and(|found| found.path == at) => Err(self.foreign(&at)),
            Beside::Other => Err(LinkError::InTheWay(at)),
            Beside::OurLink => Ok(LinkPlan::Link { at, repairs: true }),
            Beside::Nothing => Ok(LinkPlan::Link { at, repairs: false }),
        }
    }

    fn foreign(&self, at: &Path) -> LinkError {
        LinkError::Foreign {
            at: at.to_owned(),
            caller: self.alias.caller,
        }
    }

    /// The program that the caller runs, if it is not ours.
    pub fn shadow(&self) -> Option<&Path> {
        self.found
            .first()
            .filter(|found| !found.is_ours)
            .map(|found| found.path.as_path())
    }

    /// Whether the caller runs ours.
    pub fn is_ready(&self) -> bool {
        self.found.first().is_some_and(|found| found.is_ours)
    }
}

impl LinkPlan {
    /// Creates the link, if the plan says so.
    pub fn apply(&self) -> Result<(), LinkError> {
        let Self::Link { at, repairs } = self else {
            return Ok(());
        };
        let made = if *repairs { replace(at) } else { link(at) };
        made.map_err(|cause| match cause.kind() {
            // Created by another process meanwhile.
            io::ErrorKind::AlreadyExists => LinkError::InTheWay(at.clone()),
            _ => LinkError::Write {
                at: at.clone(),
                done: if *repairs { "replaced" } else { "made" },
                cause,
            },
        })
    }
}

/// The link that [`remove`] would remove: ours, next to the `kubectl-regcred` on PATH.
pub fn removable(alias: Alias, env: &Env) -> Option<PathBuf> {
    let plugin = on_path::programs(PLUGIN, env).into_iter().next()?;
    let at = alias.link_at(&plugin);
    is_made_by_us(&at).then_some(at)
}

/// Removes our link, if there is one, and returns its path.
pub fn remove(alias: Alias, env: &Env) -> Result<Option<PathBuf>, LinkError> {
    let Some(at) = removable(alias, env) else {
        return Ok(None);
    };
    match std::fs::remove_file(&at) {
        Ok(()) => Ok(Some(at)),
        Err(cause) => Err(LinkError::Write {
            at,
            done: "removed",
            cause,
        }),
    }
}

impl Alias {
    fn link_at(self, plugin: &Path) -> PathBuf {
        plugin.with_file_name(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX))
    }
}

fn target() -> String {
    format!("{PLUGIN}{}", std::env::consts::EXE_SUFFIX)
}

fn beside(at: &Path) -> Beside {
    if at.symlink_metadata().is_err() {
        return Beside::Nothing;
    }
    // Includes a link into a folder of krew's store that an upgrade has removed.
    let leads_to = std::fs::read_link(at).unwrap_or_default();
    if is_made_by_us(at) || leads_to.file_name() == Some(OsStr::new(&target())) {
        return Beside::OurLink;
    }
    Beside::Other
}

#[cfg(unix)]
fn is_made_by_us(at: &Path) -> bool {
    std::fs::read_link(at).is_ok_and(|leads_to| leads_to == Path::new(&target()))
}

/// Never overwrites: `symlink(2)` fails if the path exists.
#[cfg(unix)]
fn link(at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target(), at)
}

/// Atomic, so that a client always finds the old or the new link.
#[cfg(unix)]
fn replace(at: &Path) -> io::Result<()> {
    let beside = at.with_file_name(format!(".{PLUGIN}.{}", std::process::id()));
    link(&beside)?;
    std::fs::rename(&beside, at).inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// A copy: symbolic links need a privilege on Windows, and a hard link to a program that runs cannot be removed.
#[cfg(not(unix))]
fn link(at: &Path) -> io::Result<()> {
    if at.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let beside = at.with_file_name(format!(".{PLUGIN}.{}", std::process::id()));
    std::fs::copy(at.with_file_name(target()), &beside)
        .and_then(|_| std::fs::rename(&beside, at))
        .inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

#[cfg(not(unix))]
fn replace(at: &Path) -> io::Result<()> {
    std::fs::remove_file(at)?;
    link(at)
}

#[cfg(not(unix))]
fn is_made_by_us(at: &Path) -> bool {
    // cargo installs a different program under this name, with different bytes.
    match (std::fs::read(at), std::fs::read(at.with_file_name(target()))) {
        (Ok(ours), Ok(plugin)) => ours == plugin,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIAS: Alias = Alias {
        name: "docker-credential-gitea",
        caller: "docker",
    };
    const LINK: &str = "/krew/bin/docker-credential-gitea";

    fn program(found: &[(&str, bool, bool)], plugin: bool, beside: Beside) -> Program {
        Program {
            found: found
                .iter()
                .map(|&(path, is_ours, comes_first)| FoundProgram {
                    path: path.into(),
                    is_ours,
                    comes_first,
                })
                .collect(),
            plugin: plugin.then(|| "/krew/bin/kubectl-regcred".into()),
            beside,
            alias: ALIAS,
        }
    }

    #[test]
    fn a_link_is_made_only_where_clients_would_find_it() {
        let link = |repairs| LinkPlan::Link {
            at: LINK.into(),
            repairs,
        };
        let ready = |path: &str| LinkPlan::Ready(path.into());
        for (program, plan) in [
            (program(&[], true, Beside::Nothing), link(false)),
            (program(&[], true, Beside::OurLink), link(true)),
            (program(&[(LINK, true, false)], true, Beside::OurLink), ready(LINK)),
            // cargo install, with and without the plugin on PATH.
            (
                program(&[("/cargo/d", true, true)], true, Beside::Nothing),
                ready("/cargo/d"),
            ),
            (
                program(&[("/cargo/d", true, true)], false, Beside::Nothing),
                ready("/cargo/d"),
            ),
            // A foreign program, over which the link takes precedence.
            (
                program(&[("/usr/bin/d", false, false)], true, Beside::Nothing),
                link(false),
            ),
        ] {
            assert_eq!(program.plan().unwrap(), plan, "{program:?}");
        }
    }

    #[test]
    fn foreign_files_are_named_and_not_changed() {
        for (program, shown) in [
            (program(&[], false, Beside::Nothing), "not on PATH"),
            (
                program(&[("/first/d", false, true)], true, Beside::Nothing),
                "/first/d is not regcred's",
            ),
            (
                program(&[("/first/d", false, true), (LINK, true, false)], true, Beside::OurLink),
                "/first/d is not regcred's",
            ),
            (
                program(&[("/first/d", false, true)], false, Beside::Nothing),
                "/first/d is not regcred's",
            ),
            (
                program(&[(LINK, false, false)], true, Beside::Other),
                "gitea is not regcred's, and",
            ),
            (program(&[], true, Beside::Other), "gitea is in the way"),
        ] {
            let error = program.plan().unwrap_err();
            assert!(error.to_string().contains(shown), "{error}");
            assert!(!error.hint().to_string().is_empty());
            assert!(!program.is_ready());
        }
    }
}
