//! What `-h` shows: a screen, of which the rest is in `--help`.

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

/// How many examples `-h` shows: the first ones.
const FEW: usize = 3;
const HEADING: &str = "Examples:\n";

/// Where a flag's text goes on with what only `--help` has room for.
const PAUSES: [&str; 6] = ["; ", ": ", ". ", ", ", " (repeatable)", " [default"];
/// The columns of a terminal that nobody has made wider.
const COLUMNS: usize = 80;

/// The command line, as clap is to parse and to explain it.
///
/// Every text is written once, in the flag's and the command's own place: what `-h` leaves out is decided here.
pub fn command() -> Command {
    Cli::command().mut_subcommands(shortened)
}

fn shortened(command: Command) -> Command {
    let whole = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let command = command.mut_subcommands(shortened).mut_args(shortened_flag);
    let Some((_, examples)) = whole.split_once(HEADING) else {
        return command;
    };
    let few: Vec<&str> = examples.lines().take(FEW).map(narrow).collect();
    command
        .after_help(format!("{HEADING}{}", few.join("\n")))
        .after_long_help(whole)
}

/// An example without its comment, where that would not fit.
fn narrow(line: &str) -> &str {
    match line.split_once(" #") {
        Some((command, _)) if line.chars().count() > COLUMNS => command.trim_end(),
        _ => line,
    }
}

fn shortened_flag(arg: Arg) -> Arg {
    let whole = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // A name such as json|yaml lists them already.
    let lists = arg
        .get_value_names()
        .is_some_and(|names| names.iter().any(|name| name.contains('|')));
    let arg = arg.hide_possible_values(lists);
    match PAUSES.iter().filter_map(|pause| whole.find(pause)).min() {
        Some(end) => arg.help(whole[..end].to_owned()).long_help(whole),
        None => arg,
    }
}

#[cfg(test)]
mod tests;
