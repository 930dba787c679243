//! `kubectl regcred version`.

use serde::Serialize;

use super::document;
use super::system::System;
use crate::cli::VersionArgs;
use crate::error::CommandError;

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

pub(super) fn run(args: &VersionArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Some(format) => document::print("Version", &Version { version }, format, system),
        None => Ok(system.output.line(format_args!("kubectl-regcred v{version}"))?),
    }
}
