//! One file or folder for each verb: observe → plan → apply → report.

use std::ffi::OsString;
use std::io::ErrorKind as ErrorKindOfIo;

use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::{CommandError, Exit};

mod args;
mod cli;
pub mod complete;
mod completion;
mod docker;
#[cfg(fuzzing)]
pub mod fuzzing;
mod images;
mod keychain;
mod list;
mod login;
mod logout;
mod rbac;
mod rotate;
mod shared;
pub mod status;
mod sync;
mod system;
mod version;
mod r#where;

pub use cli::command;
use cli::{Cli, Verb};
pub use system::{OpenKeychain, Prompter, System};

/// Runs `kubectl regcred` with these arguments, the first of which is the program's own name.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>, system: &mut System<'_>) -> Exit {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let parsed = command()
        .try_get_matches_from(&args)
        .and_then(|found| Cli::from_arg_matches(&found));
    let done = match parsed {
        Ok(cli) => {
            system.output.set_verbose(cli.verbose);
            dispatch(cli.verb, system)
        }
        Err(error) => usage(error, &args, system),
    };
    let exit = done.unwrap_or_else(|error| {
        system.output.error(&error);
        error.exit()
    });
    let Err(error) = system.output.flush() else {
        return exit;
    };
    // The reader, such as `head`, has closed the pipe.
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
        Verb::Status(args) => status::run(&args, system),
        Verb::Where(args) => r#where::run(&args, system),
        Verb::Docker(args) => docker::run(&args, system),
        Verb::Images(args) => images::run(&args, system),
        Verb::Keychain(args) => keychain::run(&args, system),
        Verb::Rbac(args) => rbac::run(&args, system).map(|()| Exit::Done),
        Verb::Completion(args) => completion::run(args.verb, system).map(|()| Exit::Done),
        Verb::Version(args) => version::run(&args, system).map(|()| Exit::Done),
    }
}

/// Flags with which other tools take a token; regcred has none of them.
const TOKEN_FLAGS: [&str; 4] = ["--token", "--password", "--docker-password", "-p"];

/// kubectl's names for flags that have other names here, and what to use instead.
const KUBECTL_FLAGS: [(&str, &str); 3] = [
    (
        "--docker-server",
        "the registry is --registry REGISTRY; login, logout and rotate take it without a flag: kubectl regcred login REGISTRY",
    ),
    ("--docker-username", "the user is -u NAME, or --username NAME"),
    ("--docker-email", "leave it out: no registry uses it"),
];

/// Whether the command line's verb takes a token or a password from standard input, so that one may be in the wrong place.
fn takes_secret(args: &[OsString]) -> bool {
    let root = command();
    let words = args.iter().skip(1).filter_map(|arg| arg.to_str());
    let verb = words.fold(&root, |verb, word| verb.find_subcommand(word).unwrap_or(verb));
    verb.get_arguments()
        .any(|arg| arg.get_id().as_str().ends_with("_stdin"))
}

/// Replaces the value in clap's message. Returns whether there was one.
fn hide_value(error: &mut clap::Error) -> bool {
    let is_value = |kind| match error.get(kind) {
        // A flag of this name is unknown; a word is a value.
        Some(ContextValue::String(text)) if kind == ContextKind::InvalidArg => {
            error.kind() == ErrorKind::UnknownArgument && !text.starts_with('-')
        }
        Some(ContextValue::String(text)) => !text.is_empty(),
        _ => false,
    };
    let kinds = [ContextKind::InvalidArg, ContextKind::InvalidValue];
    let Some(kind) = kinds.into_iter().find(|kind| is_value(*kind)) else {
        return false;
    };
    error.insert(kind, ContextValue::String("…".to_owned()));
    true
}

/// Prints clap's messages: help and version are data, everything else is a usage error.
fn usage(mut error: clap::Error, args: &[OsString], system: &mut System<'_>) -> Result<Exit, CommandError> {
    let unknown = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) if error.kind() == ErrorKind::UnknownArgument => flag.as_str(),
        _ => "",
    };
    if let Some((flag, instead)) = KUBECTL_FLAGS.iter().find(|(flag, _)| *flag == unknown) {
        return Err(CommandError::usage(format_args!("there is no {flag}")).hint(*instead));
    }
    if TOKEN_FLAGS.contains(&unknown) {
        // The value is not printed, because it is a token.
        return Err(CommandError::usage(format_args!(
            "there is no {unknown}: every program on this machine can see a command line, and the shell stores it"
        ))
        .hint(
            "enter it at the prompt, or pipe it: pass gitea/pat | kubectl regcred … --token-stdin; in CI: --token-env VAR",
        )
        .hint("if that was a real token: revoke it"));
    }
    let is_hidden = takes_secret(args) && hide_value(&mut error);
    let text = error.render().to_string();
    match error.kind() {
        // Without arguments, the help is printed, as in kubectl.
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            system.output.document(&text)?;
            Ok(Exit::Done)
        }
        _ => {
            system.output.message(&text);
            if is_hidden {
                system
                    .output
                    .info("hint: the value is not shown, because it may be a token: if it is one, revoke it");
            }
            Ok(Exit::Usage)
        }
    }
}
