//! `docker-credential-gitea` on PATH, where docker looks for it.
//!
//! krew links one program of a plugin, `kubectl-regcred`, into its bin folder. The helper then is a second link beside
//! it, relative and to the first link: krew replaces the folder that *that* one points to at every upgrade, and a link
//! into it would dangle.

mod link;

pub use link::{removable, remove};

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::on_path;
use super::other_helper::{self, HelperName};
use crate::env::Env;
use crate::model::shell_word;
use link::{is_made_by_us, link_at, target};

/// What docker's clients call the helper.
const HELPER: &str = "docker-credential-gitea";
/// What kubectl calls us.
const PLUGIN: &str = "kubectl-regcred";

/// How long a program may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which `docker-credential-gitea` and `kubectl-regcred` are on PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Those that can be run, in the order of PATH: clients run the first.
    pub helpers: Vec<Found>,
    /// The `kubectl-regcred` that kubectl runs, as it is found on PATH, which with krew is a link.
    pub plugin: Option<PathBuf>,
    /// What lies where the link would be made.
    pub beside: Beside,
}

/// A `docker-credential-gitea` on PATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub path: PathBuf,
    /// Whether it says that it is regcred's.
    pub is_ours: bool,
    /// Whether clients come across it before they look into the folder of `kubectl-regcred`.
    pub comes_first: bool,
}

/// What lies beside `kubectl-regcred` under the helper's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// A link of ours, or one to an earlier place of ours.
    OurLink,
    /// Anything else.
    Other,
}

/// What has to be done so that clients find the helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPlan {
    /// Nothing: this one is found first, and is ours.
    Ready(PathBuf),
    /// A link at this place to the `kubectl-regcred` beside it.
    Link {
        /// The link's path.
        at: PathBuf,
        /// Whether a link of ours that leads nowhere is replaced.
        repairs: bool,
    },
}

/// Why clients cannot be made to find the helper.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Clients would run another program of that name.
    #[error("{} is not regcred's, and it is what docker would run", .0.display())]
    Foreign(PathBuf),
    /// Another file lies where the link has to be.
    #[error("{} is in the way: it is not regcred's and cannot be run", .0.display())]
    InTheWay(PathBuf),
    /// There is no `kubectl-regcred` on PATH to put a link beside.
    #[error("kubectl-regcred is not on PATH, so docker would not find docker-credential-gitea beside it")]
    NotOnPath,
    /// The link cannot be made or taken away.
    #[error("the link {} cannot be {done}: {cause}", at.display())]
    Write {
        /// The link's path.
        at: PathBuf,
        /// `made` or `removed`
        done: &'static str,
        /// What the system says.
        cause: io::Error,
    },
}

impl ProgramError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Foreign(path) | Self::InTheWay(path) => {
                let path = path.display().to_string();
                format!("if nothing needs it, move it away: mv {0} {0}.old", shell_word(&path))
            }
            Self::NotOnPath => "put its folder on PATH; krew's is ~/.krew/bin".to_owned(),
            Self::Write {
                at, done: "removed", ..
            } => format!("sudo rm {}", shell_word(&at.display().to_string())),
            Self::Write { at, .. } => format!("sudo ln -s {PLUGIN} {}", shell_word(&at.display().to_string())),
        }
    }
}

/// Looks at PATH. Every helper of that name is asked for its version, to tell ours from others.
#[must_use]
pub fn observe(env: &Env) -> Program {
    let folders = on_path::folders(env);
    let place = |file: &Path| {
        folders
            .iter()
            .position(|folder| Some(folder.as_path()) == file.parent())
    };
    let plugin = on_path::programs(PLUGIN, env).into_iter().next();
    let ours = plugin.as_deref().and_then(place);
    let helpers = on_path::programs(HELPER, env)
        .into_iter()
        .map(|path| Found {
            is_ours: is_ours(&path, env),
            comes_first: ours.is_none_or(|ours| place(&path).is_some_and(|place| place < ours)),
            path,
        })
        .collect();
    Program {
        helpers,
        beside: plugin
            .as_deref()
            .map_or(Beside::Nothing, |plugin| beside(&link_at(plugin))),
        plugin,
    }
}

impl Program {
    /// What has to be done, without touching anything.
    pub fn plan(&self) -> Result<LinkPlan, ProgramError> {
        let first = self.helpers.first();
        if let Some(found) = first.filter(|found| found.is_ours) {
            return Ok(LinkPlan::Ready(found.path.clone()));
        }
        // What comes after the place of our link, the link hides.
        if let Some(found) = first.filter(|found| found.comes_first) {
            return Err(ProgramError::Foreign(found.path.clone()));
        }
        let at = link_at(self.plugin.as_deref().ok_or(ProgramError::NotOnPath)?);
        match self.beside {
            Beside::Other if first.is_some_and(|found| found.path == at) => Err(ProgramError::Foreign(at)),
            Beside::Other => Err(ProgramError::InTheWay(at)),
            Beside::OurLink => Ok(LinkPlan::Link { at, repairs: true }),
            Beside::Nothing => Ok(LinkPlan::Link { at, repairs: false }),
        }
    }

    /// The helper that clients run, if it is not ours.
    #[must_use]
    pub fn shadow(&self) -> Option<&Path> {
        self.helpers
            .first()
            .filter(|found| !found.is_ours)
            .map(|found| found.path.as_path())
    }

    /// Whether clients run ours.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.helpers.first().is_some_and(|found| found.is_ours)
    }
}

/// Whether this is the name of our own helper.
pub(super) fn is_helper(name: &HelperName) -> bool {
    name.program() == HELPER
}

/// Whether the program at `path` is a helper of regcred's, of whatever version.
pub(super) fn is_ours(path: &Path, env: &Env) -> bool {
    let answer = other_helper::version(path, env, PATIENCE);
    answer.is_some_and(|text| text.starts_with(&format!("{HELPER} (regcred) ")))
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

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "/krew/bin/docker-credential-gitea";

    fn program(helpers: &[(&str, bool, bool)], plugin: bool, beside: Beside) -> Program {
        Program {
            helpers: helpers
                .iter()
                .map(|&(path, is_ours, comes_first)| Found {
                    path: path.into(),
                    is_ours,
                    comes_first,
                })
                .collect(),
            plugin: plugin.then(|| "/krew/bin/kubectl-regcred".into()),
            beside,
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
            assert!(!error.hint().is_empty());
            assert!(!program.is_ready());
        }
    }
}
