//! Shortens the help for `-h` to one screen; `--help` shows everything.

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;

/// The number of examples in `-h`.
const FEW: usize = 3;
const HEADING: &str = "Examples:\n";

/// Where a flag's text is cut for `-h`.
const PAUSES: [&str; 6] = ["; ", ": ", ". ", ", ", " (repeatable)", " [default"];
/// The default width of a terminal.
const COLUMNS: usize = 80;

/// The command line for clap.
///
/// Every text is written once, at its flag or command; the short form is derived here.
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

/// Removes an example's comment if the line is too long.
fn narrow(line: &str) -> &str {
    match line.split_once(" #") {
        Some((command, _)) if line.chars().count() > COLUMNS => command.trim_end(),
        _ => line,
    }
}

fn shortened_flag(arg: Arg) -> Arg {
    let whole = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // A value name such as json|yaml already lists the values.
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
