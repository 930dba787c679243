//! `kubectl regcred status`
use super::system::System;
use crate::cli::StatusArgs;
use crate::error::{CommandError, Exit};

mod code;
mod finding;
mod typed;

pub use code::{Code, Weight};

pub(super) fn run(_args: &StatusArgs, _system: &mut System<'_>) -> Result<Exit, CommandError> {
    Ok(Exit::Done)
}
