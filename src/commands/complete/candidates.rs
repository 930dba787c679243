//! Candidates that clap knows: commands and flags.

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};

use super::line::{Line, takes_value};
use crate::commands::cli;

/// The commands below this one.
pub(super) fn subcommands(command: &Command) -> impl Iterator<Item = (String, String)> {
    command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
        .map(|below| {
            let about = below.get_about().map(ToString::to_string).unwrap_or_default();
            (below.get_name().to_owned(), about)
        })
}

/// The flags that can still be added to the line, in their long form first.
pub(super) fn flags(line: &Line<'_>) -> impl Iterator<Item = (String, String)> {
    let mut parser = lenient();
    let arguments = line.command.get_arguments();
    let possible: Vec<&Arg> = arguments
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set() && goes(&mut parser, line, arg))
        .collect();
    possible.into_iter().flat_map(forms)
}

/// How a flag can be typed.
fn forms(arg: &Arg) -> impl Iterator<Item = (String, String)> {
    let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let long = arg.get_long().map(|name| format!("--{name}"));
    let with_value = long
        .clone()
        .filter(|_| arg.is_require_equals_set())
        .map(|long| format!("{long}="));
    let short = arg.get_short().map(|letter| format!("-{letter}"));
    [long, with_value, short]
        .into_iter()
        .flatten()
        .map(move |form| (form, about.clone()))
}

/// The command line with values of any kind, for asking clap about flags before their values are right.
fn lenient() -> Command {
    fn relax(command: Command) -> Command {
        command
            .mut_args(|arg| {
                if takes_value(&arg) {
                    arg.value_parser(ValueParser::os_string())
                } else {
                    arg
                }
            })
            .mut_subcommands(relax)
    }
    relax(cli::command())
}

/// Whether the flag goes with the rest of the line. This runs clap's parser: its description does not include groups.
fn goes(parser: &mut Command, line: &Line<'_>, arg: &Arg) -> bool {
    // These end the parsing.
    if matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    ) {
        return true;
    }
    let Some(long) = arg.get_long() else { return true };
    let flag = if takes_value(arg) {
        format!("--{long}=x")
    } else {
        format!("--{long}")
    };
    let words = std::iter::once("kubectl-regcred").chain(line.words.iter().map(String::as_str));
    let words: Vec<OsString> = words.chain([flag.as_str()]).map(OsString::from).collect();
    match parser.try_get_matches_from_mut(words) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::ArgumentConflict,
    }
}
