//! `kubectl regcred docker`: docker's and podman's files and the keychain.

mod status;

use super::system::System;
use crate::cli::{DockerArgs, DockerVerb};
use crate::error::{CommandError, Exit};

pub(super) fn run(args: &DockerArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        DockerVerb::Status(args) => status::run(args, system).map(|()| Exit::Done),
    }
}
