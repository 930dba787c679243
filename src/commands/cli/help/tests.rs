//! All help pages: complete, correct, and fitting the screen.

use std::collections::BTreeSet;

use super::*;

/// Maximum number of lines of `-h`.
const LINES: usize = 34;
/// Maximum line length of any page, on any screen.
const WIDEST: usize = 100;

/// Calls `check` for every command with its full name.
fn walk(check: &mut dyn FnMut(&str, &mut Command)) {
    fn below(path: &str, command: &mut Command, check: &mut dyn FnMut(&str, &mut Command)) {
        check(path, command);
        for command in command.get_subcommands_mut() {
            let path = format!("{path} {}", command.get_name());
            below(&path, command, check);
        }
    }
    let mut root = command();
    root.build();
    below("kubectl regcred", &mut root, check);
}

/// The examples of our own program as words, without pipes and comments.
fn examples(text: &str) -> Vec<Vec<String>> {
    let ours = |line: &str| {
        let line = line.split(" #").next()?;
        let command = line.split(['|', '>', ')']).map(str::trim).find_map(|part| {
            let at = part
                .find("kubectl regcred ")
                .or_else(|| part.find("kubectl-regcred "))?;
            Some(&part[at + "kubectl regcred ".len()..])
        })?;
        Some(command.split_whitespace().map(str::to_owned).collect())
    };
    text.lines()
        .filter(|line| line.starts_with("  "))
        .filter_map(ours)
        .collect()
}

#[test]
fn every_command_and_flag_has_help() {
    walk(&mut |path, command| {
        assert!(command.get_about().is_some(), "{path}");
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(!examples(&text).is_empty(), "{path} has no example:\n{text}");
        for arg in command.get_arguments() {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(
                help.len() > 4 && !help.ends_with('.'),
                "{path} {}: {help:?}",
                arg.get_id()
            );
        }
    });
}

#[test]
fn the_values_of_output_and_dry_run_are_listed() {
    walk(&mut |path, command| {
        let is_listed = |arg: &&Arg| ["output", "dry_run"].contains(&arg.get_id().as_str());
        for arg in command.get_arguments().filter(is_listed) {
            let possible = arg.get_possible_values();
            let values = possible.iter().map(clap::builder::PossibleValue::get_name);
            let listed = arg.get_value_names().map_or("", |names| names[0].as_str());
            // --dry-run=none is what is done without the flag.
            let values: BTreeSet<&str> = values.chain(["none"]).collect();
            let listed: BTreeSet<&str> = listed.split('|').chain(["none"]).collect();
            assert_eq!(listed, values, "{path} {}", arg.get_id());
        }
    });
}

#[test]
fn the_time_limit_without_the_flag_is_told() {
    let default = crate::cluster::RequestTimeout::default().limit().unwrap();
    let told = format!("[default: {}]", crate::model::duration::show(default));
    walk(&mut |path, command| {
        for arg in command.get_arguments().filter(|arg| arg.get_id() == "request_timeout") {
            let help = arg.get_long_help().unwrap().to_string();
            assert!(help.ends_with(&told), "{path}: {help}");
        }
    });
}

#[test]
fn every_example_is_a_command_line() {
    let mut seen = 0;
    walk(&mut |path, shown| {
        let texts = [shown.get_after_help(), shown.get_after_long_help()];
        let texts = texts.into_iter().flatten().map(ToString::to_string);
        for words in texts.flat_map(|text| examples(&text)) {
            let line = std::iter::once("kubectl-regcred").chain(words.iter().map(String::as_str));
            let parsed = command().try_get_matches_from(line);
            assert!(parsed.is_ok(), "{path}: {words:?}: {}", parsed.unwrap_err());
            seen += 1;
        }
    });
    assert!(seen > 30, "{seen}");
}

#[test]
fn a_short_help_fits_a_screen_and_no_line_is_too_long() {
    let mut too_long: Vec<String> = Vec::new();
    walk(&mut |path, command| {
        let mut narrow = command.clone().term_width(COLUMNS);
        let short = narrow.render_help().to_string();
        let lines = short.lines().count();
        if lines > LINES {
            too_long.push(format!("{path}: {lines} lines\n{short}"));
        }
        for page in [command.render_help(), command.render_long_help()] {
            let page = page.to_string();
            let long: Vec<_> = page.lines().filter(|line| line.chars().count() > WIDEST).collect();
            assert!(long.is_empty(), "{path}: {long:#?}");
        }
    });
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

/// Manual line breaks would look wrong on a narrower screen.
#[test]
fn no_paragraph_is_broken_by_hand() {
    walk(&mut |path, command| {
        let texts = [command.get_after_help(), command.get_after_long_help()];
        for text in texts.into_iter().flatten().map(ToString::to_string) {
            let lines: Vec<&str> = text.lines().collect();
            for pair in lines.windows(2) {
                let is_prose = |line: &str| !line.is_empty() && !line.starts_with("  ") && !line.ends_with(':');
                assert!(!(is_prose(pair[0]) && is_prose(pair[1])), "{path}: {pair:#?}");
            }
        }
    });
}

#[test]
fn the_long_help_is_complete() {
    walk(&mut |path, command| {
        let long = command.render_long_help().to_string();
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let flag = arg.get_long().map_or_else(String::new, |name| format!("--{name}"));
            assert!(long.contains(&flag), "{path} {flag}");
        }
    });
}
