//! The names on PATH that `kubectl-regcred` goes by besides its own: docker's and kubectl's other ways to it.
//!
//! krew links one program of a plugin, `kubectl-regcred`, into its bin folder. Any other name then is a second link
//! beside it, relative and to the first link: krew replaces the folder that *that* one points to at every upgrade, and a
//! link into it would dangle.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::model::{CommandLine, Hint};
use crate::sys::env::Env;
use crate::sys::on_path;

/// What kubectl calls us.
const PLUGIN: &str = "kubectl-regcred";

/// A name that `kubectl-regcred` is to be found under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    pub name: &'static str,
    pub caller: &'static str,
}

/// Which programs of an [`Alias`], and which `kubectl-regcred`, are on PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Those that can be run, in the order of PATH: the caller runs the first.
    pub found: Vec<Found>,
    /// The `kubectl-regcred` that kubectl runs, as it is found on PATH, which with krew is a link.
    pub plugin: Option<PathBuf>,
    /// What lies where the link would be made.
    pub beside: Beside,
    /// The name, and who looks for it.
    pub alias: Alias,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// Whether it is regcred's.
    pub is_ours: bool,
    /// Whether the caller comes across it before it looks into the folder of `kubectl-regcred`.
    pub comes_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    /// A link of ours, or one to an earlier place of ours.
    OurLink,
    Other,
}

/// What has to be done so that the program is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPlan {
    /// Nothing: this one is found first, and is ours.
    Ready(PathBuf),
    /// A link at this place to the `kubectl-regcred` beside it.
    Link {
        at: PathBuf,
        /// Whether a link of ours that leads nowhere is replaced.
        repairs: bool,
    },
}

/// Why the program cannot be made to be found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Another program of that name would be run.
    #[error("{} is not regcred's, and it is what {caller} would run", at.display())]
    Foreign { at: PathBuf, caller: &'static str },
    /// Another file lies where the link has to be.
    #[error("{} is in the way: it is not regcred's and cannot be run", .0.display())]
    InTheWay(PathBuf),
    /// There is no `kubectl-regcred` on PATH to put a link beside.
    #[error("{PLUGIN} is not on PATH, so {} would not find {} beside it", .0.caller, .0.name)]
    NotOnPath(Alias),
    /// The link cannot be made or taken away.
    #[error("the link {} cannot be {done}: {cause}", at.display())]
    Write {
        at: PathBuf,
        /// `made` or `removed`
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
            Self::Write {
                at, done: "removed", ..
            } => CommandLine::new("sudo rm")
                .value("PATH", at.display().to_string())
                .into(),
            Self::Write { at, .. } => CommandLine::new("sudo ln -s")
                .words(PLUGIN)
                .value("PATH", at.display().to_string())
                .into(),
        }
    }
}

/// Out of the way of what looks for this name.
pub(crate) fn move_away(path: &Path) -> CommandLine {
    let at = path.display().to_string();
    CommandLine::new("mv")
        .value("PATH", &at)
        .value("OTHER-PATH", at + ".old")
}

/// Looks at PATH. `is_ours` asks a program of that name whether it does what is expected of it.
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
        .map(|path| Found {
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
    /// What has to be done, without touching anything.
    pub fn plan(&self) -> Result<LinkPlan, LinkError> {
        let first = self.found.first();
        if let Some(found) = first.filter(|found| found.is_ours) {
            return Ok(LinkPlan::Ready(found.path.clone()));
        }
        // What comes after the place of our link, the link hides.
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

    /// The program that is run, if it is not ours.
    pub fn shadow(&self) -> Option<&Path> {
        self.found
            .first()
            .filter(|found| !found.is_ours)
            .map(|found| found.path.as_path())
    }

    /// Whether it is ours that is run.
    pub fn is_ready(&self) -> bool {
        self.found.first().is_some_and(|found| found.is_ours)
    }
}

impl LinkPlan {
    /// Makes the link, if one is to be made.
    pub fn apply(&self) -> Result<(), LinkError> {
        let Self::Link { at, repairs } = self else {
            return Ok(());
        };
        let made = if *repairs { replace(at) } else { link(at) };
        made.map_err(|cause| match cause.kind() {
            // Somebody was quicker.
            io::ErrorKind::AlreadyExists => LinkError::InTheWay(at.clone()),
            _ => LinkError::Write {
                at: at.clone(),
                done: "made",
                cause,
            },
        })
    }
}

/// The link that [`remove`] would take away: ours, beside the `kubectl-regcred` that is on PATH.
pub fn removable(alias: Alias, env: &Env) -> Option<PathBuf> {
    let plugin = on_path::programs(PLUGIN, env).into_iter().next()?;
    let at = alias.link_at(&plugin);
    is_made_by_us(&at).then_some(at)
}

/// Takes our own link away, and nothing else. Says which one it was.
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
    // Also one into a folder of krew's store that an upgrade has since removed.
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

/// Never over something that is there: `symlink(2)` fails then.
#[cfg(unix)]
fn link(at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target(), at)
}

/// In one step, so that a client that looks for the helper meanwhile finds one or the other.
#[cfg(unix)]
fn replace(at: &Path) -> io::Result<()> {
    let beside = at.with_file_name(format!(".{PLUGIN}.{}", std::process::id()));
    link(&beside)?;
    std::fs::rename(&beside, at).inspect_err(|_| drop(std::fs::remove_file(&beside)))
}

/// On Windows links take a privilege: a hard link or a copy stands in. Not run anywhere yet.
#[cfg(not(unix))]
fn link(at: &Path) -> io::Result<()> {
    let plugin = at.with_file_name(target()).canonicalize()?;
    if at.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    std::fs::hard_link(&plugin, at).or_else(|_| std::fs::copy(&plugin, at).map(|_| ()))
}

#[cfg(not(unix))]
fn replace(at: &Path) -> io::Result<()> {
    std::fs::remove_file(at)?;
    link(at)
}

#[cfg(not(unix))]
fn is_made_by_us(at: &Path) -> bool {
    // What cargo installs is another program, of other bytes.
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
                .map(|&(path, is_ours, comes_first)| Found {
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
            // Somebody else's, which the link hides.
            (
                program(&[("/usr/bin/d", false, false)], true, Beside::Nothing),
                link(false),
            ),
        ] {
            assert_eq!(program.plan().unwrap(), plan, "{program:?}");
        }
    }

    #[test]
    fn what_is_not_ours_is_named_and_left_alone() {
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
