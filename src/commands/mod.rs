//! One file a verb: observe → plan → apply → report.

use std::ffi::OsString;
use std::io::ErrorKind as ErrorKindOfIo;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::cli::{Cli, Verb};
use crate::error::{CommandError, Exit};

mod apply;
mod choose;
pub mod complete;
mod document;
mod env_file;
mod from_docker;
mod list;
mod login;
mod logout;
mod mint;
mod password;
mod rbac;
mod rotate;
mod sync;
mod system;
mod targets;
mod token_source;

pub use system::{OpenKeychain, Person, System};

/// Runs `kubectl regcred` with these arguments, the first of which is the program's own name.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>, system: &mut System<'_>) -> Exit {
    let done = match Cli::try_parse_from(args) {
        Ok(cli) => {
            system.output.set_verbose(cli.verbose);
            dispatch(cli.verb, system)
        }
        Err(error) => usage(&error, system),
    };
    let exit = done.unwrap_or_else(|error| {
        system.output.error(&error);
        error.exit()
    });
    let Err(error) = system.output.flush() else {
        return exit;
    };
    // Whoever read it has had enough, such as `head`, and knows.
    if error.kind() != ErrorKindOfIo::BrokenPipe {
        let error = CommandError::failed(format_args!("standard output: {error}"));
        system.output.error(&error);
    }
    if exit == Exit::Done { Exit::Failed } else { exit }
}

fn dispatch(verb: Verb, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match verb {
        Verb::Login(args) => login::run(&args, system).map(|()| Exit::Done),
        Verb::Logout(args) => logout::run(&args, system).map(|()| Exit::Done),
        Verb::List(args) => list::run(&args, system).map(|()| Exit::Done),
        Verb::Sync(args) => sync::run(&args, system),
        Verb::Rotate(args) => rotate::run(&args, system),
        Verb::Rbac(args) => rbac::run(&args, system).map(|()| Exit::Done),
        Verb::Version => {
            system
                .output
                .line(format_args!("kubectl-regcred v{}", env!("CARGO_PKG_VERSION")))?;
            Ok(Exit::Done)
        }
    }
}

/// clap's own answers: help and version are data, everything else is a wrong usage.
fn usage(error: &clap::Error, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let text = error.render().to_string();
    match error.kind() {
        // Without any argument the help is the answer, as with kubectl.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            system.output.document(&text)?;
            Ok(Exit::Done)
        }
        _ => {
            system.output.message(&text);
            Ok(Exit::Usage)
        }
    }
}
