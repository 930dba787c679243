//! The link of the helper itself: made, replaced and taken away, and never over anything else.

use std::io;
use std::path::{Path, PathBuf};

use super::{HELPER, LinkPlan, PLUGIN, ProgramError, on_path};
use crate::env::Env;

impl LinkPlan {
    /// Makes the link, if one is to be made.
    pub fn apply(&self) -> Result<(), ProgramError> {
        let Self::Link { at, repairs } = self else {
            return Ok(());
        };
        let made = if *repairs { replace(at) } else { link(at) };
        made.map_err(|cause| match cause.kind() {
            // Somebody was quicker.
            io::ErrorKind::AlreadyExists => ProgramError::InTheWay(at.clone()),
            _ => ProgramError::Write {
                at: at.clone(),
                done: "made",
                cause,
            },
        })
    }
}

/// The link that [`remove`] would take away: ours, beside the `kubectl-regcred` that is on PATH.
#[must_use]
pub fn removable(env: &Env) -> Option<PathBuf> {
    let plugin = on_path::programs(PLUGIN, env).into_iter().next()?;
    let at = link_at(&plugin);
    is_made_by_us(&at).then_some(at)
}

/// Takes our own link away, and nothing else. Says which one it was.
pub fn remove(env: &Env) -> Result<Option<PathBuf>, ProgramError> {
    let Some(at) = removable(env) else { return Ok(None) };
    match std::fs::remove_file(&at) {
        Ok(()) => Ok(Some(at)),
        Err(cause) => Err(ProgramError::Write {
            at,
            done: "removed",
            cause,
        }),
    }
}

pub(super) fn link_at(plugin: &Path) -> PathBuf {
    plugin.with_file_name(format!("{HELPER}{}", std::env::consts::EXE_SUFFIX))
}

pub(super) fn target() -> String {
    format!("{PLUGIN}{}", std::env::consts::EXE_SUFFIX)
}

#[cfg(unix)]
pub(super) fn is_made_by_us(at: &Path) -> bool {
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
    let beside = at.with_file_name(format!(".{HELPER}.{}", std::process::id()));
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
pub(super) fn is_made_by_us(at: &Path) -> bool {
    // What cargo installs is another program, of other bytes.
    match (std::fs::read(at), std::fs::read(at.with_file_name(target()))) {
        (Ok(ours), Ok(plugin)) => ours == plugin,
        _ => false,
    }
}
